//! A query that is planned and not run: what would come from outside is taken as empty, because
//! some parts of a query are computed before the rest can be planned.

use kql::plan::{Op, Query, Rel, Scalar, ScalarKind};

use crate::lower::walk::{self, Part};

/// The query without external data.
pub(crate) fn without_external(query: &Query) -> Query {
    let mut query = query.clone();
    let Query { rel: result, shared, scalars, further, .. } = &mut query;
    rel(result);
    shared.iter_mut().for_each(rel);
    scalars.iter_mut().for_each(rel);
    further.iter_mut().for_each(|(_, further)| rel(further));
    query
}

fn rel(rel: &mut Rel) {
    if matches!(&*rel.op, Op::External { .. }) {
        *rel.op = Op::Rows(Vec::new());
    }
    walk::parts(&mut rel.op, &mut |part| match part {
        Part::Rel(inner) => self::rel(inner),
        Part::Scalar(inner) => scalar(inner),
    });
}

fn scalar(scalar: &mut Scalar) {
    if let ScalarKind::InTable { table, .. } = &mut scalar.kind {
        rel(table);
    }
    walk::scalars(scalar, &mut self::scalar);
}
