//! What the filters of a query need of a file: read off expressions, as far as they are
//! understood.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Operator};
use kql::plan::Schema;
use kql::value::Type;

use super::split::needed;
use crate::scalar::{Native, NativeUdf, PathOf, Test};
use crate::store::shape::TIME;

/// What rows must have to pass.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) enum Need {
    /// Nobody knows
    Unknown,
    /// All of these
    All(Vec<Need>),
    /// One of these
    Any(Vec<Need>),
    /// Texts with all terms of these hashes
    Terms(Vec<u64>),
    /// A time between these, in ticks
    Times(i64, i64),
}

impl Need {
    /// Of filters that a row must pass all of, on a table with these columns.
    pub(in crate::store) fn of(filters: &[Expr], schema: &Schema) -> Self {
        Self::All(filters.iter().map(|filter| of(filter, schema)).collect())
    }

    /// Whether it asks for terms anywhere.
    pub(in crate::store) fn has_terms(&self) -> bool {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().any(Self::has_terms),
            Self::Terms(terms) => !terms.is_empty(),
            Self::Unknown | Self::Times(..) => false,
        }
    }

    /// Whether it says anything.
    pub(in crate::store) fn is_known(&self) -> bool {
        match self {
            Self::All(all) => all.iter().any(Self::is_known),
            Self::Any(all) => all.iter().all(Self::is_known),
            Self::Terms(terms) => !terms.is_empty(),
            Self::Times(..) => true,
            Self::Unknown => false,
        }
    }

    /// Whether rows of these times (the first and the last), among which there may be terms of
    /// these hashes, can be what is needed.
    pub(in crate::store) fn may(
        &self,
        times: Option<(i64, i64)>,
        may_have: impl Fn(u64) -> bool + Copy,
    ) -> bool {
        match self {
            Self::Unknown => true,
            Self::All(all) => all.iter().all(|need| need.may(times, may_have)),
            Self::Any(all) => all.iter().any(|need| need.may(times, may_have)),
            Self::Terms(terms) => terms.iter().all(|hash| may_have(*hash)),
            Self::Times(from, to) => {
                times.is_none_or(|(first, last)| *from <= last && first <= *to)
            }
        }
    }
}

fn of(filter: &Expr, schema: &Schema) -> Need {
    match filter {
        Expr::BinaryExpr(binary) => {
            let (left, right) = (&*binary.left, &*binary.right);
            match binary.op {
                Operator::And => Need::All(vec![of(left, schema), of(right, schema)]),
                Operator::Or => any(vec![of(left, schema), of(right, schema)]),
                op => match (left, right) {
                    (left, Expr::Literal(value, _)) => compared(left, op, value, schema),
                    (Expr::Literal(value, _), right) => match op.swap() {
                        Some(op) => compared(right, op, value, schema),
                        None => Need::Unknown,
                    },
                    _ => Need::Unknown,
                },
            }
        }
        Expr::Between(between) if !between.negated => {
            let (Expr::Literal(low, _), Expr::Literal(high, _)) = (&*between.low, &*between.high)
            else {
                return Need::Unknown;
            };
            let bound = |op, value| compared(&between.expr, op, value, schema);
            Need::All(vec![bound(Operator::GtEq, low), bound(Operator::LtEq, high)])
        }
        Expr::InList(list) if !list.negated => {
            let equal = |item: &Expr| match item {
                Expr::Literal(value, _) => compared(&list.expr, Operator::Eq, value, schema),
                _ => Need::Unknown,
            };
            any(list.list.iter().map(equal).collect())
        }
        Expr::ScalarFunction(call) => match native(call) {
            Some(Native::Text { test, needles, negated: false })
                if call.args.first().is_some_and(|text| is_text(text, schema)) =>
            {
                tested(*test, needles)
            }
            _ => Need::Unknown,
        },
        _ => Need::Unknown,
    }
}

/// One of none is nothing that should be relied on.
fn any(all: Vec<Need>) -> Need {
    if all.is_empty() { Need::Unknown } else { Need::Any(all) }
}

fn native(call: &ScalarFunction) -> Option<&Native> {
    Some(call.func.inner().downcast_ref::<NativeUdf>()?.native())
}

fn type_of(column: &Expr, schema: &Schema) -> Option<Type> {
    let Expr::Column(column) = column else { return None };
    schema.iter().find(|known| known.name == column.name).map(|known| known.ty)
}

/// Whether an expression is a text whose terms the side-cars have: a column of strings, or a part
/// of a dynamic as text.
fn is_text(expr: &Expr, schema: &Schema) -> bool {
    if let Expr::ScalarFunction(call) = expr {
        let Some(Native::Path(PathOf { parse: false, to: Type::String, .. })) = native(call) else {
            return false;
        };
        return call.args.first().and_then(|of| type_of(of, schema)) == Some(Type::Dynamic);
    }
    type_of(expr, schema) == Some(Type::String)
}

fn compared(left: &Expr, op: Operator, value: &ScalarValue, schema: &Schema) -> Need {
    match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::Utf8View(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
            if op == Operator::Eq && is_text(left, schema) =>
        {
            Need::Terms(needed(text, true, true))
        }
        ScalarValue::Int64(Some(at)) => {
            if !matches!(left, Expr::Column(column) if column.name == TIME) {
                return Need::Unknown;
            }
            match op {
                Operator::Eq => Need::Times(*at, *at),
                Operator::Gt | Operator::GtEq => Need::Times(*at, i64::MAX),
                Operator::Lt | Operator::LtEq => Need::Times(i64::MIN, *at),
                _ => Need::Unknown,
            }
        }
        _ => Need::Unknown,
    }
}

fn tested(test: Test, needles: &[String]) -> Need {
    let (start, end) = match test {
        Test::Term { start, end, .. } => (start, end),
        Test::Contains { .. } => (false, false),
        Test::Starts { .. } => (true, false),
        Test::Ends { .. } => (false, true),
        Test::In { .. } | Test::HasAny | Test::HasAll => (true, true),
        Test::Regex => return Need::Unknown,
    };
    let all = needles.iter().map(|needle| Need::Terms(needed(needle, start, end))).collect();
    if matches!(test, Test::In { .. } | Test::HasAny) { any(all) } else { Need::All(all) }
}
