//! Fields without a column as Azure Diagnostics names them: parts of objects joined by `_`, the
//! ones of `properties` without that word, and the type as the ending: `_s` text, `_d` number,
//! `_b` truth value, `_g` guid, `_t` point of time.

use std::collections::BTreeMap;

use kql::value::{Json, Value, parse_guid};

use crate::event::{Cell, Event, Slot};
use crate::time::{self, Zones};

/// The object whose members stand for themselves.
const PROPERTIES: &str = "properties";

/// Name with ending → value; of two of one name both are kept.
pub(crate) fn typed(event: &Event<'_>, others: &[(Box<str>, Slot)]) -> BTreeMap<String, Json> {
    let mut out = BTreeMap::new();
    for (name, slot) in others {
        let name = name.strip_prefix("properties.").unwrap_or(name);
        put(name, &event.cell(*slot).to_json(), &mut out);
    }
    for (name, cell) in &event.rest {
        match cell {
            Cell::Json(Json::Bag(members)) if name == PROPERTIES => {
                members.iter().for_each(|(name, value)| put(name, value, &mut out));
            }
            cell => put(name, &cell.to_json(), &mut out),
        }
    }
    out
}

fn put(name: &str, json: &Json, out: &mut BTreeMap<String, Json>) {
    let ending = match json {
        Json::Null => return,
        Json::Bag(members) => {
            for (member, value) in members {
                put(&format!("{name}_{member}"), value, out);
            }
            return;
        }
        Json::Long(_) | Json::Real(_) => "d",
        Json::Bool(_) => "b",
        Json::String(text) if text.is_empty() => return,
        Json::String(text) if text.len() == 36 && parse_guid(text).is_some() => "g",
        Json::String(text) if time::stamp(text, &Zones::default()).is_some() => "t",
        Json::String(_) | Json::Array(_) => "s",
    };
    let mut plain = String::new();
    for c in name.chars() {
        match c {
            c if c.is_alphanumeric() => plain.push(c),
            _ if plain.ends_with('_') => {}
            _ => plain.push('_'),
        }
    }
    let name = format!("{plain}_{ending}");
    let value = match json {
        Json::Array(_) => Json::String(json.to_string().into()),
        other => other.clone(),
    };
    if out.contains_key(&name) {
        let free = (1..).map(|n| format!("{name}_{n}")).find(|name| !out.contains_key(name));
        out.insert(free.unwrap_or_default(), value);
        return;
    }
    out.insert(name, value);
}

/// Takes the value for a column out of the fields, if it is one of the column's type.
pub(crate) fn take(fields: &mut BTreeMap<String, Json>, column: &crate::Column) -> Option<Value> {
    let json = fields.get(&*column.name)?;
    let value = match json {
        Json::String(text) if column.kind == kql::value::Type::DateTime => {
            Value::DateTime(time::stamp(text, &Zones::default())?)
        }
        json => Value::of_json(json).convert(column.kind),
    };
    if value.is_null() {
        return None;
    }
    fields.remove(&*column.name);
    Some(value)
}

/// What is left, as a bag.
pub(crate) fn bag(fields: BTreeMap<String, Json>) -> Option<Value> {
    if fields.is_empty() {
        return None;
    }
    let members = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Some(Value::json(Json::Bag(members)))
}
