//! Looks at a running server at intervals and sends what it sees to the plane: sessions often,
//! settings, ages and vacuums seldom. The queries are those of `content/collectors`.
//!
//! A look that fails is a gap, and said once; the next one comes anyway. Nothing is kept to be
//! sent later, so that a plane that is away costs nothing.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use base::{Fault, ServerState};
use pg::{Connection, Sample};
use serde_json::json;
use server::{Layout, Server};
use tokio::time::{Instant, MissedTickBehavior};

use crate::rpc;

/// How often sessions are looked at.
const SESSIONS: Duration = Duration::from_secs(60);
/// How often all else is, beside once at the start.
const SELDOM: Duration = Duration::from_secs(15 * 60);
/// How long a server that has become ready is left alone.
const AFTER_START: Duration = Duration::from_secs(2);
/// How often is looked whether it has.
const PERIOD: Duration = Duration::from_secs(1);
/// Rows of one query.
const ROWS_MAX: u32 = 5000;
/// Databases that are looked at one by one.
const DATABASES_MAX: u32 = 50;
/// Bytes of rows that are sent at once; escaped, they stay below the limit of a line.
const SEND_BYTES: usize = 384 << 10;
/// The plane takes them in this time.
const TAKE_MAX: Duration = Duration::from_secs(30);

/// Which query runs where and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sessions,
    Seldom,
    /// In each database.
    Everywhere,
}

fn kind(table: &str) -> Kind {
    match table {
        "PGSQLPgStatActivitySessions" => Kind::Sessions,
        "PGSQLAutovacuumStats" => Kind::Everywhere,
        _ => Kind::Seldom,
    }
}

/// Samples until it is dropped.
pub(super) fn run(
    layout: Layout,
    plane: PathBuf,
) -> impl FnOnce(Server) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    move |server| {
        let mut sampler =
            Sampler { server, layout, plane, ready: None, sessions: None, seldom: None };
        Box::pin(async move { sampler.run().await })
    }
}

struct Sampler {
    server: Server,
    layout: Layout,
    plane: PathBuf,
    /// Since when the server was seen to run, and the start that it was.
    ready: Option<(String, Instant)>,
    /// When each kind is due next.
    sessions: Option<Instant>,
    seldom: Option<Instant>,
}

impl Sampler {
    async fn run(&mut self) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        loop {
            period.tick().await;
            let Some(port) = self.is_due_on() else { continue };
            match self.look(port).await {
                Ok(()) if std::mem::take(&mut is_failing) => {
                    tracing::info!("the server can be sampled again");
                }
                Ok(()) => {}
                // It comes again and again; once is enough to say so.
                Err(fault) if !std::mem::replace(&mut is_failing, true) => {
                    tracing::warn!(fault.message, fault.detail, "the server cannot be sampled");
                }
                Err(_) => {}
            }
        }
    }

    /// The port of the server when it runs and something is due.
    fn is_due_on(&mut self) -> Option<u16> {
        let show = self.server.show().ok()?;
        if show.state.state != ServerState::Ready {
            return None;
        }
        let start = show.state.since.to_string();
        let since = match &self.ready {
            Some((known, since)) if *known == start => *since,
            _ => {
                (self.sessions, self.seldom) = (None, None);
                self.ready.insert((start, Instant::now())).1
            }
        };
        let is_due = |at: Option<Instant>| at.is_none_or(|at| at <= Instant::now());
        let runs = since.elapsed() >= AFTER_START;
        (runs && (is_due(self.sessions) || is_due(self.seldom))).then_some(show.port)
    }

    /// Runs what is due. What fails is due again at its next time, not at once.
    async fn look(&mut self, port: u16) -> Result<(), Fault> {
        let now = Instant::now();
        let due = |at: &mut Option<Instant>, every| {
            let is_due = at.is_none_or(|at| at <= now);
            if is_due {
                *at = Some(now + every);
            }
            is_due
        };
        let (sessions, seldom) = (due(&mut self.sessions, SESSIONS), due(&mut self.seldom, SELDOM));
        let due = |table: &str| match kind(table) {
            Kind::Sessions => sessions,
            Kind::Seldom | Kind::Everywhere => seldom,
        };
        let mut outcome = Ok(());
        for (table, sql) in siem::collector_files().iter().filter(|(table, _)| due(table)) {
            let looked = match kind(table) {
                Kind::Everywhere => self.everywhere(port, table, sql).await,
                Kind::Sessions | Kind::Seldom => self.one(port, "postgres", table, sql).await,
            };
            // One that fails does not keep the others from being asked.
            outcome = outcome.and(looked);
        }
        outcome
    }

    async fn everywhere(&self, port: u16, table: &str, sql: &str) -> Result<(), Fault> {
        let connection = self.connect(port, "postgres").await?;
        let databases = connection.databases(DATABASES_MAX + 1).await.map_err(|e| e.fault())?;
        drop(connection);
        let most = DATABASES_MAX as usize;
        if databases.len() > most {
            tracing::debug!(table, most, "not every database is sampled");
        }
        let mut outcome = Ok(());
        for database in databases.iter().take(most) {
            outcome = outcome.and(self.one(port, database, table, sql).await);
        }
        outcome
    }

    async fn one(&self, port: u16, database: &str, table: &str, sql: &str) -> Result<(), Fault> {
        let connection = self.connect(port, database).await?;
        let sample = connection.sample(sql, ROWS_MAX).await.map_err(|e| e.fault())?;
        drop(connection);
        if sample.is_cut {
            tracing::debug!(table, database, most = ROWS_MAX, "a sample is not whole");
        }
        self.send(table, sample).await
    }

    async fn connect(&self, port: u16, database: &str) -> Result<Connection, Fault> {
        let folder = self.layout.socket_dir();
        Connection::local(&folder, port, database).await.map_err(|e| e.fault())
    }

    async fn send(&self, table: &str, sample: Sample) -> Result<(), Fault> {
        for rows in pieces(&sample.rows) {
            let args = json!({ "server": self.layout.name(), "table": table, "rows": rows });
            let answer = rpc::call_within(&self.plane, TAKE_MAX, "sample", args, |_| {}).await?;
            if answer["n_dead_letters"] != 0 {
                tracing::debug!(table, %answer, "some rows of a sample are not understood");
            }
        }
        Ok(())
    }
}

/// Rows in texts of lines, each small enough to be sent. A row that is too long alone is left
/// to the plane's limit to refuse.
fn pieces(rows: &[String]) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for row in rows {
        match pieces.last_mut() {
            Some(last) if last.len() + row.len() < SEND_BYTES => {
                last.push('\n');
                last.push_str(row);
            }
            _ => pieces.push(row.clone()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_pieces_and_none_is_lost() {
        let rows: Vec<String> = (0..3000).map(|n| format!("{{\"n\":{n:0>500}}}")).collect();
        let sent = pieces(&rows);
        assert!(sent.len() > 2 && sent.iter().all(|piece| piece.len() <= SEND_BYTES));
        let back: Vec<&str> = sent.iter().flat_map(|piece| piece.lines()).collect();
        assert_eq!(back, rows);
        assert_eq!(pieces(&[]), [""; 0]);
    }

    #[test]
    fn every_collector_has_its_time() {
        let of = |kind_of| siem::collector_files().iter().filter(move |(t, _)| kind(t) == kind_of);
        assert_eq!((of(Kind::Sessions).count(), of(Kind::Everywhere).count()), (1, 1));
        assert_eq!(of(Kind::Seldom).count(), 2);
    }
}
