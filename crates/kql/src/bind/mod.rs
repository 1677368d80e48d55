//! Tree → bound, typed query (`plan::Query`): names, types, the names of output columns.
//!
//! Binding never fails: it returns diagnostics, and a query where there was no error. `let` binds
//! a calculation, so its value is put in at each use; functions are put in at each call. What a
//! text can blow up to is limited.

mod aggregate;
mod call;
mod catalog;
mod chain;
mod check;
mod column_calls;
mod env;
mod function;
mod graph;
mod measure;
mod named_call;
mod names;
mod naming;
mod operators;
mod outputs;
mod scalar;
mod signature;
mod statement;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Severity};
use crate::functions::Context;
use crate::plan::{Column, Op, Query, Rel, Render, Scalar, ScalarKind, Schema};
use crate::syntax::{self, Span, Tree};
use crate::value::{Type, Value};

pub use catalog::{Catalog, StoredFunction, Tables};
pub(crate) use env::{Bound, Env, Item, Locals, Row, Typed};

/// A query may not become larger than so many operators and expressions.
const NODES_MAX: usize = 200_000;
/// Functions, sub-queries and expressions may be nested so deep.
const DEPTH_MAX: usize = 128;

/// Finds the columns that a plugin gives when they depend on its rows (`bag_unpack`, `pivot`):
/// takes a query whose `rel` is the plugin with the columns that are sure, and that has all that
/// was shared so far. `engine::discover` is made for this.
pub type Discover<'a> = &'a dyn Fn(&Query) -> Option<Schema>;

/// What binding gives.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The query; `None` where there was an error, or the text holds no query
    pub query: Option<Query>,
    /// Findings in the order of the text
    pub diagnostics: Vec<Diagnostic>,
}

/// Binds a text's tree against a catalogue.
pub fn bind(
    tree: &Tree,
    catalog: &dyn Catalog,
    context: Context,
    discover: Option<Discover<'_>>,
) -> Binding {
    let mut binder = Binder {
        catalog,
        context,
        discover,
        diagnostics: Vec::new(),
        shared: Vec::new(),
        scalars: Vec::new(),
        further: Vec::new(),
        render: None,
        options: Vec::new(),
        open: false,
        found: Vec::new(),
        absent: false,
        named: Vec::new(),
        unnamed: 0,
        calls: 0,
        checked: 0,
        parsed: HashMap::new(),
        entered: Vec::new(),
        nodes: 0,
        depth: 0,
        rows: 0,
    };
    let rel = binder.tree(tree);
    let mut diagnostics = binder.diagnostics;
    diagnostics.sort_by_key(|found| (found.start, found.end));
    diagnostics.dedup();
    let failed = diagnostics.iter().any(|found| found.severity == Severity::Error);
    let query = rel.filter(|_| !failed).map(|rel| Query {
        rel,
        open: binder.open,
        render: binder.render,
        options: binder.options,
        shared: binder.shared,
        scalars: binder.scalars,
        further: binder.further,
    });
    Binding { query, diagnostics }
}

/// Parses and binds a text.
pub fn compile(
    text: &str,
    catalog: &dyn Catalog,
    context: Context,
    discover: Option<Discover<'_>>,
) -> Binding {
    let (tree, mut diagnostics) = syntax::parse(text);
    let mut binding = bind(&tree, catalog, context, discover);
    if diagnostics.iter().any(|found| found.severity == Severity::Error) {
        // What does not parse is not judged further: most of it would be echoes.
        binding.query = None;
        binding.diagnostics.clear();
    }
    diagnostics.append(&mut binding.diagnostics);
    Binding { query: binding.query, diagnostics }
}

/// One run over a tree.
pub(crate) struct Binder<'a> {
    pub(crate) catalog: &'a dyn Catalog,
    pub(crate) context: Context,
    pub(crate) discover: Option<Discover<'a>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) shared: Vec<Rel>,
    pub(crate) scalars: Vec<Rel>,
    pub(crate) further: Vec<(String, Rel)>,
    pub(crate) render: Option<Render>,
    pub(crate) options: Vec<(String, Value)>,
    pub(crate) open: bool,
    /// Plugins whose columns were found, so that a second use of a name finds them again
    found: Vec<(Rel, Schema)>,
    /// Whether a table is absent that `isfuzzy` forgives: its columns are not known
    pub(crate) absent: bool,
    /// What `as` and its like named, for the statements that follow
    pub(crate) named: Vec<(String, Item)>,
    /// Columns without a name so far
    unnamed: usize,
    /// Calls of functions that are being bound
    calls: usize,
    /// What judging bodies where they are written has cost
    checked: usize,
    /// Stored functions, parsed at their first use
    parsed: HashMap<String, Rc<env::Function>>,
    /// Stored functions whose bodies are being bound, outermost first
    entered: Vec<String>,
    nodes: usize,
    depth: usize,
    /// Row scopes opened so far: each has a number
    rows: usize,
}

impl Binder<'_> {
    /// Reports an error.
    pub(crate) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, span, message));
    }

    /// Reports an error with a hint.
    pub(crate) fn error_hint(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let mut found = Diagnostic::error(code, span, message);
        found.hint = hint;
        self.diagnostics.push(found);
    }

    /// Counts `n` new nodes; says no (once) when the query has grown too large.
    pub(crate) fn grow(&mut self, n: usize, span: Span) -> bool {
        let before = self.nodes;
        self.nodes = self.nodes.saturating_add(n);
        if before <= NODES_MAX && self.nodes > NODES_MAX {
            self.error("KQL401", span, "the query becomes too large");
        }
        self.nodes <= NODES_MAX
    }

    /// Runs `inside` one level deeper; says no when that is too deep.
    pub(crate) fn deeper<T>(
        &mut self,
        span: Span,
        otherwise: impl FnOnce() -> T,
        inside: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if self.depth >= DEPTH_MAX {
            self.error("KQL402", span, "the query is nested too deep");
            return otherwise();
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// A number for a new row scope.
    pub(crate) fn new_row(&mut self) -> usize {
        self.rows += 1;
        self.rows
    }

    /// Whether an error was reported.
    pub(crate) fn failed(&self) -> bool {
        self.diagnostics.iter().any(|found| found.severity == Severity::Error)
    }
}

/// A rel without rows and columns, after an error.
pub(crate) fn nothing() -> Rel {
    Rel { op: Box::new(Op::Rows(Vec::new())), schema: Vec::new() }
}

/// A rel.
pub(crate) fn rel(op: Op, schema: Schema) -> Rel {
    Rel { op: Box::new(op), schema }
}

/// A constant.
pub(crate) fn literal(value: Value, ty: Type) -> Scalar {
    Scalar { kind: ScalarKind::Literal(value), ty }
}

/// Column `at` of a schema.
pub(crate) fn column(columns: &[Column], at: usize) -> Scalar {
    Scalar { kind: ScalarKind::Column(at), ty: columns[at].ty }
}

/// A call of a function or operator.
pub(crate) fn call(function: &str, arguments: Vec<Scalar>, ty: Type) -> Scalar {
    Scalar { kind: ScalarKind::Call { function: Arc::from(function), arguments }, ty }
}

#[cfg(test)]
mod tests;
