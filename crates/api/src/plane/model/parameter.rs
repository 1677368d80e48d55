//! Server parameters.

use base::Changed;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One server parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Parameter {
    /// Its name.
    #[schema(example = "work_mem")]
    pub name: String,
    /// The value that a new session gets, in `unit`.
    pub value: String,
    /// The unit of the value, for example `8kB`.
    pub unit: Option<String>,
    /// `bool`, `enum`, `integer`, `real` or `string`.
    pub data_type: String,
    /// The value it has when nobody sets it.
    pub default: Option<String>,
    /// The least number that is allowed.
    pub min: Option<String>,
    /// The greatest number that is allowed.
    pub max: Option<String>,
    /// The words that are allowed.
    pub allowed_values: Vec<String>,
    /// Whether a change takes effect without a restart.
    pub dynamic: bool,
    /// Whether nobody can change it: PostgreSQL fixes it, or pgkeep does.
    pub read_only: bool,
    /// When a change takes effect: `immediate`, `new_sessions`, `restart` or `never`.
    #[schema(example = "immediate")]
    pub effect: String,
    /// What pgkeep allows of it and why, where it does not allow everything.
    pub guard: Option<String>,
    /// Whether a change waits for a restart.
    pub pending_restart: bool,
    /// Where the value comes from, in PostgreSQL's words.
    pub source: String,
    /// The group it belongs to.
    pub category: String,
    /// What it does.
    pub description: String,
}

/// A new value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterUpdate {
    /// One line of at most 8192 bytes.
    #[schema(max_length = 8192)]
    pub value: String,
}

/// What came, or with `dry_run` would come, of setting a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParameterChange {
    /// The parameter's name, as PostgreSQL writes it.
    pub name: String,
    /// The value a new session gets.
    pub value: String,
    /// `changed` or `unchanged`.
    #[schema(value_type = String, example = "changed")]
    pub changed: Changed,
    /// Whether the value waits for a restart.
    pub needs_restart: bool,
    /// True when nothing was done: this is what would come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}
