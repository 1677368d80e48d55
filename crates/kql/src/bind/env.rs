//! What an expression can see where it stands.

use std::cell::RefCell;
use std::rc::Rc;

use super::graph::Variables;
use crate::plan::{Aggregate, Column, Rel, Scalar, ScalarKind};
use crate::syntax::{Parameter, PatternCase, Statement};

/// A typed scalar and the name that its column gets when none is written.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    /// The value
    pub(crate) value: Scalar,
    /// Kusto's name for it, where it has one
    pub(crate) name: Option<String>,
}

/// What an expression stands for.
#[derive(Debug, Clone)]
pub(crate) enum Bound {
    /// A scalar
    Scalar(Typed),
    /// A table
    Table(Rel),
    /// A function without its call: `Item::Function`
    Function(Rc<Function>),
    /// `database(…)`, `workspace(…)`, `cluster(…)`, `app(…)`: ours or not
    Database {
        /// Whether its tables are those of the catalogue
        ours: bool,
    },
    /// Nothing; already reported
    Failed,
}

/// A function of the text or the catalogue.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name
    pub(crate) name: String,
    /// Parameters
    pub(crate) parameters: Vec<Parameter>,
    /// Body; the last statement is the result
    pub(crate) body: Vec<Statement>,
    /// What the body can see
    pub(crate) locals: Locals,
    /// Whether wildcards and `search` find it
    pub(crate) view: bool,
    /// Of the catalogue: its text is not the query's
    pub(crate) stored: bool,
}

/// What a local name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A scalar: a constant, or an argument over the columns of row scope `row`
    Scalar {
        /// Its value
        value: Typed,
        /// The row scope that its columns belong to
        row: usize,
    },
    /// A table
    Table {
        /// Its rows
        rel: Rel,
        /// Whether wildcards and `search` find it
        view: bool,
    },
    /// A function
    Function(Rc<Function>),
    /// `declare pattern`
    Pattern(Rc<Pattern>),
    /// `alias database`
    Database {
        /// Whether its tables are those of the catalogue
        ours: bool,
    },
}

/// A pattern and its cases.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Parameters, the path parameter last
    pub(crate) parameters: Vec<Parameter>,
    /// Whether there is a path parameter
    pub(crate) has_path: bool,
    /// Cases
    pub(crate) cases: Vec<PatternCase>,
    /// What the bodies can see
    pub(crate) locals: Locals,
}

/// Local names, innermost first; adding one leaves the list as it was for others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locals(Option<Rc<Local>>);

#[derive(Debug)]
struct Local {
    name: String,
    item: Item,
    outer: Locals,
}

impl Locals {
    /// These, and one more in front.
    pub(crate) fn with(&self, name: impl Into<String>, item: Item) -> Self {
        Self(Some(Rc::new(Local { name: name.into(), item, outer: self.clone() })))
    }

    /// What a name stands for.
    pub(crate) fn find(&self, name: &str) -> Option<&Item> {
        let mut at = self.0.as_deref();
        while let Some(local) = at {
            if local.name == name {
                return Some(&local.item);
            }
            at = local.outer.0.as_deref();
        }
        None
    }

    /// All names, innermost first, shadowed ones left out.
    pub(crate) fn all(&self) -> Vec<(&str, &Item)> {
        let mut all: Vec<(&str, &Item)> = Vec::new();
        let mut at = self.0.as_deref();
        while let Some(local) = at {
            if !all.iter().any(|(name, _)| *name == local.name) {
                all.push((&local.name, &local.item));
            }
            at = local.outer.0.as_deref();
        }
        all
    }
}

/// Dropping a long list must not recurse.
impl Drop for Local {
    fn drop(&mut self) {
        let mut next = self.outer.0.take();
        while let Some(local) = next {
            match Rc::try_unwrap(local) {
                Ok(mut local) => next = local.outer.0.take(),
                Err(_) => break,
            }
        }
    }
}

/// The columns that a scalar expression can see.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row<'e> {
    /// None: constants only
    None,
    /// Those of the input
    Columns(&'e [Column]),
    /// In a step of `scan`: input columns followed by declared ones, and the steps' names, whose
    /// states are reached by `step.column`
    Scan {
        /// Input, then declared
        columns: &'e [Column],
        /// Names of the steps
        steps: &'e [String],
    },
    /// In `graph-match`: the variables of the pattern
    Pattern(&'e Variables),
    /// In what is asked of each node or edge of a graph, or of each that a variable stands for
    Element {
        /// Its columns
        columns: &'e [Column],
        /// A node, not an edge
        node: bool,
        /// The variables of the pattern, if there is one
        variables: Option<&'e Variables>,
    },
}

impl<'e> Row<'e> {
    /// The columns by position.
    pub(crate) fn columns(self) -> &'e [Column] {
        match self {
            Self::None | Self::Pattern(_) => &[],
            Self::Columns(columns) | Self::Scan { columns, .. } | Self::Element { columns, .. } => {
                columns
            }
        }
    }
}

/// What an expression can see.
#[derive(Debug, Clone)]
pub(crate) struct Env<'e> {
    /// Variables, functions, parameters
    pub(crate) locals: Locals,
    /// Columns
    pub(crate) row: Row<'e>,
    /// Number of the row scope that columns of the result belong to
    pub(crate) row_id: usize,
    /// Where aggregates may be called: calls are collected here, and what stands for a call is
    /// a column numbered from `aggregates_at` on: the outputs of the collected calls in order
    pub(crate) aggregates: Option<&'e RefCell<Vec<Aggregate>>>,
    /// First number of the aggregates' outputs
    pub(crate) aggregates_at: usize,
    /// The columns that `*` stands for in `arg_max(x, *)` and its like; all where absent
    pub(crate) star: Option<&'e [usize]>,
    /// Whether the rows have an order, so that `prev` and its like may be called
    pub(crate) serialized: bool,
    /// What a pipe without a source reads (sub-queries of `mv-apply`, `partition`, `fork`)
    pub(crate) inner: Option<&'e Rel>,
}

impl<'e> Env<'e> {
    /// Only local names.
    pub(crate) fn of(locals: Locals) -> Self {
        Self {
            locals,
            row: Row::None,
            row_id: 0,
            aggregates: None,
            aggregates_at: 0,
            star: None,
            serialized: false,
            inner: None,
        }
    }

    /// The same names over other columns.
    pub(crate) fn over(&self, columns: &'e [Column], row_id: usize) -> Self {
        Self { row: Row::Columns(columns), row_id, ..Self::of(self.locals.clone()) }
    }
}

/// Whether a scalar reads a column.
pub(crate) fn reads_row(value: &Scalar) -> bool {
    match &value.kind {
        ScalarKind::Literal(_) | ScalarKind::ToScalar(_) => false,
        ScalarKind::Column(_) | ScalarKind::ScanState { .. } | ScalarKind::Graph { .. } => true,
        ScalarKind::Call { arguments, .. } => arguments.iter().any(reads_row),
        ScalarKind::Window { .. } => true,
        ScalarKind::InTable { value, .. } => reads_row(value),
    }
}
