//! A check as its file says it (`content/checks/README.md`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;

/// One check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its stable identifier
    pub id: String,
    /// What holds where it passes
    pub title: String,
    /// The name of its folder
    #[serde(skip)]
    pub topic: String,
    /// How bad it is where it fails
    pub severity: Severity,
    /// What must be read for it
    pub access: Access,
    /// What goes wrong otherwise
    pub why: String,
    /// Controls of Microsoft's cloud security benchmark
    #[serde(default)]
    pub mcsb: Vec<String>,
    /// Numbers of CIS PostgreSQL 17 and 18
    #[serde(default)]
    pub cis: Vec<String>,
    /// Rules of the STIG for Crunchy Data PostgreSQL 16
    #[serde(default)]
    pub stig: Vec<String>,
    /// Controls of NIST SP 800-53
    #[serde(default)]
    pub nist: Vec<String>,
    /// Versions that it is about; all where absent
    pub majors: Option<Majors>,
    /// What rules may name
    #[serde(default)]
    pub values: toml::Table,
    /// Other values, by profile
    #[serde(default)]
    pub profiles: BTreeMap<Profile, toml::Table>,
    /// Evidence of its own
    #[serde(default)]
    pub evidence: Vec<OwnEvidence>,
    /// How it is judged
    pub rules: Rules,
    /// What mends it
    pub fix: Fix,
    /// Verdicts of which there is no case, and why
    #[serde(default)]
    pub unmade: BTreeMap<crate::Verdict, String>,
    /// Cases that a test runs
    #[serde(default, rename = "example")]
    pub examples: Vec<Example>,
}

/// Evidence that one check alone reads.
#[derive(Debug, Clone, Deserialize)]
pub struct OwnEvidence {
    /// Its name in the check's rules
    pub name: String,
    /// The rest is as in a file of evidence
    #[serde(flatten)]
    pub evidence: Evidence,
}

/// How bad a failure is; the least comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing
    Info,
    /// Hygiene
    Low,
    /// Weakens the server
    Medium,
    /// Opens it under some conditions
    High,
    /// Opens it
    Critical,
}

/// What must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// SQL as a role with `pg_monitor`
    S,
    /// SQL with more rights
    P,
    /// Files and processes of the host
    F,
    /// The server's log over a window
    L,
    /// A connection from outside
    W,
    /// What a person declares
    X,
}

/// Who asks: chooses the expected values where benchmarks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Azure's baseline
    AzureMcsb,
    /// CIS PostgreSQL
    Cis,
    /// DISA's STIG
    Stig,
    /// The strictest that still runs
    Paranoid,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AzureMcsb, Self::Cis, Self::Stig, Self::Paranoid];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AzureMcsb => "azure-mcsb",
            Self::Cis => "cis",
            Self::Stig => "stig",
            Self::Paranoid => "paranoid",
        }
    }
}

/// Major versions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Majors {
    /// The first; all earlier ones where absent
    pub from: Option<u32>,
    /// The last; all later ones where absent
    pub to: Option<u32>,
}

impl Majors {
    /// Whether a version is among them.
    pub fn hold(self, major: u32) -> bool {
        self.from.is_none_or(|from| from <= major) && self.to.is_none_or(|to| major <= to)
    }
}

/// Rules, each a query in KQL.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Rows say that the subject does not exist
    pub not_applicable: Option<String>,
    /// Rows say what is missing
    pub cannot_tell: Option<String>,
    /// Rows are what is wrong; each rule needs only its own tables
    #[serde(deserialize_with = "one_or_more")]
    pub fail: Vec<String>,
    /// What was read
    pub show: String,
}

/// What mends a failure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// How it takes effect
    pub class: FixClass,
    /// What to do by hand, or why there is no fix
    pub why: Option<String>,
    /// Rows `name`, `value`: settings
    pub settings: Option<String>,
    /// Rows `database`, `apply`, `undo`, `what`: statements
    pub sql: Option<String>,
    /// Rows `path`, `mode`, `owner`, `group`, `text`, `what`: files
    pub files: Option<String>,
    /// Rows `file`, `line`, `type`, `method`, `option`, `remove`, `insert`, `what`: lines of
    /// `pg_hba.conf`
    pub hba: Option<String>,
    /// Why no example shows it, where none can
    pub unmade: Option<String>,
}

/// How a fix takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixClass {
    /// By itself, at a reload
    AutoReload,
    /// By itself, at a restart
    AutoRestart,
    /// By itself, in one transaction
    AutoTx,
    /// By itself, in files
    AutoFile,
    /// By hand, as it says
    Guided,
    /// Not at all, as it says
    None,
}

impl FixClass {
    /// Whether pgkeep can do it.
    pub fn is_automatic(self) -> bool {
        !matches!(self, Self::Guided | Self::None)
    }
}

/// A case on a real cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What must be said of it
    pub verdict: crate::Verdict,
    /// Exactly what `fail` must find
    pub items: Option<Vec<String>>,
    /// Settings by `ALTER SYSTEM`; empty resets
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Statements in the database `example`
    #[serde(default)]
    pub sql: Vec<String>,
    /// Statements in other databases
    #[serde(default)]
    pub sql_in: BTreeMap<String, Vec<String>>,
    /// The whole of `pg_hba.conf`
    pub hba: Option<String>,
    /// `rsa` or `ecdsa`: `server.crt` and `server.key` are there, with a key of this kind
    pub certificate: Option<String>,
    /// Files of the host
    #[serde(default)]
    pub files: Vec<ExampleFile>,
    /// Feeds, by the names of the test's own; without any none is there
    #[serde(default)]
    pub feeds: Vec<String>,
    /// Sign-ins before it is judged: connection strings, without a host through the socket; those
    /// behind a `!` have to fail
    #[serde(default)]
    pub connections: Vec<String>,
    /// Statements afterwards, in `postgres`
    #[serde(default)]
    pub teardown: Vec<String>,
    /// What is declared
    #[serde(default)]
    pub declare: toml::Table,
    /// Evidence that is read only where it is asked for
    #[serde(default)]
    pub asked: Vec<String>,
    /// The profile that judges
    pub profile: Option<Profile>,
    /// Versions on which it can be made
    pub majors: Option<Majors>,
    /// `monitor`: what a role with `pg_monitor` can read
    pub role: Option<ExampleRole>,
    /// It can be made by root alone
    #[serde(default)]
    pub needs_root: bool,
}

/// A file that an example makes; what was there before comes back afterwards.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleFile {
    /// In the data directory, or of the system where it begins with `/` (below the folder that
    /// stands for the host's root in this example)
    pub path: String,
    /// What is in it; without it a file that is there keeps what it has, others are empty
    pub text: Option<String>,
    /// Mode in octal digits
    pub mode: Option<String>,
    /// `server`, `root` or a number; the server's account where absent, root below `/`
    pub owner: Option<String>,
    /// It is a link to this
    pub link: Option<String>,
    /// It is a folder
    #[serde(default)]
    pub folder: bool,
    /// How long ago it was written
    pub age_hours: Option<u32>,
}

/// Who reads the evidence of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExampleRole {
    /// A role with `pg_monitor` and nothing else
    Monitor,
}

fn one_or_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        One(String),
        More(Vec<String>),
    }
    Ok(match Form::deserialize(from)? {
        Form::One(rule) => vec![rule],
        Form::More(rules) => rules,
    })
}
