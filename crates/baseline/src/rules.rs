//! Runs a rule over a bundle.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kql::bind::{Catalog, StoredFunction, Tables, compile};
use kql::diagnostic::Severity;
use kql::engine::memory::Memory;
use kql::engine::{Cancel, Engine as _, Limits, Rows, Source};
use kql::functions::Context;
use kql::plan::{Query, Schema};

use crate::bundle::{Bundle, Gap, State, TableEvidence};
use crate::check::{Check, Profile};
use crate::declared::{TABLE as DECLARED, json};
use crate::error::Result;
use crate::library::{FAILED, Library};

/// What one rule may use.
const LIMITS: Limits = Limits {
    rows: 10_000,
    working_rows: 5_000_000,
    bytes: 512 << 20,
    time: Duration::from_secs(30),
};

/// For rules that are bound and not run.
const NO_TIME: Context = Context { now: 0 };

/// The rules of one check over one bundle.
pub(crate) struct Runner<'a> {
    check: &'a Check,
    bundle: &'a Bundle,
    tables: Tables,
    /// `let` statements for the check's values
    lets: String,
    context: Context,
    /// Rows that earlier rules read, so that they are converted once
    cache: RefCell<HashMap<String, Arc<Rows>>>,
}

/// What a rule gave.
pub(crate) enum Ran {
    /// Rows, and what was missing of the tables it read
    Rows(Rows, Vec<Missing>),
    /// A table that it reads is not there at all
    Unread(Vec<Missing>),
}

/// A table that was not read in whole.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    pub(crate) table: String,
    pub(crate) gaps: Vec<Gap>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        library: &Library,
        check: &'a Check,
        bundle: &'a Bundle,
        profile: Option<Profile>,
        now: i64,
    ) -> Result<Self> {
        let tables = library.tables(check)?;
        let lets = lets(&values(check, profile));
        let cache = RefCell::default();
        Ok(Self { check, bundle, tables, lets, context: Context { now }, cache })
    }

    /// Runs a rule; `failed` are the rows of `Failed`, for the rules of a fix. An error is a fault
    /// of the rule.
    pub(crate) fn run(&self, rule: &str, failed: Option<&Rows>) -> Result<Ran, String> {
        let failed_schema = failed.map(|rows| &rows.schema);
        let (query, read) = bound(&self.tables, &self.lets, rule, failed_schema, self.context)?;
        let mut source = Given { tables: HashMap::new() };
        let mut missing = Vec::new();
        let mut is_unread = false;
        for name in read {
            if let (FAILED, Some(failed)) = (name.as_str(), failed) {
                source.tables.insert(name, Arc::new(failed.clone()));
                continue;
            }
            let Some(schema) = self.tables.table(&name) else { continue };
            let table = self.table(&name);
            match table {
                Some(table) if table.state != State::Unread => {
                    if table.state == State::Partial {
                        missing.push(Missing { table: name.clone(), gaps: table.gaps.clone() });
                    }
                    let mut cache = self.cache.borrow_mut();
                    let rows = cache.entry(name.clone());
                    let rows = rows.or_insert_with(|| Arc::new(table.rows_as(&schema)));
                    source.tables.insert(name, Arc::clone(rows));
                }
                table => {
                    is_unread = true;
                    let gaps = table.map(|table| table.gaps.clone()).unwrap_or_default();
                    missing.push(Missing { table: name, gaps });
                }
            }
        }
        if is_unread {
            return Ok(Ran::Unread(missing));
        }
        let engine = Memory::new(&source, self.context);
        let answer = engine.run(&query, &LIMITS, &Cancel::new()).map_err(|e| e.to_string())?;
        if answer.truncated {
            return Err(format!("gives more than {} rows", LIMITS.rows));
        }
        Ok(Ran::Rows(Rows::new(answer.schema, answer.rows), missing))
    }

    fn table(&self, name: &str) -> Option<&'a TableEvidence> {
        if name == DECLARED {
            return Some(&self.bundle.declared);
        }
        let key = key(self.check, name);
        self.bundle.tables.get(key.as_deref().unwrap_or(name))
    }
}

/// The name in a bundle of a table that is the check's own.
pub(crate) fn key(check: &Check, name: &str) -> Option<String> {
    let is_own = check.evidence.iter().any(|own| own.name == name);
    is_own.then(|| format!("{}/{name}", check.id))
}

/// The values of a check for a profile.
pub(crate) fn values(check: &Check, profile: Option<Profile>) -> toml::Table {
    let mut values = check.values.clone();
    if let Some(others) = profile.and_then(|profile| check.profiles.get(&profile)) {
        values.extend(others.clone());
    }
    values
}

/// The names of all tables that the rules of a check read.
///
/// # Errors
/// A rule does not bind.
pub(crate) fn tables_read(library: &Library, check: &Check) -> Result<BTreeSet<String>, String> {
    let tables = library.tables(check).map_err(|e| e.to_string())?;
    let lets = lets(&check.values);
    let rules = &check.rules;
    let optional = [&rules.not_applicable, &rules.cannot_tell];
    let all = rules.fail.iter().chain([&rules.show]).chain(optional.into_iter().flatten());
    let mut names = BTreeSet::new();
    let mut failed = None;
    for rule in all {
        let (query, read) =
            bound(&tables, &lets, rule, None, NO_TIME).map_err(|e| format!("{e}\n{rule}"))?;
        names.extend(read);
        if failed.is_none() {
            failed = Some(query.rel.schema.clone());
        }
    }
    let fix = [&check.fix.settings, &check.fix.sql, &check.fix.files, &check.fix.hba];
    for rule in fix.into_iter().flatten() {
        let (_, read) = bound(&tables, &lets, rule, failed.as_ref(), NO_TIME)
            .map_err(|e| format!("{e}\n{rule}"))?;
        names.extend(read.into_iter().filter(|name| name != FAILED));
    }
    Ok(names)
}

/// Binds a rule; answers the tables that it names.
fn bound(
    tables: &Tables,
    lets: &str,
    rule: &str,
    failed: Option<&Schema>,
    context: Context,
) -> Result<(Query, BTreeSet<String>), String> {
    let catalog = Recorder { tables, failed, names: RefCell::default() };
    let text = format!("{lets}{rule}");
    let binding = compile(&text, &catalog, context, None);
    match binding.query {
        Some(query) => Ok((query, catalog.names.into_inner())),
        None => {
            let errors = binding.diagnostics.iter().filter(|d| d.severity == Severity::Error);
            let all: Vec<String> = errors
                .map(|d| {
                    let at = text.get(d.start..d.end).unwrap_or_default();
                    let hint = d.hint.as_ref().map(|hint| format!(" ({hint})"));
                    format!("{} at \"{at}\"{}", d.message, hint.unwrap_or_default())
                })
                .collect();
            Err(if all.is_empty() { "is no query".to_owned() } else { all.join("; ") })
        }
    }
}

/// `let` statements for values.
fn lets(values: &toml::Table) -> String {
    let mut text = String::new();
    for (name, value) in values {
        let value = match value {
            toml::Value::String(said) => kql::value::Json::String(said.as_str().into()).to_string(),
            toml::Value::Integer(n) => format!("long({n})"),
            toml::Value::Float(x) => format!("real({x})"),
            toml::Value::Boolean(b) => b.to_string(),
            value => format!("dynamic({})", json(value)),
        };
        text.push_str(&format!("let {name} = {value};\n"));
    }
    text
}

/// A catalogue that remembers what was asked for.
struct Recorder<'a> {
    tables: &'a Tables,
    failed: Option<&'a Schema>,
    names: RefCell<BTreeSet<String>>,
}

impl Catalog for Recorder<'_> {
    fn table(&self, name: &str) -> Option<Schema> {
        let schema = match (name, self.failed) {
            (FAILED, Some(schema)) => Some(schema.clone()),
            _ => self.tables.table(name),
        };
        if schema.is_some() {
            self.names.borrow_mut().insert(name.to_owned());
        }
        schema
    }

    fn tables(&self) -> Vec<String> {
        self.tables.tables()
    }

    fn function(&self, name: &str) -> Option<StoredFunction> {
        self.tables.function(name)
    }

    fn functions(&self) -> Vec<String> {
        self.tables.functions()
    }
}

struct Given {
    tables: HashMap<String, Arc<Rows>>,
}

impl Source for Given {
    fn table(&self, name: &str) -> kql::engine::Result<Option<Arc<Rows>>> {
        Ok(self.tables.get(name).cloned())
    }
}

/// Rows as objects, for people and for fingerprints.
pub(crate) fn objects(rows: &Rows, most: usize) -> Vec<BTreeMap<String, kql::value::Json>> {
    let object = |row: &kql::engine::Row| {
        let cells = rows.schema.iter().zip(row);
        cells.map(|(column, value)| (column.name.clone(), value.to_json())).collect()
    };
    rows.rows.iter().take(most).map(object).collect()
}
