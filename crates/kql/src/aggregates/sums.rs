//! `count`, `sum`, `avg` and the bitwise aggregates.

use rust_decimal::Decimal;

use super::condition::If;
use super::{Accumulator, Call, Make, Table};
use crate::value::{Json, Type, Value};

pub(super) const TABLE: Table = &[
    ("count", count),
    ("cnt", |_| Box::new(Count(0))),
    ("countif", |_| Box::new(If { at: 0, inner: Count(0) })),
    ("sum", |call| Box::new(Sum::new(call, false))),
    ("sumif", |call| Box::new(If { at: 1, inner: Sum::new(call, false) })),
    ("avg", |call| Box::new(Sum::new(call, true))),
    ("avgif", |call| Box::new(If { at: 1, inner: Sum::new(call, true) })),
    ("binary_all_and", |_| Box::new(Bits { of: |a, b| a & b, all: None })),
    ("binary_all_or", |_| Box::new(Bits { of: |a, b| a | b, all: None })),
    ("binary_all_xor", |_| Box::new(Bits { of: |a, b| a ^ b, all: None })),
];

const _: Make = count;

fn count(call: &Call<'_>) -> Box<dyn Accumulator> {
    if call.arguments.is_empty() {
        Box::new(Count(0))
    } else {
        Box::new(If { at: 0, inner: Count(0) })
    }
}

#[derive(Debug)]
struct Count(i64);

impl Accumulator for Count {
    fn update(&mut self, _arguments: &[Value]) {
        self.0 += 1;
    }

    fn state(&self) -> Vec<Value> {
        vec![Value::Long(self.0)]
    }

    fn merge(&mut self, state: &[Value]) {
        if let Some(Value::Long(n)) = state.first() {
            self.0 = self.0.saturating_add(*n);
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::Long(self.0)]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// A sum in three parts, so that whole numbers and times stay exact; a row adds to one of them.
#[derive(Debug)]
struct Sum {
    output: Type,
    mean: bool,
    n: i64,
    whole: i128,
    real: f64,
    /// `None` once it left the range
    decimal: Option<Decimal>,
}

impl Sum {
    fn new(call: &Call<'_>, mean: bool) -> Self {
        let output = call.outputs.first().copied().unwrap_or(Type::Real);
        Self { output, mean, n: 0, whole: 0, real: 0.0, decimal: Some(Decimal::ZERO) }
    }

    fn total(&self) -> Value {
        let long = || i64::try_from(self.whole).ok();
        match self.output {
            Type::Int => long().and_then(|n| i32::try_from(n).ok()).map_or(Value::Null, Value::Int),
            Type::Long => long().map_or(Value::Null, Value::Long),
            Type::TimeSpan => long().map_or(Value::Null, Value::TimeSpan),
            Type::DateTime => long().map_or(Value::Null, Value::DateTime),
            Type::Decimal => self.exact().map_or(Value::Null, Value::Decimal),
            _ => Value::Real(self.real + self.whole as f64),
        }
    }

    fn exact(&self) -> Option<Decimal> {
        self.decimal?.checked_add(Decimal::try_from_i128_with_scale(self.whole, 0).ok()?)
    }

    /// The mean; of nothing it is NaN for real numbers (Kusto page "summarize"), else null.
    fn average(&self) -> Value {
        let whole = || i64::try_from(self.whole.checked_div(self.n.into())?).ok();
        match self.output {
            Type::TimeSpan => whole().map_or(Value::Null, Value::TimeSpan),
            Type::DateTime => whole().map_or(Value::Null, Value::DateTime),
            Type::Decimal => self
                .exact()
                .and_then(|sum| sum.checked_div(Decimal::from(self.n)))
                .map_or(Value::Null, Value::Decimal),
            _ => Value::Real((self.real + self.whole as f64) / self.n as f64),
        }
    }
}

impl Accumulator for Sum {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first() else { return };
        match value {
            Value::Int(n) => self.whole += i128::from(*n),
            Value::Long(n) | Value::TimeSpan(n) | Value::DateTime(n) => {
                self.whole += i128::from(*n);
            }
            Value::Bool(b) => self.whole += i128::from(*b),
            Value::Real(x) => self.real += x,
            Value::Decimal(d) => self.decimal = self.decimal.and_then(|sum| sum.checked_add(*d)),
            Value::Dynamic(json) => match **json {
                Json::Long(n) => self.whole += i128::from(n),
                Json::Real(x) => self.real += x,
                _ => return,
            },
            _ => return,
        }
        self.n += 1;
    }

    fn state(&self) -> Vec<Value> {
        vec![
            Value::Long(self.n),
            Value::text(self.whole.to_string()),
            Value::Real(self.real),
            self.decimal.map_or(Value::Null, Value::Decimal),
        ]
    }

    fn merge(&mut self, state: &[Value]) {
        let [Value::Long(n), Value::String(whole), Value::Real(real), decimal] = state else {
            return;
        };
        self.n = self.n.saturating_add(*n);
        self.whole = self.whole.saturating_add(whole.parse().unwrap_or(0));
        self.real += real;
        self.decimal = match (self.decimal, decimal) {
            (Some(a), Value::Decimal(b)) => a.checked_add(*b),
            _ => None,
        };
    }

    fn finish(&self) -> Vec<Value> {
        vec![if self.mean { self.average() } else { self.total() }]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

#[derive(Debug)]
struct Bits {
    of: fn(i64, i64) -> i64,
    /// With the last value seen, whose type is the result's
    all: Option<(i64, Value)>,
}

impl Accumulator for Bits {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first() else { return };
        let bits = match value {
            Value::Int(n) => i64::from(*n),
            Value::Long(n) | Value::TimeSpan(n) | Value::DateTime(n) => *n,
            _ => return,
        };
        let all = self.all.take().map_or(bits, |(all, _)| (self.of)(all, bits));
        self.all = Some((all, value.clone()));
    }

    fn state(&self) -> Vec<Value> {
        self.finish()
    }

    fn merge(&mut self, state: &[Value]) {
        self.update(state);
    }

    fn finish(&self) -> Vec<Value> {
        let Some((all, like)) = &self.all else { return vec![Value::Null] };
        vec![match like {
            Value::Int(_) => Value::Int(*all as i32),
            Value::TimeSpan(_) => Value::TimeSpan(*all),
            Value::DateTime(_) => Value::DateTime(*all),
            _ => Value::Long(*all),
        }]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
