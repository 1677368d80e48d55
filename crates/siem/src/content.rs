//! The files of `content/` that are part of the crate, and the parsers made of them.

use std::sync::Arc;

use crate::{
    ByName, DeadLetter, Error, Example, Function, Parser, RowBatch, Settings, Table, dead,
};

/// Names one file a line; a test holds the lists to the folders.
macro_rules! files {
    ($folder:literal, $ending:literal, [$($name:literal),* $(,)?]) => {
        &[$(($name, include_str!(concat!("../../../content/", $folder, "/", $name, $ending)))),*]
    };
}

/// Parsers: name and text of the file.
pub fn parser_files() -> &'static [(&'static str, &'static str)] {
    files!(
        "parsers",
        ".toml",
        [
            "azure-diagnostics",
            "cef",
            "otlp-logs",
            "pgbouncer",
            "pgkeep-activity",
            "pgkeep-state",
            "pgkeep-vault-audit",
            "postgresql-csvlog",
            "postgresql-jsonlog",
            "postgresql-stderr",
            "syslog"
        ]
    )
}

/// What parsers of one product share: name and text of the file.
pub fn shared_files() -> &'static [(&'static str, &'static str)] {
    files!("parsers/shared", ".toml", ["postgresql"])
}

/// Tables: name and text of the file.
pub fn table_files() -> &'static [(&'static str, &'static str)] {
    files!(
        "tables",
        ".tsv",
        [
            "ASimAuditEventLogs",
            "ASimAuthenticationEventLogs",
            "AzureDiagnostics",
            "CommonSecurityLog",
            "PGSQLAutovacuumStats",
            "PGSQLDbTransactionsStats",
            "PGSQLPgBouncer",
            "PGSQLPgStatActivitySessions",
            "PGSQLQueryStoreQueryText",
            "PGSQLQueryStoreRuntime",
            "PGSQLQueryStoreWaits",
            "PGSQLServerLogs",
            "PgkeepOtelLogs",
            "Syslog",
            "PgkeepActivity",
            "PgkeepAudit",
            "PgkeepConnections",
            "PgkeepDeadLetters",
            "PgkeepSettings",
            "PgkeepStatements",
        ]
    )
}

/// Queries that sample a server, named after the table whose own columns they give.
pub fn collector_files() -> &'static [(&'static str, &'static str)] {
    files!(
        "collectors",
        ".sql",
        [
            "PGSQLAutovacuumStats",
            "PGSQLDbTransactionsStats",
            "PGSQLPgStatActivitySessions",
            "PgkeepSettings",
        ]
    )
}

/// Stored functions: name and text of the file.
pub fn function_files() -> &'static [(&'static str, &'static str)] {
    files!("functions", ".kql", ["_Im_AuditEvent", "_Im_Authentication", "_Ocsf_DatastoreActivity"])
}

/// Queries for people to start from: name and text of the file.
pub fn query_files() -> &'static [(&'static str, &'static str)] {
    files!(
        "queries",
        ".kql",
        [
            "ddl",
            "dead-letters",
            "errors-by-code",
            "errors-over-time",
            "failed-logins",
            "failure-then-success",
            "programs-and-files",
            "roles-and-grants",
            "sessions-by-hour",
            "settings-changed",
            "slow-statements",
            "syntax-bursts",
            "volume",
        ]
    )
}

/// Abbreviations of time zones that stand for one offset.
const ZONES: &str = include_str!("../../../content/parsers/zones.tsv");

/// All tables and parsers that come with the crate.
#[derive(Debug)]
pub struct Library {
    tables: Vec<Arc<Table>>,
    functions: Vec<Function>,
    examples: Vec<Example>,
    abbreviations: Vec<(String, i32)>,
}

impl Library {
    /// Reads the tables and the heads of the functions.
    pub fn new() -> Result<Self, Error> {
        let mut tables = Vec::new();
        for (name, text) in table_files() {
            tables.push(Arc::new(Table::parse(name, text)?));
        }
        let mut functions = Vec::new();
        for (name, text) in function_files() {
            functions.push(Function::parse(name, text)?);
        }
        let mut examples = Vec::new();
        for (name, text) in query_files() {
            examples.push(Example::parse(name, text)?);
        }
        let mut abbreviations = Vec::new();
        for line in ZONES.lines().skip(1) {
            let zone = line.split_once('\t').and_then(|(name, minutes)| {
                Some((name.to_owned(), minutes.parse::<i32>().ok()?.checked_mul(60)?))
            });
            let wrong = || Error::Table { table: "zones".to_owned(), what: line.to_owned() };
            abbreviations.push(zone.ok_or_else(wrong)?);
        }
        Ok(Self { tables, functions, examples, abbreviations })
    }

    /// The tables.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.iter().find(|table| &*table.name == name)
    }

    /// The stored functions.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Queries for people to start from.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The stored function of this name or other name, for a catalogue.
    pub fn function(&self, name: &str) -> Option<&Function> {
        let is = |function: &&Function| {
            function.name == name || function.also.iter().any(|also| also == name)
        };
        self.functions.iter().find(is)
    }

    /// What reads pushed rows and files into the table of this name.
    pub fn by_name(&self, table: &str) -> Option<ByName> {
        self.table(table).map(|table| ByName::new(Arc::clone(table)))
    }

    /// Rows of `PgkeepDeadLetters`, one batch a source. What befell one event stands in one row:
    /// a position names a row for ever.
    ///
    /// # Errors
    /// [`Error`] where the table's file lacks a column that is filled here.
    pub fn dead_letters(&self, letters: &[DeadLetter]) -> Result<Vec<RowBatch>, Error> {
        let table =
            self.table(dead::TABLE).ok_or_else(|| Error::NoTable(dead::TABLE.to_owned()))?;
        dead::rows(table, letters)
    }

    /// The parser of this name, for a source with these settings.
    pub fn parser(&self, name: &str, settings: &Settings) -> Result<Parser, Error> {
        let file = parser_files().iter().find(|(known, _)| *known == name);
        let (_, text) = file.ok_or_else(|| Error::NoParser(name.to_owned()))?;
        self.compile(name, text, settings)
    }

    /// A parser of a file that does not come with the crate.
    pub fn compile(&self, name: &str, text: &str, settings: &Settings) -> Result<Parser, Error> {
        Parser::compile(name, text, &self.tables, settings, &self.abbreviations)
    }
}
