//! Scalar functions over sketches: `dcount_hll`, `percentile_tdigest` and their kin.

use super::{Context, Table};
use crate::sketch::digest::Digest;
use crate::sketch::hll::Hll;
use crate::value::{Json, Type, Value};

pub(super) const TABLE: Table = &[
    ("dcount_hll", dcount_hll),
    ("hll_merge", hll_merge),
    ("hll_isvalid", |a, _| Value::Bool(hll(a.first()).is_some())),
    ("tdigest_isvalid", |a, _| Value::Bool(digest(a.first()).is_some())),
    ("percentile_tdigest", percentile_tdigest),
    ("percentiles_array_tdigest", percentiles_array_tdigest),
    ("rank_tdigest", rank_tdigest),
    ("percentrank_tdigest", percentrank_tdigest),
    ("merge_tdigest", merge_tdigest),
    ("tdigest_merge", merge_tdigest),
];

fn hll(value: Option<&Value>) -> Option<Hll> {
    match value {
        Some(Value::Dynamic(json)) => Hll::of_json(json),
        _ => None,
    }
}

fn digest(value: Option<&Value>) -> Option<Digest> {
    match value {
        Some(Value::Dynamic(json)) => Digest::of_json(json),
        _ => None,
    }
}

fn dcount_hll(arguments: &[Value], _: &Context) -> Value {
    hll(arguments.first()).map_or(Value::Null, |hll| Value::Long(hll.count()))
}

fn hll_merge(arguments: &[Value], _: &Context) -> Value {
    let all = arguments.iter().filter_map(|argument| hll(Some(argument)));
    let merged = all.reduce(|mut merged, next| {
        merged.merge(&next);
        merged
    });
    merged.map_or(Value::Null, |hll| Value::json(hll.to_json()))
}

fn merge_tdigest(arguments: &[Value], _: &Context) -> Value {
    let all = arguments.iter().filter_map(|argument| digest(Some(argument)));
    let merged = all.reduce(|mut merged, next| {
        merged.merge(&next);
        merged
    });
    merged.map_or(Value::Null, |digest| Value::json(digest.to_json()))
}

fn number(value: &Value) -> f64 {
    value.to_real().unwrap_or(f64::NAN)
}

/// With a third argument, the name of a type, the value is of that type; else it is a dynamic.
fn percentile_tdigest(arguments: &[Value], _: &Context) -> Value {
    let (Some(digest), Some(share)) = (digest(arguments.first()), arguments.get(1)) else {
        return Value::Null;
    };
    let found = digest.percentiles(&[number(share)]).pop().unwrap_or(Value::Null);
    match arguments.get(2) {
        Some(Value::String(name)) => match Type::parse(name) {
            Some(ty) => found.convert(ty),
            None => Value::Null,
        },
        _ => Value::json(found.to_json()),
    }
}

fn percentiles_array_tdigest(arguments: &[Value], _: &Context) -> Value {
    let Some(digest) = digest(arguments.first()) else { return Value::Null };
    let mut shares = Vec::new();
    for argument in &arguments[1..] {
        match argument {
            Value::Dynamic(json) if matches!(**json, Json::Array(_)) => {
                let Json::Array(elements) = &**json else { continue };
                shares.extend(elements.iter().map(|share| number(&Value::of_json(share))));
            }
            other => shares.push(number(other)),
        }
    }
    let found = digest.percentiles(&shares);
    Value::json(Json::Array(found.iter().map(Value::to_json).collect()))
}

fn rank(arguments: &[Value]) -> Option<(u64, u64)> {
    let value = arguments.get(1).filter(|value| !value.is_null())?;
    Some(digest(arguments.first())?.rank(value))
}

fn rank_tdigest(arguments: &[Value], _: &Context) -> Value {
    rank(arguments).map_or(Value::Null, |(below, _)| Value::Real(below as f64))
}

fn percentrank_tdigest(arguments: &[Value], _: &Context) -> Value {
    match rank(arguments) {
        Some((below, total)) if total > 0 => Value::Real(below as f64 * 100.0 / total as f64),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests;
