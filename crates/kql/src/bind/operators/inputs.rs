//! What operators read, and whether that has an order.

use crate::plan::{Op, PluginArgument, Rel};

/// Whether the rows have an order that `prev` and its like may rely on (Kusto page "window
/// functions").
pub(in super::super) fn serialized(rel: &Rel) -> bool {
    let mut at = rel;
    loop {
        at = match &*at.op {
            Op::Sort { .. }
            | Op::Serialize { .. }
            | Op::Top { .. }
            | Op::Range { .. }
            | Op::Scan { .. }
            | Op::Inner
            | Op::TopNestedOp { .. }
            | Op::TopHitters { .. } => return true,
            Op::Where { input, .. }
            | Op::Project { input, .. }
            | Op::Take { input, .. }
            | Op::MvExpand { input, .. }
            | Op::Parse { input, .. }
            | Op::ParseKv { input, .. } => input,
            _ => return false,
        }
    }
}

/// The tables that an operator reads.
pub(in super::super) fn inputs(op: &Op) -> Vec<&Rel> {
    match op {
        Op::Table { .. }
        | Op::Rows(_)
        | Op::Range { .. }
        | Op::External { .. }
        | Op::Shared(_)
        | Op::Inner => Vec::new(),
        Op::Where { input, .. }
        | Op::Project { input, .. }
        | Op::Summarize { input, .. }
        | Op::Sort { input, .. }
        | Op::Take { input, .. }
        | Op::Top { input, .. }
        | Op::Sample { input, .. }
        | Op::SampleDistinct { input, .. }
        | Op::Serialize { input }
        | Op::MvExpand { input, .. }
        | Op::Parse { input, .. }
        | Op::ParseKv { input, .. }
        | Op::MakeSeries { input, .. }
        | Op::TopNestedOp { input, .. }
        | Op::TopHitters { input, .. }
        | Op::Scan { input, .. }
        | Op::Reduce { input, .. }
        | Op::Consume { input } => vec![input],
        Op::MvApply { input, body, .. } | Op::Partition { input, body, .. } => vec![input, body],
        Op::Join { left, right, .. } => vec![left, right],
        Op::Union { legs } => legs.iter().collect(),
        Op::Plugin { input, arguments, .. } => {
            let tables = arguments.iter().filter_map(|argument| match argument {
                PluginArgument::Table(table) => Some(table),
                _ => None,
            });
            input.iter().chain(tables).collect()
        }
        Op::Graph(graph) => {
            let nodes = graph.nodes.iter().map(|(nodes, _)| nodes);
            std::iter::once(&graph.edges).chain(nodes).collect()
        }
    }
}
