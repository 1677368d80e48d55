//! Comparisons, arithmetic and bins over whole arrays.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, ArrowPrimitiveType, AsArray as _, BooleanArray, BooleanBuilder,
    Float64Array, Int64Array, PrimitiveArray,
};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use kql::value::{DATETIME_MAX, Type};
use serde::{Deserialize, Serialize};

/// A comparison; its sides have one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the operators")]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// By its text in the language.
    pub(crate) fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterEqual,
            _ => return None,
        })
    }

    fn of_order(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterEqual => order.is_some_and(Ordering::is_ge),
        }
    }

    /// What it gives with a null on one side, or on both.
    fn of_nulls(self, both: bool) -> Option<bool> {
        match self {
            Self::Equal if !both => Some(false),
            Self::NotEqual if !both => Some(true),
            _ => None,
        }
    }

    /// Compares row by row.
    pub(super) fn run(self, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
        let compared = match left.data_type() {
            DataType::Int64 => {
                let (l, r) = (left.as_primitive::<Int64Type>(), right.as_primitive::<Int64Type>());
                self.rows(left, right, |at| Some(l.value(at).cmp(&r.value(at))))
            }
            DataType::Float64 => {
                let l = left.as_primitive::<Float64Type>();
                let r = right.as_primitive::<Float64Type>();
                self.rows(left, right, |at| l.value(at).partial_cmp(&r.value(at)))
            }
            DataType::Boolean => {
                let (l, r) = (left.as_boolean(), right.as_boolean());
                self.rows(left, right, |at| Some(l.value(at).cmp(&r.value(at))))
            }
            DataType::Utf8View => {
                let (l, r) = (left.as_string_view(), right.as_string_view());
                self.rows(left, right, |at| Some(l.value(at).cmp(r.value(at))))
            }
            other => return exec_err!("values of {other} are not compared here"),
        };
        Ok(Arc::new(compared))
    }

    fn rows(
        self,
        left: &ArrayRef,
        right: &ArrayRef,
        order: impl Fn(usize) -> Option<Ordering>,
    ) -> BooleanArray {
        let mut out = BooleanBuilder::with_capacity(left.len());
        for at in 0..left.len() {
            match (left.is_valid(at), right.is_valid(at)) {
                (true, true) => out.append_value(self.of_order(order(at))),
                (a, b) => out.append_option(self.of_nulls(!a && !b)),
            }
        }
        out.finish()
    }
}

/// An operation on two numbers or times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the operators")]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operation {
    /// By its text in the language.
    pub(crate) fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Modulo,
            _ => return None,
        })
    }

    /// Computes row by row; the sides are arrays of 64 bits of one kind, `to` is what comes out.
    pub(super) fn run(self, left: &ArrayRef, right: &ArrayRef, to: Type) -> Result<ArrayRef> {
        match (left.data_type(), right.data_type(), to) {
            (DataType::Float64, DataType::Float64, Type::Real) => {
                let of = match self {
                    Self::Add => |x: f64, y: f64| Some(x + y),
                    Self::Subtract => |x: f64, y: f64| Some(x - y),
                    Self::Multiply => |x: f64, y: f64| Some(x * y),
                    Self::Divide => |x: f64, y: f64| Some(x / y),
                    Self::Modulo => |x: f64, y: f64| Some(x.rem_euclid(y)),
                };
                Ok(pairs::<Float64Type, Float64Type>(left, right, of))
            }
            (DataType::Int64, DataType::Int64, Type::Long) => {
                let of = match self {
                    Self::Add => |x: i64, y: i64| Some(x.wrapping_add(y)),
                    Self::Subtract => |x: i64, y: i64| Some(x.wrapping_sub(y)),
                    Self::Multiply => |x: i64, y: i64| Some(x.wrapping_mul(y)),
                    Self::Divide => |x: i64, y: i64| (y != 0).then(|| x.wrapping_div(y)),
                    Self::Modulo => |x: i64, y: i64| (y != 0).then(|| x.wrapping_rem_euclid(y)),
                };
                Ok(pairs::<Int64Type, Int64Type>(left, right, of))
            }
            (DataType::Int64, DataType::Int64, Type::DateTime) => {
                let inside = |t: Option<i64>| t.filter(|t| (0..=DATETIME_MAX).contains(t));
                match self {
                    Self::Add => Ok(pairs::<Int64Type, Int64Type>(left, right, |x, y| {
                        inside(x.checked_add(y))
                    })),
                    _ => Ok(pairs::<Int64Type, Int64Type>(left, right, |x, y| {
                        inside(x.checked_sub(y))
                    })),
                }
            }
            (DataType::Int64, DataType::Int64, Type::TimeSpan) => {
                let of = match self {
                    Self::Add => |x: i64, y: i64| x.checked_add(y),
                    _ => |x: i64, y: i64| x.checked_sub(y),
                };
                Ok(pairs::<Int64Type, Int64Type>(left, right, of))
            }
            // Two times divided.
            (DataType::Int64, DataType::Int64, Type::Real) => {
                Ok(pairs::<Int64Type, Float64Type>(left, right, |x, y| Some(x as f64 / y as f64)))
            }
            (l, r, to) => exec_err!("{l} and {r} do not become {to} here"),
        }
    }
}

/// `of` each pair; null with null on a side.
fn pairs<I: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &ArrayRef,
    right: &ArrayRef,
    of: impl Fn(I::Native, I::Native) -> Option<O::Native>,
) -> ArrayRef {
    let (left, right): (&PrimitiveArray<I>, &PrimitiveArray<I>) =
        (left.as_primitive(), right.as_primitive());
    let made: PrimitiveArray<O> = left.iter().zip(right.iter()).map(|(x, y)| of(x?, y?)).collect();
    Arc::new(made)
}

/// Rounded down to `at` plus a multiple of `size`, which is above zero; `ty` says where values
/// must lie.
pub(super) fn bin(values: &ArrayRef, size: i64, at: i64, ty: Type) -> ArrayRef {
    let values: &Int64Array = values.as_primitive::<Int64Type>();
    // What is not below `at`, as all points of time are, needs no care for the sign or overflow.
    let low = values.iter().flatten().min().unwrap_or(at);
    if at >= 0 && low >= at {
        let binned = |n: i64| n.wrapping_sub(n.wrapping_sub(at) % size);
        return Arc::new(values.unary::<_, Int64Type>(binned));
    }
    Arc::new(values.unary_opt::<_, Int64Type>(|n| {
        let n = i128::from(n);
        let binned = n - (n - i128::from(at)).rem_euclid(size.into());
        let inside = |n: &i64| ty != Type::DateTime || (0..=DATETIME_MAX).contains(n);
        i64::try_from(binned).ok().filter(inside)
    }))
}

/// The same for real numbers.
pub(super) fn bin_real(values: &ArrayRef, size: f64) -> ArrayRef {
    let values: &Float64Array = values.as_primitive::<Float64Type>();
    Arc::new(values.unary::<_, Float64Type>(|x| (x / size).floor() * size + 0.0))
}
