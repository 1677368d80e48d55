//! CSV (RFC 4180), fields by position: a whole record, or a part of a field in a second stage.
//!
//! Written by hand because fields stay borrowed and a quote in the wrong place must be an error.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::Reading;
use crate::FIELDS_MAX;
use crate::event::{Cell, Event, Slot};
use crate::record::{Fault, Reason};

/// The columns of a parser's file, and how many of them older versions write.
#[derive(Debug)]
pub(crate) struct Csv {
    pub(crate) columns: Vec<Slot>,
    pub(crate) n_min: usize,
}

impl Csv {
    pub(crate) fn read<'a>(
        &self,
        text: &'a str,
        reading: Reading<'_>,
        out: &mut Vec<Event<'a>>,
    ) -> Result<(), Fault> {
        let mut event = Event::new(reading.names);
        self.fill(text, &mut event)?;
        out.push(event);
        Ok(())
    }

    /// Puts the fields of `text` into an event. An empty field is absent.
    pub(crate) fn fill<'a>(&self, text: &'a str, event: &mut Event<'a>) -> Result<(), Fault> {
        let mut n_fields = 0;
        for field in Fields::of(text) {
            let field = field?;
            if let Some(slot) = self.columns.get(n_fields)
                && !field.is_empty()
            {
                event.set(*slot, Cell::Text(field));
            }
            n_fields += 1;
            if n_fields > FIELDS_MAX {
                return Err(Fault::new(Reason::TooMany, format!("more than {FIELDS_MAX} fields")));
            }
        }
        if n_fields < self.n_min || n_fields > self.columns.len() {
            let (from, to) = (self.n_min, self.columns.len());
            return Err(Fault::syntax(format!("{n_fields} fields, expected {from} to {to}")));
        }
        Ok(())
    }
}

/// The fields of one record.
pub(crate) struct Fields<'a> {
    rest: Option<&'a str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }

    fn quoted(&mut self, inside: &'a str) -> Result<Cow<'a, str>, Fault> {
        let bytes = inside.as_bytes();
        let mut at = 0;
        let mut built = String::new();
        loop {
            let Some(n) = memchr(b'"', &bytes[at..]) else {
                self.rest = None;
                return Err(Fault::syntax("a quote is not closed"));
            };
            let end = at + n;
            match bytes.get(end + 1) {
                Some(b'"') => {
                    built.push_str(&inside[at..=end]);
                    at = end + 2;
                    continue;
                }
                Some(b',') => self.rest = Some(&inside[end + 2..]),
                None => self.rest = None,
                Some(_) => {
                    self.rest = None;
                    return Err(Fault::syntax("text behind a closing quote"));
                }
            }
            if built.is_empty() && at == 0 {
                return Ok(Cow::Borrowed(&inside[..end]));
            }
            built.push_str(&inside[at..end]);
            return Ok(Cow::Owned(built));
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Cow<'a, str>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest?;
        if let Some(inside) = text.strip_prefix('"') {
            return Some(self.quoted(inside));
        }
        Some(match memchr2(b',', b'"', text.as_bytes()) {
            Some(at) if text.as_bytes()[at] == b',' => {
                self.rest = Some(&text[at + 1..]);
                Ok(Cow::Borrowed(&text[..at]))
            }
            Some(_) => {
                self.rest = None;
                Err(Fault::syntax("a quote within a field that has none around it"))
            }
            None => {
                self.rest = None;
                Ok(Cow::Borrowed(text))
            }
        })
    }
}
