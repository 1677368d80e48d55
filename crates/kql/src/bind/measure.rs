//! How large and how deep a plan is. Limits rest on this: what is deep is dropped, copied and
//! walked by recursion, and what is large is copied at each use of its name.

use crate::plan::{
    Aggregate, Graph, GraphAsk, GraphQuestion, GraphStep, Named, Op, PluginArgument, Rel, Scalar,
    ScalarKind, SortKey,
};

/// So deep may operators and expressions be nested in a plan.
pub(super) const HEIGHT_MAX: usize = 250;

/// The size and height of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Measure {
    /// Operators, expressions, cells and columns, the latter at a discount
    pub(super) size: usize,
    /// Levels
    pub(super) height: usize,
}

/// What is still to be measured, and at which level.
enum Open<'p> {
    Rel(&'p Rel, usize),
    Scalar(&'p Scalar, usize),
}

/// Measures a plan.
pub(super) fn measure(rel: &Rel) -> Measure {
    measured(Open::Rel(rel, 1))
}

/// Measures an expression.
pub(super) fn measure_scalar(scalar: &Scalar) -> Measure {
    measured(Open::Scalar(scalar, 1))
}

/// Measures without recursion.
fn measured(first: Open<'_>) -> Measure {
    let mut measure = Measure::default();
    let mut parts = Parts { open: vec![first], level: 1 };
    while let Some(open) = parts.open.pop() {
        measure.size += 1;
        match open {
            Open::Rel(rel, level) => {
                measure.height = measure.height.max(level);
                measure.size += rel.schema.len() / 16;
                if let Op::Rows(rows) = &*rel.op {
                    measure.size += rows.iter().map(|row| 1 + row.len() / 8).sum::<usize>();
                }
                parts.level = level + 1;
                parts.of_op(&rel.op);
            }
            Open::Scalar(scalar, level) => {
                measure.height = measure.height.max(level);
                parts.level = level + 1;
                parts.of_scalar(scalar);
            }
        }
    }
    measure
}

struct Parts<'p> {
    open: Vec<Open<'p>>,
    level: usize,
}

impl<'p> Parts<'p> {
    fn rel(&mut self, rel: &'p Rel) {
        self.open.push(Open::Rel(rel, self.level));
    }

    fn scalar(&mut self, scalar: &'p Scalar) {
        self.open.push(Open::Scalar(scalar, self.level));
    }

    fn scalars(&mut self, scalars: impl IntoIterator<Item = &'p Scalar>) {
        scalars.into_iter().for_each(|scalar| self.scalar(scalar));
    }

    fn named(&mut self, named: &'p [Named]) {
        // A column that is only passed on counts as a part of the schema.
        let made = named.iter().map(|one| &one.value);
        self.scalars(made.filter(|value| !matches!(value.kind, ScalarKind::Column(_))));
    }

    fn aggregates(&mut self, aggregates: &'p [Aggregate]) {
        for aggregate in aggregates {
            let made = aggregate.arguments.iter();
            self.scalars(made.filter(|value| !matches!(value.kind, ScalarKind::Column(_))));
        }
    }

    fn keys(&mut self, keys: &'p [SortKey]) {
        self.scalars(keys.iter().map(|key| &key.value));
    }

    fn of_scalar(&mut self, scalar: &'p Scalar) {
        match &scalar.kind {
            ScalarKind::Literal(_)
            | ScalarKind::Column(_)
            | ScalarKind::ToScalar(_)
            | ScalarKind::ScanState { .. } => {}
            ScalarKind::Call { arguments, .. } | ScalarKind::Window { arguments, .. } => {
                self.scalars(arguments);
            }
            ScalarKind::InTable { value, table, .. } => {
                self.scalar(value);
                self.rel(table);
            }
            ScalarKind::Graph { ask, .. } => match ask {
                GraphAsk::Whole => {}
                GraphAsk::All(each) | GraphAsk::Any(each) | GraphAsk::Map(each) => {
                    self.scalar(each);
                }
            },
        }
    }

    fn of_op(&mut self, op: &'p Op) {
        super::operators::inputs(op).into_iter().for_each(|input| self.rel(input));
        match op {
            Op::Table { .. }
            | Op::Rows(_)
            | Op::External { .. }
            | Op::Shared(_)
            | Op::Inner
            | Op::Union { .. }
            | Op::Serialize { .. }
            | Op::Consume { .. } => {}
            Op::Range { from, to, step } => self.scalars([from, to, step]),
            Op::Where { predicate, .. } => self.scalar(predicate),
            Op::Project { columns, .. } => self.named(columns),
            Op::Summarize { keys, aggregates, .. } => {
                self.named(keys);
                self.aggregates(aggregates);
            }
            Op::Sort { keys, .. } => self.keys(keys),
            Op::Take { count, .. } | Op::Sample { count, .. } => self.scalar(count),
            Op::Top { count, keys, .. } => {
                self.scalar(count);
                self.keys(keys);
            }
            Op::SampleDistinct { count, of, .. } => self.scalars([count, of]),
            Op::Join { on, .. } => self.scalars(on.iter().flat_map(|(left, right)| [left, right])),
            Op::MvExpand { columns, .. } | Op::MvApply { columns, .. } => {
                self.scalars(columns.iter().map(|one| &one.value));
            }
            Op::Parse { value, .. } | Op::ParseKv { value, .. } => self.scalar(value),
            Op::MakeSeries { keys, aggregates, series, axis, from, to, step, .. } => {
                self.named(keys);
                self.aggregates(aggregates);
                self.scalars(series.iter().map(|(value, _)| value));
                self.scalars([&axis.value, step].into_iter().chain(from).chain(to));
            }
            Op::TopNestedOp { clauses, .. } => {
                for clause in clauses {
                    self.scalars([&clause.of, &clause.rank]);
                    self.aggregates(&clause.by);
                }
            }
            Op::TopHitters { of, by, .. } => self.scalars([of].into_iter().chain(by)),
            Op::Partition { by, .. } | Op::Reduce { by, .. } => self.scalar(by),
            Op::Scan { order_by, partition_by, steps, .. } => {
                self.keys(order_by);
                self.scalars(partition_by);
                for step in steps {
                    self.scalar(&step.condition);
                    self.scalars(step.assignments.iter().map(|(_, value)| value));
                }
            }
            Op::Plugin { arguments, .. } => {
                for argument in arguments {
                    match argument {
                        PluginArgument::Scalar(scalar) => self.scalar(scalar),
                        PluginArgument::Aggregate(one) => self.scalars(&one.arguments),
                        PluginArgument::Table(_) => {}
                    }
                }
            }
            Op::Graph(graph) => self.graph(graph),
        }
    }

    fn graph(&mut self, graph: &'p Graph) {
        for step in &graph.steps {
            match step {
                GraphStep::WhereNodes(scalar) | GraphStep::WhereEdges(scalar) => {
                    self.scalar(scalar);
                }
                GraphStep::MarkComponents { .. } => {}
            }
        }
        if let GraphQuestion::Match { predicate, columns, .. } = &graph.question {
            self.scalars(predicate);
            self.named(columns);
        }
    }
}
