//! The log lake.

use base::{Changed, Fault};
use futures_util::stream::BoxStream;

use super::Reply;
use crate::access::Principal;
use crate::plane::model::{
    Connector, LogsCheck, LogsErase, LogsErased, LogsIngestQuery, LogsIngested, LogsQuery, LogsRun,
    LogsTable, LogsWorker, OtlpLogs, OtlpTaken, SavedQuery, SavedQueryUpdate,
};

/// Lines of an answer as they come, each one JSON document ([`super::super::model::LogsLine`])
/// with its end of line. Dropping it cancels the query.
pub type Lines = BoxStream<'static, String>;

/// Pieces of a body.
pub type Pieces = BoxStream<'static, Result<Vec<u8>, Fault>>;

/// Events: asking for them, taking them in.
pub trait Logs: Send + Sync + 'static {
    /// Begins a query; a fault where it is wrong.
    fn logs_query<'a>(&'a self, by: &'a Principal, query: LogsQuery) -> Reply<'a, Lines>;

    /// Says what a query would give.
    fn logs_check<'a>(&'a self, query: &'a str) -> Reply<'a, LogsCheck>;

    /// Queries that run.
    fn logs_runs(&self) -> Reply<'_, Vec<LogsRun>>;

    /// Stops one.
    fn logs_cancel<'a>(&'a self, id: &'a str) -> Reply<'a, Changed>;

    /// The tables by name.
    fn logs_tables(&self) -> Reply<'_, Vec<LogsTable>>;

    /// Sets how long a table keeps its rows.
    fn logs_retention_set<'a>(&'a self, table: &'a str, days: Option<u32>) -> Reply<'a, Changed>;

    /// Erases rows.
    fn logs_erase<'a>(&'a self, table: &'a str, wish: LogsErase) -> Reply<'a, LogsErased>;

    /// Takes events in. What was stored before a failure stays.
    fn logs_ingest<'a>(
        &'a self,
        by: &'a Principal,
        how: LogsIngestQuery,
        body: Pieces,
    ) -> Reply<'a, LogsIngested>;

    /// Takes logs of OpenTelemetry in; answers once they are stored.
    fn logs_otlp<'a>(&'a self, by: &'a str, request: OtlpLogs) -> Reply<'a, OtlpTaken>;

    /// The sources by name.
    fn connectors(&self) -> Reply<'_, Vec<Connector>>;

    /// The workers that answer parts of queries, asked whether they are there.
    fn logs_workers(&self) -> Reply<'_, Vec<LogsWorker>>;

    /// Queries that are kept: those that come with pgkeep, then those of people, by name.
    fn saved_queries(&self) -> Reply<'_, Vec<SavedQuery>>;

    /// Keeps one, in the place of one of that name.
    fn saved_query_set<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a str,
        update: SavedQueryUpdate,
    ) -> Reply<'a, SavedQuery>;

    /// Forgets one.
    fn saved_query_delete<'a>(&'a self, name: &'a str) -> Reply<'a, Changed>;
}
