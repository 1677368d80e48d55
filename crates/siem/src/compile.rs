//! From a parser's file to what runs: every name resolved, every type known.

use std::collections::BTreeMap;
use std::sync::Arc;

use kql::value::{Type, Value};

use crate::content::shared_files;
use crate::event::{Map, Names, Slot};
use crate::formats::stderr::Prefix;
use crate::formats::{Format, csv::Csv, json::Json};
use crate::spec::{ColumnSpec, FormatName, FramingName, FullColumn, ReadSpec, RestSpec, Spec};
use crate::stage::{Condition, Stage};
use crate::time::Zones;
use crate::{Error, Framing, Splitter, Table};

/// What the caller knows of a source's form.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `log_line_prefix`, where it is not the one of the parser's file.
    pub log_line_prefix: Option<String>,
    /// The zone that times without an offset are in (`log_timezone`).
    pub timezone: Option<jiff::tz::TimeZone>,
}

/// A parser, ready to run; shared by all that read sources of its kind.
#[derive(Debug)]
pub struct Parser {
    pub(crate) name: Arc<str>,
    pub(crate) format: Format,
    pub(crate) framing: Framing,
    pub(crate) names: Names,
    pub(crate) rest: bool,
    pub(crate) stages: Vec<Stage>,
    pub(crate) rows: Vec<RowPlan>,
    pub(crate) tables: Vec<Arc<Table>>,
    pub(crate) zones: Zones,
}

/// One kind of row.
#[derive(Debug)]
pub(crate) struct RowPlan {
    /// Number of the table within the parser.
    pub(crate) table: usize,
    pub(crate) when: Vec<Condition>,
    /// One for each column of the table.
    pub(crate) columns: Vec<ColumnPlan>,
    /// Where the fields without a column are named by their types: those that the file mentions
    /// for other rows only.
    pub(crate) others: Option<Vec<(Box<str>, Slot)>>,
}

#[derive(Debug)]
pub(crate) struct ColumnPlan {
    pub(crate) kind: Type,
    pub(crate) from: From,
    pub(crate) read: Option<ReadSpec>,
    pub(crate) map: BTreeMap<String, String>,
    pub(crate) list: Vec<String>,
    pub(crate) none: Vec<String>,
    pub(crate) required: bool,
    /// The file says nothing of the column.
    pub(crate) unwritten: bool,
    /// Value where there is none.
    pub(crate) otherwise: Otherwise,
}

#[derive(Debug)]
pub(crate) enum Otherwise {
    Received,
    Value(Value),
}

#[derive(Debug)]
pub(crate) enum From {
    Fields(Vec<Slot>),
    Constant(Value),
    Given(String),
    Received,
    Rest(RestSpec),
}

impl Parser {
    /// Makes a parser of its file, with the tables that exist.
    pub fn compile(
        name: &str,
        text: &str,
        tables: &[Arc<Table>],
        settings: &Settings,
        abbreviations: &[(String, i32)],
    ) -> Result<Self, Error> {
        let broken = |e| Error::Toml { parser: name.to_owned(), source: Box::new(e) };
        let wrong = |what: String| Error::Parser { parser: name.to_owned(), what };
        let mut spec: Spec = toml::from_str(text).map_err(broken)?;
        if let Some(include) = spec.include.take() {
            let file = shared_files().iter().find(|(known, _)| *known == include);
            let (_, text) =
                file.ok_or_else(|| wrong(format!("nothing shared is \"{include}\"")))?;
            spec.take_in(toml::from_str(text).map_err(broken)?);
        }
        if spec.row.is_empty() {
            return Err(wrong("it has no row".to_owned()));
        }
        build(name, spec, tables, settings, abbreviations).map_err(wrong)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tables that it writes.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }

    /// A splitter for a source of its kind, whose first byte stands at `offset`.
    pub fn splitter(&self, offset: u64) -> Splitter {
        Splitter::new(self.framing.clone(), offset)
    }
}

fn build(
    name: &str,
    spec: Spec,
    tables: &[Arc<Table>],
    settings: &Settings,
    abbreviations: &[(String, i32)],
) -> Result<Parser, String> {
    let mut names = Names::default();
    let mut stages = Vec::new();
    for stage in spec.stage {
        stages.push(Stage::new(stage, &mut names)?);
    }
    let mut used: Vec<Arc<Table>> = Vec::new();
    let mut rows = Vec::new();
    let mut rest = false;
    for row in spec.row {
        let known = tables.iter().find(|table| *table.name == *row.table);
        let table = known.ok_or_else(|| format!("no table \"{}\"", row.table))?;
        let mut columns: BTreeMap<String, ColumnSpec> = BTreeMap::new();
        for set in &row.with {
            let set = spec.columns.get(set).ok_or_else(|| format!("no columns \"{set}\""))?;
            columns.extend(set.clone());
        }
        columns.extend(row.columns);
        let mut plans = Vec::new();
        for column in &table.columns {
            let written = columns.remove(&*column.name);
            let plan = match written {
                None if &*column.name == "Type" => constant(Value::text(&row.table), column.kind),
                None => ColumnPlan {
                    unwritten: true,
                    ..constant(Value::absent(column.kind), column.kind)
                },
                Some(written) => plan(written, column.kind, &mut names)
                    .map_err(|what| format!("{}.{}: {what}", row.table, column.name))?,
            };
            rest |= matches!(plan.from, From::Rest(_));
            plans.push(plan);
        }
        if let Some(column) = columns.keys().next() {
            return Err(format!("table \"{}\" has no column \"{column}\"", row.table));
        }
        let at = used.iter().position(|other| other.name == table.name).unwrap_or_else(|| {
            used.push(Arc::clone(table));
            used.len() - 1
        });
        let when = row.when.into_iter().map(|when| Condition::new(when, &mut names)).collect();
        rows.push(RowPlan { table: at, when, columns: plans, others: None });
    }
    let mut framing = match spec.framing {
        None | Some(FramingName::Lines) => Framing::Lines,
        Some(FramingName::Syslog) => Framing::Syslog,
        Some(FramingName::Whole) => Framing::Whole,
    };
    let format = match spec.format {
        FormatName::Csv => {
            let csv = spec.csv.ok_or("no [csv]")?;
            framing = Framing::Csv;
            let columns = csv.columns.iter().map(|name| names.add(name)).collect();
            Format::Csv(Csv { columns, n_min: csv.min })
        }
        FormatName::Stderr => {
            let stderr = spec.stderr.ok_or("no [stderr]")?;
            let prefix = settings.log_line_prefix.as_ref().unwrap_or(&stderr.prefix);
            let prefix = Prefix::new(prefix, &stderr.severities, stderr.parts.into_iter())?;
            let prefix = Arc::new(prefix);
            framing = Framing::Stderr(Arc::clone(&prefix));
            Format::Stderr(prefix)
        }
        FormatName::Json => Format::Json(Json::new(&names, spec.records.as_deref())),
        FormatName::Syslog => Format::Syslog,
        FormatName::Cef => Format::Cef,
        FormatName::Otlp => Format::Otlp,
        FormatName::Text => Format::Text(names.add("line")),
    };
    // Only now are all fields known that the file mentions.
    for row in &mut rows {
        let is_typed = |plan: &ColumnPlan| matches!(plan.from, From::Rest(RestSpec::Typed));
        if row.columns.iter().any(is_typed) {
            let is_used = |slot: Slot| {
                row.columns.iter().any(|p| matches!(&p.from, From::Fields(s) if s.contains(&slot)))
            };
            let mut others: Vec<(Box<str>, Slot)> = names
                .iter()
                .filter(|(_, slot)| !is_used(*slot))
                .map(|(name, slot)| (name.into(), slot))
                .collect();
            others.sort();
            row.others = Some(others);
        }
    }
    let mut known: Map<Box<str>, i32> = Map::default();
    known.extend(abbreviations.iter().map(|(name, seconds)| (name.as_str().into(), *seconds)));
    let zones = Zones { own: settings.timezone.clone(), abbreviations: known };
    Ok(Parser {
        name: name.into(),
        format,
        framing,
        names,
        rest,
        stages,
        rows,
        tables: used,
        zones,
    })
}

fn constant(value: Value, kind: Type) -> ColumnPlan {
    ColumnPlan {
        kind,
        from: From::Constant(value),
        read: None,
        map: BTreeMap::new(),
        list: Vec::new(),
        none: Vec::new(),
        required: false,
        unwritten: false,
        otherwise: Otherwise::Value(Value::absent(kind)),
    }
}

fn plan(written: ColumnSpec, kind: Type, names: &mut Names) -> Result<ColumnPlan, String> {
    let full = match written {
        ColumnSpec::Field(field) => FullColumn { field: Some(field), ..FullColumn::default() },
        ColumnSpec::Full(full) => *full,
    };
    let fields: Vec<Slot> =
        full.field.iter().chain(&full.fields).map(|name| names.add(name)).collect();
    let mut from: Vec<From> = Vec::new();
    if !fields.is_empty() {
        from.push(From::Fields(fields));
    }
    if let Some(value) = &full.value {
        from.push(From::Constant(literal(value, kind)?));
    }
    from.extend(full.given.map(From::Given));
    from.extend(full.received.then_some(From::Received));
    from.extend(full.rest.map(From::Rest));
    let from = match (from.pop(), from.is_empty()) {
        (Some(from), true) => from,
        _ => return Err("needs exactly one of field(s), value, given, received, rest".to_owned()),
    };
    let times = matches!(
        full.read,
        Some(
            ReadSpec::Stamp
                | ReadSpec::Bsd
                | ReadSpec::Cef
                | ReadSpec::EpochS
                | ReadSpec::EpochMs
                | ReadSpec::EpochNs
        )
    );
    let right = match full.read {
        _ if matches!(from, From::Received) => kind == Type::DateTime,
        Some(ReadSpec::Hours) => kind == Type::TimeSpan,
        _ if times => kind == Type::DateTime,
        _ if !full.map.is_empty() || !full.list.is_empty() => kind == Type::String,
        _ => match &from {
            From::Rest(RestSpec::Pairs) => kind == Type::String,
            From::Rest(_) => kind == Type::Dynamic,
            _ => true,
        },
    };
    if !right {
        return Err(format!("what is read does not fit the type {kind}"));
    }
    let otherwise = match &full.otherwise {
        None => Otherwise::Value(Value::absent(kind)),
        Some(toml::Value::String(word)) if word == "received" && kind == Type::DateTime => {
            Otherwise::Received
        }
        Some(value) => Otherwise::Value(literal(value, kind)?),
    };
    Ok(ColumnPlan {
        kind,
        from,
        read: full.read,
        map: full.map,
        list: full.list,
        none: full.none,
        required: full.required,
        unwritten: false,
        otherwise,
    })
}

fn literal(value: &toml::Value, kind: Type) -> Result<Value, String> {
    let value = match value {
        toml::Value::String(text) => Value::text(text),
        toml::Value::Integer(n) => Value::Long(*n),
        toml::Value::Float(x) => Value::Real(*x),
        toml::Value::Boolean(b) => Value::Bool(*b),
        _ => return Err("a value must be text, a number or a truth value".to_owned()),
    };
    let converted = value.convert(kind);
    if converted.is_null() { Err(format!("{value:?} is no {kind}")) } else { Ok(converted) }
}
