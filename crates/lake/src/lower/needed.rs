//! Which columns of an operator's input are looked at, given which of its output are.
//!
//! DataFusion leaves out what it knows to be unused; what our own nodes make or collect is for
//! us to know.

use kql::plan::{JoinKind, Op, Rel, Scalar, ScalarKind};

/// Whether each column is looked at.
pub(crate) type Needed = Vec<bool>;

/// The columns of the first input that are looked at; `None` where that is not known.
pub(crate) fn of_input(rel: &Rel, needed: &Needed) -> Option<Needed> {
    let none = |input: &Rel| vec![false; input.schema.len()];
    Some(match &*rel.op {
        Op::Where { predicate, .. } => {
            let mut all = needed.clone();
            mark(predicate, &mut all);
            all
        }
        Op::Project { input, columns } => {
            let mut all = none(input);
            let seen = columns.iter().zip(needed).filter(|(_, needed)| **needed);
            seen.for_each(|(column, _)| mark(&column.value, &mut all));
            all
        }
        Op::Summarize { input, keys, aggregates } => {
            let mut all = none(input);
            keys.iter().for_each(|key| mark(&key.value, &mut all));
            aggregates.iter().flat_map(|a| &a.arguments).for_each(|a| mark(a, &mut all));
            all
        }
        Op::Sort { keys, .. } | Op::Top { keys, .. } => {
            let mut all = needed.clone();
            keys.iter().for_each(|key| mark(&key.value, &mut all));
            all
        }
        Op::Take { .. } | Op::Sample { .. } | Op::Serialize { .. } | Op::Consume { .. } => {
            needed.clone()
        }
        Op::Parse { input, value, columns, .. } => {
            let mut all: Needed = needed.iter().copied().take(input.schema.len()).collect();
            for (at, _) in columns {
                // What is replaced is not looked at.
                if let Some(place) = all.get_mut(*at) {
                    *place = false;
                }
            }
            mark(value, &mut all);
            all
        }
        Op::MvExpand { input, columns, .. } => {
            let mut all: Needed = needed.iter().copied().take(input.schema.len()).collect();
            columns.iter().for_each(|column| mark(&column.value, &mut all));
            all
        }
        Op::MakeSeries { input, keys, aggregates, axis, .. } => {
            let mut all = none(input);
            keys.iter().for_each(|key| mark(&key.value, &mut all));
            aggregates.iter().flat_map(|a| &a.arguments).for_each(|a| mark(a, &mut all));
            mark(&axis.value, &mut all);
            all
        }
        Op::Join { kind, left, on, .. } => {
            // The left columns come first, if they come at all.
            let mut all = none(left);
            if !matches!(kind, JoinKind::RightAnti | JoinKind::RightSemi) {
                all.iter_mut().zip(needed).for_each(|(place, needed)| *place = *needed);
            }
            on.iter().for_each(|(key, _)| mark(key, &mut all));
            all
        }
        Op::Union { .. } => needed.clone(),
        _ => return None,
    })
}

/// Marks the columns that an expression reads.
fn mark(scalar: &Scalar, all: &mut Needed) {
    match &scalar.kind {
        ScalarKind::Column(at) => {
            if let Some(place) = all.get_mut(*at) {
                *place = true;
            }
        }
        ScalarKind::Call { arguments, .. } | ScalarKind::Window { arguments, .. } => {
            arguments.iter().for_each(|argument| mark(argument, all));
        }
        ScalarKind::InTable { value, .. } => mark(value, all),
        // What is not known reads all.
        ScalarKind::Graph { .. } => all.fill(true),
        ScalarKind::Literal(_) | ScalarKind::ToScalar(_) | ScalarKind::ScanState { .. } => {}
    }
}
