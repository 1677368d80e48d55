//! JSON (RFC 8259): an object a record, an array of objects, or objects in an array under a name.
//!
//! `a.b` names the member `b` of the object `a`; a dot that belongs to a name is written `\.`.
//! Text is borrowed from the record wherever it has no escapes; objects and arrays that nobody asks
//! for are passed over without being built.

use std::borrow::Cow;
use std::fmt;

use kql::value::Json as Tree;
use serde::de::Visitor;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess};

use super::Reading;
use crate::event::{Cell, Event, Map, Names, Slot};
use crate::record::{Fault, Reason};
use crate::{EVENTS_MAX, FIELDS_MAX};

/// The format, with the paths of the parser's file.
#[derive(Debug)]
pub(crate) struct Json {
    paths: Paths,
    /// Name of the member that holds the events, where they do not stand at the top.
    records: Option<Box<str>>,
}

/// Members by name, with what is asked for below each.
#[derive(Debug, Default)]
struct Paths(Map<Box<str>, Path>);

#[derive(Debug, Default)]
struct Path {
    slot: Option<Slot>,
    below: Option<Paths>,
}

impl Paths {
    fn add(&mut self, name: &str, slot: Slot) {
        let is_dot = |&(at, _): &(usize, &str)| !name[..at].ends_with('\\');
        let (first, rest) = match name.match_indices('.').find(is_dot) {
            Some((at, _)) => (&name[..at], Some(&name[at + 1..])),
            None => (name, None),
        };
        let path = self.0.entry(first.replace("\\.", ".").into()).or_default();
        match rest {
            Some(rest) => path.below.get_or_insert_default().add(rest, slot),
            None => path.slot = Some(slot),
        }
    }
}

impl Json {
    pub(crate) fn new(names: &Names, records: Option<&str>) -> Self {
        let mut paths = Paths::default();
        for (name, slot) in names.iter() {
            paths.add(name, slot);
        }
        Self { paths, records: records.map(Into::into) }
    }

    pub(crate) fn read<'a>(
        &self,
        text: &'a str,
        reading: Reading<'_>,
        out: &mut Vec<Event<'a>>,
    ) -> Result<(), Fault> {
        let mut from = serde_json::Deserializer::from_str(text);
        let top = Top { format: self, reading, out };
        top.deserialize(&mut from).and_then(|()| from.end()).map_err(|e| {
            let why = e.to_string();
            let many = why.starts_with("more than ");
            Fault::new(if many { Reason::TooMany } else { Reason::Syntax }, why)
        })
    }
}

/// The whole record: an event, or an array of them.
struct Top<'p, 'o, 'a> {
    format: &'p Json,
    reading: Reading<'p>,
    out: &'o mut Vec<Event<'a>>,
}

impl<'de> DeserializeSeed<'de> for Top<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let mut event = Event::new(self.reading.names);
        let mut members = Members {
            reading: self.reading,
            event: &mut event,
            n_fields: 0,
            records: self.format.records.as_deref().map(|name| (name, &mut *self.out)),
            format: self.format,
            found: false,
        };
        members.read(&self.format.paths, map)?;
        if !members.found {
            self.out.push(event);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        loop {
            let inner = Top { format: self.format, reading: self.reading, out: &mut *self.out };
            if seq.next_element_seed(Object(inner))?.is_none() {
                return Ok(());
            }
            if self.out.len() > EVENTS_MAX {
                return Err(A::Error::custom(format!("more than {EVENTS_MAX} events")));
            }
        }
    }
}

/// An element of an array of events: an object and nothing else.
struct Object<'p, 'o, 'a>(Top<'p, 'o, 'a>);

impl<'de> DeserializeSeed<'de> for Object<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self.0)
    }
}

struct Members<'p, 'e, 'a> {
    format: &'p Json,
    reading: Reading<'p>,
    event: &'e mut Event<'a>,
    n_fields: usize,
    records: Option<(&'p str, &'e mut Vec<Event<'a>>)>,
    /// Whether the member with the events was there.
    found: bool,
}

impl<'p, 'a> Members<'p, '_, 'a> {
    fn read<A: MapAccess<'a>>(&mut self, paths: &'p Paths, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(TextSeed)? {
            self.n_fields += 1;
            if self.n_fields > FIELDS_MAX {
                return Err(A::Error::custom(format!("more than {FIELDS_MAX} fields")));
            }
            if let Some((_, out)) = self.records.as_mut().filter(|(name, _)| *name == key) {
                let top = Top { format: self.format, reading: self.reading, out };
                map.next_value_seed(top)?;
                self.found = true;
                continue;
            }
            match paths.0.get(&*key) {
                Some(path) => map.next_value_seed(Member { members: self, path })?,
                None if self.reading.rest => {
                    let cell = map.next_value_seed(CellSeed)?;
                    self.event.rest.push((key, cell));
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A member that the parser's file mentions, or mentions parts of.
struct Member<'m, 'p, 'e, 'a> {
    members: &'m mut Members<'p, 'e, 'a>,
    path: &'p Path,
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        match (&self.path.below, self.path.slot) {
            (Some(_), None) => from.deserialize_any(self),
            (below, Some(slot)) => {
                let cell = from.deserialize_any(CellVisitor)?;
                if let (Some(below), Cell::Json(tree)) = (below, &cell) {
                    walk(below, tree, self.members.event);
                }
                self.members.event.set(slot, cell);
                Ok(())
            }
            (None, None) => from.deserialize_ignored_any(IgnoredAny).map(|_| ()),
        }
    }
}

/// Takes parts out of a member that is wanted as a whole too.
fn walk(paths: &Paths, tree: &Tree, event: &mut Event<'_>) {
    for (name, path) in &paths.0 {
        let Some(member) = tree.member(name) else { continue };
        if let Some(slot) = path.slot {
            event.set(slot, Cell::of_json(member.clone()));
        }
        if let Some(below) = &path.below {
            walk(below, member, event);
        }
    }
}

impl<'de> Visitor<'de> for Member<'_, '_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match &self.path.below {
            Some(below) => self.members.read(below, map),
            None => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// Text, borrowed where it can be.
struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Cell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cell<'de>, D::Error> {
        from.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Absent)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Long(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(n).map_or(Cell::Real(n as f64), Cell::Long))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Real(x))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
        Ok(Cell::borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
        Ok(Cell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Cell<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Cell::Json(Tree::Array(elements)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key_seed(TextSeed)? {
            let value = map.next_value()?;
            if members.len() >= FIELDS_MAX {
                return Err(A::Error::custom(format!("more than {FIELDS_MAX} fields")));
            }
            Tree::put(&mut members, (&*key).into(), value);
        }
        Ok(Cell::Json(Tree::Bag(members)))
    }
}
