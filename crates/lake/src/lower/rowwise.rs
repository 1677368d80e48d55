//! Operators that look at one row at a time: `mv-expand`, `parse`, `parse-kv`, `mv-apply`.

use kql::plan::{Op, ParseKind, Rel};
use kql::value::Type;

use super::scalar::has_window;
use super::{Lowered, Lowering, Needed};
use crate::error::Result;
use crate::node::{Expanded, Node, is_plain};

impl Lowering<'_> {
    pub(super) fn expand(&mut self, rel: &Rel, input: Lowered) -> Result<Lowered> {
        let Op::MvExpand { columns, limit, item_index, bags_as_arrays, .. } = &*rel.op else {
            return self.operator(rel, vec![input]);
        };
        let known = |ty: Type| ty == Type::Dynamic;
        if columns.iter().any(|c| has_window(&c.value) || !known(c.value.ty)) {
            return self.operator(rel, vec![input]);
        }
        let scope = self.scope(&input);
        let mut values = Vec::with_capacity(columns.len());
        for column in columns {
            values.push(("expand", scope.value(&column.value)?));
        }
        let (plan, from) = self.append(input.plan, values)?;
        let mut names = input.names;
        names.resize(rel.schema.len(), String::new());
        let mut expanded = Vec::with_capacity(columns.len());
        for (column, from) in columns.iter().zip(from) {
            let to = self.fresh(&rel.schema[column.at].name);
            names[column.at].clone_from(&to);
            expanded.push(Expanded { from, to, ty: column.ty });
        }
        let item_index = item_index.map(|at| {
            let name = self.fresh(&rel.schema[at].name);
            names[at].clone_from(&name);
            name
        });
        let node = Node::Expand {
            columns: expanded,
            limit: *limit,
            item_index,
            bags_as_arrays: *bags_as_arrays,
        };
        self.node(node, vec![plan], names)
    }

    pub(super) fn parse(&mut self, rel: &Rel, input: Lowered, needed: &Needed) -> Result<Lowered> {
        let Op::Parse { value, kind, pattern, columns, only_matching, .. } = &*rel.op else {
            return self.operator(rel, vec![input]);
        };
        let types: Vec<Type> = columns.iter().map(|(_, ty)| *ty).collect();
        if has_window(value) || !is_plain(*kind, pattern, &types) {
            return self.by_batch(rel, input);
        }
        let Some(text) = self.scope(&input).text(value)? else {
            return self.by_batch(rel, input);
        };
        let (plan, value) = self.append(input.plan, vec![("text", text)])?;
        let mut names = input.names;
        names.resize(rel.schema.len(), String::new());
        let mut made = Vec::with_capacity(columns.len());
        for (at, ty) in columns {
            let name = self.fresh(&rel.schema[*at].name);
            names[*at].clone_from(&name);
            // A capture that nobody looks at is found, but not kept: unless its conversion may
            // fail, and with it the row.
            let kept = needed.get(*at) == Some(&true) || *ty != Type::String;
            made.push((name, *ty, kept));
        }
        let node = Node::Parse {
            value: value.into_iter().next().unwrap_or_default(),
            pattern: pattern.clone(),
            columns: made,
            relaxed: *kind == ParseKind::Relaxed,
            only_matching: *only_matching,
        };
        self.node(node, vec![plan], names)
    }

    /// Run by the engine in memory, a batch at a time.
    pub(super) fn by_batch(&mut self, rel: &Rel, input: Lowered) -> Result<Lowered> {
        let windows = match &*rel.op {
            Op::Parse { value, .. } | Op::ParseKv { value, .. } => has_window(value),
            Op::MvApply { columns, .. } => columns.iter().any(|column| has_window(&column.value)),
            _ => true,
        };
        self.in_memory(rel, vec![input], !windows)
    }
}
