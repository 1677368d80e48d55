//! Long work.

use base::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a job is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It goes on.
    #[default]
    Running,
    /// It has come to a good end.
    Succeeded,
    /// It has not.
    Failed,
}

/// One long piece of work. Jobs live as long as the process that does them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Random.
    pub id: String,
    /// The operation that began it, for example `server_create`.
    pub kind: String,
    /// What it is about, a scope: for example `/servers/demo`.
    pub target: String,
    /// How far it is.
    pub state: JobState,
    /// What it did so far, a few words a step.
    pub progress: Vec<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Who began it.
    pub started_by: String,
    /// The request that began it.
    pub request_id: String,
    /// Why it failed.
    #[schema(value_type = Option<super::super::ErrorBody>)]
    pub error: Option<Fault>,
    /// What came of it; for changes of servers, the server.
    #[schema(value_type = Option<Object>)]
    pub result: Option<serde_json::Value>,
}
