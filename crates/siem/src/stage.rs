//! Second stages, and questions to an event.

use std::borrow::Cow;

use regex::Regex;

use crate::event::{Cell, Event, Names, Slot};
use crate::formats::csv::Csv;
use crate::record::{Fault, Reason};
use crate::spec::{ConditionSpec, StageSpec};

/// A question to an event.
#[derive(Debug)]
pub(crate) struct Condition {
    slot: Slot,
    starts: Option<Vec<String>>,
    one_of: Option<Vec<String>>,
    none_of: Option<Vec<String>>,
    present: Option<bool>,
}

impl Condition {
    pub(crate) fn new(spec: ConditionSpec, names: &mut Names) -> Self {
        Self {
            slot: names.add(&spec.field),
            starts: spec.starts,
            one_of: spec.one_of,
            none_of: spec.none_of,
            present: spec.present,
        }
    }

    pub(crate) fn holds(&self, event: &Event<'_>) -> bool {
        let cell = event.cell(self.slot);
        if self.present.is_some_and(|present| present == cell.is_empty()) {
            return false;
        }
        let text: Cow<'_, str> = match cell {
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Absent => Cow::Borrowed(""),
            Cell::Long(n) => Cow::Owned(n.to_string()),
            other => Cow::Owned(other.to_json().to_string()),
        };
        self.starts.as_ref().is_none_or(|all| all.iter().any(|one| text.starts_with(one)))
            && self.one_of.as_ref().is_none_or(|all| all.iter().any(|one| text == *one))
            && self.none_of.as_ref().is_none_or(|all| all.iter().all(|one| text != *one))
    }
}

/// Reads more fields out of one.
#[derive(Debug)]
pub(crate) struct Stage {
    when: Vec<Condition>,
    slot: Slot,
    skip: String,
    csv: Option<Csv>,
    /// With the slots of the named groups.
    patterns: Vec<(Regex, Vec<(usize, Slot)>)>,
    must: bool,
}

impl Stage {
    pub(crate) fn new(spec: StageSpec, names: &mut Names) -> Result<Self, String> {
        let mut patterns = Vec::new();
        for pattern in &spec.patterns {
            let regex = Regex::new(pattern).map_err(|e| e.to_string())?;
            let named = regex.capture_names().enumerate();
            let groups = named.filter_map(|(i, name)| Some((i, names.add(name?)))).collect();
            patterns.push((regex, groups));
        }
        if patterns.is_empty() == spec.csv.is_none() {
            return Err(format!("the stage of \"{}\" needs patterns or csv", spec.field));
        }
        Ok(Self {
            when: spec.when.into_iter().map(|when| Condition::new(when, names)).collect(),
            slot: names.add(&spec.field),
            skip: spec.skip,
            csv: spec.csv.map(|csv| Csv {
                columns: csv.columns.iter().map(|name| names.add(name)).collect(),
                n_min: csv.min,
            }),
            patterns,
            must: spec.must,
        })
    }

    /// Adds fields to an event. A fault says that the field was not understood and had to be.
    pub(crate) fn run<'a>(&self, event: &mut Event<'a>) -> Result<(), Fault> {
        let cell = event.cell(self.slot);
        let Some(text) = cell.text().and_then(|text| text.strip_prefix(self.skip.as_str())) else {
            return Ok(());
        };
        if !self.when.iter().all(|when| when.holds(event)) {
            return Ok(());
        }
        // Borrowed text stays borrowed; what was built for this event is copied once.
        let text: Cow<'a, str> = match cell {
            Cell::Text(Cow::Borrowed(whole)) => Cow::Borrowed(&whole[whole.len() - text.len()..]),
            _ => Cow::Owned(text.to_owned()),
        };
        let done = match &text {
            Cow::Borrowed(text) => self.read(text, event),
            Cow::Owned(text) => {
                let mut own = Event { cells: Vec::new(), rest: Vec::new() };
                own.cells.resize_with(event.cells.len(), Cell::default);
                let done = self.read(text, &mut own);
                for (place, cell) in event.cells.iter_mut().zip(own.cells) {
                    match cell {
                        Cell::Absent => {}
                        Cell::Text(text) => *place = Cell::Text(Cow::Owned(text.into_owned())),
                        Cell::Long(n) => *place = Cell::Long(n),
                        Cell::Real(x) => *place = Cell::Real(x),
                        Cell::Bool(b) => *place = Cell::Bool(b),
                        Cell::Json(json) => *place = Cell::Json(json),
                    }
                }
                done
            }
        };
        match done {
            Err(fault) if self.must => Err(Fault::new(Reason::Stage, fault.detail)),
            _ => Ok(()),
        }
    }

    fn read<'a>(&self, text: &'a str, event: &mut Event<'a>) -> Result<(), Fault> {
        if let Some(csv) = &self.csv {
            return csv.fill(text, event);
        }
        for (pattern, groups) in &self.patterns {
            let Some(found) = pattern.captures(text) else { continue };
            for &(group, slot) in groups {
                if let Some(part) = found.get(group) {
                    event.set(slot, Cell::borrowed(part.as_str()));
                }
            }
            return Ok(());
        }
        Err(Fault::syntax("no pattern of the stage matches"))
    }
}
