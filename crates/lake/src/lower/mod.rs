//! From bound queries to DataFusion's plans.
//!
//! Every column gets a name that no other column of the plan has, so that nothing is ever
//! ambiguous; which column stands where is kept beside the plan. What has no form in DataFusion
//! becomes a node that runs the operator in memory (`node`).

mod join;
mod native;
mod needed;
mod order;
mod rowwise;
mod scalar;
mod series;
mod summarize;
pub(crate) mod walk;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::logical_expr::logical_plan::{
    Extension, Filter, Projection, TableScanBuilder, Union,
};
use datafusion::logical_expr::{Expr, LogicalPlan};
use kql::engine::memory;
use kql::plan::{Named, Op, Rel, Scalar, ScalarKind, Schema};
use kql::value::{Type, Value};

use needed::Needed;
pub(crate) use scalar::{Scope, column};

use crate::error::{Error, Result};
use crate::node::{Beside, KqlNode, Node};
use crate::prepare::asks_beside;
use crate::tables::{Range, Table, Tables};
use scalar::{Texts, has_window};

/// So many operators may follow one another.
const CHAIN_MAX: usize = 2000;
/// Larger expressions are not written out into those that read them twice.
const WEIGHT_MAX: u64 = 200;
/// So deep may joins, unions and sub-queries be nested.
const DEPTH_MAX: usize = 100;

/// A relation as a plan, and the names of its columns by position. The plan may have more.
pub(crate) struct Lowered {
    pub(crate) plan: LogicalPlan,
    pub(crate) names: Vec<String>,
}

/// Lowers one query.
pub(crate) struct Lowering<'a> {
    /// Tables by name
    pub(crate) tables: &'a Tables,
    /// `materialize(…)`: those that are there already
    pub(crate) shared: &'a [Option<Table>],
    /// What stands beside the query and is read by its sub-queries
    pub(crate) beside: &'a Beside,
    /// `now()`
    pub(crate) now: i64,
    /// Columns that are the JSON of a text
    texts: Rc<Texts>,
    /// How large new columns are when all that they are made of is written out
    weights: HashMap<String, u64>,
    /// Columns named so far
    pub(crate) named: usize,
    /// Levels of nesting
    pub(crate) depth: usize,
}

impl<'a> Lowering<'a> {
    /// Begins.
    pub(crate) fn new(
        tables: &'a Tables,
        shared: &'a [Option<Table>],
        beside: &'a Beside,
        now: i64,
    ) -> Self {
        let (texts, weights) = (Rc::default(), HashMap::new());
        Self { tables, shared, beside, now, texts, weights, named: 0, depth: 0 }
    }

    /// A relation as a plan.
    pub(crate) fn rel(&mut self, rel: &Rel) -> Result<Lowered> {
        if self.depth >= DEPTH_MAX {
            return Err(Error::limit(format!("is nested more than {DEPTH_MAX} levels deep")));
        }
        self.depth += 1;
        // Pipes are long: the chain of first inputs is walked, not recursed.
        let mut chain = vec![rel];
        let mut inputs = memory::inputs(&rel.op);
        while let Some(next) = inputs.first().copied() {
            chain.push(next);
            inputs = memory::inputs(&next.op);
        }
        if chain.len() > CHAIN_MAX {
            return Err(Error::limit(format!("has more than {CHAIN_MAX} operators in a row")));
        }
        // Of the result all columns are looked at, further down those that the way up reads.
        let mut needed: Vec<Option<Needed>> = vec![Some(vec![true; rel.schema.len()])];
        for rel in &chain[..chain.len() - 1] {
            let above = needed.last().and_then(Option::as_ref);
            needed.push(above.and_then(|above| needed::of_input(rel, above)));
        }
        let leaf = chain.pop().expect("because it began with one");
        needed.pop();
        let mut lowered = self.leaf(leaf)?;
        for (rel, needed) in chain.into_iter().zip(needed).rev() {
            let all = || vec![true; rel.schema.len()];
            lowered = self.step(rel, lowered, &needed.unwrap_or_else(all))?;
        }
        self.depth -= 1;
        Ok(lowered)
    }

    fn leaf(&mut self, rel: &Rel) -> Result<Lowered> {
        match &*rel.op {
            Op::Table { name } => {
                let table = self.tables.find(name).ok_or_else(|| Error::NoTable(name.clone()))?;
                self.scan(name, Arc::clone(&table.provider), &table.schema, &rel.schema)
            }
            Op::Shared(n) => match self.shared.get(*n) {
                Some(Some(table)) => {
                    let at: Vec<usize> = (0..rel.schema.len()).collect();
                    let provider = Arc::clone(&table.provider);
                    self.scan_at("shared", provider, &at, &rel.schema)
                }
                _ => Err(Error::Query(format!("the shared table {n} is not there"))),
            },
            Op::Rows(rows) => self.rows(rows, &rel.schema),
            Op::Range { from, to, step } => self.range(rel, from, to, step),
            Op::Inner => Err(Error::Query("inner rows stand outside a sub-query".into())),
            // A union of nothing, a plugin without input, external data.
            _ => self.operator(rel, Vec::new()),
        }
    }

    /// One operator over its first input; `needed` says which of its columns are looked at.
    fn step(&mut self, rel: &Rel, input: Lowered, needed: &Needed) -> Result<Lowered> {
        match &*rel.op {
            Op::Where { predicate, .. } if !has_window(predicate) => self.filter(input, predicate),
            Op::Project { columns, .. } if !columns.iter().any(|c| has_window(&c.value)) => {
                self.project(input, columns)
            }
            Op::Summarize { keys, aggregates, .. } => self.summarize(rel, input, keys, aggregates),
            Op::Sort { keys, .. } => self.sort(rel, input, keys, None),
            Op::Top { keys, count, .. } => self.sort(rel, input, keys, Some(count)),
            Op::Take { count, .. } => self.take(rel, input, count),
            Op::Serialize { .. } | Op::Consume { .. } => Ok(input),
            Op::MakeSeries { .. } => self.make_series(rel, input),
            Op::MvExpand { .. } => self.expand(rel, input),
            Op::Parse { .. } => self.parse(rel, input, needed),
            Op::ParseKv { .. } | Op::MvApply { .. } => self.by_batch(rel, input),
            Op::Join { kind, right, on, .. } => {
                let right_plan = self.rel(right)?;
                self.join(rel, *kind, input, right_plan, on)
            }
            Op::Union { legs } => {
                let mut all = vec![input];
                for leg in legs.iter().skip(1) {
                    all.push(self.rel(leg)?);
                }
                self.union(all, &rel.schema)
            }
            op => {
                let mut input = input;
                // What nobody looks at is not collected: it has no name.
                let seen = needed::of_input(rel, needed).unwrap_or_default();
                for (name, seen) in input.names.iter_mut().zip(seen) {
                    if !seen {
                        name.clear();
                    }
                }
                let mut all = vec![input];
                for other in memory::inputs(op).into_iter().skip(1) {
                    all.push(self.rel(other)?);
                }
                self.operator(rel, all)
            }
        }
    }

    /// A name that no other column has.
    pub(crate) fn fresh(&mut self, name: &str) -> String {
        self.named += 1;
        format!("{name}#{}", self.named)
    }

    pub(crate) fn scope<'n>(&self, input: &'n Lowered) -> Scope<'n> {
        let plan = Some(Arc::clone(input.plan.schema()));
        let texts = Rc::clone(&self.texts);
        Scope { names: &input.names, texts, plan, now: self.now, alone: false }
    }

    /// The scope of what has no input.
    pub(crate) fn bare(&self) -> Scope<'static> {
        Scope { names: &[], texts: Rc::default(), plan: None, now: self.now, alone: false }
    }

    /// The plan with new columns instead of all others.
    pub(crate) fn select(
        &mut self,
        plan: LogicalPlan,
        columns: Vec<(&str, Expr)>,
    ) -> Result<Lowered> {
        let mut names = Vec::with_capacity(columns.len());
        let mut exprs = Vec::with_capacity(columns.len());
        for (name, expr) in columns {
            let name = self.fresh(name);
            exprs.push(expr.alias(&name));
            names.push(name);
        }
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        Ok(Lowered { plan, names })
    }

    /// The plan with new columns beside those that are there; columns stay as they are.
    pub(crate) fn append(
        &mut self,
        plan: LogicalPlan,
        columns: Vec<(&str, Expr)>,
    ) -> Result<(LogicalPlan, Vec<String>)> {
        let mut names = Vec::with_capacity(columns.len());
        let mut exprs: Vec<Expr> =
            plan.schema().fields().iter().map(|field| column(field.name())).collect();
        for (name, expr) in columns {
            if let Expr::Column(known) = &expr {
                names.push(known.name.clone());
                continue;
            }
            let name = self.fresh(name);
            exprs.push(expr.alias(&name));
            names.push(name);
        }
        if exprs.len() == plan.schema().fields().len() {
            return Ok((plan, names));
        }
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        Ok((plan, names))
    }

    fn scan(
        &mut self,
        name: &str,
        provider: Arc<dyn TableProvider>,
        has: &Schema,
        wanted: &Schema,
    ) -> Result<Lowered> {
        let mut at = Vec::with_capacity(wanted.len());
        for column in wanted {
            match has.iter().position(|c| c.name == column.name) {
                Some(place) if has[place].ty == column.ty => at.push(place),
                _ => {
                    let what = format!("table {name} has no {} \"{}\"", column.ty, column.name);
                    return Err(Error::Query(what));
                }
            }
        }
        self.scan_at(name, provider, &at, wanted)
    }

    /// Columns of a table by position.
    fn scan_at(
        &mut self,
        name: &str,
        provider: Arc<dyn TableProvider>,
        at: &[usize],
        wanted: &Schema,
    ) -> Result<Lowered> {
        self.named += 1;
        let name = format!("{name}#{}", self.named);
        let schema = provider.schema();
        let source = provider_as_source(provider);
        let scan = TableScanBuilder::new(name.clone(), source).build()?;
        let columns = at
            .iter()
            .zip(wanted)
            .map(|(at, column)| {
                let stored = schema.field(*at).name();
                let stored = datafusion::common::Column::new(Some(name.clone()), stored);
                (column.name.as_str(), Expr::Column(stored))
            })
            .collect();
        self.select(LogicalPlan::TableScan(scan), columns)
    }

    fn rows(&mut self, rows: &[Vec<Value>], schema: &Schema) -> Result<Lowered> {
        // A column more, so that rows without columns are rows.
        let mut wide = schema.clone();
        wide.push(kql::plan::Column::new("#", Type::Bool));
        let table = Table::rows(wide, rows)?;
        let at: Vec<usize> = (0..schema.len()).collect();
        if schema.is_empty() {
            let mut lowered = self.scan_at("rows", table.provider, &[0], &table.schema)?;
            lowered.names.clear();
            return Ok(lowered);
        }
        self.scan_at("rows", table.provider, &at, schema)
    }

    fn range(&mut self, rel: &Rel, from: &Scalar, to: &Scalar, step: &Scalar) -> Result<Lowered> {
        let Some(column) = rel.schema.first() else {
            return Err(Error::Query("range without a column".into()));
        };
        let scope = self.bare();
        let value = |scalar: &Scalar| match scope.folded(scalar)? {
            Some(value) => Ok(value),
            None => Err(Error::Query("the ends of a range must be constant".into())),
        };
        let (from, to, step) =
            (value(from)?.widen(column.ty), value(to)?.widen(column.ty), value(step)?);
        match Range::of(column.ty, from, to, step) {
            Some(range) => {
                let name = self.fresh(&column.name);
                let node = Node::Range { column: name.clone(), range };
                self.node(node, Vec::new(), vec![name])
            }
            None => self.operator(rel, Vec::new()),
        }
    }

    fn filter(&mut self, input: Lowered, predicate: &Scalar) -> Result<Lowered> {
        let predicate = self.scope(&input).condition(predicate)?;
        let plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input.plan))?);
        Ok(Lowered { plan, names: input.names })
    }

    fn project(&mut self, input: Lowered, columns: &[Named]) -> Result<Lowered> {
        // What only renames or leaves out needs no step.
        let plain: Option<Vec<String>> = columns
            .iter()
            .map(|named| match named.value.kind {
                ScalarKind::Column(at) => input.names.get(at).cloned(),
                _ => None,
            })
            .collect();
        if let Some(names) = plain {
            return Ok(Lowered { plan: input.plan, names });
        }
        let scope = self.scope(&input);
        let mut names = Vec::with_capacity(columns.len());
        let mut exprs: Vec<Expr> = Vec::with_capacity(columns.len());
        let mut kept = HashSet::new();
        let mut made = Texts::new();
        for named in columns {
            let mut expr = scope.value(&named.value)?;
            if let Expr::Column(known) = &expr {
                names.push(known.name.clone());
                if kept.insert(known.name.clone()) {
                    exprs.push(expr);
                }
                continue;
            }
            let mut weight = self.weight(&expr);
            if weight > WEIGHT_MAX && expr.column_refs_counts().values().any(|n| *n > 1) {
                // DataFusion puts the expressions of one projection into the next: in a chain of
                // columns like `x = iff(p, f(x), x)` each step would double them.
                expr = scope.alone(&named.value)?;
                weight = self.weight(&expr);
            }
            let name = self.fresh(&named.name);
            if let Some(text) = scope.parsed_text(&named.value) {
                made.insert(name.clone(), text);
            }
            self.weights.insert(name.clone(), weight);
            exprs.push(expr.alias(&name));
            names.push(name);
        }
        // Texts stay beside their JSON, so that parts can be found in them.
        for name in &names {
            if let Some(text) = made.get(name).or_else(|| self.texts.get(name))
                && input.plan.schema().has_column_with_unqualified_name(text)
                && kept.insert(text.clone())
            {
                exprs.push(column(text));
            }
        }
        drop(scope);
        Rc::make_mut(&mut self.texts).append(&mut made);
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input.plan))?);
        Ok(Lowered { plan, names })
    }

    /// How large an expression is when all that its columns are made of is written out.
    fn weight(&self, expr: &Expr) -> u64 {
        let counts = expr.column_refs_counts();
        let weights = counts.iter().map(|(column, n)| {
            let one = self.weights.get(&column.name).copied().unwrap_or(1);
            one.saturating_mul(*n as u64)
        });
        weights.fold(1, u64::saturating_add)
    }

    fn union(&mut self, legs: Vec<Lowered>, schema: &Schema) -> Result<Lowered> {
        let names: Vec<String> = schema.iter().map(|column| self.fresh(&column.name)).collect();
        let mut plans = Vec::with_capacity(legs.len());
        for leg in legs {
            let exprs: Vec<Expr> =
                leg.names.iter().zip(&names).map(|(from, to)| column(from).alias(to)).collect();
            let plan = Projection::try_new(exprs, Arc::new(leg.plan))?;
            plans.push(Arc::new(LogicalPlan::Projection(plan)));
        }
        if plans.len() == 1 {
            let plan = Arc::unwrap_or_clone(plans.swap_remove(0));
            return Ok(Lowered { plan, names });
        }
        let plan = LogicalPlan::Union(Union::try_new(plans)?);
        Ok(Lowered { plan, names })
    }

    /// An operator that the engine in memory runs, over all its rows.
    pub(crate) fn operator(&mut self, rel: &Rel, inputs: Vec<Lowered>) -> Result<Lowered> {
        self.in_memory(rel, inputs, false)
    }

    /// An operator that the engine in memory runs; `by_batch` where no row sees another.
    pub(crate) fn in_memory(
        &mut self,
        rel: &Rel,
        inputs: Vec<Lowered>,
        by_batch: bool,
    ) -> Result<Lowered> {
        let mut alone = rel.clone();
        let mut at = 0;
        let n_inputs = inputs.len();
        walk::parts(&mut alone.op, &mut |part| {
            if let walk::Part::Rel(input) = part
                && at < n_inputs
            {
                *input.op = Op::Rows(Vec::new());
                at += 1;
            }
        });
        let outputs: Vec<String> =
            rel.schema.iter().map(|column| self.fresh(&column.name)).collect();
        let (plans, names): (Vec<_>, Vec<_>) =
            inputs.into_iter().map(|input| (input.plan, input.names)).unzip();
        let beside = if asks_beside(&alone.op) { self.beside.clone() } else { Beside::default() };
        let node = Node::Operator {
            rel: alone,
            inputs: names,
            outputs: outputs.clone(),
            beside,
            by_batch,
            now: self.now,
        };
        self.node(node, plans, outputs)
    }

    pub(crate) fn node(
        &mut self,
        node: Node,
        inputs: Vec<LogicalPlan>,
        names: Vec<String>,
    ) -> Result<Lowered> {
        let node = Arc::new(KqlNode::new(node, inputs)?);
        Ok(Lowered { plan: LogicalPlan::Extension(Extension { node }), names })
    }
}
