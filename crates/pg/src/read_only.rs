//! Making a server read-only and back, for a disk that fills up.
//!
//! New transactions start read-only (`default_transaction_read_only`). That is a default and not
//! a lock: a session may ask for a writing transaction. Its purpose is to keep a well-meant load
//! from filling the disk, not to stop a hostile one.

use base::Changed;
use serde::Serialize;

use crate::parameter_set::{alter_system, stored};
use crate::policy::ReadOnlyMemory;
use crate::{Cluster, Connection, Policy, Result};

const PARAMETER: &str = "default_transaction_read_only";

/// What came of switching.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct ReadOnlyOutcome {
    /// Whether anything was done.
    pub changed: Changed,
    /// How many sessions with an open write transaction were ended.
    pub n_ended_sessions: u64,
}

impl Cluster {
    /// Switches the server to read-only, or back to what it was.
    ///
    /// With `end_writers`, sessions that hold a transaction id are ended when switching on. The
    /// value that an operator had set before comes back when switching off.
    pub async fn read_only(
        &self,
        connection: &Connection,
        on: bool,
        end_writers: bool,
    ) -> Result<ReadOnlyOutcome> {
        let policy = self.policy()?;
        let changed = match (on, &policy.read_only) {
            (true, None) => {
                let previous = stored(connection, PARAMETER).await?;
                // The memory first: after a crash in between, switching off is harmless.
                let memory = Some(ReadOnlyMemory { previous });
                self.save_policy(&Policy { read_only: memory, ..policy })?;
                alter_system(connection, PARAMETER, Some("on")).await?;
                connection.reload().await?;
                Changed::Changed
            }
            (false, Some(memory)) => {
                alter_system(connection, PARAMETER, memory.previous.as_deref()).await?;
                connection.reload().await?;
                self.save_policy(&Policy { read_only: None, ..policy })?;
                Changed::Changed
            }
            _ => Changed::Unchanged,
        };
        let n_ended_sessions =
            if on && end_writers { end_write_transactions(connection).await? } else { 0 };
        Ok(ReadOnlyOutcome { changed, n_ended_sessions })
    }
}

/// Ends the client sessions that hold a transaction id.
async fn end_write_transactions(connection: &Connection) -> Result<u64> {
    let sql = "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity \
               where backend_xid is not null and pid <> pg_backend_pid() \
               and backend_type = 'client backend'";
    let row = connection.query_one("end write transactions", sql, &[]).await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or_default())
}
