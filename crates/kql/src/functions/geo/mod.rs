//! Functions of places on the globe.

mod arrange;
mod buffer;
mod chains;
mod cover;
mod densify;
mod geohash;
mod h3;
mod lines;
mod overlay;
mod points;
mod polygons;
mod predicates;
mod rings;
mod s2;
mod shapes;
mod simplify;
mod spheroid;
mod sweep;
#[cfg(test)]
mod tests;
mod vector;
mod wkt;

use super::Table;
use crate::value::Value;
use vector::Place;

/// All of them.
pub(super) const TABLES: [Table; 10] = [
    buffer::TABLE,
    cover::TABLE,
    densify::TABLE,
    geohash::TABLE,
    h3::TABLE,
    lines::TABLE,
    points::TABLE,
    polygons::TABLE,
    simplify::TABLE,
    wkt::TABLE,
];

/// A real number in an argument.
fn number(value: Option<&Value>) -> Option<f64> {
    value?.to_real()
}

/// The place at a longitude and the latitude behind it.
fn place(arguments: &[Value], at: usize) -> Option<Place> {
    Place::of(number(arguments.get(at))?, number(arguments.get(at + 1))?)
}

/// A number that may be left out, in a range; null is not in it.
fn number_or(value: Option<&Value>, default: f64, least: f64, most: f64) -> Option<f64> {
    match value {
        None => Some(default),
        Some(value) => value.to_real().filter(|x| (least..=most).contains(x)),
    }
}

/// A whole number that may be left out, from nothing to `most`; null is not.
fn level_or(value: Option<&Value>, default: u8, least: u8, most: u8) -> Option<u8> {
    match value {
        None => Some(default),
        Some(value) => value
            .to_long()
            .and_then(|n| u8::try_from(n).ok())
            .filter(|n| (least..=most).contains(n)),
    }
}

/// A flag that may be left out; a number other than 0 is one as well.
fn flag(value: Option<&Value>) -> bool {
    value.and_then(Value::to_bool).unwrap_or(false)
}

fn text(value: Option<&Value>) -> Option<std::sync::Arc<str>> {
    match value? {
        Value::Null => None,
        value => Some(value.to_text()),
    }
}

fn real_or_null(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::Real)
}

fn bool_or_null(value: Option<bool>) -> Value {
    value.map_or(Value::Null, Value::Bool)
}

fn json_or_null(value: Option<crate::value::Json>) -> Value {
    value.map_or(Value::Null, Value::json)
}

/// Texts as a dynamic array.
fn texts(of: impl IntoIterator<Item = String>) -> crate::value::Json {
    crate::value::Json::Array(
        of.into_iter().map(|text| crate::value::Json::String(text.into())).collect(),
    )
}
