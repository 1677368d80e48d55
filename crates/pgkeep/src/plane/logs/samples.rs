//! What agents see of their servers at intervals: rows by the names of columns.

use std::sync::Arc;

use base::{ExitCode, Fault};
use kql::value::Value;
use siem::{Form, Input, LoadLimits, Origin, Output};

use super::feed::Refusal;
use super::intake::came_of;
use super::sources::{Came, Known};
use super::{Logs, now};

impl Logs {
    /// Stores a sample of a server; answers how many rows and dead letters came of it. Blocks.
    pub(crate) fn sample(
        &self,
        server: &str,
        table: &str,
        rows: &str,
    ) -> Result<(u64, u64), Fault> {
        // What an agent may fill is what there is a query for.
        if !siem::collector_files().iter().any(|(known, _)| *known == table) {
            return Err(Fault::new("bad_request", "there is no such sample").exit(ExitCode::Usage));
        }
        let name = format!("server/{server}/samples");
        let known = Known { name: &name, kind: "postgresql", parser: "collectors", reports: false };
        let taken = self.take_sample(server, &name, table, rows);
        self.sources.note(known, None, taken.as_ref().copied());
        taken.map(|came| (came.n_events, came.n_dead))
    }

    fn take_sample(
        &self,
        server: &str,
        source: &str,
        table: &str,
        rows: &str,
    ) -> Result<Came, Fault> {
        let reader = self.library.by_name(table);
        let reader = reader
            .ok_or_else(|| Fault::new("internal", format!("there is no table {table} to fill")))?;
        let given = [
            ("LogicalServerName", server.to_owned()),
            ("_ResourceId", format!("/servers/{server}")),
            ("SourceSystem", "pgkeep".to_owned()),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), Value::text(value))).to_vec();
        let origin = Origin { source: Arc::from(source), given };
        let input = Input {
            form: Form::JsonLines,
            bytes: rows.as_bytes(),
            origin: &origin,
            offset: 0,
            received_at: now(),
        };
        let loaded = reader
            .read(&input, &LoadLimits::PUSH)
            .map_err(|e| Fault::new("bad_input", crate::cells::chain(&e)).exit(ExitCode::Usage))?;
        let output = Output { batches: vec![loaded.batch], dead: loaded.dead };
        let mut came = came_of(&output);
        came.n_bytes = rows.len() as u64;
        self.store_output(output, None).map_err(Refusal::into_fault)?;
        Ok(came)
    }
}
