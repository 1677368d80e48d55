//! `parse_xml()`: an XML document as a dynamic (Kusto page "parse_xml").
//!
//! Elements are members, attributes members with `@` before their name, text `#text`; elements of
//! one name become an array. Not validating: no entities but the five of XML and characters.

use std::sync::Arc;

use crate::functions::arguments::text;
use crate::functions::{Context, Table};
use crate::value::{DEPTH_MAX, Json, Value};

pub(super) const TABLE: Table = &[("parse_xml", parse_xml)];

/// Longer documents are null.
const LENGTH_MAX_BYTES: usize = 1 << 20;

/// An element that is being read.
struct Element {
    name: Arc<str>,
    members: Vec<(Arc<str>, Json)>,
    /// How many values a member has so far, in the order of `members`
    counts: Vec<usize>,
    /// Where a name stands in `members`
    places: std::collections::HashMap<Arc<str>, usize>,
}

impl Element {
    fn new(name: &str) -> Self {
        let (members, counts) = (Vec::new(), Vec::new());
        Self { name: name.into(), members, counts, places: std::collections::HashMap::new() }
    }

    /// Adds a member; a second of the same name makes an array.
    fn add(&mut self, name: Arc<str>, value: Json) {
        let Some(&at) = self.places.get(&name) else {
            self.places.insert(Arc::clone(&name), self.members.len());
            self.members.push((name, value));
            self.counts.push(1);
            return;
        };
        let place = &mut self.members[at].1;
        self.counts[at] += 1;
        match place {
            Json::Array(values) if self.counts[at] > 2 => values.push(value),
            single => {
                let first = std::mem::replace(single, Json::Null);
                *single = Json::Array(vec![first, value]);
            }
        }
    }

    fn value(self) -> Json {
        match &self.members[..] {
            [] => Json::Null,
            [(name, text @ Json::String(_))] if &**name == "#text" => text.clone(),
            _ => Json::Bag(self.members),
        }
    }
}

/// Text with its references resolved; `None` where one is unknown.
fn resolve(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (name, after) = rest[at + 1..].split_once(';')?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == ':');
    first && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.'))
}

/// Reads `name a="1" b='2'` into an element.
fn start(tag: &str) -> Option<Element> {
    let end = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
    if !is_name(&tag[..end]) {
        return None;
    }
    let mut element = Element::new(&tag[..end]);
    let mut rest = tag[end..].trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_end();
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| *c == '"' || *c == '\'')?;
        let (value, after) = after[1..].split_once(quote)?;
        if !is_name(name) {
            return None;
        }
        element.add(format!("@{name}").into(), Json::String(resolve(value)?.into()));
        rest = after.trim_start();
    }
    Some(element)
}

/// The end of a tag: a `>` outside of quotes.
fn tag_end(rest: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Behind what is skipped: comments, declarations, a document type.
fn skipped(rest: &str) -> Option<Option<&str>> {
    let behind = |end: &str| rest.split_once(end).map(|(_, after)| after);
    if let Some(comment) = rest.strip_prefix("<!--") {
        return Some(comment.split_once("-->").map(|(_, after)| after));
    }
    if rest.starts_with("<?") {
        return Some(behind("?>"));
    }
    if rest.starts_with("<!DOCTYPE") {
        let Some(close) = rest.find('>') else { return Some(None) };
        if !rest[..close].contains('[') {
            return Some(Some(&rest[close + 1..]));
        }
        return Some(behind("]").and_then(|after| after.split_once('>')).map(|(_, after)| after));
    }
    None
}

/// The document as a bag with its one root; `None` where it is not well-formed.
fn parse(document: &str) -> Option<Json> {
    let mut rest = document.trim_start_matches('\u{feff}').trim();
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    while !rest.is_empty() {
        if let Some(behind) = skipped(rest) {
            rest = behind?;
            continue;
        }
        if let Some(data) = rest.strip_prefix("<![CDATA[") {
            let (data, after) = data.split_once("]]>")?;
            open.last_mut()?.add("#text".into(), Json::String(data.into()));
            rest = after;
            continue;
        }
        let closed = if let Some(tag) = rest.strip_prefix("</") {
            let (name, after) = tag.split_once('>')?;
            rest = after;
            let element = open.pop()?;
            if *element.name != *name.trim_end() {
                return None;
            }
            Some(element)
        } else if let Some(tag) = rest.strip_prefix('<') {
            let end = tag_end(tag)?;
            rest = &tag[end + 1..];
            let (tag, empty) = match tag[..end].strip_suffix('/') {
                Some(tag) => (tag, true),
                None => (&tag[..end], false),
            };
            let element = start(tag)?;
            if root.is_some() || open.len() >= DEPTH_MAX {
                return None;
            }
            if empty {
                Some(element)
            } else {
                open.push(element);
                None
            }
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            let text = rest[..end].trim();
            rest = &rest[end..];
            if !text.is_empty() {
                open.last_mut()?.add("#text".into(), Json::String(resolve(text)?.into()));
            }
            None
        };
        if let Some(element) = closed {
            let name = Arc::clone(&element.name);
            match open.last_mut() {
                Some(parent) => parent.add(name, element.value()),
                None => root = Some(Json::Bag(vec![(name, element.value())])),
            }
        }
    }
    if open.is_empty() { root } else { None }
}

fn parse_xml(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if source.len() > LENGTH_MAX_BYTES {
        return Value::Null;
    }
    parse(&source).map_or(Value::Null, Value::json)
}
