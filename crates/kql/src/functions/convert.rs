//! `tolong()` and its like, `parse_json()`, `tohex()`, `gettype()`.

use super::arguments::{long, or_null};
use super::{Context, Table};
use crate::value::{Json, Type, Value, parse_datetime};

pub(super) const TABLE: Table = &[
    ("tobool", |a, _| to(a, Type::Bool)),
    ("toboolean", |a, _| to(a, Type::Bool)),
    ("todatetime", |a, _| to(a, Type::DateTime)),
    ("todecimal", |a, _| to(a, Type::Decimal)),
    ("todouble", |a, _| to(a, Type::Real)),
    ("toreal", |a, _| to(a, Type::Real)),
    ("toguid", |a, _| to(a, Type::Guid)),
    ("toint", |a, _| to(a, Type::Int)),
    ("tolong", |a, _| to(a, Type::Long)),
    ("tostring", |a, _| to(a, Type::String)),
    ("totime", |a, _| to(a, Type::TimeSpan)),
    ("totimespan", |a, _| to(a, Type::TimeSpan)),
    ("parse_json", parse_json),
    ("parsejson", parse_json),
    ("todynamic", parse_json),
    ("toobject", parse_json),
    ("tohex", tohex),
    ("gettype", gettype),
    ("dynamic_to_json", dynamic_to_json),
    ("__cast", cast),
];

fn to(arguments: &[Value], kind: Type) -> Value {
    arguments.first().map_or(Value::Null, |value| value.convert(kind))
}

/// Longer text is not read as JSON: it becomes null.
const JSON_MAX_BYTES: usize = 4 << 20;

/// Text that is no JSON stays a dynamic string; what is dynamic already stays as it is.
fn parse_json(arguments: &[Value], _: &Context) -> Value {
    match arguments.first() {
        Some(Value::String(text)) if text.len() > JSON_MAX_BYTES || text.trim().is_empty() => {
            Value::Null
        }
        Some(Value::String(text)) => {
            Value::json(Json::parse(text).unwrap_or_else(|| Json::String(text.clone())))
        }
        Some(other) => Value::json(other.to_json()),
        None => Value::Null,
    }
}

/// Hexadecimal digits of the two's complement, at least so many.
fn tohex(arguments: &[Value], _: &Context) -> Value {
    let digits = match arguments.first().map(Value::plain) {
        Some(Value::Int(n)) => format!("{n:x}"),
        Some(other) => match other.to_long() {
            Some(n) => format!("{n:x}"),
            None => return Value::text(""),
        },
        None => return Value::text(""),
    };
    let width = long(arguments, 1).unwrap_or(1).clamp(1, 16) as usize;
    Value::text(format!("{digits:0>width$}"))
}

/// The type of what a value holds; arrays are `array`, bags `dictionary`.
fn gettype(arguments: &[Value], _: &Context) -> Value {
    let name = match arguments.first() {
        None | Some(Value::Null) => "null",
        Some(Value::Dynamic(json)) => match &**json {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Long(_) => "long",
            Json::Real(_) => "real",
            // Points of time travel through dynamics as their canonical text.
            Json::String(s) if is_canonical_time(s) => "datetime",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Bag(_) => "dictionary",
        },
        Some(other) => other.kind().map_or("null", Type::name),
    };
    Value::text(name)
}

fn is_canonical_time(text: &str) -> bool {
    text.len() == 28 && text.ends_with('Z') && parse_datetime(text).is_some()
}

/// JSON text with the members of bags in the order of their names; other types as `tostring()`.
fn dynamic_to_json(arguments: &[Value], _: &Context) -> Value {
    match arguments.first() {
        None => Value::text(""),
        Some(Value::Dynamic(json)) => Value::text(sorted(json).to_string()),
        Some(value) => Value::String(value.to_text()),
    }
}

fn sorted(json: &Json) -> Json {
    match json {
        Json::Array(elements) => Json::Array(elements.iter().map(sorted).collect()),
        Json::Bag(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Json::Bag(members)
        }
        other => other.clone(),
    }
}

/// `[type's name, value]`
fn cast(arguments: &[Value], _: &Context) -> Value {
    let kind = match arguments.first() {
        Some(Value::String(name)) => Type::parse(name),
        _ => None,
    };
    or_null(kind, |kind| to(&arguments[1..], kind))
}
