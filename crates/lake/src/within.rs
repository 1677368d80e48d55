//! A query over a span of time: rows of tables count only when their `TimeGenerated` is in it.

use std::sync::Arc;

use kql::plan::{Op, Query, Rel, Scalar, ScalarKind};
use kql::value::{Type, Value};

use crate::lower::walk::{self, Part};

/// The column that says when.
const TIME: &str = "TimeGenerated";

/// The query with each table that has a `TimeGenerated` cut to `from <= TimeGenerated < to`, in
/// ticks. What the query itself says of time holds besides.
pub fn within(query: &Query, from: Option<i64>, to: Option<i64>) -> Query {
    let mut query = query.clone();
    if from.is_none() && to.is_none() {
        return query;
    }
    let span = Span { from, to };
    let Query { rel, shared, scalars, further, .. } = &mut query;
    span.rel(rel);
    shared.iter_mut().for_each(|rel| span.rel(rel));
    scalars.iter_mut().for_each(|rel| span.rel(rel));
    further.iter_mut().for_each(|(_, rel)| span.rel(rel));
    query
}

#[derive(Clone, Copy)]
struct Span {
    from: Option<i64>,
    to: Option<i64>,
}

impl Span {
    fn rel(self, rel: &mut Rel) {
        if matches!(&*rel.op, Op::Table { .. }) {
            let time = rel.schema.iter().position(|c| c.name == TIME && c.ty == Type::DateTime);
            if let Some(predicate) = time.and_then(|at| self.predicate(at)) {
                let input = rel.clone();
                *rel.op = Op::Where { input, predicate };
            }
            return;
        }
        walk::parts(&mut rel.op, &mut |part| match part {
            Part::Rel(inner) => self.rel(inner),
            Part::Scalar(inner) => self.scalar(inner),
        });
    }

    fn scalar(self, scalar: &mut Scalar) {
        if let ScalarKind::InTable { table, .. } = &mut scalar.kind {
            self.rel(table);
        }
        walk::scalars(scalar, &mut |inner| self.scalar(inner));
    }

    fn predicate(self, at: usize) -> Option<Scalar> {
        let end = |function: &str, ticks: i64| {
            let column = Scalar { kind: ScalarKind::Column(at), ty: Type::DateTime };
            let kind = ScalarKind::Literal(Value::DateTime(ticks));
            call(function, vec![column, Scalar { kind, ty: Type::DateTime }])
        };
        match (self.from.map(|from| end(">=", from)), self.to.map(|to| end("<", to))) {
            (Some(from), Some(to)) => Some(call("and", vec![from, to])),
            (from, to) => from.or(to),
        }
    }
}

fn call(function: &str, arguments: Vec<Scalar>) -> Scalar {
    let kind = ScalarKind::Call { function: Arc::from(function), arguments };
    Scalar { kind, ty: Type::Bool }
}
