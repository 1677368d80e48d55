//! From a cell to a value of a column's type.

use std::sync::Arc;

use kql::value::{Json, Type, Value};
use kql::value::{parse_bool, parse_decimal, parse_guid, parse_long, parse_real, parse_timespan};

use crate::event::Cell;
use crate::spec::ReadSpec;
use crate::time::{self, Unit, Zones};

/// What reading needs beside the cell.
pub(crate) struct Context<'z> {
    pub(crate) received_at: i64,
    pub(crate) zones: &'z Zones,
}

/// The text that a column had last: most columns repeat few texts, and then nothing is copied.
#[derive(Debug, Clone)]
pub(crate) struct Last(Arc<str>);

impl Last {
    pub(crate) fn new() -> Self {
        Self("".into())
    }

    pub(crate) fn value(&mut self, text: &str) -> Value {
        if *self.0 != *text {
            self.0 = text.into();
        }
        Value::String(Arc::clone(&self.0))
    }
}

/// A cell as a value of type `kind`; `None` where there is nothing or it is not understood.
pub(crate) fn value(
    cell: &Cell<'_>,
    kind: Type,
    read: Option<ReadSpec>,
    context: &Context<'_>,
    last: &mut Last,
) -> Option<Value> {
    if let Some(read) = read {
        return special(cell, kind, read, context, last);
    }
    match cell {
        Cell::Absent => None,
        Cell::Text(text) => of_text(text, kind, context, last),
        Cell::Long(n) => match kind {
            Type::Int => i32::try_from(*n).ok().map(Value::Int),
            Type::Long => Some(Value::Long(*n)),
            _ => some(Value::Long(*n).convert(kind)),
        },
        Cell::Real(x) => some(Value::Real(*x).convert(kind)),
        Cell::Bool(b) => some(Value::Bool(*b).convert(kind)),
        Cell::Json(json) => some(Value::json(json.clone()).convert(kind)),
    }
}

fn some(value: Value) -> Option<Value> {
    (!value.is_null()).then_some(value)
}

fn of_text(text: &str, kind: Type, context: &Context<'_>, last: &mut Last) -> Option<Value> {
    match kind {
        Type::String => Some(last.value(text)),
        Type::Int => parse_long(text).and_then(|n| i32::try_from(n).ok()).map(Value::Int),
        Type::Long => parse_long(text).map(Value::Long),
        Type::Real => parse_real(text).map(Value::Real),
        Type::Bool => parse_bool(text).map(Value::Bool),
        Type::Decimal => parse_decimal(text).map(Value::Decimal),
        Type::DateTime => time::stamp(text, context.zones).map(Value::DateTime),
        Type::TimeSpan => parse_timespan(text).map(Value::TimeSpan),
        Type::Guid => parse_guid(text).map(Value::Guid),
        Type::Dynamic => Some(Value::json(Json::String(text.into()))),
    }
}

fn special(
    cell: &Cell<'_>,
    kind: Type,
    read: ReadSpec,
    context: &Context<'_>,
    last: &mut Last,
) -> Option<Value> {
    let text = cell.text();
    match read {
        ReadSpec::Stamp => time::stamp(text?, context.zones).map(Value::DateTime),
        ReadSpec::Bsd => time::bsd(text?, context.received_at, context.zones).map(Value::DateTime),
        ReadSpec::Cef => time::cef(text?, context.received_at, context.zones).map(Value::DateTime),
        ReadSpec::EpochS => count(cell, Unit::Seconds),
        ReadSpec::EpochMs => count(cell, Unit::Milliseconds),
        ReadSpec::EpochNs => count(cell, Unit::Nanoseconds),
        ReadSpec::Hours => time::hours(text?).map(Value::TimeSpan),
        ReadSpec::Json => {
            let json = match cell {
                Cell::Text(text) => {
                    Json::parse(text).unwrap_or_else(|| Json::String((&**text).into()))
                }
                other => other.to_json(),
            };
            some(Value::json(json).convert(kind))
        }
        ReadSpec::Lower => of_text(&text?.to_lowercase(), kind, context, last),
        ReadSpec::Upper => of_text(&text?.to_uppercase(), kind, context, last),
    }
}

fn count(cell: &Cell<'_>, unit: Unit) -> Option<Value> {
    let ticks = match cell {
        Cell::Long(n) => time::epoch(*n, unit),
        Cell::Text(text) if unit == Unit::Seconds => time::epoch_text(text),
        Cell::Text(text) => time::epoch(text.parse().ok()?, unit),
        Cell::Real(x) if unit == Unit::Seconds => time::epoch_text(&format!("{x:.7}")),
        _ => None,
    };
    ticks.map(Value::DateTime)
}
