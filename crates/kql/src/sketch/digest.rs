//! A t-digest of values of any type with an order: exact while few are distinct, then centroids
//! that are small at both ends (Dunning and Ertl 2019, arXiv 1902.04023).
//!
//! A centroid stands for its weight by a member of it, not by a mean, so that every answer is a
//! value that was there. As a dynamic it is `[[type], [values], [weights]]`.

use std::cmp::Ordering;

use crate::value::{Json, Type, Value, parse_datetime, parse_guid, parse_timespan};

/// So many distinct values are kept exactly.
const EXACT_MAX: usize = 8192;
/// Centroids are of the order of this many after a compression.
const COMPRESSION: f64 = 2000.0;

/// Values and how often they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Digest {
    /// In order, each once
    points: Vec<(Value, u64)>,
    pending: Vec<(Value, u64)>,
    heap_bytes: usize,
}

impl Digest {
    /// Adds a value with a weight; null and a weight of nothing are left out.
    pub(crate) fn add(&mut self, value: &Value, weight: u64) {
        if value.is_null() || weight == 0 || matches!(value, Value::Real(x) if x.is_nan()) {
            return;
        }
        self.heap_bytes += value.heap_bytes();
        self.pending.push((value.clone(), weight));
        if self.pending.len() >= EXACT_MAX {
            self.settle();
        }
    }

    /// Adds all that the other has.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (value, weight) in other.points.iter().chain(&other.pending) {
            self.add(value, *weight);
        }
    }

    /// Brings what is pending in order, and compresses where there is too much.
    fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.points = self.settled();
        self.pending = Vec::new();
        self.heap_bytes = self.points.iter().map(|(value, _)| value.heap_bytes()).sum();
    }

    /// All points in order, each once.
    fn settled(&self) -> Vec<(Value, u64)> {
        let mut all: Vec<(Value, u64)> = self.points.clone();
        all.extend(self.pending.iter().cloned());
        all.sort_by(|a, b| a.0.order(&b.0));
        all.dedup_by(|next, kept| {
            let same = next.0.order(&kept.0) == Ordering::Equal;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        if all.len() > EXACT_MAX { compress(all) } else { all }
    }

    /// The nearest-rank percentiles (Kusto page "percentiles"): the smallest value with at least
    /// that share at or below it. Null where there is nothing or the share is not in 0 to 100.
    pub(crate) fn percentiles(&self, shares: &[f64]) -> Vec<Value> {
        let points = self.settled();
        let total = points.iter().fold(0_u64, |sum, (_, w)| sum.saturating_add(*w));
        shares
            .iter()
            .map(|share| {
                if total == 0 || !(0.0..=100.0).contains(share) {
                    return Value::Null;
                }
                let exact = share * total as f64 / 100.0;
                let rank = ((exact - exact * 1e-12).ceil() as u64).clamp(1, total);
                let mut sum = 0_u64;
                let at = points.iter().find(|(_, weight)| {
                    sum = sum.saturating_add(*weight);
                    sum >= rank
                });
                at.or(points.last()).map_or(Value::Null, |(value, _)| value.clone())
            })
            .collect()
    }

    /// Weight of the values at or below `value`, and of all.
    pub(crate) fn rank(&self, value: &Value) -> (u64, u64) {
        let (mut below, mut total) = (0_u64, 0_u64);
        for (point, weight) in self.points.iter().chain(&self.pending) {
            total = total.saturating_add(*weight);
            if point.order(value) != Ordering::Greater {
                below = below.saturating_add(*weight);
            }
        }
        (below, total)
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.pending.is_empty()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let held = self.points.capacity() + self.pending.capacity();
        held * size_of::<(Value, u64)>() + self.heap_bytes + size_of::<Self>()
    }

    /// As a dynamic.
    pub(crate) fn to_json(&self) -> Json {
        let points = self.settled();
        let kind = points.first().and_then(|(value, _)| value.kind()).unwrap_or(Type::Dynamic);
        let weight = |w: u64| Json::Long(i64::try_from(w).unwrap_or(i64::MAX));
        Json::Array(vec![
            Json::Array(vec![Json::String(kind.name().into())]),
            Json::Array(points.iter().map(|(value, _)| value.to_json()).collect()),
            Json::Array(points.iter().map(|(_, w)| weight(*w)).collect()),
        ])
    }

    /// From a dynamic; `None` where it is none of ours.
    pub(crate) fn of_json(json: &Json) -> Option<Self> {
        let Json::Array(parts) = json else { return None };
        let [Json::Array(head), Json::Array(values), Json::Array(weights)] = &parts[..] else {
            return None;
        };
        let [Json::String(kind)] = &head[..] else { return None };
        let kind = Type::parse(kind)?;
        if values.len() != weights.len() {
            return None;
        }
        let mut digest = Self::default();
        for (value, weight) in values.iter().zip(weights) {
            let Json::Long(weight) = weight else { return None };
            digest.add(&typed(value, kind)?, u64::try_from(*weight).ok()?);
        }
        digest.settle();
        Some(digest)
    }
}

/// A part of a dynamic as the type that it was before.
fn typed(json: &Json, kind: Type) -> Option<Value> {
    Some(match (kind, json) {
        (Type::Bool, Json::Bool(b)) => Value::Bool(*b),
        (Type::Int, Json::Long(n)) => Value::Int(i32::try_from(*n).ok()?),
        (Type::Long, Json::Long(n)) => Value::Long(*n),
        (Type::Real, Json::Real(x)) => Value::Real(*x),
        (Type::Real, Json::Long(n)) => Value::Real(*n as f64),
        (Type::Real, Json::String(s)) => Value::Real(s.parse().ok()?),
        (Type::Decimal, Json::String(s)) => Value::Decimal(s.parse().ok()?),
        (Type::DateTime, Json::String(s)) => Value::DateTime(parse_datetime(s)?),
        (Type::TimeSpan, Json::String(s)) => Value::TimeSpan(parse_timespan(s)?),
        (Type::Guid, Json::String(s)) => Value::Guid(parse_guid(s)?),
        (Type::String, Json::String(s)) => Value::String(s.clone()),
        (Type::Dynamic, json) => Value::of_json(json),
        _ => return None,
    })
}

/// Joins neighbours while the joined weight stays below the limit at its place, 4 N q (1-q) / δ.
fn compress(points: Vec<(Value, u64)>) -> Vec<(Value, u64)> {
    let total: f64 = points.iter().map(|(_, weight)| *weight as f64).sum();
    let mut out: Vec<(Value, u64)> = Vec::new();
    let mut before = 0.0;
    // The members of the centroid at hand, to choose the middle one.
    let mut group: Vec<(Value, u64)> = Vec::new();
    let mut weight = 0.0;
    let last = points.len() - 1;
    for (i, (value, w)) in points.into_iter().enumerate() {
        let joined = weight + w as f64;
        let q = (before + joined / 2.0) / total;
        let most = 4.0 * total * q * (1.0 - q) / COMPRESSION;
        if !group.is_empty() && (joined > most || before == 0.0 || i == last) {
            before += weight;
            out.push(middle(std::mem::take(&mut group)));
            weight = 0.0;
        }
        weight += w as f64;
        group.push((value, w));
    }
    out.push(middle(group));
    out
}

/// The member at the middle of the weight, with all the weight.
fn middle(group: Vec<(Value, u64)>) -> (Value, u64) {
    let total = group.iter().fold(0_u64, |sum, (_, w)| sum.saturating_add(*w));
    let mut sum = 0_u64;
    for (value, weight) in group {
        sum = sum.saturating_add(weight);
        if sum >= total.div_ceil(2) {
            return (value, total);
        }
    }
    (Value::Null, 0)
}
