//! `percentile` in all its forms, `tdigest` and `tdigest_merge`.

use super::{Accumulator, Call, Table};
use crate::sketch::digest::Digest;
use crate::value::{Json, Type, Value};

pub(super) const TABLE: Table = &[
    ("percentile", |call| Box::new(Percentiles::new(call, false, false))),
    ("percentiles", |call| Box::new(Percentiles::new(call, false, false))),
    ("percentilew", |call| Box::new(Percentiles::new(call, true, false))),
    ("percentilesw", |call| Box::new(Percentiles::new(call, true, false))),
    ("percentiles_array", |call| Box::new(Percentiles::new(call, false, true))),
    ("percentilesw_array", |call| Box::new(Percentiles::new(call, true, true))),
    ("tdigest", |_| Box::new(Tdigest { digest: Digest::default(), merges: false })),
    ("tdigest_merge", |_| Box::new(Tdigest { digest: Digest::default(), merges: true })),
    ("merge_tdigest", |_| Box::new(Tdigest { digest: Digest::default(), merges: true })),
];

/// The weight in an argument: a whole number above nothing.
fn weight(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Real(x)) => *x as u64,
        Some(value) => value.as_integer().and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        None => 1,
    }
}

/// A digest and the state it travels in.
fn merge(digest: &mut Digest, state: Option<&Value>) {
    if let Some(Value::Dynamic(json)) = state
        && let Some(other) = Digest::of_json(json)
    {
        digest.merge(&other);
    }
}

#[derive(Debug)]
struct Percentiles {
    outputs: Vec<Type>,
    weighted: bool,
    array: bool,
    shares: Vec<f64>,
    digest: Digest,
}

impl Percentiles {
    fn new(call: &Call<'_>, weighted: bool, array: bool) -> Self {
        let outputs = call.outputs.to_vec();
        Self { outputs, weighted, array, shares: Vec::new(), digest: Digest::default() }
    }
}

/// The shares that are asked for: numbers, or one array of them.
fn shares(arguments: &[Value]) -> Vec<f64> {
    let mut shares = Vec::new();
    for argument in arguments {
        match argument {
            Value::Dynamic(json) => match &**json {
                Json::Array(elements) => shares.extend(elements.iter().map(share)),
                other => shares.push(share(other)),
            },
            other => shares.push(other.as_real().unwrap_or(f64::NAN)),
        }
    }
    shares
}

fn share(json: &Json) -> f64 {
    match json {
        Json::Long(n) => *n as f64,
        Json::Real(x) => *x,
        _ => f64::NAN,
    }
}

impl Accumulator for Percentiles {
    fn update(&mut self, arguments: &[Value]) {
        let constants = if self.weighted { 2 } else { 1 };
        if self.shares.is_empty() {
            self.shares = shares(arguments.get(constants..).unwrap_or(&[]));
        }
        let Some(value) = arguments.first() else { return };
        let weight = if self.weighted { weight(arguments.get(1)) } else { 1 };
        self.digest.add(value, weight);
    }

    fn state(&self) -> Vec<Value> {
        let shares = self.shares.iter().map(|share| Json::Real(*share)).collect();
        vec![Value::json(self.digest.to_json()), Value::json(Json::Array(shares))]
    }

    fn merge(&mut self, state: &[Value]) {
        if self.shares.is_empty() {
            self.shares = shares(state.get(1..).unwrap_or(&[]));
        }
        merge(&mut self.digest, state.first());
    }

    fn finish(&self) -> Vec<Value> {
        let found = self.digest.percentiles(&self.shares);
        if self.array {
            if self.digest.is_empty() {
                return vec![Value::Null];
            }
            return vec![Value::json(Json::Array(found.iter().map(Value::to_json).collect()))];
        }
        let one = |(i, ty): (usize, &Type)| match found.get(i) {
            None | Some(Value::Null) => Value::absent(*ty),
            Some(value) => value.clone().widen(*ty),
        };
        self.outputs.iter().enumerate().map(one).collect()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.digest.bytes()
    }
}

#[derive(Debug)]
struct Tdigest {
    digest: Digest,
    merges: bool,
}

impl Accumulator for Tdigest {
    fn update(&mut self, arguments: &[Value]) {
        if self.merges {
            merge(&mut self.digest, arguments.first());
        } else if let Some(value) = arguments.first() {
            self.digest.add(value, weight(arguments.get(1)));
        }
    }

    fn state(&self) -> Vec<Value> {
        if self.digest.is_empty() {
            return vec![Value::Null];
        }
        vec![Value::json(self.digest.to_json())]
    }

    fn merge(&mut self, state: &[Value]) {
        merge(&mut self.digest, state.first());
    }

    fn finish(&self) -> Vec<Value> {
        self.state()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.digest.bytes()
    }
}
