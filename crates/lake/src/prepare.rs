//! What a query needs before it can be planned: the values of `toscalar`, the tables that values
//! are looked up in, `materialize`, and the tables inside sub-queries.

use kql::engine::Rows;
use kql::plan::{Op, Query, Rel, Scalar, ScalarKind};
use kql::value::Value;

use crate::error::Result;
use crate::lower::walk::{self, Part};
use crate::run::Run;

/// Rows that may be put into a plan: `in (table)` takes a million values (Kusto page "in").
const ROWS_MAX: usize = 1_000_000;

impl Run<'_> {
    /// The query with everything in it that must be known first.
    pub(crate) fn prepared(&mut self, query: &Query) -> Result<Query> {
        let mut query = query.clone();
        let uses = uses(&query);
        self.shared = vec![None; query.shared.len()];
        let mut state = Preparing {
            run: self,
            shared: std::mem::take(&mut query.shared),
            scalars: std::mem::take(&mut query.scalars),
            values: Vec::new(),
            uses,
        };
        state.values = vec![None; state.scalars.len()];
        state.rel(&mut query.rel, false)?;
        for (_, rel) in &mut query.further {
            state.rel(rel, false)?;
        }
        Ok(query)
    }
}

struct Preparing<'r, 'a> {
    run: &'r mut Run<'a>,
    shared: Vec<Rel>,
    scalars: Vec<Rel>,
    values: Vec<Option<Value>>,
    /// How often each shared table is read
    uses: Vec<usize>,
}

impl Preparing<'_, '_> {
    /// Prepares a relation; `inside` a sub-query that the engine in memory runs, where nothing
    /// but rows may stand.
    fn rel(&mut self, rel: &mut Rel, inside: bool) -> Result<()> {
        // Pipes are long: the chain of first inputs is walked, not recursed.
        let mut at = rel;
        loop {
            if inside && !matches!(&*at.op, Op::Rows(_)) && !reads_inner(at) {
                self.rel(at, false)?;
                let (rows, _) = self.run.rows(at, ROWS_MAX, false)?;
                *at.op = Op::Rows(rows.rows);
                return Ok(());
            }
            if let Op::Shared(n) = *at.op {
                return self.share(n, at);
            }
            let mut failed = Ok(());
            let mut first = true;
            let is_sub_query = matches!(&*at.op, Op::MvApply { .. } | Op::Partition { .. });
            walk::parts(&mut at.op, &mut |part| {
                if failed.is_err() {
                    return;
                }
                failed = match part {
                    Part::Rel(_) if first => {
                        first = false;
                        Ok(())
                    }
                    Part::Rel(rel) => self.rel(rel, inside || is_sub_query),
                    Part::Scalar(scalar) => self.scalar(scalar),
                };
            });
            failed?;
            match first_input(&mut at.op) {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
    }

    fn scalar(&mut self, scalar: &mut Scalar) -> Result<()> {
        match &mut scalar.kind {
            ScalarKind::ToScalar(n) => {
                let value = self.value(*n)?.widen(scalar.ty);
                scalar.kind = ScalarKind::Literal(value);
                return Ok(());
            }
            ScalarKind::InTable { table, .. }
                if !matches!(&*table.op, Op::Rows(_)) && !reads_inner(table) =>
            {
                self.rel(table, false)?;
                let (Rows { rows, .. }, _) = self.run.rows(table, ROWS_MAX, false)?;
                *table.op = Op::Rows(rows);
            }
            _ => {}
        }
        let mut failed = Ok(());
        walk::scalars(scalar, &mut |inner| {
            if failed.is_ok() {
                failed = self.scalar(inner);
            }
        });
        failed
    }

    /// `toscalar`, run at its first use: first row, first column.
    fn value(&mut self, n: usize) -> Result<Value> {
        if let Some(Some(value)) = self.values.get(n) {
            return Ok(value.clone());
        }
        let Some(mut rel) = self.scalars.get(n).cloned() else { return Ok(Value::Null) };
        self.rel(&mut rel, false)?;
        let (rows, _) = self.run.rows(&rel, 1, true)?;
        let value = rows.rows.into_iter().next().and_then(|row| row.into_iter().next());
        let value = value.unwrap_or(Value::Null);
        self.values[n] = Some(value.clone());
        Ok(value)
    }

    /// A shared table that is read once stands where it is read; else it is run first.
    fn share(&mut self, n: usize, place: &mut Rel) -> Result<()> {
        if self.run.shared.get(n).is_none_or(Option::is_some) {
            return Ok(());
        }
        let mut rel = self.shared[n].clone();
        self.rel(&mut rel, false)?;
        if self.uses.get(n) == Some(&1) {
            rel.schema.clone_from(&place.schema);
            *place = rel;
            return Ok(());
        }
        self.run.shared[n] = Some(self.run.table(&rel)?);
        Ok(())
    }
}

/// How often each shared table is read anywhere.
fn uses(query: &Query) -> Vec<usize> {
    let mut uses = vec![0; query.shared.len()];
    let mut query = query.clone();
    let rels = std::iter::once(&mut query.rel)
        .chain(query.further.iter_mut().map(|(_, rel)| rel))
        .chain(&mut query.shared)
        .chain(&mut query.scalars);
    for rel in rels {
        visit(rel, &mut |op| {
            if let Op::Shared(n) = op
                && let Some(count) = uses.get_mut(*n)
            {
                *count += 1;
            }
        });
    }
    uses
}

/// Whether a relation reads the rows of the sub-query that it stands in.
fn reads_inner(rel: &Rel) -> bool {
    let mut found = false;
    visit(&mut rel.clone(), &mut |op| found |= matches!(op, Op::Inner));
    found
}

/// Calls `f` with every operator of a relation, those in expressions too.
fn visit(rel: &mut Rel, f: &mut dyn FnMut(&Op)) {
    let mut at = rel;
    loop {
        f(&at.op);
        let mut first = true;
        walk::parts(&mut at.op, &mut |part| match part {
            Part::Rel(_) if first => first = false,
            Part::Rel(rel) => visit(rel, f),
            Part::Scalar(scalar) => visit_scalar(scalar, f),
        });
        match first_input(&mut at.op) {
            Some(next) => at = next,
            None => return,
        }
    }
}

fn visit_scalar(scalar: &mut Scalar, f: &mut dyn FnMut(&Op)) {
    if let ScalarKind::InTable { table, .. } = &mut scalar.kind {
        visit(table, f);
    }
    walk::scalars(scalar, &mut |inner| visit_scalar(inner, f));
}

/// The first relation directly below an operator.
fn first_input(op: &mut Op) -> Option<&mut Rel> {
    match op {
        Op::Table { .. }
        | Op::Rows(_)
        | Op::Range { .. }
        | Op::External { .. }
        | Op::Shared(_)
        | Op::Inner => None,
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
        | Op::Consume { input } => Some(input),
        Op::Join { left, .. } => Some(left),
        Op::Union { legs } => legs.first_mut(),
        Op::Plugin { input, arguments, .. } => match input {
            Some(input) => Some(input),
            None => arguments.iter_mut().find_map(|argument| match argument {
                kql::plan::PluginArgument::Table(rel) => Some(rel),
                _ => None,
            }),
        },
        Op::Graph(graph) => Some(&mut graph.edges),
    }
}
