//! From what a member holds to a value of a column's type.

use std::borrow::Cow;

use kql::value::{Json, Type, Value};
use kql::value::{parse_bool, parse_datetime, parse_decimal, parse_guid, parse_long, parse_real};

use super::forms::Member;
use super::number::{Number, number, utc};
use crate::time;

/// What a column makes of a member.
#[derive(Debug, PartialEq)]
pub(super) enum Fit {
    Value(Value),
    /// `null`, or empty text where the column holds no text.
    Absent,
    /// The column cannot hold it.
    Unfit,
}

impl From<Option<Value>> for Fit {
    fn from(value: Option<Value>) -> Self {
        value.filter(|value| !value.is_null()).map_or(Self::Unfit, Self::Value)
    }
}

impl Member<'_> {
    /// Whether there is nothing in it.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Self::Json(text) => *text == "null",
            Self::Cell(text) => text.is_empty(),
        }
    }

    /// The text of a member that holds text.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Json(text) if text.starts_with('"') => unquoted(text),
            Self::Json(_) => None,
            Self::Cell(text) => Some(Cow::Borrowed(text)),
        }
    }

    /// As a part of a dynamic. What is nested too deep stays text.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Json(text) => Json::parse(text).unwrap_or_else(|| Json::String((*text).into())),
            Self::Cell(text) => Json::String((&**text).into()),
        }
    }

    /// As a value of type `kind`.
    pub(super) fn fit(&self, kind: Type) -> Fit {
        if self.is_absent() {
            return Fit::Absent;
        }
        if let Some(text) = self.text() {
            return of_text(&text, kind, matches!(self, Self::Cell(_)));
        }
        let Self::Json(text) = self else { return Fit::Unfit };
        match kind {
            // Text has the value as it was written: no digit is lost.
            Type::String => Fit::Value(Value::text(text)),
            Type::Dynamic => Fit::Value(Value::json(self.to_json())),
            _ => match *text {
                "true" => Some(Value::Bool(true).convert(kind)).into(),
                "false" => Some(Value::Bool(false).convert(kind)).into(),
                text if text.starts_with(['{', '[']) => Fit::Unfit,
                text => of_number(text, kind).into(),
            },
        }
    }
}

/// The text of a JSON string; `None` where its escapes name no characters.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let inside = text.get(1..text.len().checked_sub(1)?)?;
    if inside.contains('\\') {
        return serde_json::from_str(text).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inside))
}

fn of_number(text: &str, kind: Type) -> Option<Value> {
    match kind {
        Type::Bool | Type::Int | Type::Long => {
            let n = match number(text)? {
                Number::Long(n, _) => n,
                // 2.0 and 2e3 are whole numbers too.
                Number::Real(x) if x.fract() == 0.0 && x.abs() < 9e15 => x as i64,
                _ => return None,
            };
            Some(Value::Long(n).convert(kind))
        }
        Type::Real => parse_real(text).filter(|x| x.is_finite()).map(Value::Real),
        Type::Decimal => parse_decimal(text).map(Value::Decimal),
        _ => None,
    }
}

fn of_text(text: &str, kind: Type, cell: bool) -> Fit {
    if kind == Type::String {
        return Fit::Value(Value::text(text));
    }
    if text.trim().is_empty() && (cell || kind != Type::Dynamic) {
        return Fit::Absent;
    }
    let value = match kind {
        Type::String => None,
        Type::Int => parse_long(text).map(|n| Value::Long(n).convert(Type::Int)),
        Type::Long => parse_long(text).map(Value::Long),
        Type::Real => parse_real(text).map(Value::Real),
        Type::Bool => parse_bool(text).map(Value::Bool),
        Type::Decimal => parse_decimal(text).map(Value::Decimal),
        Type::Guid => parse_guid(text).map(Value::Guid),
        Type::TimeSpan => Some(Value::text(text).convert(Type::TimeSpan)),
        Type::DateTime => {
            time::stamp(text, &utc()).or_else(|| parse_datetime(text)).map(Value::DateTime)
        }
        // CSV has no other way to write objects and arrays.
        Type::Dynamic if cell && text.starts_with(['{', '[']) => {
            Some(Value::json(Json::parse(text).unwrap_or_else(|| Json::String(text.into()))))
        }
        Type::Dynamic => Some(Value::json(Json::String(text.into()))),
    };
    value.into()
}
