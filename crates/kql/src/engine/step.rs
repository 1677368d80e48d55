//! Points on an axis: `range`, the bins of `make-series` and of the plugins over time.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::{EngineError, Result};
use crate::value::Value;

/// A point or a distance on an axis.
#[derive(Debug, Clone, Copy)]
pub(super) enum Point {
    /// Whole numbers and ticks
    Whole(i64),
    /// Real numbers
    Real(f64),
    /// Decimals
    Decimal(Decimal),
}

/// What the points of an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the types")]
pub(super) enum Axis {
    Int,
    Long,
    Real,
    Decimal,
    DateTime,
    TimeSpan,
}

/// Points of one kind compare exactly, others as real numbers.
impl PartialOrd for Point {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(b)),
            (Self::Decimal(a), Self::Decimal(b)) => Some(a.cmp(b)),
            (a, b) => a.real().partial_cmp(&b.real()),
        }
    }
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl Point {
    /// A value as a point; `None` for null and what is no number or time.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Int(n) => Self::Whole((*n).into()),
            Value::Long(n) | Value::DateTime(n) | Value::TimeSpan(n) => Self::Whole(*n),
            Value::Real(x) if x.is_finite() => Self::Real(*x),
            Value::Decimal(d) => Self::Decimal(*d),
            _ => return None,
        })
    }

    /// The distance from another point to here, as far as it can be told.
    pub(super) fn minus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Self::Whole(a.saturating_sub(b)),
            (Self::Decimal(a), Self::Decimal(b)) => Self::Decimal(a.saturating_sub(b)),
            (a, b) => Self::Real(a.real() - b.real()),
        }
    }

    /// The number of whole steps from `start` to here, rounded down.
    pub(super) fn steps_from(self, start: Self, step: Self) -> Option<i64> {
        match (self, start, step) {
            (Self::Whole(a), Self::Whole(s), Self::Whole(d)) => {
                let distance = i128::from(a) - i128::from(s);
                i64::try_from(distance.div_euclid(i128::from(d).max(1))).ok()
            }
            (a, s, d) => {
                let n = ((a.real() - s.real()) / d.real()).floor();
                (n.abs() < 9e18).then_some(n as i64)
            }
        }
    }

    /// The point `n` steps on.
    pub(super) fn at(start: Self, step: Self, n: i64) -> Option<Self> {
        Some(match (start, step) {
            (Self::Whole(s), Self::Whole(d)) => Self::Whole(s.checked_add(d.checked_mul(n)?)?),
            (Self::Decimal(s), Self::Decimal(d)) => {
                Self::Decimal(s.checked_add(d.checked_mul(n.into())?)?)
            }
            (s, d) => Self::Real(s.real() + d.real() * n as f64),
        })
    }

    /// As a real number.
    pub(super) fn real(self) -> f64 {
        match self {
            Self::Whole(n) => n as f64,
            Self::Real(x) => x,
            Self::Decimal(d) => d.to_f64().unwrap_or(f64::NAN),
        }
    }

    /// Above zero.
    pub(super) fn is_positive(self) -> bool {
        self.real() > 0.0
    }

    /// Zero, or not a number.
    pub(super) fn is_nothing(self) -> bool {
        !(self.real() < 0.0 || self.real() > 0.0)
    }
}

impl Axis {
    /// The axis that a value lies on.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Int(_) => Self::Int,
            Value::Long(_) => Self::Long,
            Value::Real(_) => Self::Real,
            Value::Decimal(_) => Self::Decimal,
            Value::DateTime(_) => Self::DateTime,
            Value::TimeSpan(_) => Self::TimeSpan,
            _ => return None,
        })
    }

    /// A point as a value.
    pub(super) fn value(self, point: Point) -> Value {
        match (self, point) {
            (Self::Int, Point::Whole(n)) => i32::try_from(n).map_or(Value::Null, Value::Int),
            (Self::Long, Point::Whole(n)) => Value::Long(n),
            (Self::DateTime, Point::Whole(n)) => Value::DateTime(n),
            (Self::TimeSpan, Point::Whole(n)) => Value::TimeSpan(n),
            (_, Point::Decimal(d)) => Value::Decimal(d),
            (_, point) => Value::Real(point.real()),
        }
    }
}

/// A value as a point, or an error that says what it was for.
pub(super) fn point(value: &Value, what: &str) -> Result<Point> {
    Point::of(value)
        .ok_or_else(|| EngineError::Invalid(format!("{what} must be a number or a time")))
}
