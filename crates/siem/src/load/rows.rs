//! Objects to rows of a table, by the names of its columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kql::value::{Json, Type, Value};

use super::fit::Fit;
use super::forms::{Found, Member, Members, each};
use super::infer::column_name;
use super::{Dropped, EXTRA, Input, LoadLimits, Loaded, TIME};
use crate::record::{Fault, Reason};
use crate::{DeadLetter, Error, Raw, RowBatch, Table};

/// A member whose value its column cannot hold: name, value, column.
type Unfit<'m> = (&'m str, &'m Member<'m>, usize);

/// The columns of a row, which members are in one, and which should be.
struct Placed<'m> {
    values: Vec<Value>,
    placed: Vec<bool>,
    unfit: Vec<Unfit<'m>>,
}

/// Reads rows of one table by the names of its columns.
#[derive(Debug, Clone)]
pub struct ByName {
    table: Arc<Table>,
    /// Members that [`super::infer`] gave another name.
    renamed: HashMap<String, usize>,
    exact: HashMap<Arc<str>, usize>,
    /// In lower case.
    folded: HashMap<String, usize>,
    type_at: Option<usize>,
    time_at: Option<usize>,
    extra_at: Option<usize>,
    /// Members beside their own column that say when, best first.
    times: Vec<String>,
}

impl ByName {
    /// For a table with declared columns.
    pub fn new(table: Arc<Table>) -> Self {
        let columns = || table.columns.iter().enumerate();
        let of = |name: &str, kind| {
            columns().find(|(_, c)| &*c.name == name && c.kind == kind).map(|(at, _)| at)
        };
        Self {
            renamed: HashMap::new(),
            exact: columns().map(|(at, c)| (Arc::clone(&c.name), at)).collect(),
            folded: columns().map(|(at, c)| (c.name.to_lowercase(), at)).collect(),
            type_at: of("Type", Type::String),
            time_at: of(TIME, Type::DateTime),
            extra_at: of(EXTRA, Type::Dynamic),
            times: Vec::new(),
            table,
        }
    }

    /// The same for a table that was made for an input.
    pub(super) fn made(table: Arc<Table>, renamed: HashMap<String, usize>, time: &[&str]) -> Self {
        let times = time.iter().map(|&name| name.to_owned()).collect();
        // What is called like it is a column like any other here.
        Self { renamed, times, extra_at: None, ..Self::new(table) }
    }

    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Reads an input.
    ///
    /// # Errors
    /// [`Error::TooMuch`] and [`Error::Input`]: nothing was taken.
    pub fn read(&self, input: &Input<'_>, limits: &LoadLimits) -> Result<Loaded, Error> {
        let given = self.given(input);
        let mut batch = RowBatch::new(Arc::clone(&self.table), Arc::clone(&input.origin.source));
        let mut dead = Vec::new();
        let mut dropped = Dropped::default();
        let parser: Arc<str> = input.form.word().into();
        each(input, limits, &mut |found: Found<'_>| {
            let fault = match found.members {
                Ok(members) => {
                    let (row, fault) = self.row(&members, &given, input, &mut dropped);
                    batch.push_row(row, found.at);
                    fault
                }
                Err(fault) => Some(fault),
            };
            dead.extend(fault.map(|fault| DeadLetter {
                reason: fault.reason,
                detail: fault.detail,
                parser: Arc::clone(&parser),
                raw: Raw::of(found.raw),
                n_bytes: found.raw.len(),
                source: Arc::clone(&input.origin.source),
                at: found.at,
                received_at: input.received_at,
            }));
        })?;
        Ok(Loaded { batch, dead, dropped })
    }

    /// What the caller knows better than the input.
    fn given(&self, input: &Input<'_>) -> Vec<(usize, Value)> {
        let mut given = Vec::new();
        given.extend(self.type_at.map(|at| (at, Value::text(&self.table.name))));
        for (name, value) in &input.origin.given {
            let column = self.exact.get(name.as_str()).filter(|at| Some(**at) != self.type_at);
            if let Some(&at) = column {
                let value = value.convert(self.table.columns[at].kind);
                given.extend((!value.is_null()).then_some((at, value)));
            }
        }
        given
    }

    /// The column of a member whose name is not exactly that of one.
    fn near(&self, member: &str) -> Option<usize> {
        let folded = |name: &str| self.folded.get(&name.to_lowercase()).copied();
        folded(member).or_else(|| folded(&column_name(member)))
    }

    /// One row, and what of the object is not in it.
    fn row(
        &self,
        members: &Members<'_>,
        given: &[(usize, Value)],
        input: &Input<'_>,
        dropped: &mut Dropped,
    ) -> (Vec<Value>, Option<Fault>) {
        let Placed { mut values, placed, unfit } = self.place(members, given);
        if let Some(at) = self.time_at.filter(|at| values[*at].is_null()) {
            values[at] = self.time(members).unwrap_or(Value::DateTime(input.received_at));
        }
        let left = members.iter().zip(placed).filter(|((_, m), placed)| !placed && !m.is_absent());
        let left = left.map(|((name, member), _)| (&**name, member));
        match self.extra_at {
            Some(at) => {
                let unfit = unfit.into_iter().map(|(name, member, _)| (name, member));
                values[at] = bag(&values[at], left.chain(unfit));
                (values, None)
            }
            None => {
                left.for_each(|(name, _)| dropped.add(name));
                (values, self.fault(&unfit))
            }
        }
    }

    /// Gives members to columns: first those that have exactly a column's name, so that no other
    /// takes their place.
    fn place<'m>(&self, members: &'m Members<'m>, given: &[(usize, Value)]) -> Placed<'m> {
        let mut values = vec![Value::Null; self.table.columns.len()];
        let mut taken = vec![false; values.len()];
        for (at, value) in given {
            values[*at] = value.clone();
            taken[*at] = true;
        }
        let mut placed = vec![false; members.len()];
        let mut unfit = Vec::new();
        for exactly in [true, false] {
            for ((name, member), placed) in members.iter().zip(&mut placed) {
                let at = match exactly {
                    true => self.renamed.get(&**name).or_else(|| self.exact.get(&**name)).copied(),
                    false if *placed => None,
                    false => self.near(name),
                };
                let Some(at) = at else { continue };
                if Some(at) == self.type_at && member.text().as_deref() == Some(&*self.table.name) {
                    *placed = true;
                }
                if taken[at] || *placed {
                    continue;
                }
                (*placed, taken[at]) = (true, true);
                match member.fit(self.table.columns[at].kind) {
                    Fit::Value(value) => values[at] = value,
                    Fit::Absent => {}
                    Fit::Unfit => unfit.push((&**name, member, at)),
                }
            }
        }
        Placed { values, placed, unfit }
    }

    /// When it happened, where another member than `TimeGenerated` says it.
    fn time(&self, members: &Members<'_>) -> Option<Value> {
        self.times.iter().find_map(|time| {
            let (_, member) = members.iter().find(|(name, _)| name == time)?;
            match member.fit(Type::DateTime) {
                Fit::Value(value) => Some(value),
                _ => None,
            }
        })
    }

    fn fault(&self, unfit: &[Unfit<'_>]) -> Option<Fault> {
        let (_, _, first) = unfit.first()?;
        let column = &self.table.columns[*first];
        let (name, kind) = (&column.name, column.kind);
        let mut why = format!("the value of column {name} is no {kind}");
        if unfit.len() > 1 {
            why.push_str(&format!(", and {} more do not fit", unfit.len() - 1));
        }
        Some(Fault::new(Reason::Unfit, why))
    }
}

/// `AdditionalFields` with more members.
fn bag<'m>(was: &Value, more: impl Iterator<Item = (&'m str, &'m Member<'m>)>) -> Value {
    let mut more = more.peekable();
    if more.peek().is_none() {
        return was.clone();
    }
    let mut members = match was {
        Value::Dynamic(json) => match &**json {
            Json::Bag(members) => members.clone(),
            other => vec![(EXTRA.into(), other.clone())],
        },
        _ => Vec::new(),
    };
    let mut names: HashSet<Arc<str>> = members.iter().map(|(name, _)| Arc::clone(name)).collect();
    for (name, member) in more {
        let mut key: Arc<str> = name.into();
        for n in 1.. {
            if names.insert(Arc::clone(&key)) {
                break;
            }
            key = format!("{name}_{n}").into();
        }
        members.push((key, member.to_json()));
    }
    Value::json(Json::Bag(members))
}
