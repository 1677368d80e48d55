//! Reading the configuration again, and waiting until it was read.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::{Connection, Error, Result};

/// A loaded machine may take its time; a healthy one needs milliseconds.
const DEADLINE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(10);

impl Connection {
    /// Reloads the configuration and waits until this session has it too.
    ///
    /// The postmaster reads the files before it tells the sessions, so what this session sees any
    /// new session sees. A file that cannot be read as a whole is never taken: that is an error.
    pub async fn reload(&self) -> Result<()> {
        let before = self.loaded_at().await?;
        let sql = "select pg_reload_conf()";
        let _ = self.query_one("reload the configuration", sql, &[]).await?;
        let until = Instant::now() + DEADLINE;
        while self.loaded_at().await? == before {
            if Instant::now() >= until {
                return Err(Error::Timeout {
                    what: "reload the configuration",
                    seconds: DEADLINE.as_secs(),
                    detail: self.file_errors().await?,
                });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    async fn loaded_at(&self) -> Result<SystemTime> {
        let sql = "select pg_conf_load_time()";
        Ok(self.query_one("read the time of the last reload", sql, &[]).await?.get(0))
    }

    async fn file_errors(&self) -> Result<String> {
        let sql = "select sourcefile, sourceline, error from pg_file_settings \
                   where error is not null and not applied order by 1, 2 limit 20";
        let rows = self.query("read configuration errors", sql, &[]).await?;
        let each = rows.iter().map(|row| {
            let file: Option<String> = row.get(0);
            let line: Option<i32> = row.get(1);
            let error: String = row.get(2);
            format!("{} line {}: {error}", file.unwrap_or_default(), line.unwrap_or_default())
        });
        Ok(each.collect::<Vec<_>>().join("; "))
    }
}
