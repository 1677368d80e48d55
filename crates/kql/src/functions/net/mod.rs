//! Functions of network addresses.

mod address;
mod find;
#[cfg(test)]
mod tests;
mod v4;
mod v6;

use super::Table;
use crate::value::{Json, Value};

/// All of them.
pub(super) const TABLES: [Table; 4] = [find::TABLE, v4::TABLE, v6::TABLE, LOCATION];

/// Needs a database, and none is shipped.
const LOCATION: Table = &[("geo_info_from_ip_address", |_, _| Value::Null)];

/// A text, or a dynamic as text.
fn text(value: Option<&Value>) -> Option<std::sync::Arc<str>> {
    match value? {
        Value::Null => None,
        value => Some(value.to_text()),
    }
}

/// Texts given one by one or in arrays.
fn texts(arguments: &[Value]) -> Vec<std::sync::Arc<str>> {
    let mut all = Vec::new();
    for argument in arguments {
        match argument {
            Value::Dynamic(json) => match &**json {
                Json::Array(elements) => {
                    all.extend(elements.iter().map(|e| Value::of_json(e).to_text()));
                }
                _ => all.push(argument.to_text()),
            },
            other => all.push(other.to_text()),
        }
    }
    all
}

/// A prefix length that was given; `Err` where it is none from 0 to `most`.
fn prefix(value: Option<&Value>, most: u8) -> Result<Option<u8>, ()> {
    match value {
        None => Ok(None),
        Some(value) => {
            let n = value.to_long().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= most);
            n.map(Some).ok_or(())
        }
    }
}

/// -1, 0 or 1.
fn sign(order: std::cmp::Ordering) -> Value {
    Value::Long(order as i64)
}

fn bool_or_null(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Bool)
}

/// Whether a test holds for one of the ranges: null where none does and one cannot be read.
fn any_range(arguments: &[Value], test: fn(&str, &str) -> Option<bool>) -> Value {
    let Some(ip) = text(arguments.first()) else { return Value::Null };
    let mut result = Some(false);
    for range in texts(&arguments[1..]) {
        match test(&ip, &range) {
            Some(true) => return Value::Bool(true),
            Some(false) => {}
            None => result = None,
        }
    }
    bool_or_null(result)
}
