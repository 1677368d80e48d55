//! Fixes of what checks found, on our own servers: plans and records, given on as they are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which fix is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineFixCreate {
    /// The check whose failure is mended.
    #[schema(max_length = 40)]
    pub check: String,
    /// Whose values are expected.
    #[serde(default)]
    #[schema(max_length = 20)]
    pub profile: Option<String>,
    /// The `plan_hash` of the preview that was seen: nothing else is made then.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub plan: Option<String>,
}

/// What a fix would do, tried as far as that leaves no trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFixPlan {
    /// The check.
    pub id: String,
    /// What will hold.
    pub title: String,
    /// How it takes effect.
    pub class: String,
    /// What the check says now.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// What fails now.
    pub findings: Vec<String>,
    /// What would be done; nothing where the check does not fail.
    pub changes: Vec<BaselineFixChange>,
    /// Who could not sign in any more.
    pub radius: BaselineFixRadius,
    /// Whether a start of the server is needed.
    pub restart: bool,
    /// Things to know.
    pub notes: Vec<String>,
    /// `planned` or `unchanged`.
    pub state: String,
    /// By which the fix is asked for.
    pub plan_hash: String,
}

/// One change; which members there are goes by `kind`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFixChange {
    /// `statement`, `setting`, `file` or `hba`.
    pub kind: String,
    /// What it does, in words.
    pub what: String,
    /// The statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The one that takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// In which database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What goes (`-`) and what comes (`+`), line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<String>,
}

/// Whom a fix would lock out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFixRadius {
    /// What was looked at.
    pub window: String,
    /// How many ways of signing in that were.
    pub seen: u64,
    /// Those that would be refused: pairs of who (`role`, `database`, `address`, `application`,
    /// `tls`, `sessions`) and why.
    #[schema(value_type = Vec<Object>)]
    pub refused: Vec<serde_json::Value>,
    /// What could not be judged.
    pub unsure: Vec<String>,
}

/// A fix that was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFixRecord {
    /// Its name.
    pub fix_id: String,
    /// The check.
    pub id: String,
    /// What holds now.
    pub title: String,
    /// The server.
    pub server: String,
    /// Who asked for it.
    pub made_by: String,
    /// `applying`, `applied`, `needs-restart`, `undone` or `failed`.
    pub state: String,
    /// When it was made.
    pub applied_at: Timestamp,
    /// When it was taken back.
    #[schema(required)]
    pub undone_at: Option<Timestamp>,
    /// What was done.
    pub changes: Vec<BaselineFixChange>,
    /// What failed before.
    pub findings: Vec<String>,
    /// Whether the check was seen to pass afterwards.
    pub proved: bool,
    /// That it worked.
    #[schema(required)]
    pub proof: Option<BaselineFixProof>,
    /// That it was taken back.
    #[schema(required)]
    pub undo_proof: Option<BaselineFixProof>,
}

/// What was seen after a fix, or after it was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BaselineFixProof {
    /// When.
    pub at: Timestamp,
    /// What the check says then; null: only a start of the server shows it.
    #[schema(required)]
    pub verdict: Option<String>,
    /// Why.
    pub reason: String,
    /// What still fails.
    pub left: Vec<String>,
    /// What else was looked at.
    pub seen: Vec<String>,
    /// Whether everything that was touched is as it was, to the byte (of an undo).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
}
