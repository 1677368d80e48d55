//! The security baseline: assessments as `pgkeep baseline assess -o json` prints them.
//!
//! These shapes describe what is given on as it is; the crate `baseline` makes it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineCheck {
    /// Its stable identifier.
    #[schema(example = "AUTH-01")]
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// What holds where it passes.
    pub title: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// What must be read: `S` (as `pg_monitor`), `P` (more rights), `F` (the host), `L` (the log),
    /// `W` (a connection from outside), `X` (a person's word).
    pub access: String,
    /// What goes wrong where it does not hold.
    pub why: String,
    /// What mends it.
    pub fix: BaselineFix,
    /// Controls of Microsoft's cloud security benchmark.
    pub mcsb: Vec<String>,
    /// Numbers of the CIS benchmark.
    pub cis: Vec<String>,
    /// Rules of the STIG.
    pub stig: Vec<String>,
    /// Controls of NIST SP 800-53.
    pub nist: Vec<String>,
}

/// What mends a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFix {
    /// `auto-reload`, `auto-restart`, `auto-tx`, `auto-file`, `guided` or `none`.
    pub class: String,
    /// Whether pgkeep can do it.
    pub automatic: bool,
    /// What to do by hand, or why there is no fix.
    #[schema(required)]
    pub why: Option<String>,
}

/// An assessment: verdicts over one bundle of evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineAssessment {
    /// The server.
    pub server: String,
    /// The major version of PostgreSQL.
    pub major: u32,
    /// When the evidence was collected.
    pub assessed_at: String,
    /// The role that read it.
    pub role: String,
    /// SHA-256 of the bundle of evidence, hex.
    pub evidence_hash: String,
    /// Whose values were expected; absent: pgkeep's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// How old the feeds are that verdicts rest on.
    pub feeds: Vec<BaselineFeed>,
    /// How many verdicts of each kind: `pass`, `fail`, `not-applicable`, `provider`,
    /// `cannot-tell`.
    pub counts: BTreeMap<String, u64>,
    /// Failures that somebody answers for, how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_waived: Option<u64>,
    /// 0 to 100: passes against passes and failures, by severity.
    #[schema(required)]
    pub score: Option<f64>,
    /// 0 to 100: how much of what applies was answered.
    #[schema(required)]
    pub coverage: Option<f64>,
    /// One a check, in the order of identifiers.
    pub results: Vec<BaselineOutcome>,
    /// Grants that would answer what could not be told.
    pub missing_rights: Vec<String>,
}

/// A feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFeed {
    /// Its name.
    pub name: String,
    /// Its date.
    pub as_of: String,
    /// Whether it is too old to answer by.
    pub stale: bool,
}

/// What is said of one check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineOutcome {
    /// The check.
    pub id: String,
    /// What would hold.
    pub title: String,
    /// Its topic.
    pub topic: String,
    /// What goes wrong where it does not hold.
    pub why: String,
    /// How bad a failure is.
    pub severity: String,
    /// What must be read.
    pub access: String,
    /// `pass`, `fail`, `not-applicable`, `provider` or `cannot-tell`.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<BaselineEvidence>,
    /// What mends it.
    pub fix: BaselineFix,
    /// Stable names of what is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<BaselineFinding>,
    /// Who answers for the failure, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<BaselineWaived>,
    /// With profile `all`: what each says, where they differ.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_profile: BTreeMap<String, String>,
    /// Controls of Microsoft's cloud security benchmark.
    pub mcsb: Vec<String>,
    /// Numbers of the CIS benchmark.
    pub cis: Vec<String>,
    /// Rules of the STIG.
    pub stig: Vec<String>,
    /// Controls of NIST SP 800-53.
    pub nist: Vec<String>,
}

/// One piece of evidence; which members there are goes by `what`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineEvidence {
    /// `offending` and `read` (rows), `source` (a table and its statement), `gap` (what could not
    /// be read).
    pub what: String,
    /// Rows, by the names of their columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub rows: Option<Vec<serde_json::Value>>,
    /// How many rows there are in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The statement that filled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// In which database something could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// A word for why: `missing-right`, `timeout`, `no-collector` and their like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What would close the gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

/// Something that is wrong, by a name that stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFinding {
    /// By which waivers name it: 16 hex digits.
    pub fingerprint: String,
    /// What it is.
    pub item: String,
    /// In which database, where it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// What waivers say of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineWaived {
    /// Whether all that fails is waived.
    pub all: bool,
    /// Fingerprints of the findings that are.
    pub findings: Vec<String>,
    /// Waivers that hold.
    pub waivers: Vec<BaselineWaiverSaid>,
    /// Waivers whose day is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<BaselineWaiverSaid>,
}

/// A waiver as an outcome names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineWaiverSaid {
    /// Its own name.
    pub id: String,
    /// The check.
    pub check: String,
    /// On which server; on all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The finding that it is about; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Why the failure is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who approved of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// The last day on which it holds, in UTC.
    #[schema(value_type = String, format = Date)]
    pub until: Date,
}

/// An outcome, and when its evidence was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineResult {
    /// When its evidence was read.
    pub read_at: Timestamp,
    /// The assessment that it is of.
    pub assessment: u64,
    /// What is said.
    pub outcome: BaselineOutcome,
}

/// What is different between two assessments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineDrift {
    /// When the earlier one was made.
    pub from: String,
    /// When the later one was.
    pub to: String,
    /// The score then.
    #[schema(required)]
    pub score_from: Option<f64>,
    /// The score now.
    #[schema(required)]
    pub score_to: Option<f64>,
    /// Findings that are new, how many.
    pub n_new: u64,
    /// Findings that are mended, how many.
    pub n_fixed: u64,
    /// Checks with another verdict or other findings, the worst on top.
    pub changes: Vec<BaselineChange>,
}

/// What is different about one check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineChange {
    /// The check.
    pub id: String,
    /// What would hold.
    pub title: String,
    /// Its topic.
    pub topic: String,
    /// How bad a failure is.
    pub severity: String,
    /// The verdict before; null where it was not judged.
    #[schema(required)]
    pub was: Option<String>,
    /// The verdict now.
    #[schema(required)]
    pub is: Option<String>,
    /// The reason now.
    pub reason: String,
    /// Findings that were not there before.
    pub new: Vec<BaselineFinding>,
    /// Findings that are mended.
    pub fixed: Vec<BaselineFinding>,
    /// Findings that are not seen any more because something could not be read.
    pub unseen: Vec<BaselineFinding>,
}
