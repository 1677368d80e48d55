//! Parts of dynamics and of JSON text as values, found without a tree.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanBuilder, Float64Builder, Int64Builder,
    StringViewArray, StringViewBuilder,
};
use kql::value::{Json, Type, Value};
use serde::{Deserialize, Serialize};

use super::json_scan::{Step, find, unescaped};
use crate::data::Writer;

/// What `parse_json` does not read.
const JSON_MAX_BYTES: usize = 4 << 20;

/// A part of each value, as a type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct PathOf {
    /// Where it is; the whole value where this is empty
    pub(crate) path: Vec<Step>,
    /// The values are strings that `parse_json` reads, not dynamics
    pub(crate) parse: bool,
    /// What it becomes, as by `tolong()` and its like
    pub(crate) to: Type,
}

/// A part that was found.
enum Part<'t> {
    Null,
    /// JSON text
    Json(&'t str),
    /// Text that `parse_json` could not read: a dynamic string
    Text(&'t str),
}

impl PathOf {
    fn part<'t>(&self, text: &'t str) -> Part<'t> {
        if self.parse && (text.len() > JSON_MAX_BYTES || text.trim().is_empty()) {
            return Part::Null;
        }
        match find(text, &self.path) {
            Ok(Some("null") | None) => Part::Null,
            Ok(Some(part)) => Part::Json(part),
            Err(_) if self.path.is_empty() && !text.is_empty() => Part::Text(text),
            Err(_) => Part::Null,
        }
    }

    /// The part of each value; null in, null out.
    pub(crate) fn run(&self, values: &ArrayRef) -> ArrayRef {
        let values: &StringViewArray = values.as_string_view();
        let parts = (0..values.len()).map(|at| match values.is_valid(at) {
            true => self.part(values.value(at)),
            false => Part::Null,
        });
        match self.to {
            Type::String => Arc::new(texts(parts, values.len())),
            Type::Dynamic => Arc::new(self.dynamics(parts, values.len())),
            Type::Long => {
                let mut out = Int64Builder::with_capacity(values.len());
                parts.for_each(|part| out.append_option(long(&part)));
                Arc::new(out.finish())
            }
            Type::Real => {
                let mut out = Float64Builder::with_capacity(values.len());
                parts.for_each(|part| out.append_option(value(&part).to_real()));
                Arc::new(out.finish())
            }
            Type::Bool => {
                let mut out = BooleanBuilder::with_capacity(values.len());
                parts.for_each(|part| out.append_option(value(&part).to_bool()));
                Arc::new(out.finish())
            }
            other => {
                let mut out = Writer::new(other, values.len());
                parts.for_each(|part| out.push(&value(&part).convert(other)));
                out.finish()
            }
        }
    }

    fn dynamics<'t>(&self, parts: impl Iterator<Item = Part<'t>>, n: usize) -> StringViewArray {
        let mut out = StringViewBuilder::with_capacity(n);
        for part in parts {
            match part {
                Part::Null => out.append_null(),
                // What stands in a dynamic is written in the one way already.
                Part::Json(text) if !self.parse || is_plain_number(text) => out.append_value(text),
                Part::Json(text) => match Json::parse(text) {
                    Some(json) => out.append_value(json.to_string()),
                    None => out.append_null(),
                },
                Part::Text(text) => out.append_value(Json::String(text.into()).to_string()),
            }
        }
        out.finish()
    }
}

/// As `tostring()` gives it.
fn texts<'t>(parts: impl Iterator<Item = Part<'t>>, n: usize) -> StringViewArray {
    let mut out = StringViewBuilder::with_capacity(n);
    for part in parts {
        match part {
            Part::Null => out.append_value(""),
            Part::Text(text) => out.append_value(text),
            Part::Json(text) if text.starts_with('"') => {
                out.append_value(unescaped(&text[1..text.len() - 1]));
            }
            Part::Json(text) if is_plain_number(text) => out.append_value(text),
            part => out.append_value(value(&part).to_text()),
        }
    }
    out.finish()
}

/// A whole number that is written as it is read.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text != "-0" && (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn long(part: &Part<'_>) -> Option<i64> {
    match part {
        Part::Json(text) if is_plain_number(text) => text.parse().ok(),
        part => value(part).to_long(),
    }
}

fn value(part: &Part<'_>) -> Value {
    match part {
        Part::Null => Value::Null,
        Part::Json(text) => Json::parse(text).map_or(Value::Null, Value::json),
        Part::Text(text) => Value::Dynamic(Arc::new(Json::String((*text).into()))),
    }
}
