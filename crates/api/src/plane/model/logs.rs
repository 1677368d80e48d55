//! The log lake: queries and their answers, tables, connectors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A query to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogsQuery {
    /// The text, in the Kusto Query Language.
    #[schema(max_length = 200_000, example = "PGSQLServerLogs | where ErrorLevel == 'FATAL'")]
    pub query: String,
    /// Which events count: an ISO 8601 duration back from now (`P1D`), or two ends with a slash
    /// between (`2026-01-01T00:00:00Z/P1D`). Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "P1D")]
    pub timespan: Option<String>,
    /// So many rows at most; 30,000 where nothing is said, never more than 500,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u32>,
    /// So many seconds at most; 180 where nothing is said, never more than 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// A name for the run, by which it can be cancelled: letters, digits and `-`. Chosen by the
    /// plane where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A column of a table or an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsColumn {
    /// Its name.
    pub name: String,
    /// Its type, as Kusto names it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it holds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
}

/// What is wrong, or odd, at a place of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsDiagnostic {
    /// `error`, `warning` or `information`.
    pub severity: String,
    /// Which kind.
    pub code: String,
    /// In words.
    pub message: String,
    /// Its first byte in the text.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
}

/// What a query would give; nothing is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsCheck {
    /// Whether it can be run.
    pub ok: bool,
    /// The columns of its answer.
    pub columns: Vec<LogsColumn>,
    /// What is wrong or odd.
    pub diagnostics: Vec<LogsDiagnostic>,
}

/// One line of an answer: exactly one of the members is there. The first line is `begin`, the last
/// one `end` or `error`; an answer without either is not whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct LogsLine {
    /// The answer begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<LogsBegin>,
    /// A further result of a query with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<LogsFurther>,
    /// Rows: values in the order of the columns. Times in RFC 3339, spans as `[-][d.]hh:mm:ss`,
    /// dynamics as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Vec<serde_json::Value>>>)]
    pub rows: Option<Vec<Vec<serde_json::Value>>>,
    /// The answer is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<LogsEnd>,
    /// The answer ends before its end, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<crate::plane::ErrorBody>,
}

/// The beginning of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsBegin {
    /// The run, for cancelling it.
    pub id: String,
    /// The columns.
    pub columns: Vec<LogsColumn>,
    /// What is odd about the query.
    pub diagnostics: Vec<LogsDiagnostic>,
}

/// The beginning of a further result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsFurther {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<LogsColumn>,
}

/// The end of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogsEnd {
    /// Rows that were sent, of all results.
    pub n_rows: u64,
    /// Whether rows were left out.
    pub truncated: bool,
    /// How it took, in milliseconds.
    pub elapsed_ms: u64,
    /// What `render` says, for whoever draws: kind of chart and its properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render: Option<serde_json::Value>,
}

/// A query that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsRun {
    /// By which it is cancelled.
    pub id: String,
    /// Who asked.
    pub by: String,
    /// The text.
    pub query: String,
    /// Since when.
    pub started_at: Timestamp,
}

/// A table of the lake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsTable {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<LogsColumn>,
    /// Rows that are in memory, durable in the write-ahead log.
    pub n_hot_rows: u64,
    /// Bytes of theirs.
    pub hot_bytes: u64,
    /// Files of the Delta table.
    pub n_files: u64,
    /// Bytes of theirs.
    pub file_bytes: u64,
    /// After how many days a day is dropped; null: never.
    #[schema(required)]
    pub retention_days: Option<u32>,
    /// Why its last commit, merge or clean-up failed; it is tried again.
    #[schema(required)]
    pub trouble: Option<String>,
}

/// A source of events, and how it stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Connector {
    /// Its name: `server/NAME` is the log of a server, `syslog/…` a listener, `push/…` a program.
    pub name: String,
    /// What kind: `postgresql`, `pgkeep`, `syslog`, `otlp`, `push`, `file`.
    pub kind: String,
    /// The parser that reads it.
    pub parser: String,
    /// `ok`, `waiting` (nothing came yet, or not for long), `failing`, `stale`.
    pub health: String,
    /// Why it is not `ok`.
    pub reason: String,
    /// When something came the last time.
    #[schema(required)]
    pub last_seen_at: Option<Timestamp>,
    /// Time of the newest event.
    #[schema(required)]
    pub last_event_at: Option<Timestamp>,
    /// Events a second, over the last minute.
    pub events_per_s: f64,
    /// Bytes a second, over the last minute.
    pub bytes_per_s: f64,
    /// Bytes that wait at the source, where it says so.
    #[schema(required)]
    pub lag_bytes: Option<u64>,
    /// Events since the plane started.
    pub n_events: u64,
    /// Bytes since the plane started.
    pub n_bytes: u64,
    /// Dead letters since the plane started.
    pub n_dead_letters: u64,
}

/// A worker that answers parts of queries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsWorker {
    /// Where it is: `unix:///path` or `https://host:port/`.
    pub address: String,
    /// `ready`, or `silent`: queries do without it and ask again.
    pub state: String,
    /// Why it is silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsIngested {
    /// Rows, by table.
    pub rows: BTreeMap<String, u64>,
    /// What became no row and stands in PgkeepDeadLetters.
    pub n_dead_letters: u64,
    /// Bytes that were read.
    pub n_bytes: u64,
    /// Members that no column is there for and that are nowhere kept: how often, by name.
    pub dropped: BTreeMap<String, u64>,
    /// Bytes at the beginning that were taken in by an earlier request of the same source.
    pub skipped_bytes: u64,
}

/// A request of OpenTelemetry's logs, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtlpLogs {
    /// In the JSON encoding.
    Json(Vec<u8>),
    /// In protobuf.
    Protobuf(Vec<u8>),
}

/// What became of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtlpTaken {
    /// Records that are rows now.
    pub n_records: u64,
    /// Those that are dead letters.
    pub n_rejected: u64,
}

/// How a body of events is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogsIngestQuery {
    /// What the body is: `csv`, `json` (an array of objects), `jsonl`, `parquet`, or the name of a
    /// parser such as `postgresql-jsonlog` or `syslog`.
    #[param(max_length = 64, example = "jsonl")]
    pub format: String,
    /// Where the rows go; made from the body where it is not there. A parser knows its tables.
    #[serde(default)]
    #[param(max_length = 128)]
    pub table: Option<String>,
    /// A name of the source. The same bytes of one source are taken in once, however often they
    /// are sent.
    #[serde(default)]
    #[param(max_length = 200)]
    pub source: Option<String>,
}

/// A query that is kept by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedQuery {
    /// Its name.
    pub name: String,
    /// In which part of the gallery it stands; empty for one's own.
    pub category: String,
    /// What it answers.
    pub description: String,
    /// The text.
    pub query: String,
    /// Who saved it; empty for those that come with pgkeep.
    pub saved_by: String,
    /// When.
    #[schema(required)]
    pub saved_at: Option<Timestamp>,
}

/// What a query is saved with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedQueryUpdate {
    /// What it answers.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub description: String,
    /// The text.
    #[schema(max_length = 200_000)]
    pub query: String,
}

/// How long a table keeps its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogsRetention {
    /// After how many days a day is dropped whole; null: never.
    #[schema(required, minimum = 1, maximum = 36_525)]
    pub days: Option<u32>,
}

/// Which rows of a table are to be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogsErase {
    /// What stands behind `where`, for example `RoleName == 'anna'`.
    #[schema(max_length = 20_000)]
    pub condition: String,
    /// Remove the old files now instead of after a week; a query that reads one fails.
    #[serde(default)]
    pub at_once: bool,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogsErased {
    /// Rows.
    pub n_rows: u64,
    /// Files that were written anew.
    pub n_files: u64,
}
