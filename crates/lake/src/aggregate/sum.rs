//! `sum()` and `avg()` of whole numbers, times and real numbers.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Decimal128Array, Float64Array, Int64Array,
};
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Float64Type, Int32Type, Int64Type,
};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kql::value::{Type, Value};

use super::one_group::Collect;
use super::{Argument, Call};
use crate::data::Writer;

/// Sums of whole numbers are exact; only the end decides whether they fit.
const WHOLE: DataType = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0);

/// What collects such a call, if it is one.
pub(super) fn of(call: &Call) -> Option<Box<dyn Collect>> {
    let (from, mean, to) = parts(call)?;
    Some(if from == Type::Real {
        Box::new(Sums::<f64>::new(mean, to))
    } else {
        Box::new(Sums::<i128>::new(mean, to))
    })
}

/// What stands between parts of the rows: the sum and how many values it has.
pub(super) fn state_types(call: &Call) -> Vec<DataType> {
    let sum = match parts(call) {
        Some((Type::Real, ..)) => DataType::Float64,
        _ => WHOLE,
    };
    vec![sum, DataType::Int64]
}

fn parts(call: &Call) -> Option<(Type, bool, Type)> {
    let mean = match &*call.function {
        "sum" => false,
        "avg" => true,
        _ => return None,
    };
    let ([Argument::Column(_, from)], [to]) = (&call.arguments[..], &call.outputs[..]) else {
        return None;
    };
    let known = match from {
        Type::Int | Type::Long => matches!(to, Type::Int | Type::Long | Type::Real),
        Type::TimeSpan | Type::DateTime => to == from,
        Type::Real => *to == Type::Real,
        _ => false,
    };
    known.then_some((*from, mean, *to))
}

/// A kind of number that is summed.
trait Number: Copy + Default + Send + 'static {
    /// The values of an array, null or not.
    fn read(values: &ArrayRef) -> Result<Vec<Self>>;
    /// Sums as an array, and from one.
    fn write(sums: &[Self]) -> Result<ArrayRef>;
    fn read_state(state: &ArrayRef) -> Vec<Self>;
    fn add(&mut self, other: Self);
    /// The sum, or the mean of so many, in a type.
    fn result(self, n: i64, mean: bool, to: Type) -> Value;
}

impl Number for i128 {
    fn read(values: &ArrayRef) -> Result<Vec<Self>> {
        Ok(match values.data_type() {
            DataType::Int32 => {
                let values = values.as_primitive::<Int32Type>().values();
                values.iter().map(|n| Self::from(*n)).collect()
            }
            DataType::Int64 => {
                let values = values.as_primitive::<Int64Type>().values();
                values.iter().map(|n| Self::from(*n)).collect()
            }
            other => return exec_err!("{other} is not summed here"),
        })
    }

    fn write(sums: &[Self]) -> Result<ArrayRef> {
        let sums = Decimal128Array::from(sums.to_vec());
        Ok(Arc::new(sums.with_precision_and_scale(DECIMAL128_MAX_PRECISION, 0)?))
    }

    fn read_state(state: &ArrayRef) -> Vec<Self> {
        state.as_primitive::<Decimal128Type>().values().to_vec()
    }

    fn add(&mut self, other: Self) {
        *self = self.saturating_add(other);
    }

    fn result(self, n: i64, mean: bool, to: Type) -> Value {
        if mean && to == Type::Real {
            return Value::Real(self as f64 / n as f64);
        }
        let whole = if mean { self.checked_div(n.into()) } else { Some(self) };
        let whole = whole.and_then(|n| i64::try_from(n).ok());
        match (whole, to) {
            (None, _) if to != Type::Real => Value::Null,
            (Some(n), Type::TimeSpan) => Value::TimeSpan(n),
            (Some(n), Type::DateTime) => Value::DateTime(n),
            (Some(n), Type::Int) => i32::try_from(n).map_or(Value::Null, Value::Int),
            (Some(n), Type::Long) => Value::Long(n),
            _ => Value::Real(self as f64),
        }
    }
}

impl Number for f64 {
    fn read(values: &ArrayRef) -> Result<Vec<Self>> {
        Ok(values.as_primitive::<Float64Type>().values().to_vec())
    }

    fn write(sums: &[Self]) -> Result<ArrayRef> {
        Ok(Arc::new(Float64Array::from(sums.to_vec())))
    }

    fn read_state(state: &ArrayRef) -> Vec<Self> {
        state.as_primitive::<Float64Type>().values().to_vec()
    }

    fn add(&mut self, other: Self) {
        *self += other;
    }

    fn result(self, n: i64, mean: bool, _: Type) -> Value {
        Value::Real(if mean { self / n as Self } else { self })
    }
}

/// The sum of each group and how many values it has.
struct Sums<T> {
    mean: bool,
    to: Type,
    sums: Vec<T>,
    n: Vec<i64>,
}

impl<T: Number> Sums<T> {
    fn new(mean: bool, to: Type) -> Self {
        Self { mean, to, sums: Vec::new(), n: Vec::new() }
    }
}

impl<T: Number> Collect for Sums<T> {
    fn grow(&mut self, n_groups: usize) {
        if self.n.len() < n_groups {
            self.sums.resize(n_groups, T::default());
            self.n.resize(n_groups, 0);
        }
    }
}

impl<T: Number> GroupsAccumulator for Sums<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        let array = &values[0];
        let numbers = T::read(array)?;
        if array.null_count() == 0 && filter.is_none() {
            for (&group, number) in groups.iter().zip(numbers) {
                self.sums[group].add(number);
                self.n[group] += 1;
            }
            return Ok(());
        }
        for (at, (&group, number)) in groups.iter().zip(numbers).enumerate() {
            if array.is_valid(at) && filter.is_none_or(|f| f.is_valid(at) && f.value(at)) {
                self.sums[group].add(number);
                self.n[group] += 1;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (sums, n) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.n));
        let mut out = Writer::new(self.to, n.len());
        for (sum, n) in sums.into_iter().zip(n) {
            out.push(&sum.result(n, self.mean, self.to));
        }
        Ok(out.finish())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, n) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.n));
        Ok(vec![T::write(&sums)?, Arc::new(Int64Array::from(n))])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        let sums = T::read_state(&states[0]);
        let n = states[1].as_primitive::<Int64Type>().values();
        for ((&group, sum), n) in groups.iter().zip(sums).zip(n.iter()) {
            self.sums[group].add(sum);
            self.n[group] += n;
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut each = Self::new(self.mean, self.to);
        let groups: Vec<usize> = (0..values[0].len()).collect();
        each.update_batch(values, &groups, filter, groups.len())?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T>() + self.n.capacity() * size_of::<i64>()
    }
}
