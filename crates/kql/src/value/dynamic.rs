//! Values of type `dynamic`: JSON with the order of members kept and whole numbers apart from
//! real ones.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};
use serde::{Deserialize, Serialize};

/// So deep may arrays and bags be nested in text; deeper text is no JSON to us.
pub const DEPTH_MAX: usize = 128;

/// One dynamic value. A bag holds each key once, in the order of first appearance.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null` inside an array or bag; a whole dynamic that is null is `Value::Null`.
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number
    Long(i64),
    /// A number with a fraction or an exponent; never NaN or infinite in text
    Real(f64),
    /// Text
    String(Arc<str>),
    /// An array
    Array(Vec<Json>),
    /// A property bag
    Bag(Vec<(Arc<str>, Json)>),
}

impl Json {
    /// Reads JSON text. `None` where the text is no JSON (RFC 8259), or is nested too deep.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The member `name` of a bag.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Bag(members) => members.iter().find(|(key, _)| &**key == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The element at `index` of an array; a negative index counts from the end.
    pub fn element(&self, index: i64) -> Option<&Self> {
        let Self::Array(elements) = self else { return None };
        let at = if index < 0 { index + i64::try_from(elements.len()).ok()? } else { index };
        elements.get(usize::try_from(at).ok()?)
    }

    /// Puts a member into a bag's list: replaces the value of a key that is there.
    pub fn put(members: &mut Vec<(Arc<str>, Self)>, key: Arc<str>, value: Self) {
        match members.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => members.push((key, value)),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Self::Long(n) => {
                let _ = write!(out, "{n}");
            }
            Self::Real(x) => out.push_str(&real_text(*x)),
            Self::String(s) => write_text(s, out),
            Self::Array(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::Bag(members) => {
                out.push('{');
                for (i, (key, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// A real number as Kusto prints it inside JSON: with a fraction or an exponent, so that it stays
/// real; NaN and infinities as words in quotes.
pub fn real_text(x: f64) -> String {
    if x.is_nan() {
        return "\"NaN\"".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }.to_owned();
    }
    let mut buffer = serde_json::to_string(&x).expect("because it is finite");
    if !buffer.contains(['.', 'e', 'E']) {
        buffer.push_str(".0");
    }
    buffer
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("because text is always JSON"));
}

/// Canonical JSON text: no spaces, order of members as they came.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(b) => to.serialize_bool(*b),
            Self::Long(n) => to.serialize_i64(*n),
            Self::Real(x) if x.is_nan() => to.serialize_str("NaN"),
            Self::Real(x) if x.is_infinite() => {
                to.serialize_str(if *x > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Self::Real(x) => to.serialize_f64(*x),
            Self::String(s) => to.serialize_str(s),
            Self::Array(elements) => {
                let mut seq = to.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    seq.serialize_element(element)?;
                }
                seq.end()
            }
            Self::Bag(members) => {
                let mut map = to.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(&**key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Json, E> {
        Ok(Json::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Json, E> {
        Ok(Json::Long(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Json, E> {
        Ok(i64::try_from(n).map_or(Json::Real(n as f64), Json::Long))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Json, E> {
        Ok(Json::Real(x))
    }

    fn visit_str<E>(self, s: &str) -> Result<Json, E> {
        Ok(Json::String(s.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members: Vec<(Arc<str>, Json)> = Vec::new();
        let mut seen = std::collections::HashMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value()?;
            let key: Arc<str> = key.into();
            match seen.get(&key) {
                Some(&at) => {
                    let place: &mut (Arc<str>, Json) = &mut members[at];
                    place.1 = value;
                }
                None => {
                    seen.insert(Arc::clone(&key), members.len());
                    members.push((key, value));
                }
            }
        }
        Ok(Json::Bag(members))
    }
}
