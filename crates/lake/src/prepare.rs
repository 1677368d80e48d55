//! What a query needs before it can be planned: the values of `toscalar`, the tables that values
//! are looked up in, `materialize`, and the tables inside sub-queries.

use kql::engine::Rows;
use kql::plan::{Op, Query, Rel, Scalar, ScalarKind};
use kql::value::Value;

use crate::error::Result;
use crate::lower::walk::{self, Part};
use crate::node::Beside;
use crate::run::Run;

/// Rows that may be put into a plan: `in (table)` takes a million values (Kusto page "in").
const ROWS_MAX: usize = 1_000_000;

impl Run<'_> {
    /// The query with everything in it that must be known first.
    pub(crate) fn prepared(&mut self, query: &Query) -> Result<Query> {
        let mut query = query.clone();
        let uses = uses(&query);
        self.shared = vec![None; query.shared.len()];
        let inner = Inner::of(&query);
        let mut state = Preparing {
            run: self,
            shared: std::mem::take(&mut query.shared),
            scalars: std::mem::take(&mut query.scalars),
            values: Vec::new(),
            uses,
            inner,
        };
        state.values = vec![None; state.scalars.len()];
        state.rel(&mut query.rel, false)?;
        for (_, rel) in &mut query.further {
            state.rel(rel, false)?;
        }
        query.shared = state.shared;
        query.scalars = state.scalars;
        let (shared, scalars) = (query.shared.clone(), query.scalars.clone());
        self.beside = Beside { shared, scalars };
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
    inner: Inner,
}

/// Which parts of a query read the rows of the sub-query that they stand in: those are left to
/// the engine in memory, which runs such sub-queries.
struct Inner {
    shared: Vec<bool>,
    scalars: Vec<bool>,
}

impl Inner {
    fn of(query: &Query) -> Self {
        let mut inner = Self {
            shared: vec![false; query.shared.len()],
            scalars: vec![false; query.scalars.len()],
        };
        // One may use another: as long as something changes, look again.
        loop {
            let shared: Vec<bool> = query.shared.iter().map(|rel| inner.is_read_by(rel)).collect();
            let scalars: Vec<bool> =
                query.scalars.iter().map(|rel| inner.is_read_by(rel)).collect();
            if shared == inner.shared && scalars == inner.scalars {
                return inner;
            }
            inner = Self { shared, scalars };
        }
    }

    fn is_read_by(&self, rel: &Rel) -> bool {
        let mut found = false;
        visit(&mut rel.clone(), &mut |seen| {
            found |= match seen {
                Seen::Op(Op::Inner) => true,
                Seen::Op(Op::Shared(n)) => self.shared.get(*n) == Some(&true),
                Seen::Scalar(ScalarKind::ToScalar(n)) => self.scalars.get(*n) == Some(&true),
                _ => false,
            };
        });
        found
    }
}

impl Preparing<'_, '_> {
    /// Prepares a relation; `inside` a sub-query that the engine in memory runs, where nothing
    /// but rows may stand.
    fn rel(&mut self, rel: &mut Rel, inside: bool) -> Result<()> {
        // Pipes are long: the chain of first inputs is walked, not recursed.
        let mut at = rel;
        loop {
            if inside && !matches!(&*at.op, Op::Rows(_)) && !self.inner.is_read_by(at) {
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
            ScalarKind::ToScalar(n) if self.inner.scalars.get(*n) == Some(&true) => {
                let mut rel = self.scalars[*n].clone();
                self.rel(&mut rel, true)?;
                self.scalars[*n] = rel;
                return Ok(());
            }
            ScalarKind::ToScalar(n) => {
                let value = self.value(*n)?.widen(scalar.ty);
                scalar.kind = ScalarKind::Literal(value);
                return Ok(());
            }
            ScalarKind::InTable { table, .. }
                if !matches!(&*table.op, Op::Rows(_)) && !self.inner.is_read_by(table) =>
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
        if self.inner.shared[n] {
            let mut rel = self.shared[n].clone();
            self.rel(&mut rel, true)?;
            self.shared[n] = rel;
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

/// Whether an operator asks for something that stands beside the plan.
pub(crate) fn asks_beside(op: &Op) -> bool {
    let mut found = false;
    let mut rel = Rel { op: Box::new(op.clone()), schema: Vec::new() };
    visit(&mut rel, &mut |seen| {
        found |= matches!(seen, Seen::Op(Op::Shared(_)) | Seen::Scalar(ScalarKind::ToScalar(_)));
    });
    found
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
        visit(rel, &mut |seen| {
            if let Seen::Op(Op::Shared(n)) = seen
                && let Some(count) = uses.get_mut(*n)
            {
                *count += 1;
            }
        });
    }
    uses
}

/// What stands somewhere in a relation.
enum Seen<'a> {
    Op(&'a Op),
    Scalar(&'a ScalarKind),
}

/// Calls `f` with every operator and expression of a relation, those inside others too.
fn visit(rel: &mut Rel, f: &mut dyn FnMut(Seen<'_>)) {
    let mut at = rel;
    loop {
        f(Seen::Op(&at.op));
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

fn visit_scalar(scalar: &mut Scalar, f: &mut dyn FnMut(Seen<'_>)) {
    f(Seen::Scalar(&scalar.kind));
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
