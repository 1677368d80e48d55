//! Scalar values and their text. All functions, engines and literals use these.
//!
//! A `string` is never null: what would be null is `""`. The type of `Value::Null` is known from
//! the expression it came from.

mod convert;
mod dynamic;
mod ticks;
mod time_text;
mod types;

use std::cmp::Ordering;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use convert::{parse_bool, parse_decimal, parse_long, parse_real};
pub use dynamic::{DEPTH_MAX, Json, real_text};
pub use ticks::{
    DATETIME_MAX, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE,
    TICKS_PER_SECOND, UNIX_EPOCH, civil, datetime_text, from_civil, timespan_text,
};
pub use time_text::{parse_datetime, parse_timespan};
pub use types::Type;

/// One scalar value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Null of any type but `string`
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i32),
    /// `long`
    Long(i64),
    /// `real`
    Real(#[serde(with = "real_words")] f64),
    /// `decimal`
    Decimal(Decimal),
    /// `datetime`: ticks of 100 ns since 0001-01-01T00:00:00Z
    DateTime(i64),
    /// `timespan`: ticks of 100 ns
    TimeSpan(i64),
    /// `guid`
    Guid(u128),
    /// `string`
    String(Arc<str>),
    /// `dynamic`; `Json::Null` as a whole is `Value::Null`
    Dynamic(Arc<Json>),
}

impl Value {
    /// A string.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::String(text.as_ref().into())
    }

    /// A dynamic; a null one becomes `Value::Null`.
    pub fn json(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            json => Self::Dynamic(Arc::new(json)),
        }
    }

    /// Whether this is null. A string never is.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The type, where the value is not null.
    pub fn kind(&self) -> Option<Type> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Long(_) => Type::Long,
            Self::Real(_) => Type::Real,
            Self::Decimal(_) => Type::Decimal,
            Self::DateTime(_) => Type::DateTime,
            Self::TimeSpan(_) => Type::TimeSpan,
            Self::Guid(_) => Type::Guid,
            Self::String(_) => Type::String,
            Self::Dynamic(_) => Type::Dynamic,
        })
    }

    /// The value that an absent one of this type has: `""` for strings, null for the rest.
    pub fn absent(of: Type) -> Self {
        if of == Type::String { Self::text("") } else { Self::Null }
    }

    /// What `tostring()` gives; null of any type gives `""` (Kusto page "tostring").
    pub fn to_text(&self) -> Arc<str> {
        match self {
            Self::Null => "".into(),
            Self::Bool(b) => if *b { "True" } else { "False" }.into(),
            Self::Int(n) => n.to_string().into(),
            Self::Long(n) => n.to_string().into(),
            Self::Real(x) => real_plain(*x).into(),
            Self::Decimal(d) => d.to_string().into(),
            Self::DateTime(t) => datetime_text(*t).into(),
            Self::TimeSpan(t) => timespan_text(*t).into(),
            Self::Guid(g) => guid_text(*g).into(),
            Self::String(s) => Arc::clone(s),
            Self::Dynamic(j) => match &**j {
                Json::String(s) => Arc::clone(s),
                Json::Real(x) => real_plain(*x).into(),
                other => other.to_string().into(),
            },
        }
    }

    /// The value as a part of a dynamic: dates, spans and guids become text.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(n) => Json::Long((*n).into()),
            Self::Long(n) => Json::Long(*n),
            Self::Real(x) => Json::Real(*x),
            Self::Decimal(d) => Json::String(d.to_string().into()),
            Self::Dynamic(j) => (**j).clone(),
            other => Json::String(other.to_text()),
        }
    }

    /// A part of a dynamic as a value of type `dynamic`.
    pub fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            other => Self::Dynamic(Arc::new(other.clone())),
        }
    }

    /// Order within one type, for `sort`, `min`, `max`: null below everything, NaN next to it.
    /// Numbers of different types compare by value, dynamics by kind and then by content.
    pub fn order(&self, other: &Self) -> Ordering {
        use Value::*;
        match (self, other) {
            (Null, Null) => Ordering::Equal,
            (Null, _) => Ordering::Less,
            (_, Null) => Ordering::Greater,
            (Bool(a), Bool(b)) => a.cmp(b),
            (String(a), String(b)) => a.cmp(b),
            (Guid(a), Guid(b)) => a.cmp(b),
            (DateTime(a), DateTime(b)) | (TimeSpan(a), TimeSpan(b)) => a.cmp(b),
            (Dynamic(a), Dynamic(b)) => order_json(a, b),
            (Dynamic(a), b) => order_json(a, &b.to_json()),
            (a, Dynamic(b)) => order_json(&a.to_json(), b),
            (a, b) => match (a.as_integer(), b.as_integer()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => match (a, b) {
                    (Decimal(a), Decimal(b)) => a.cmp(b),
                    _ => {
                        order_real(a.as_real().unwrap_or(f64::NAN), b.as_real().unwrap_or(f64::NAN))
                    }
                },
            },
        }
    }

    /// `int` or `long` as 64 bits.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some((*n).into()),
            Self::Long(n) => Some(*n),
            _ => None,
        }
    }

    /// Any number as `real`.
    pub fn as_real(&self) -> Option<f64> {
        use rust_decimal::prelude::ToPrimitive as _;
        match self {
            Self::Int(n) => Some((*n).into()),
            Self::Long(n) => Some(*n as f64),
            Self::Real(x) => Some(*x),
            Self::Decimal(d) => d.to_f64(),
            _ => None,
        }
    }

    /// Bytes this value holds outside itself, for limits of memory.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::String(s) => s.len() + 16,
            Self::Dynamic(j) => json_bytes(j),
            _ => 0,
        }
    }
}

fn json_bytes(json: &Json) -> usize {
    let inside = match json {
        Json::String(s) => s.len() + 16,
        Json::Array(elements) => elements.iter().map(json_bytes).sum(),
        Json::Bag(members) => members.iter().map(|(k, v)| k.len() + 32 + json_bytes(v)).sum(),
        _ => 0,
    };
    inside + size_of::<Json>()
}

fn order_real(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => a.partial_cmp(&b).expect("because neither is NaN"),
    }
}

/// Order of parts of dynamics: by kind, then by content.
pub(crate) fn order_json(a: &Json, b: &Json) -> Ordering {
    fn rank(json: &Json) -> u8 {
        match json {
            Json::Null => 0,
            Json::Bool(_) => 1,
            Json::Long(_) | Json::Real(_) => 2,
            Json::String(_) => 3,
            Json::Array(_) => 4,
            Json::Bag(_) => 5,
        }
    }
    match (a, b) {
        (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
        (Json::Long(a), Json::Long(b)) => a.cmp(b),
        (Json::Real(a), Json::Real(b)) => order_real(*a, *b),
        (Json::Long(a), Json::Real(b)) => order_real(*a as f64, *b),
        (Json::Real(a), Json::Long(b)) => order_real(*a, *b as f64),
        (Json::String(a), Json::String(b)) => a.cmp(b),
        (Json::Array(_), Json::Array(_)) | (Json::Bag(_), Json::Bag(_)) => {
            a.to_string().cmp(&b.to_string())
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// A real number as `tostring()` prints it: the shortest text that reads back the same, in the
/// manner of .NET (`1.0` is `1.0`, exponents from 1e15 up and below 1e-4).
pub fn real_plain(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = x.abs();
    if magnitude != 0.0 && !(1e-4..1e15).contains(&magnitude) {
        let text = format!("{x:e}");
        let (mantissa, exponent) = text.split_once('e').expect("because of the format");
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        return format!("{mantissa}E{sign}{digits:0>2}");
    }
    let text = format!("{x}");
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// A guid in lower case with hyphens (RFC 9562 section 4).
pub fn guid_text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Reads a guid: 32 hex digits, wherever hyphens are among them, in braces or not.
pub fn parse_guid(text: &str) -> Option<u128> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    let within = |open, close| text.strip_prefix(open).and_then(|t| t.strip_suffix(close));
    let bare = within('{', '}').or_else(|| within('(', ')')).unwrap_or(text);
    let digits: String = bare.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok()
}

/// JSON has no NaN and no infinities: those are words.
mod real_words {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(f64),
        Word(String),
    }

    pub(super) fn serialize<S: Serializer>(x: &f64, to: S) -> Result<S::Ok, S::Error> {
        if x.is_finite() { to.serialize_f64(*x) } else { to.serialize_str(&super::real_plain(*x)) }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        match Either::deserialize(from)? {
            Either::Number(x) => Ok(x),
            Either::Word(word) => word.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests;
