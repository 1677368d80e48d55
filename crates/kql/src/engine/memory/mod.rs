//! The engine in memory: every operator over rows held as values.
//!
//! For tests and small data, and as the executor of single operators for another engine. Each
//! step has all its input before it begins; limits are checked as rows come out.

mod aggregate;
mod expand;
mod external;
mod graph;
mod join;
mod nested;
mod order;
mod parse;
mod parse_kv;
mod partition;
mod reduce;
mod rowwise;
mod scan;
mod series;
mod source;
mod summarize;

pub(super) use aggregate::{Calls, Groups};
pub use expand::element_as;
pub use external::read as read_external;

use super::{Answer, Cancel, Engine, EngineError, Env, Limits, Result, Row, Rows, Source, plugins};
use crate::functions::Context;
use crate::plan::{JoinKind, Op, PluginArgument, Query, Rel, Scalar, ScalarKind};

/// Runs queries over the rows of a source.
pub struct Memory<'a> {
    source: &'a dyn Source,
    context: Context,
}

impl std::fmt::Debug for Memory<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("context", &self.context).finish_non_exhaustive()
    }
}

impl<'a> Memory<'a> {
    /// An engine over a source; `context` has the time that `now()` gives.
    pub fn new(source: &'a dyn Source, context: Context) -> Self {
        Self { source, context }
    }
}

impl Engine for Memory<'_> {
    fn run(&self, query: &Query, limits: &Limits, cancel: &Cancel) -> Result<Answer> {
        let env = Env::new(query, self.source, self.context, limits, cancel);
        let mut rows = run(&query.rel, &env)?;
        let mut truncated = cut(&mut rows.rows, limits.rows);
        let mut further = Vec::new();
        for (name, rel) in &query.further {
            let mut rows = run(rel, &env)?;
            truncated |= cut(&mut rows.rows, limits.rows);
            further.push((name.clone(), rows));
        }
        let Rows { schema, rows } = rows;
        Ok(Answer { schema, rows, further, render: query.render.clone(), truncated })
    }
}

fn cut(rows: &mut Vec<Row>, most: usize) -> bool {
    let more = rows.len() > most;
    rows.truncate(most);
    more
}

/// The relations whose rows go into an operator, in the order that [`operator`] takes them.
/// Sub-queries that read `Op::Inner` are not among them: the operator runs those itself.
pub fn inputs(op: &Op) -> Vec<&Rel> {
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
        | Op::MvApply { input, .. }
        | Op::Parse { input, .. }
        | Op::ParseKv { input, .. }
        | Op::MakeSeries { input, .. }
        | Op::TopNestedOp { input, .. }
        | Op::TopHitters { input, .. }
        | Op::Partition { input, .. }
        | Op::Scan { input, .. }
        | Op::Reduce { input, .. }
        | Op::Consume { input } => vec![input],
        Op::Join { left, right, .. } => vec![left, right],
        Op::Union { legs } => legs.iter().collect(),
        Op::Plugin { input, arguments, .. } => {
            let tables = arguments.iter().filter_map(|argument| match argument {
                PluginArgument::Table(rel) => Some(rel),
                _ => None,
            });
            input.iter().chain(tables).collect()
        }
        Op::Graph(graph) => {
            let nodes = graph.nodes.iter().map(|(rel, _)| rel);
            std::iter::once(&graph.edges).chain(nodes).collect()
        }
    }
}

/// Runs a relation.
pub(super) fn run(rel: &Rel, env: &Env<'_>) -> Result<Rows> {
    let _depth = env.deeper()?;
    // Pipes are long and would nest as deep: the chain of first inputs is walked, not recursed.
    let mut chain = vec![rel];
    let mut first = inputs(&rel.op);
    while let Some(next) = first.first().copied() {
        chain.push(next);
        first = inputs(&next.op);
    }
    let leaf = chain.pop().expect("because it began with one");
    let mut rows = source::leaf(leaf, env)?;
    while let Some(rel) = chain.pop() {
        env.meter().check()?;
        let others = inputs(&rel.op);
        let mut all = Vec::with_capacity(others.len());
        let mut holds = Vec::new();
        let first_bytes = if others.len() > 1 { rows.bytes() } else { 0 };
        holds.push(env.meter().hold(first_bytes));
        if let Some(predicate) = before_join(&rel.op, chain.last()) {
            rows = rowwise::filter(rows, predicate, env)?;
        }
        all.push(rows);
        for other in others.into_iter().skip(1) {
            let rows = run(other, env)?;
            holds.push(env.meter().hold(rows.bytes()));
            all.push(rows);
        }
        drop(holds);
        rows = operator(rel, all, env)?;
    }
    Ok(rows)
}

/// What is asked of the left rows just after a join that keeps one of them a key: asked before,
/// it tells which one. Either way is legal; Kusto filters first (page "innerunique join").
fn before_join<'p>(op: &Op, next: Option<&&'p Rel>) -> Option<&'p Scalar> {
    let (Op::Join { kind: JoinKind::InnerUnique, left, .. }, Some(next)) = (op, next) else {
        return None;
    };
    match &*next.op {
        Op::Where { predicate, .. } if reads_below(predicate, left.schema.len()) => Some(predicate),
        _ => None,
    }
}

/// Whether all columns that an expression reads are below `n`, and it sees its own row only.
fn reads_below(scalar: &Scalar, n: usize) -> bool {
    match &scalar.kind {
        ScalarKind::Literal(_) | ScalarKind::ToScalar(_) => true,
        ScalarKind::Column(at) => *at < n,
        ScalarKind::Call { arguments, .. } => arguments.iter().all(|a| reads_below(a, n)),
        ScalarKind::InTable { value, .. } => reads_below(value, n),
        ScalarKind::Window { .. } | ScalarKind::Graph { .. } | ScalarKind::ScanState { .. } => {
            false
        }
    }
}

/// Runs one operator over rows that are there, in the order of [`inputs`].
pub fn operator(rel: &Rel, inputs: Vec<Rows>, env: &Env<'_>) -> Result<Rows> {
    let rows = step(rel, inputs, env)?;
    env.meter().check()?;
    Ok(rows)
}

fn step(rel: &Rel, mut inputs: Vec<Rows>, env: &Env<'_>) -> Result<Rows> {
    let schema = rel.schema.clone();
    match &*rel.op {
        Op::Table { .. }
        | Op::Rows(_)
        | Op::Range { .. }
        | Op::External { .. }
        | Op::Shared(_)
        | Op::Inner => source::leaf(rel, env),
        Op::Union { .. } => Ok(rowwise::union(schema, inputs)),
        Op::Join { kind, on, .. } => {
            let (right, left) = (pop(&mut inputs)?, pop(&mut inputs)?);
            join::run(*kind, on, left, right, schema, env)
        }
        Op::Plugin { .. } => plugins::run(rel, inputs, env),
        Op::Graph(graph) => graph::run(graph, inputs, schema, env),
        op => unary(op, pop(&mut inputs)?, schema, env),
    }
}

fn unary(op: &Op, input: Rows, schema: crate::plan::Schema, env: &Env<'_>) -> Result<Rows> {
    match op {
        Op::Where { predicate, .. } => rowwise::filter(input, predicate, env),
        Op::Project { columns, .. } => rowwise::project(input, columns, schema, env),
        Op::Summarize { keys, aggregates, .. } => {
            summarize::run(&input, keys, aggregates, schema, env)
        }
        Op::Sort { keys, .. } => order::sort(input, keys, env),
        Op::Take { count, .. } => order::take(input, count, env),
        Op::Top { count, keys, .. } => order::top(input, count, keys, env),
        Op::Sample { count, .. } => order::sample(input, count, env),
        Op::SampleDistinct { count, of, .. } => {
            order::sample_distinct(&input, count, of, schema, env)
        }
        Op::Serialize { .. } | Op::Consume { .. } => Ok(input),
        Op::MvExpand { columns, limit, item_index, bags_as_arrays, .. } => {
            let how = expand::How {
                columns,
                limit: *limit,
                item_index: *item_index,
                bags_as_arrays: *bags_as_arrays,
            };
            expand::run(input, &how, schema, env)
        }
        Op::MvApply { columns, inner, limit, item_index, body, output, .. } => {
            let how = expand::How {
                columns,
                limit: *limit,
                item_index: *item_index,
                bags_as_arrays: false,
            };
            expand::apply(input, &how, inner, body, output, schema, env)
        }
        Op::Parse { value, kind, flags, pattern, columns, only_matching, .. } => {
            let how = parse::How { kind: *kind, flags, pattern, columns };
            parse::run(input, value, &how, *only_matching, schema, env)
        }
        Op::ParseKv { value, columns, options, .. } => {
            parse_kv::run(input, value, columns, options, schema, env)
        }
        Op::MakeSeries { .. } => series::run(&input, op, schema, env),
        Op::TopNestedOp { clauses, .. } => nested::top_nested(&input, clauses, schema, env),
        Op::TopHitters { count, of, by, .. } => {
            nested::top_hitters(&input, *count, of, by.as_ref(), schema, env)
        }
        Op::Partition { by, body, .. } => partition::run(input, by, body, schema, env),
        Op::Scan { .. } => scan::run(input, op, schema, env),
        Op::Reduce { by, options, .. } => reduce::run(input, by, options, schema, env),
        _ => Err(EngineError::Plan("an operator got rows that it does not take".to_owned())),
    }
}

fn pop(inputs: &mut Vec<Rows>) -> Result<Rows> {
    inputs.pop().ok_or_else(|| EngineError::Plan("an operator lacks its input".to_owned()))
}
