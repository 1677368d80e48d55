//! An event between base format and rows: cells in numbered slots, one for each field that the
//! parser's file mentions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use kql::value::Json;

/// FNV-1a (Fowler, Noll, Vo): names are few, short and our own.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// Number of a field.
pub(crate) type Slot = u16;

/// The fields that a parser's file mentions.
#[derive(Debug, Default)]
pub(crate) struct Names {
    slots: Map<Box<str>, Slot>,
}

impl Names {
    /// The slot of a name, new or old.
    pub(crate) fn add(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        self.slots.insert(name.into(), slot);
        slot
    }

    pub(crate) fn find(&self, name: &str) -> Option<Slot> {
        self.slots.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Slot)> {
        self.slots.iter().map(|(name, slot)| (&**name, *slot))
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Cell<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Long(i64),
    Real(f64),
    Bool(bool),
    Json(Json),
}

impl<'a> Cell<'a> {
    pub(crate) fn borrowed(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// The text of a text field.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Absent => Json::Null,
            Self::Text(text) => Json::String((&**text).into()),
            Self::Long(n) => Json::Long(*n),
            Self::Real(x) => Json::Real(*x),
            Self::Bool(b) => Json::Bool(*b),
            Self::Json(json) => json.clone(),
        }
    }

    /// JSON as a cell: single values as themselves, null as absent.
    pub(crate) fn of_json(json: Json) -> Self {
        match json {
            Json::Null => Self::Absent,
            Json::Bool(b) => Self::Bool(b),
            Json::Long(n) => Self::Long(n),
            Json::Real(x) => Self::Real(x),
            Json::String(text) => Self::Text(Cow::Owned(text.to_string())),
            compound => Self::Json(compound),
        }
    }

    /// Whether there is nothing, or empty text.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) cells: Vec<Cell<'a>>,
    /// Fields that the parser's file does not mention, where it asked for them.
    pub(crate) rest: Vec<(Cow<'a, str>, Cell<'a>)>,
}

impl<'a> Event<'a> {
    pub(crate) fn new(names: &Names) -> Self {
        let mut cells = Vec::new();
        cells.resize_with(names.len(), Cell::default);
        Self { cells, rest: Vec::new() }
    }

    /// Sets a field if the parser's file mentions it; says whether it does.
    pub(crate) fn put(&mut self, names: &Names, name: &str, cell: Cell<'a>) -> bool {
        let slot = names.find(name);
        if let Some(slot) = slot {
            self.set(slot, cell);
        }
        slot.is_some()
    }

    pub(crate) fn set(&mut self, slot: Slot, cell: Cell<'a>) {
        if let Some(place) = self.cells.get_mut(usize::from(slot)) {
            *place = cell;
        }
    }

    pub(crate) fn cell(&self, slot: Slot) -> &Cell<'a> {
        const ABSENT: &Cell<'static> = &Cell::Absent;
        self.cells.get(usize::from(slot)).unwrap_or(ABSENT)
    }
}
