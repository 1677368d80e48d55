//! A table for an input that has none: its columns and their types, from all of the input.
//!
//! A type is taken only where it keeps every value: a number must read back as the same number, a
//! point of time as the same instant. What no type keeps stays the text that it was.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kql::value::{Json, Type};

use super::forms::{Found, Member, each};
use super::number::{Number, instant, number, numbers_survive};
use super::{ByName, Form, Input, LoadLimits, NAME_MAX, TIME};
use crate::{Column, Error, Table};

/// What the store keeps for itself.
const RESERVED: [&str; 3] = ["timegenerated", "type", "day"];

/// Makes a table for an input, and what reads the input into it. `time` names the member that
/// says when things happened, where that is not `TimeGenerated`.
///
/// The table begins with `TimeGenerated` and `Type`; then come the members in the order of their
/// first appearance.
///
/// # Errors
/// [`Error::TooMuch`] and [`Error::Input`]; [`Error::Table`] where the name can be none.
pub fn infer(
    name: &str,
    input: &Input<'_>,
    time: Option<&str>,
    limits: &LoadLimits,
) -> Result<ByName, Error> {
    let wrong = |what: &str| Error::Table { table: name.to_owned(), what: what.to_owned() };
    if !is_table_name(name) {
        return Err(wrong("its name must be letters, digits and _, at most 128, no digit first"));
    }
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut all: Vec<(String, Seen)> = Vec::new();
    let csv = input.form == Form::Csv;
    each(input, limits, &mut |found: Found<'_>| {
        for (name, member) in found.members.iter().flatten() {
            let place = match at.get(&**name) {
                Some(&place) => place,
                None => {
                    if all.len() > limits.columns {
                        continue;
                    }
                    at.insert(name.to_string(), all.len());
                    all.push((name.to_string(), Seen::default()));
                    all.len() - 1
                }
            };
            all[place].1.add(member);
        }
    })?;
    let mut columns = vec![
        column(TIME, Type::DateTime, "When it happened, else when it was received"),
        column("Type", Type::String, "Name of the table"),
    ];
    let mut used: HashSet<String> = RESERVED.iter().map(|&name| name.to_owned()).collect();
    let mut renamed = HashMap::new();
    for (member, seen) in all {
        let kind = seen.kind(csv);
        if member == TIME && kind == Type::DateTime {
            continue;
        }
        let name = unused(&column_name(&member), &mut used);
        renamed.insert(member, columns.len());
        columns.push(column(&name, kind, "Made from the input"));
    }
    if columns.len() > limits.columns {
        return Err(Error::TooMuch { what: "columns", limit: limits.columns });
    }
    let table = Arc::new(Table { name: name.into(), columns });
    let times: Vec<&str> = time.into_iter().chain([TIME]).collect();
    Ok(ByName::made(table, renamed, &times))
}

fn column(name: &str, kind: Type, meaning: &str) -> Column {
    Column { name: name.into(), kind, meaning: meaning.to_owned() }
}

fn is_table_name(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A member's name as that of a column, one that queries can write without quotes.
pub(super) fn column_name(member: &str) -> String {
    let mut name = String::new();
    for c in member.trim().chars() {
        let c = if c.is_alphanumeric() { c } else { '_' };
        if name.is_empty() && c.is_numeric() {
            name.push('_');
        }
        if name.len() + c.len_utf8() > NAME_MAX - 8 {
            break;
        }
        name.push(c);
    }
    if name.is_empty() { "Column".to_owned() } else { name }
}

/// The name, with a number where one that differs in case only is there: the store needs that.
fn unused(name: &str, used: &mut HashSet<String>) -> String {
    let mut free = name.to_owned();
    let mut n = 0;
    while !used.insert(free.to_lowercase()) {
        n += 1;
        free = format!("{name}_{n}");
    }
    free
}

/// What was seen of one member.
#[derive(Debug, Default)]
struct Seen {
    bool: bool,
    long: bool,
    /// A whole number that a double does not keep.
    long_only: bool,
    real: bool,
    time: bool,
    compound: bool,
    /// Text, or a number that only text keeps.
    text: bool,
    /// Something within an object or array that only text keeps.
    lossy: bool,
}

impl Seen {
    fn add(&mut self, member: &Member<'_>) {
        if member.is_absent() {
            return;
        }
        match member {
            Member::Cell(text) => self.add_cell(text),
            Member::Json(text) => match text.as_bytes().first() {
                Some(b'"') => match member.text() {
                    Some(text) if instant(&text).is_some() => self.time = true,
                    Some(_) => self.text = true,
                    None => self.lossy = true,
                },
                Some(b't' | b'f') => self.bool = true,
                Some(b'{' | b'[') => self.add_compound(text),
                _ => self.add_number(text),
            },
        }
    }

    fn add_cell(&mut self, text: &str) {
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            self.bool = true;
        } else if instant(text).is_some() {
            self.time = true;
        } else if text.starts_with(['{', '[']) && Json::parse(text).is_some() {
            self.add_compound(text);
        } else if number(text).is_some() {
            self.add_number(text);
        } else {
            self.text = true;
        }
    }

    fn add_number(&mut self, text: &str) {
        match number(text) {
            Some(Number::Long(_, exact)) => {
                self.long = true;
                self.long_only |= !exact;
            }
            Some(Number::Real(_)) => self.real = true,
            // Within a bag it would be rounded.
            Some(Number::Text) | None => (self.text, self.lossy) = (true, true),
        }
    }

    fn add_compound(&mut self, text: &str) {
        self.compound = true;
        self.lossy |= !numbers_survive(text) || Json::parse(text).is_none();
    }

    fn kind(&self, csv: bool) -> Type {
        let scalars = [self.bool, self.long || self.real, self.time, self.text];
        let n_kinds = scalars.iter().filter(|seen| **seen).count();
        if self.compound {
            // JSON's own scalars stay what they are within a dynamic; cells would become text.
            let keeps = !self.lossy && (n_kinds == 0 || !csv);
            return if keeps { Type::Dynamic } else { Type::String };
        }
        match scalars {
            _ if self.lossy => Type::String,
            [true, false, false, false] => Type::Bool,
            [false, true, false, false] if !self.real => Type::Long,
            [false, true, false, false] if !self.long_only => Type::Real,
            [false, false, true, false] => Type::DateTime,
            _ => Type::String,
        }
    }
}
