//! OTLP logs in their JSON encoding (OpenTelemetry protocol, "JSON Protobuf Encoding"): one
//! request, any number of events.
//!
//! Fields: those of `LogRecord` by their names in JSON (`timeUnixNano`, `severityText`, `body` …),
//! `attributes`, `resource`, `scope.name`, `scope.version`, `scope`; `attributes.NAME` and
//! `resource.NAME` give one attribute.

use kql::value::Json;

use super::Reading;
use crate::event::{Cell, Event};
use crate::record::{Fault, Reason};
use crate::{EVENTS_MAX, FIELDS_MAX};

pub(crate) fn read(
    text: &str,
    reading: Reading<'_>,
    out: &mut Vec<Event<'_>>,
) -> Result<(), Fault> {
    let tree = Json::parse(text).ok_or_else(|| Fault::syntax("no JSON, or nested too deep"))?;
    let resources = tree.member("resourceLogs");
    let resources = resources.ok_or_else(|| Fault::syntax("no member resourceLogs"))?;
    for resource in elements(Some(resources)) {
        let about = attributes(resource.member("resource").and_then(|r| r.member("attributes")))?;
        for scope in elements(resource.member("scopeLogs")) {
            for record in elements(scope.member("logRecords")) {
                let mut event = Event::new(reading.names);
                fill(record, reading, &mut event)?;
                parts(&about, "resource", reading, &mut event);
                let scope = scope.member("scope").unwrap_or(&Json::Null);
                for name in ["name", "version"] {
                    if let Some(value) = scope.member(name) {
                        let cell = Cell::of_json(value.clone());
                        event.put(reading.names, &format!("scope.{name}"), cell);
                    }
                }
                parts(&attributes(scope.member("attributes"))?, "scope", reading, &mut event);
                out.push(event);
                if out.len() > EVENTS_MAX {
                    let why = format!("more than {EVENTS_MAX} events");
                    return Err(Fault::new(Reason::TooMany, why));
                }
            }
        }
    }
    Ok(())
}

fn fill(record: &Json, reading: Reading<'_>, event: &mut Event<'_>) -> Result<(), Fault> {
    let Json::Bag(members) = record else {
        return Err(Fault::syntax("a log record is no object"));
    };
    if members.len() > FIELDS_MAX {
        return Err(Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} fields")));
    }
    for (name, value) in members {
        match &**name {
            "attributes" => {
                parts(&attributes(Some(value))?, "attributes", reading, event);
            }
            "body" => {
                event.put(reading.names, "body", Cell::of_json(any_value(value)));
            }
            name => {
                event.put(reading.names, name, Cell::of_json(value.clone()));
            }
        }
    }
    Ok(())
}

/// Puts a bag as a whole, and each member that the parser's file mentions.
fn parts(bag: &Json, prefix: &str, reading: Reading<'_>, event: &mut Event<'_>) {
    let Json::Bag(members) = bag else { return };
    for (name, value) in members {
        event.put(reading.names, &format!("{prefix}.{name}"), Cell::of_json(value.clone()));
    }
    if !members.is_empty() {
        event.put(reading.names, prefix, Cell::Json(bag.clone()));
    }
}

fn elements(json: Option<&Json>) -> &[Json] {
    match json {
        Some(Json::Array(elements)) => elements,
        _ => &[],
    }
}

/// A list of `{key, value}` as a bag.
fn attributes(list: Option<&Json>) -> Result<Json, Fault> {
    let mut members = Vec::new();
    for pair in elements(list) {
        if let (Some(Json::String(key)), Some(value)) = (pair.member("key"), pair.member("value")) {
            Json::put(&mut members, key.clone(), any_value(value));
        }
        if members.len() > FIELDS_MAX {
            return Err(Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} fields")));
        }
    }
    Ok(Json::Bag(members))
}

/// `AnyValue`: one member that names the type. Whole numbers of 64 bits come as text.
fn any_value(value: &Json) -> Json {
    let Json::Bag(members) = value else { return value.clone() };
    let [(kind, inner)] = &members[..] else { return value.clone() };
    match (&**kind, inner) {
        ("intValue", Json::String(text)) => text.parse().map_or_else(|_| inner.clone(), Json::Long),
        ("arrayValue", inner) => {
            Json::Array(elements(inner.member("values")).iter().map(any_value).collect())
        }
        ("kvlistValue", inner) => {
            attributes(inner.member("values")).unwrap_or_else(|_| inner.clone())
        }
        ("stringValue" | "boolValue" | "doubleValue" | "bytesValue" | "intValue", inner) => {
            inner.clone()
        }
        _ => value.clone(),
    }
}
