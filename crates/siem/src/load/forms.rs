//! From the bytes of an input to objects: members by name, each with its position.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Form, Input, LoadLimits};
use crate::formats::csv::Fields;
use crate::record::{Fault, Reason};
use crate::{Defect, Error, FIELDS_MAX, Framing, Position, Splitter};

/// What one member holds.
#[derive(Debug, Clone)]
pub(super) enum Member<'a> {
    /// A JSON value as it is written.
    Json(&'a str),
    /// A cell of CSV.
    Cell(Cow<'a, str>),
}

/// The members of one object, in order; a name may be there twice.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Member<'a>)>;

/// One object, or what should have been one.
pub(super) struct Found<'a> {
    pub(super) at: Position,
    pub(super) raw: &'a [u8],
    pub(super) members: Result<Members<'a>, Fault>,
}

/// Hands every object of the input to `take`.
pub(super) fn each(
    input: &Input<'_>,
    limits: &LoadLimits,
    take: &mut dyn FnMut(Found<'_>),
) -> Result<(), Error> {
    if input.bytes.len() > limits.bytes {
        return Err(Error::TooMuch { what: "bytes", limit: limits.bytes });
    }
    match input.form {
        Form::Json => documents(input, limits, take),
        Form::JsonLines => lines(input, limits, take),
        Form::Csv => cells(input, limits, take),
    }
}

/// The input without a mark of byte order, and where its first byte stands then.
fn unmarked<'a>(input: &Input<'a>) -> (&'a [u8], u64) {
    match input.bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(bytes) => (bytes, input.offset + 3),
        None => (input.bytes, input.offset),
    }
}

fn documents(
    input: &Input<'_>,
    limits: &LoadLimits,
    take: &mut dyn FnMut(Found<'_>),
) -> Result<(), Error> {
    let (bytes, _) = unmarked(input);
    let wrong = |what: String| Error::Input { what };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let mut objects: Vec<&RawValue> = Vec::new();
    for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let document = document.map_err(|e| wrong(e.to_string()))?;
        if document.get().starts_with('[') {
            let elements = Elements { into: &mut objects, limit: limits.rows };
            let mut from = serde_json::Deserializer::from_str(document.get());
            elements.deserialize(&mut from).map_err(|e| wrong(e.to_string()))?;
        } else {
            objects.push(document);
        }
        if objects.len() > limits.rows {
            return Err(Error::TooMuch { what: "rows", limit: limits.rows });
        }
    }
    for (part, object) in (0u32..).zip(objects) {
        let text = object.get();
        let at = Position { offset: input.offset, part };
        take(Found { at, raw: text.as_bytes(), members: members(text) });
    }
    Ok(())
}

/// The elements of an array, one more than allowed at most.
struct Elements<'v, 'a> {
    into: &'v mut Vec<&'a RawValue>,
    limit: usize,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element()? {
            if self.into.len() <= self.limit {
                self.into.push(element);
            }
        }
        Ok(())
    }
}

/// The members of an object, as text.
fn members(text: &str) -> Result<Members<'_>, Fault> {
    if !text.trim_start().starts_with('{') {
        return Err(Fault::syntax("not an object"));
    }
    let mut from = serde_json::Deserializer::from_str(text);
    let read = from.deserialize_map(Object).and_then(|members| from.end().map(|()| members));
    let members = read.map_err(|e| Fault::syntax(e.to_string()))?;
    members.ok_or_else(|| Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} fields")))
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Option<Members<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        let mut many = false;
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &RawValue = map.next_value()?;
            many |= members.len() >= FIELDS_MAX;
            if !many {
                members.push((name, Member::Json(value.get())));
            }
        }
        Ok((!many).then_some(members))
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A record's text, or why it has none.
fn text_of(bytes: &[u8], defect: Option<Defect>) -> Result<&str, Fault> {
    match defect {
        Some(Defect::TooLong) => Err(Fault::new(Reason::TooLong, "the record is too long")),
        Some(Defect::Nul) => Err(Fault::new(Reason::Nul, "a run of NUL bytes")),
        Some(Defect::Structure) => Err(Fault::new(Reason::Structure, "quotes do not fit together")),
        Some(Defect::Incomplete) | None => std::str::from_utf8(bytes)
            .map_err(|_| Fault::new(Reason::Encoding, "the record is not UTF-8")),
    }
}

fn lines(
    input: &Input<'_>,
    limits: &LoadLimits,
    take: &mut dyn FnMut(Found<'_>),
) -> Result<(), Error> {
    let (bytes, offset) = unmarked(input);
    let mut splitter = Splitter::new(Framing::Lines, offset);
    splitter.feed(bytes);
    splitter.finish();
    let mut n_rows = 0;
    while let Some(record) = splitter.next_record() {
        if record.bytes.trim_ascii().is_empty() && record.defect != Some(Defect::Nul) {
            continue;
        }
        n_rows += 1;
        if n_rows > limits.rows {
            return Err(Error::TooMuch { what: "rows", limit: limits.rows });
        }
        let at = Position { offset: record.offset, part: 0 };
        let members = text_of(record.bytes, record.defect).and_then(members);
        take(Found { at, raw: record.bytes, members });
    }
    Ok(())
}

fn cells(
    input: &Input<'_>,
    limits: &LoadLimits,
    take: &mut dyn FnMut(Found<'_>),
) -> Result<(), Error> {
    let (bytes, offset) = unmarked(input);
    let mut splitter = Splitter::new(Framing::Csv, offset);
    splitter.feed(bytes);
    splitter.finish();
    let Some(names) = header(&mut splitter)? else { return Ok(()) };
    let mut n_rows = 0;
    while let Some(record) = splitter.next_record() {
        n_rows += 1;
        if n_rows > limits.rows {
            return Err(Error::TooMuch { what: "rows", limit: limits.rows });
        }
        let at = Position { offset: record.offset, part: 0 };
        let members = text_of(record.bytes, record.defect).and_then(|text| {
            let fields: Result<Vec<Cow<'_, str>>, Fault> =
                Fields::of(text).take(names.len() + 1).collect();
            let fields = fields?;
            if fields.len() != names.len() {
                let many = if fields.len() > names.len() { "more" } else { "fewer" };
                let n = names.len();
                return Err(Fault::syntax(format!("{many} fields than the {n} of the header")));
            }
            let cells = fields.into_iter().map(Member::Cell);
            Ok(names.iter().map(|name| Cow::Borrowed(name.as_str())).zip(cells).collect())
        });
        take(Found { at, raw: record.bytes, members });
    }
    Ok(())
}

/// The names in the first record; `None` where there is no record.
fn header(splitter: &mut Splitter) -> Result<Option<Vec<String>>, Error> {
    let wrong = |what: String| Error::Input { what: format!("its header: {what}") };
    let Some(record) = splitter.next_record() else { return Ok(None) };
    let text = text_of(record.bytes, record.defect).map_err(|fault| wrong(fault.detail))?;
    let mut names: Vec<String> = Vec::new();
    for field in Fields::of(text) {
        let name = field.map_err(|fault| wrong(fault.detail))?.trim().to_owned();
        if name.is_empty() {
            return Err(wrong(format!("field {} has no name", names.len() + 1)));
        }
        if names.contains(&name) {
            return Err(wrong(format!("\"{name}\" is there twice")));
        }
        names.push(name);
        if names.len() > FIELDS_MAX {
            return Err(wrong(format!("more than {FIELDS_MAX} fields")));
        }
    }
    Ok(Some(names))
}
