//! The parts of a plan, one after the other.

use kql::plan::{
    Aggregate, GraphAsk, GraphQuestion, GraphStep, Named, Op, PluginArgument, Rel, Scalar,
    ScalarKind, SortKey,
};

/// A part directly below an operator.
pub(crate) enum Part<'a> {
    /// Rows that go in, or a sub-query
    Rel(&'a mut Rel),
    /// An expression
    Scalar(&'a mut Scalar),
}

/// Calls `f` with each part directly below an operator.
pub(crate) fn parts(op: &mut Op, f: &mut dyn FnMut(Part<'_>)) {
    match op {
        Op::Table { .. } | Op::Rows(_) | Op::External { .. } | Op::Shared(_) | Op::Inner => {}
        Op::Range { from, to, step } => {
            for scalar in [from, to, step] {
                f(Part::Scalar(scalar));
            }
        }
        Op::Where { input, predicate } => {
            f(Part::Rel(input));
            f(Part::Scalar(predicate));
        }
        Op::Project { input, columns } => {
            f(Part::Rel(input));
            named(columns, f);
        }
        Op::Summarize { input, keys, aggregates } => {
            f(Part::Rel(input));
            named(keys, f);
            for aggregate in aggregates {
                arguments(aggregate, f);
            }
        }
        Op::Sort { input, keys } => {
            f(Part::Rel(input));
            sort_keys(keys, f);
        }
        Op::Take { input, count } | Op::Sample { input, count } => {
            f(Part::Rel(input));
            f(Part::Scalar(count));
        }
        Op::Top { input, count, keys } => {
            f(Part::Rel(input));
            f(Part::Scalar(count));
            sort_keys(keys, f);
        }
        Op::SampleDistinct { input, count, of } => {
            f(Part::Rel(input));
            f(Part::Scalar(count));
            f(Part::Scalar(of));
        }
        Op::Serialize { input } | Op::Consume { input } => f(Part::Rel(input)),
        Op::Join { left, right, on, .. } => {
            f(Part::Rel(left));
            f(Part::Rel(right));
            for (l, r) in on {
                f(Part::Scalar(l));
                f(Part::Scalar(r));
            }
        }
        Op::Union { legs } => legs.iter_mut().for_each(|leg| f(Part::Rel(leg))),
        Op::MvExpand { input, columns, .. } => {
            f(Part::Rel(input));
            columns.iter_mut().for_each(|column| f(Part::Scalar(&mut column.value)));
        }
        Op::MvApply { input, columns, body, .. } => {
            f(Part::Rel(input));
            columns.iter_mut().for_each(|column| f(Part::Scalar(&mut column.value)));
            f(Part::Rel(body));
        }
        Op::Parse { input, value, .. } | Op::ParseKv { input, value, .. } => {
            f(Part::Rel(input));
            f(Part::Scalar(value));
        }
        Op::MakeSeries { input, keys, aggregates, series, axis, from, to, step, .. } => {
            f(Part::Rel(input));
            named(keys, f);
            aggregates.iter_mut().for_each(|aggregate| arguments(aggregate, f));
            series.iter_mut().for_each(|(value, _)| f(Part::Scalar(value)));
            f(Part::Scalar(&mut axis.value));
            for scalar in [from, to].into_iter().flatten() {
                f(Part::Scalar(scalar));
            }
            f(Part::Scalar(step));
        }
        Op::TopNestedOp { input, clauses } => {
            f(Part::Rel(input));
            for clause in clauses {
                f(Part::Scalar(&mut clause.of));
                clause.by.iter_mut().for_each(|aggregate| arguments(aggregate, f));
                f(Part::Scalar(&mut clause.rank));
            }
        }
        Op::TopHitters { input, of, by, .. } => {
            f(Part::Rel(input));
            f(Part::Scalar(of));
            by.iter_mut().for_each(|by| f(Part::Scalar(by)));
        }
        Op::Partition { input, by, body } => {
            f(Part::Rel(input));
            f(Part::Scalar(by));
            f(Part::Rel(body));
        }
        Op::Scan { input, order_by, partition_by, steps, .. } => {
            f(Part::Rel(input));
            sort_keys(order_by, f);
            partition_by.iter_mut().for_each(|by| f(Part::Scalar(by)));
            for step in steps {
                f(Part::Scalar(&mut step.condition));
                step.assignments.iter_mut().for_each(|(_, value)| f(Part::Scalar(value)));
            }
        }
        Op::Reduce { input, by, .. } => {
            f(Part::Rel(input));
            f(Part::Scalar(by));
        }
        Op::Plugin { input, arguments: given, .. } => {
            input.iter_mut().for_each(|input| f(Part::Rel(input)));
            for argument in given {
                match argument {
                    PluginArgument::Scalar(scalar) => f(Part::Scalar(scalar)),
                    PluginArgument::Aggregate(aggregate) => arguments(aggregate, f),
                    PluginArgument::Table(rel) => f(Part::Rel(rel)),
                }
            }
        }
        Op::Graph(graph) => {
            f(Part::Rel(&mut graph.edges));
            graph.nodes.iter_mut().for_each(|(rel, _)| f(Part::Rel(rel)));
            for step in &mut graph.steps {
                match step {
                    GraphStep::WhereNodes(scalar) | GraphStep::WhereEdges(scalar) => {
                        f(Part::Scalar(scalar));
                    }
                    GraphStep::MarkComponents { .. } => {}
                }
            }
            if let GraphQuestion::Match { predicate, columns, .. } = &mut graph.question {
                predicate.iter_mut().for_each(|scalar| f(Part::Scalar(scalar)));
                named(columns, f);
            }
        }
    }
}

fn named(columns: &mut [Named], f: &mut dyn FnMut(Part<'_>)) {
    columns.iter_mut().for_each(|column| f(Part::Scalar(&mut column.value)));
}

fn arguments(aggregate: &mut Aggregate, f: &mut dyn FnMut(Part<'_>)) {
    aggregate.arguments.iter_mut().for_each(|argument| f(Part::Scalar(argument)));
}

fn sort_keys(keys: &mut [SortKey], f: &mut dyn FnMut(Part<'_>)) {
    keys.iter_mut().for_each(|key| f(Part::Scalar(&mut key.value)));
}

/// Calls `f` with the expressions directly below an expression.
pub(crate) fn scalars(scalar: &mut Scalar, f: &mut dyn FnMut(&mut Scalar)) {
    match &mut scalar.kind {
        ScalarKind::Call { arguments, .. } | ScalarKind::Window { arguments, .. } => {
            arguments.iter_mut().for_each(f);
        }
        ScalarKind::InTable { value, .. } => f(value),
        ScalarKind::Graph { ask, .. } => match ask {
            GraphAsk::Whole => {}
            GraphAsk::All(body) | GraphAsk::Any(body) | GraphAsk::Map(body) => f(body),
        },
        ScalarKind::Literal(_)
        | ScalarKind::Column(_)
        | ScalarKind::ToScalar(_)
        | ScalarKind::ScanState { .. } => {}
    }
}
