//! Base formats: from one record to events with named fields. Each is small, has limits, and
//! knows no table and no product; what its fields mean stands in the parsers' files.

pub(crate) mod cef;
pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod otlp;
pub(crate) mod stderr;
pub(crate) mod syslog;

use std::sync::Arc;

use crate::event::{Cell, Event, Names, Slot};
use crate::record::Fault;

/// A base format with what the parser's file says about it.
#[derive(Debug)]
pub(crate) enum Format {
    Json(json::Json),
    Csv(csv::Csv),
    Stderr(Arc<stderr::Prefix>),
    Syslog,
    Cef,
    Otlp,
    /// A line as it is, in one field.
    Text(Slot),
}

/// What reading a record needs to know beside the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'p> {
    pub(crate) names: &'p Names,
    /// Whether fields that the file does not mention are kept.
    pub(crate) rest: bool,
}

impl<'a> Event<'a> {
    /// Sets a field, or keeps it among the rest where that is asked for.
    pub(crate) fn give(&mut self, reading: Reading<'_>, name: &'a str, text: &'a str) {
        let cell = Cell::borrowed(text);
        match reading.names.find(name) {
            Some(slot) => self.set(slot, cell),
            None if reading.rest => self.rest.push((name.into(), cell)),
            None => {}
        }
    }
}

impl Format {
    /// Reads the events of one record.
    pub(crate) fn read<'a>(
        &self,
        text: &'a str,
        reading: Reading<'_>,
        out: &mut Vec<Event<'a>>,
    ) -> Result<(), Fault> {
        match self {
            Self::Json(json) => json.read(text, reading, out),
            Self::Csv(csv) => csv.read(text, reading, out),
            Self::Stderr(prefix) => prefix.read(text, reading, out),
            Self::Syslog => syslog::read(text, reading, out),
            Self::Cef => cef::read(text, reading, out),
            Self::Otlp => otlp::read(text, reading, out),
            Self::Text(line) => {
                let mut event = Event::new(reading.names);
                event.set(*line, Cell::borrowed(text));
                out.push(event);
                Ok(())
            }
        }
    }
}
