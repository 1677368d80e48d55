//! What a fix will do: the rows that its rules give, as changes in the order in which they are
//! made.

use base::Fault;
use kql::engine::Rows;
use serde::{Deserialize, Serialize};

use super::conf;
use crate::bundle::Bundle;
use crate::check::{Check, FixClass, Profile};
use crate::error::Result;
use crate::judge::Judgement;
use crate::library::Library;
use crate::rules::{Ran, Runner};

/// Changes of one fix.
const CHANGES_MAX: usize = 5_000;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Change {
    /// A statement, in the transaction of its database
    Statement {
        /// Where it runs; absent: in the database of the connection
        #[serde(skip_serializing_if = "Option::is_none")]
        database: Option<String>,
        /// The statement
        sql: String,
        /// The one that takes it back; absent: there is none
        #[serde(skip_serializing_if = "Option::is_none")]
        undo: Option<String>,
        /// What it does, in words
        what: String,
    },
    /// A setting of the server, by `ALTER SYSTEM`
    Setting {
        /// Its name
        name: String,
        /// What it is now; absent where it is not known or a secret
        from: Option<String>,
        /// What it will be; absent: as without a line in `postgresql.auto.conf`
        to: Option<String>,
        /// The statement
        sql: String,
        /// Whether only a start of the server takes it up
        restart: bool,
        /// What it does, in words
        what: String,
    },
    /// A file of the host
    File {
        /// Where
        path: String,
        /// Its new mode, octal digits; absent: as it is
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        /// Its new owner, by name or number
        #[serde(skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// Its new group
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// Its new text
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// What goes (`-`) and what comes (`+`), line by line
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        diff: Vec<String>,
        /// What it does, in words
        what: String,
    },
    /// A line of `pg_hba.conf`
    Hba(Edit),
}

/// A change of one line of `pg_hba.conf`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The file, as `pg_hba_file_rules` names it
    pub file: String,
    /// The line that is changed, from 1; what is put in comes before it. 0: the end of the file
    pub line: i64,
    /// Its new first word
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Its new method
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// An option that it has afterwards, `name=value`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// Whether it goes
    #[serde(default)]
    pub remove: bool,
    /// A line that is put in
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insert: Option<String>,
    /// What it does, in words
    pub what: String,
}

/// A row of a rule, by the names of its columns.
struct Cells<'a> {
    rows: &'a Rows,
    row: &'a kql::engine::Row,
}

impl Cells<'_> {
    fn text(&self, column: &str) -> Option<String> {
        let at = self.rows.position(column)?;
        let text = self.row[at].to_text();
        (!text.is_empty()).then(|| text.to_string())
    }
}

fn each(rows: &Rows) -> impl Iterator<Item = Cells<'_>> {
    rows.rows.iter().map(move |row| Cells { rows, row })
}

/// The changes that mend what was found, none where the rules have no answer to it.
///
/// # Errors
/// The check has no fix, evidence for it is missing, or a rule gives rows that make no sense.
pub(super) fn changes(
    library: &Library,
    check: &Check,
    bundle: &Bundle,
    profile: Option<Profile>,
    judgement: &Judgement,
    now: i64,
) -> Result<Vec<Change>> {
    let runner = Runner::new(library, check, bundle, profile, now)?;
    let run = |rule: &Option<String>| -> Result<Option<Rows>> {
        let Some(rule) = rule else { return Ok(None) };
        let internal = |what: String| {
            Fault::new("internal", format!("the fix of {} cannot be planned", check.id))
                .detail(what)
        };
        match runner.run(rule, Some(&judgement.failed)).map_err(internal)? {
            Ran::Rows(rows, _) => Ok(Some(rows)),
            Ran::Unread(missing) => {
                let tables: Vec<&str> = missing.iter().map(|m| m.table.as_str()).collect();
                let cure = missing.iter().flat_map(|m| &m.gaps).find_map(|gap| gap.cure.clone());
                let error = Fault::new("cannot_tell", format!("{} cannot be planned", check.id))
                    .detail(format!("not read: {}", tables.join(", ")));
                Err(match cure {
                    Some(cure) => error.hint(cure),
                    None => error,
                }
                .into())
            }
        }
    };
    let mut all = Vec::new();
    if let Some(rows) = run(&check.fix.sql)? {
        for row in each(&rows) {
            let Some(sql) = row.text("apply") else { continue };
            let change = Change::Statement {
                database: row.text("database"),
                what: row.text("what").unwrap_or_else(|| sql.clone()),
                undo: row.text("undo"),
                sql,
            };
            if !all.contains(&change) {
                all.push(change);
            }
        }
    }
    if let Some(rows) = run(&check.fix.settings)? {
        for row in each(&rows) {
            let Some(name) = row.text("name") else { continue };
            let to = row.text("value");
            let sql = conf::set(&name, to.as_deref());
            let what = match &to {
                Some(value) => format!("sets {name} to {value}"),
                None => format!("takes {name} out of postgresql.auto.conf"),
            };
            let restart = check.fix.class == FixClass::AutoRestart;
            let change = Change::Setting { name, from: None, to, sql, restart, what };
            if !all.contains(&change) {
                all.push(change);
            }
        }
    }
    if let Some(rows) = run(&check.fix.hba)? {
        for row in each(&rows) {
            let edit = Edit {
                file: row.text("file").unwrap_or_else(|| "pg_hba.conf".to_owned()),
                line: row.text("line").and_then(|line| line.parse().ok()).unwrap_or(0),
                connection: row.text("type"),
                method: row.text("method"),
                option: row.text("option"),
                remove: row.text("remove").is_some_and(|word| word.eq_ignore_ascii_case("true")),
                insert: row.text("insert"),
                what: row.text("what").unwrap_or_default(),
            };
            if !all.contains(&Change::Hba(edit.clone())) {
                all.push(Change::Hba(edit));
            }
        }
    }
    if let Some(rows) = run(&check.fix.files)? {
        for row in each(&rows) {
            let Some(path) = row.text("path") else { continue };
            let what = row.text("what").unwrap_or_else(|| format!("changes {path}"));
            let (mode, owner, group) = (row.text("mode"), row.text("owner"), row.text("group"));
            let text = row.text("text");
            let diff = Vec::new();
            all.push(Change::File { path, mode, owner, group, text, diff, what });
        }
    }
    if all.len() > CHANGES_MAX {
        let message = format!("the fix of {} would be {} changes", check.id, all.len());
        return Err(Fault::new("too_much", message)
            .detail(format!("{CHANGES_MAX} are the most"))
            .hint("mend the cause, or a part of it, by hand first")
            .into());
    }
    Ok(all)
}

impl Change {
    /// What it does, in words.
    pub fn what(&self) -> &str {
        match self {
            Self::Statement { what, .. } | Self::Setting { what, .. } | Self::File { what, .. } => {
                what
            }
            Self::Hba(edit) => &edit.what,
        }
    }
}
