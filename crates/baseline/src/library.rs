//! All checks, functions and tables of evidence, by name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use kql::bind::Tables;

use crate::check::Check;
use crate::content;
use crate::declared::{self, Declared};
use crate::error::{Error, Result};
use crate::evidence::Evidence;
use crate::rules;

/// What `Failed` is called in the rules of a fix.
pub(crate) const FAILED: &str = "Failed";

/// Everything that `content/` holds for assessments.
#[derive(Debug, Clone)]
pub struct Library {
    checks: BTreeMap<String, Check>,
    evidence: BTreeMap<String, Evidence>,
    tables: Tables,
    /// Which tables the rules of a check read, once that was found out
    read: Arc<Mutex<HashMap<String, Arc<BTreeSet<String>>>>>,
}

impl Library {
    /// The files that are part of the program.
    ///
    /// # Errors
    /// None that the tests of this crate let through.
    pub fn shipped() -> Result<Self> {
        Self::of(content::CHECKS, content::FUNCTIONS, content::EVIDENCE)
    }

    /// From files, each a name below its folder without the ending, and its text.
    ///
    /// # Errors
    /// A file is not understood, or two say the same.
    pub fn of<S: AsRef<str>>(
        checks: &[(S, S)],
        functions: &[(S, S)],
        evidence: &[(S, S)],
    ) -> Result<Self> {
        let mut tables = Tables::default();
        tables.add(declared::TABLE, Declared::schema());
        let mut known = BTreeMap::new();
        for (name, text) in evidence {
            let (name, text) = (name.as_ref(), text.as_ref());
            let odd = |what: String| Error::Content { file: format!("evidence/{name}"), what };
            let read: Evidence = toml::from_str(text).map_err(|e| odd(e.to_string()))?;
            checked(&read).map_err(odd)?;
            tables.add(name, read.schema().map_err(odd)?);
            known.insert(name.to_owned(), read);
        }
        for (name, text) in functions {
            tables.add_function(name.as_ref(), text.as_ref());
        }
        let mut library =
            Self { checks: BTreeMap::new(), evidence: known, tables, read: Arc::default() };
        for (name, text) in checks {
            let name = name.as_ref();
            let odd = |what: String| Error::Content { file: format!("checks/{name}"), what };
            let mut check: Check = toml::from_str(text.as_ref()).map_err(|e| odd(e.to_string()))?;
            let (topic, id) = name.rsplit_once('/').unwrap_or(("", name));
            if check.id != id {
                return Err(odd(format!("is not called as its check, {}", check.id)));
            }
            topic.clone_into(&mut check.topic);
            library.checked(&check).map_err(odd)?;
            if library.checks.insert(id.to_owned(), check).is_some() {
                return Err(odd("is there twice".to_owned()));
            }
        }
        Ok(library)
    }

    /// All checks, in the order of their identifiers.
    pub fn checks(&self) -> impl ExactSizeIterator<Item = &Check> {
        self.checks.values()
    }

    /// A check.
    ///
    /// # Errors
    /// There is none of this identifier.
    pub fn check(&self, id: &str) -> Result<&Check> {
        self.checks.get(id).ok_or_else(|| Error::NoCheck(id.to_owned()))
    }

    /// The checks of these identifiers; all where there are none.
    ///
    /// # Errors
    /// One of them does not exist.
    pub fn chosen(&self, ids: &[String]) -> Result<Vec<&Check>> {
        if ids.is_empty() {
            return Ok(self.checks().collect());
        }
        let unique: BTreeSet<&String> = ids.iter().collect();
        unique.into_iter().map(|id| self.check(id)).collect()
    }

    /// Binds all rules of a check, without running any.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn bind(&self, check: &Check) -> Result<(), String> {
        self.tables_read(check).map(|_| ())
    }

    /// The names of all tables that the rules of a check read.
    ///
    /// # Errors
    /// A rule does not bind.
    pub fn tables_read(&self, check: &Check) -> Result<Arc<BTreeSet<String>>, String> {
        let known = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known().get(&check.id) {
            return Ok(Arc::clone(names));
        }
        let names = Arc::new(rules::tables_read(self, check)?);
        known().insert(check.id.clone(), Arc::clone(&names));
        Ok(names)
    }

    /// A table of evidence that all checks may read.
    pub fn evidence(&self, name: &str) -> Option<&Evidence> {
        self.evidence.get(name)
    }

    /// What rules of a check may name.
    pub(crate) fn tables(&self, check: &Check) -> Result<Tables> {
        let mut tables = self.tables.clone();
        for own in &check.evidence {
            let schema = own.evidence.schema().map_err(|what| Error::Content {
                file: format!("{}, evidence {}", check.id, own.name),
                what,
            })?;
            tables.add(&own.name, schema);
        }
        Ok(tables)
    }

    fn checked(&self, check: &Check) -> Result<(), String> {
        let fix = &check.fix;
        let n_rules = [&fix.settings, &fix.sql, &fix.files, &fix.hba].into_iter().flatten().count();
        if !fix.class.is_automatic() && fix.why.as_ref().is_none_or(String::is_empty) {
            return Err("the fix does not say why it is by hand, or none".to_owned());
        }
        if !fix.class.is_automatic() && n_rules > 0 {
            return Err("the fix is not automatic, yet says what is changed".to_owned());
        }
        if check.title.is_empty() || check.why.is_empty() {
            return Err("the title or the reason is empty".to_owned());
        }
        for own in &check.evidence {
            if self.evidence.contains_key(&own.name) {
                return Err(format!("evidence {} is there for all checks", own.name));
            }
            checked(&own.evidence).map_err(|e| format!("evidence {}: {e}", own.name))?;
        }
        let of_profiles = check.profiles.values().flat_map(|values| values.keys());
        match of_profiles.into_iter().find(|name| !check.values.contains_key(*name)) {
            Some(name) => Err(format!("a profile gives {name}, which is no value of the check")),
            None => Ok(()),
        }
    }
}

/// What types do not say of a table of evidence.
fn checked(evidence: &Evidence) -> Result<(), String> {
    evidence.schema()?;
    let has_sql = evidence.sql.is_some() || !evidence.by_major.is_empty();
    match (&evidence.source, has_sql) {
        (Some(_), false) | (None, true) => Ok(()),
        _ => Err("needs either a query or a source".to_owned()),
    }
}
