//! What a name stands for: column, local, table, stored function, in this order; and names with
//! wildcards.

use std::rc::Rc;

use super::env::Function;
use super::measure::{HEIGHT_MAX, measure, measure_scalar};
use super::{Binder, Bound, Env, Item, Locals, Row, Typed, column, literal, rel};
use crate::plan::{Op, Rel, Scalar, ScalarKind};
use crate::syntax::{self, Kind, Span, StatementKind};
use crate::value::{Type, Value};

/// Edits between two names that are still "did you mean".
const EDITS_MAX: usize = 2;

/// A stored function's text is none; already reported.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Binder<'_> {
    /// A bare name.
    pub(super) fn name(&mut self, name: &str, span: Span, env: &Env<'_>) -> Bound {
        if let Some(at) = env.row.columns().iter().position(|c| c.name == name) {
            if env.aggregates.is_some() {
                let message = format!("the column `{name}` stands outside an aggregate");
                let hint = format!("use take_any({name}), or group by it");
                self.error_hint("KQL236", span, message, Some(hint));
                return Bound::Failed;
            }
            let value = column(env.row.columns(), at);
            return Bound::Scalar(Typed { value, name: Some(name.to_owned()) });
        }
        if let Some(variable) = self.graph_variable(name, env) {
            return Bound::Scalar(variable);
        }
        if let Some(bound) = self.local(name, span, env) {
            return match bound {
                // A column made from a variable is named after the variable.
                Bound::Scalar(typed) => {
                    Bound::Scalar(Typed { name: Some(name.to_owned()), ..typed })
                }
                bound => bound,
            };
        }
        if let Some(table) = self.table(name) {
            return Bound::Table(table);
        }
        if let Some(function) = self.stored(name, span) {
            return function.map_or(Bound::Failed, |f| self.uncalled(f, span, env));
        }
        self.unknown(name, span, env)
    }

    /// A function that is named without parentheses: called where it needs no argument.
    pub(super) fn uncalled(&mut self, function: Rc<Function>, span: Span, env: &Env<'_>) -> Bound {
        if function.parameters.iter().all(|p| p.default.is_some()) {
            return self.call_function(&function, &[], span, env);
        }
        Bound::Function(function)
    }

    fn local(&mut self, name: &str, span: Span, env: &Env<'_>) -> Option<Bound> {
        let item = env.locals.find(name)?.clone();
        Some(match item {
            Item::Scalar { value, row } => {
                let found = measure_scalar(&value.value);
                if found.height > HEIGHT_MAX {
                    self.error("KQL402", span, "the value is nested too deep");
                    return Some(Bound::Failed);
                }
                if !self.grow(found.size, span) {
                    return Some(Bound::Failed);
                }
                self.scalar_of(&value, row, span, env)
            }
            Item::Table { rel, .. } => {
                if !self.grow(measure(&rel).size, span) {
                    return Some(Bound::Failed);
                }
                Bound::Table(rel)
            }
            Item::Function(function) => self.uncalled(function, span, env),
            Item::Database { ours } => Bound::Database { ours },
            Item::Pattern(pattern) => self.call_pattern(&pattern, &[], None, span, env),
        })
    }

    /// A table of the catalogue.
    pub(super) fn table(&mut self, name: &str) -> Option<Rel> {
        let schema = self.catalog.table(name)?;
        Some(rel(Op::Table { name: name.to_owned() }, schema))
    }

    /// A stored function, parsed; an error where its text cannot be read, which is reported.
    pub(super) fn stored(
        &mut self,
        name: &str,
        span: Span,
    ) -> Option<Result<Rc<Function>, Unreadable>> {
        if let Some(known) = self.parsed.get(name) {
            return Some(Ok(Rc::clone(known)));
        }
        let stored = self.catalog.function(name)?;
        // The line's end: the text may close with a comment.
        let text = format!("let f = {}\n;", stored.text);
        let (tree, found) = syntax::parse(&text);
        let wrong = found.iter().find(|d| d.severity == crate::diagnostic::Severity::Error);
        let only = tree.statements.len() == 1;
        let statement = tree.statements.into_iter().next().filter(|_| only);
        if let Some(StatementKind::Let { value, .. }) = statement.map(|s| s.kind)
            && let Kind::Function { parameters, body } = *value.kind
            && wrong.is_none()
        {
            let function = Rc::new(Function {
                name: name.to_owned(),
                parameters,
                body,
                locals: Locals::default(),
                view: true,
                stored: true,
            });
            self.parsed.insert(name.to_owned(), Rc::clone(&function));
            return Some(Ok(function));
        }
        let why = wrong.map_or_else(String::new, |found| format!(": {}", found.message));
        self.error("KQL230", span, format!("the stored function `{name}` cannot be read{why}"));
        Some(Err(Unreadable))
    }

    fn unknown(&mut self, name: &str, span: Span, env: &Env<'_>) -> Bound {
        if self.unsure() && !matches!(env.row, Row::None) {
            // A column of a table that is not known: empty here.
            let value = literal(Value::Null, Type::Dynamic);
            return Bound::Scalar(Typed { value, name: Some(name.to_owned()) });
        }
        let columns = env.row.columns().iter().map(|c| c.name.as_str());
        let locals = env.locals.all();
        let mut near = nearest(name, columns.chain(locals.iter().map(|(name, _)| *name)));
        if near.is_none() && matches!(env.row, Row::None) {
            let mut known = self.catalog.tables();
            known.extend(self.catalog.functions());
            near = nearest(name, known.iter().map(String::as_str));
        }
        let (code, what) = match env.row {
            Row::None => ("KQL201", "no table, variable or function"),
            _ => ("KQL202", "no column, table, variable or function"),
        };
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        self.error_hint(code, span, format!("there is {what} `{name}`"), hint);
        Bound::Failed
    }

    /// Tables whose names match a pattern with `*`: locals that are views, then the catalogue's.
    pub(super) fn tables_like(&mut self, pattern: &str, env: &Env<'_>) -> Vec<(String, Rel)> {
        let mut found: Vec<(String, Rel)> = Vec::new();
        for (name, item) in env.locals.all() {
            if let Item::Table { rel, view: true } = item
                && like(pattern, name)
            {
                found.push((name.to_owned(), rel.clone()));
            }
        }
        for name in self.catalog.tables() {
            if like(pattern, &name)
                && let Some(table) = self.table(&name)
            {
                found.push((name, table));
            }
        }
        found
    }

    /// A state's column in `scan`: `step.column`.
    pub(super) fn scan_state(&self, step: &str, name: &str, env: &Env<'_>) -> Option<Typed> {
        let Row::Scan { columns, steps } = env.row else { return None };
        let step = steps.iter().position(|s| s == step)?;
        let at = columns.iter().position(|c| c.name == name)?;
        let kind = ScalarKind::ScanState { step, column: at };
        Some(Typed { value: Scalar { kind, ty: columns[at].ty }, name: Some(name.to_owned()) })
    }
}

/// Whether a name matches a pattern in which `*` stands for any text.
pub(crate) fn like(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The nearest of some names, if it is near enough to be what was meant.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let folded = name.to_lowercase();
    let limit = EDITS_MAX.min(name.chars().count() / 2);
    names
        .map(|other| (edits(&folded, &other.to_lowercase(), limit), other))
        .filter(|(edits, _)| *edits <= limit)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, other)| other.to_owned())
}

/// Damerau-Levenshtein distance without transposed pairs counted twice; more than `limit` is
/// reported as `limit + 1`.
fn edits(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit || a.len().max(b.len()) > 128 {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut this = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j - 1] + change).min(last[j] + 1).min(this[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            this.push(best);
        }
        before = std::mem::replace(&mut last, this);
    }
    last[b.len()].min(limit + 1)
}
