//! `+`, `-`, `*`, `/`, `%` and the signs (Kusto page "numerical operators").
//!
//! Null on a side gives null. Whole numbers wrap at 64 bits, their division truncates and by
//! zero is null; the modulus is never negative. The widest type wins: int + int is long, then
//! real, then decimal. Points of time outside the calendar are null.

use rust_decimal::Decimal;

use crate::functions::{Context, Table};
use crate::value::{DATETIME_MAX, Value};

pub(super) const TABLE: Table =
    &[("+", add), ("-", subtract), ("*", multiply), ("/", divide), ("%", modulo), ("neg", negate)];

/// Two numbers brought to one type.
enum Pair {
    Long(i64, i64),
    Real(f64, f64),
    Decimal(Decimal, Decimal),
}

fn pair(a: &Value, b: &Value) -> Option<Pair> {
    use Value::{Decimal, Int, Long, Real};
    match (a, b) {
        (Int(_) | Long(_), Int(_) | Long(_)) => Some(Pair::Long(a.as_integer()?, b.as_integer()?)),
        (Decimal(_), Int(_) | Long(_) | Real(_) | Decimal(_))
        | (Int(_) | Long(_) | Real(_), Decimal(_)) => {
            Some(Pair::Decimal(a.to_decimal()?, b.to_decimal()?))
        }
        (Int(_) | Long(_) | Real(_), Int(_) | Long(_) | Real(_)) => {
            Some(Pair::Real(a.as_real()?, b.as_real()?))
        }
        _ => None,
    }
}

/// Both sides without a dynamic shell; text of a dynamic that is to meet a time becomes a time.
fn sides(arguments: &[Value]) -> Option<(Value, Value)> {
    let [a, b] = arguments else { return None };
    let (a, b) = (a.plain(), b.plain());
    Some(match (&a, &b) {
        (Value::String(_), Value::DateTime(_) | Value::TimeSpan(_)) => (time_of(&a), b),
        (Value::DateTime(_) | Value::TimeSpan(_), Value::String(_)) => {
            let b = time_of(&b);
            (a, b)
        }
        (Value::Bool(x), _) => (Value::Long((*x).into()), b),
        (_, Value::Bool(x)) => (a, Value::Long((*x).into())),
        _ => (a, b),
    })
}

fn time_of(text: &Value) -> Value {
    let span = text.to_timespan().map(Value::TimeSpan);
    span.or_else(|| text.to_datetime().map(Value::DateTime)).unwrap_or(Value::Null)
}

fn datetime(ticks: Option<i64>) -> Value {
    let inside = ticks.filter(|t| (0..=DATETIME_MAX).contains(t));
    inside.map_or(Value::Null, Value::DateTime)
}

fn timespan(ticks: Option<i64>) -> Value {
    ticks.map_or(Value::Null, Value::TimeSpan)
}

fn decimal(value: Option<Decimal>) -> Value {
    value.map_or(Value::Null, Value::Decimal)
}

/// Ticks times or divided by a number, in the precision that the number has.
fn scaled(ticks: i64, by: &Value, divide: bool) -> Option<i64> {
    match by {
        Value::Int(_) | Value::Long(_) => {
            let by = by.as_integer()?;
            if divide { ticks.checked_div(by) } else { ticks.checked_mul(by) }
        }
        _ => {
            let by = by.as_real()?;
            let x = if divide { ticks as f64 / by } else { ticks as f64 * by };
            Value::Real(x).to_long()
        }
    }
}

fn add(arguments: &[Value], _: &Context) -> Value {
    use Value::{DateTime, Long, Null, Real, TimeSpan};
    let Some((a, b)) = sides(arguments) else { return Null };
    match (&a, &b) {
        (DateTime(x), TimeSpan(y) | DateTime(y)) | (TimeSpan(y), DateTime(x)) => {
            datetime(x.checked_add(*y))
        }
        (TimeSpan(x), TimeSpan(y)) => timespan(x.checked_add(*y)),
        _ => match pair(&a, &b) {
            Some(Pair::Long(x, y)) => Long(x.wrapping_add(y)),
            Some(Pair::Real(x, y)) => Real(x + y),
            Some(Pair::Decimal(x, y)) => decimal(x.checked_add(y)),
            None => Null,
        },
    }
}

fn subtract(arguments: &[Value], _: &Context) -> Value {
    use Value::{DateTime, Long, Null, Real, TimeSpan};
    let Some((a, b)) = sides(arguments) else { return Null };
    match (&a, &b) {
        (DateTime(x), TimeSpan(y)) | (TimeSpan(x), DateTime(y)) => datetime(x.checked_sub(*y)),
        (DateTime(x), DateTime(y)) | (TimeSpan(x), TimeSpan(y)) => timespan(x.checked_sub(*y)),
        _ => match pair(&a, &b) {
            Some(Pair::Long(x, y)) => Long(x.wrapping_sub(y)),
            Some(Pair::Real(x, y)) => Real(x - y),
            Some(Pair::Decimal(x, y)) => decimal(x.checked_sub(y)),
            None => Null,
        },
    }
}

fn multiply(arguments: &[Value], _: &Context) -> Value {
    use Value::{DateTime, Long, Null, Real, TimeSpan};
    let Some((a, b)) = sides(arguments) else { return Null };
    match (&a, &b) {
        (TimeSpan(x), TimeSpan(y)) => timespan(x.checked_mul(*y)),
        (TimeSpan(x), by) | (by, TimeSpan(x)) => timespan(scaled(*x, by, false)),
        (DateTime(x), by) | (by, DateTime(x)) => datetime(scaled(*x, by, false)),
        _ => match pair(&a, &b) {
            Some(Pair::Long(x, y)) => Long(x.wrapping_mul(y)),
            Some(Pair::Real(x, y)) => Real(x * y),
            Some(Pair::Decimal(x, y)) => decimal(x.checked_mul(y)),
            None => Null,
        },
    }
}

fn divide(arguments: &[Value], _: &Context) -> Value {
    use Value::{DateTime, Long, Null, Real, TimeSpan};
    let Some((a, b)) = sides(arguments) else { return Null };
    match (&a, &b) {
        (TimeSpan(x) | DateTime(x), TimeSpan(y) | DateTime(y)) => Real(*x as f64 / *y as f64),
        (TimeSpan(x), by) => timespan(scaled(*x, by, true)),
        (DateTime(x), by) => datetime(scaled(*x, by, true)),
        _ => match pair(&a, &b) {
            Some(Pair::Long(_, 0)) | None => Null,
            Some(Pair::Long(x, y)) => Long(x.wrapping_div(y)),
            Some(Pair::Real(x, y)) => Real(x / y),
            Some(Pair::Decimal(x, y)) => decimal(x.checked_div(y)),
        },
    }
}

fn modulo(arguments: &[Value], _: &Context) -> Value {
    use Value::{DateTime, Long, Null, Real, TimeSpan};
    let Some((a, b)) = sides(arguments) else { return Null };
    match (&a, &b) {
        (TimeSpan(x) | DateTime(x), TimeSpan(y) | DateTime(y)) => {
            timespan(x.checked_rem_euclid(*y))
        }
        (TimeSpan(x), by) => timespan(by.to_long().and_then(|by| x.checked_rem_euclid(by))),
        (DateTime(x), by) => datetime(by.to_long().and_then(|by| x.checked_rem_euclid(by))),
        _ => match pair(&a, &b) {
            Some(Pair::Long(_, 0)) | None => Null,
            Some(Pair::Long(x, y)) => Long(x.wrapping_rem_euclid(y)),
            Some(Pair::Real(x, y)) => Real(x.rem_euclid(y)),
            Some(Pair::Decimal(x, y)) => {
                let rest = x.checked_rem(y);
                decimal(rest.map(|r| if r.is_sign_negative() { r + y.abs() } else { r }))
            }
        },
    }
}

fn negate(arguments: &[Value], _: &Context) -> Value {
    match arguments.first().map(Value::plain) {
        Some(Value::Int(n)) => Value::Int(n.wrapping_neg()),
        Some(Value::Long(n)) => Value::Long(n.wrapping_neg()),
        Some(Value::Real(x)) => Value::Real(-x),
        Some(Value::Decimal(d)) => Value::Decimal(-d),
        Some(Value::TimeSpan(t)) => timespan(t.checked_neg()),
        _ => Value::Null,
    }
}
