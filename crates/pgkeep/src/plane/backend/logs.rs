//! The log lake.

use std::sync::Arc;

use api::access::Principal;
use api::plane::Reply;
use api::plane::backend::{Lines, Logs, Pieces};
use api::plane::model::{
    Connector, LogsCheck, LogsErase, LogsErased, LogsIngestQuery, LogsIngested, LogsQuery, LogsRun,
    LogsTable, LogsWorker, OtlpLogs, OtlpTaken, SavedQuery, SavedQueryUpdate,
};
use base::{Changed, ExitCode, Fault};

use super::PlaneBackend;
use crate::plane::logs;
use crate::process::blocking;

impl PlaneBackend {
    fn lake(&self) -> Result<Arc<logs::Logs>, Fault> {
        self.plane.logs()
    }
}

impl Logs for PlaneBackend {
    fn logs_query<'a>(&'a self, by: &'a Principal, query: LogsQuery) -> Reply<'a, Lines> {
        Box::pin(async move { self.lake()?.query(&by.name, query).await })
    }

    fn logs_check<'a>(&'a self, query: &'a str) -> Reply<'a, LogsCheck> {
        Box::pin(async move { self.lake()?.checked(query.to_owned()).await })
    }

    fn logs_runs(&self) -> Reply<'_, Vec<LogsRun>> {
        Box::pin(async { Ok(self.lake()?.runs().all()) })
    }

    fn logs_cancel<'a>(&'a self, id: &'a str) -> Reply<'a, Changed> {
        Box::pin(async move { Ok(self.lake()?.runs().cancel(id)) })
    }

    fn logs_tables(&self) -> Reply<'_, Vec<LogsTable>> {
        Box::pin(async {
            let lake = self.lake()?;
            blocking(move || lake.tables()).await
        })
    }

    fn logs_retention_set<'a>(&'a self, table: &'a str, days: Option<u32>) -> Reply<'a, Changed> {
        Box::pin(async move {
            let (lake, table) = (self.lake()?, table.to_owned());
            blocking(move || lake.set_retention(&table, days)).await?
        })
    }

    fn logs_erase<'a>(&'a self, table: &'a str, wish: LogsErase) -> Reply<'a, LogsErased> {
        Box::pin(async move {
            let (lake, table) = (self.lake()?, table.to_owned());
            blocking(move || lake.erase(&table, &wish)).await?
        })
    }

    fn logs_ingest<'a>(
        &'a self,
        by: &'a Principal,
        how: LogsIngestQuery,
        body: Pieces,
    ) -> Reply<'a, LogsIngested> {
        Box::pin(async move { self.lake()?.ingest(&by.name, how, body).await })
    }

    fn logs_otlp<'a>(&'a self, by: &'a str, request: OtlpLogs) -> Reply<'a, OtlpTaken> {
        Box::pin(async move { self.lake()?.otlp(by, request).await })
    }

    fn connectors(&self) -> Reply<'_, Vec<Connector>> {
        Box::pin(async {
            let servers = self.plane.store.servers()?;
            let mut all = self.lake()?.connectors();
            for row in servers {
                let name = format!("server/{}", row.name);
                if !all.iter().any(|connector| connector.name == name) {
                    all.push(Connector {
                        name,
                        kind: "postgresql".to_owned(),
                        health: "waiting".to_owned(),
                        reason: "its agent has sent nothing since pgkeep started".to_owned(),
                        ..Connector::default()
                    });
                }
            }
            all.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(all)
        })
    }

    fn logs_workers(&self) -> Reply<'_, Vec<LogsWorker>> {
        Box::pin(async { Ok(self.lake()?.workers().await) })
    }

    fn saved_queries(&self) -> Reply<'_, Vec<SavedQuery>> {
        Box::pin(async {
            let mut all: Vec<SavedQuery> = self.lake()?.gallery().collect();
            all.extend(self.plane.saved.saved_queries()?);
            Ok(all)
        })
    }

    fn saved_query_set<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a str,
        update: SavedQueryUpdate,
    ) -> Reply<'a, SavedQuery> {
        Box::pin(async move {
            if self.lake()?.gallery().any(|known| known.name == name) {
                return Err(Fault::new("conflict", "a query of the gallery has that name")
                    .hint("choose another one")
                    .exit(ExitCode::Conflict));
            }
            self.plane.saved.save_query(&by.name, name, update)
        })
    }

    fn saved_query_delete<'a>(&'a self, name: &'a str) -> Reply<'a, Changed> {
        Box::pin(async move { self.plane.saved.forget_query(name) })
    }
}
