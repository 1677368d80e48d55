//! The security baseline of our own servers: how each stands, waivers, schedules, what evidence
//! says of connections and roles.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::baseline::{BaselineFix, BaselineWaived};

/// A server, and how it stood when it was assessed last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineServer {
    /// Its name.
    pub name: String,
    /// Its last assessment of all checks by pgkeep's own values; null: never assessed.
    #[schema(required)]
    pub last: Option<BaselineBrief>,
    /// When it is assessed by itself.
    pub schedule: BaselineSchedule,
}

/// An assessment without its results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineBrief {
    /// Its number.
    pub id: u64,
    /// When its evidence was read.
    pub assessed_at: Timestamp,
    /// Who asked for it: a person, or `schedule`.
    pub by: String,
    /// Whose values were expected; absent: pgkeep's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The checks that were asked for; empty: all.
    pub checks: Vec<String>,
    /// SHA-256 of the bundle of evidence, hex.
    pub evidence_hash: String,
    /// Whether the bundle is still kept.
    pub has_evidence: bool,
    /// 0 to 100: passes against passes and failures, by severity.
    #[schema(required)]
    pub score: Option<f64>,
    /// 0 to 100: how much of what applies was answered.
    #[schema(required)]
    pub coverage: Option<f64>,
    /// How many verdicts of each kind.
    pub counts: BTreeMap<String, u64>,
}

/// How a server stands: the last assessment of all checks, each check by its newest reading.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Baseline {
    /// The server.
    pub server: String,
    /// The last assessment of all checks; null: there is none yet.
    #[schema(required)]
    pub last: Option<BaselineBrief>,
    /// 0 to 100, with what was read since.
    #[schema(required)]
    pub score: Option<f64>,
    /// How many verdicts of each kind, with what was read since.
    pub counts: BTreeMap<String, u64>,
    /// Failures that somebody answers for, how many.
    pub n_waived: u64,
    /// The checks, in the order of identifiers.
    pub results: Vec<BaselineItem>,
    /// When it is assessed by itself.
    pub schedule: BaselineSchedule,
}

/// A check of a server, in brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineItem {
    /// The check.
    pub id: String,
    /// What would hold.
    pub title: String,
    /// Its topic.
    pub topic: String,
    /// How bad a failure is.
    pub severity: String,
    /// What must be read.
    pub access: String,
    /// The verdict.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// What mends it.
    pub fix: BaselineFix,
    /// How much is wrong.
    pub n_findings: u64,
    /// Who answers for the failure, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<BaselineWaived>,
    /// When its evidence was read.
    pub read_at: Timestamp,
}

/// What is to be assessed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineCreate {
    /// Only these checks; all where there are none.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub checks: Vec<String>,
    /// Whose values are expected: `azure-mcsb`, `cis`, `stig`, `paranoid`, or `all` of them.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub profile: Option<String>,
    /// What is meant to be so, instead of the server's own declaration: lists or tables by kind.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub declare: Option<serde_json::Map<String, serde_json::Value>>,
    /// Evidence that costs more than a look: `password-guesses`.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub asked: Vec<String>,
}

/// Whose values count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BaselineQuery {
    /// A profile; pgkeep's own values where there is none.
    #[serde(default)]
    #[param(max_length = 20)]
    pub profile: Option<String>,
}

/// Which assessments are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BaselineDriftQuery {
    /// The earlier one; the one before `to` where absent.
    #[serde(default)]
    pub from: Option<u64>,
    /// The later one; the last of all checks where absent.
    #[serde(default)]
    pub to: Option<u64>,
    /// Of which profile those are that are chosen here.
    #[serde(default)]
    #[param(max_length = 20)]
    pub profile: Option<String>,
}

/// That somebody answers for a failure until a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineWaiver {
    /// Its number.
    pub id: String,
    /// The check.
    pub check: String,
    /// On which server; on all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The finding that it is about; all findings where absent.
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
    /// Who put it there.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Whether its day is over.
    pub lapsed: bool,
}

/// A new waiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineWaiverCreate {
    /// The check.
    #[schema(max_length = 40)]
    pub check: String,
    /// The fingerprint of one finding; all findings where absent.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub finding: Option<String>,
    /// Why the failure is accepted.
    #[schema(max_length = 2000)]
    pub reason: String,
    /// Who answers for it.
    #[schema(max_length = 200)]
    pub owner: String,
    /// Who approved of it.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub approver: Option<String>,
    /// The last day on which it holds, in UTC; at most two years ahead.
    #[schema(value_type = String, format = Date)]
    pub until: Date,
}

/// When a server is assessed by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineSchedule {
    /// Whether it is.
    pub enabled: bool,
    /// From which hour of the day, in UTC.
    pub hour: u8,
    /// When next; null while it is not enabled.
    #[schema(required)]
    pub next_run_at: Option<Timestamp>,
    /// When it was tried last.
    #[schema(required)]
    pub last_run_at: Option<Timestamp>,
    /// Why that failed.
    #[schema(required)]
    pub last_failure: Option<String>,
}

/// A change of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineScheduleUpdate {
    /// Whether the server is assessed once a day.
    pub enabled: bool,
    /// From which hour of the day, in UTC; as it is where absent.
    #[serde(default)]
    #[schema(maximum = 23)]
    pub hour: Option<u8>,
}

/// What is meant to be so on a server; checks compare with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineDeclaration {
    /// Lists or tables of names, by kind.
    #[schema(value_type = Object)]
    pub declare: serde_json::Map<String, serde_json::Value>,
}

/// A connection that nobody makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BaselineHbaQuery {
    /// As whom.
    #[param(max_length = 63)]
    pub role: String,
    /// To which database; physical replication where absent.
    #[serde(default)]
    #[param(max_length = 63)]
    pub database: Option<String>,
    /// From which address; the local socket where absent.
    #[serde(default)]
    #[param(max_length = 60, example = "192.0.2.7")]
    pub address: Option<String>,
    /// Whether the connection is encrypted.
    #[serde(default)]
    #[param(required = false)]
    pub tls: bool,
}

/// What `pg_hba.conf` would say to it, by the newest evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineHbaAnswer {
    /// `allow` (the method decides), `reject` (a line refuses it), `no-entry` (no line is about
    /// it), `unsure` (a line may be about it that SQL does not show in whole).
    pub outcome: String,
    /// The line that decides.
    #[schema(required)]
    pub line: Option<i64>,
    /// Its file.
    #[schema(required)]
    pub file: Option<String>,
    /// Its method.
    #[schema(required)]
    pub method: Option<String>,
    /// The line as evidence has it.
    #[schema(required)]
    pub text: Option<String>,
    /// In words.
    pub reason: String,
    /// When the file was read.
    pub read_at: Timestamp,
}

/// Who may become whom: by the newest evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineRoleGraph {
    /// When it was read.
    pub read_at: Timestamp,
    /// Steps from one role to another, to `superuser` or to `operating system`.
    pub edges: Vec<BaselineRoleEdge>,
    /// A shortest path from each role that has one.
    pub paths: Vec<BaselineRolePath>,
    /// What could not be read; the graph may lack steps then.
    pub gaps: Vec<String>,
}

/// A step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineRoleEdge {
    /// Which kind of step.
    pub kind: String,
    /// From whom.
    pub source: String,
    /// To whom.
    pub target: String,
    /// Why it is there.
    pub why: String,
    /// The statement that takes it.
    pub how: String,
    /// The statement that takes it away.
    pub cut: String,
    /// Whether the role needs nobody else for it.
    pub strong: bool,
}

/// A path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineRolePath {
    /// From whom.
    pub role: String,
    /// `superuser` or `operating system`.
    pub target: String,
    /// Steps.
    pub length: i64,
    /// In words.
    pub path: String,
    /// Whether all steps are strong.
    pub strong: bool,
    /// Statements that take it away.
    pub cut: String,
    /// The steps, as pairs of names.
    pub steps: Vec<BaselineRoleStep>,
}

/// A step of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineRoleStep {
    /// From whom.
    pub source: String,
    /// To whom.
    pub target: String,
    /// Why.
    pub why: String,
}
