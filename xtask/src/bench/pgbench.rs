//! The workloads: PostgreSQL's own benchmark program, and one statement of SQL.

use std::time::{Duration, Instant};

use crate::cluster::Server;
use crate::failure::{Failure, Outcome};
use crate::proc;

/// How big and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) scale: u32,
    pub(super) clients: u32,
    pub(super) seconds: u32,
}

/// What is measured. The figures of the first two are seconds, of the others transactions/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    /// `pgbench -i`.
    BulkLoad,
    /// `CREATE TABLE AS SELECT` of the biggest table.
    CreateTableAs,
    /// The TPC-B-like default script.
    TpcB,
    /// The built-in read-only script.
    SelectOnly,
}

impl Workload {
    /// In the order in which one server runs them.
    pub(super) const ALL: &'static [Self] =
        &[Self::BulkLoad, Self::CreateTableAs, Self::TpcB, Self::SelectOnly];

    /// The name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BulkLoad => "bulk load (`pgbench -i`)",
            Self::CreateTableAs => "`CREATE TABLE AS`",
            Self::TpcB => "TPC-B",
            Self::SelectOnly => "select-only",
        }
    }

    /// The unit of the figure.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::BulkLoad | Self::CreateTableAs => "s",
            Self::TpcB | Self::SelectOnly => "tps",
        }
    }

    /// How much faster `ours` is than `other`: above 1 is better, whatever the unit.
    pub(super) fn ratio(self, ours: f64, other: f64) -> f64 {
        match self.unit() {
            "s" => other / ours,
            _ => ours / other,
        }
    }

    /// Runs it once, from a checkpointed and synced start.
    pub(super) fn measure(self, server: &Server, size: Size) -> Outcome<f64> {
        settle(server)?;
        match self {
            Self::BulkLoad => {
                let mut init = server.client("pgbench");
                init.args(["-i", "-q", "-s", &size.scale.to_string(), "postgres"]);
                timed(|| proc::capture(&mut init).map(drop))
            }
            Self::CreateTableAs => {
                let took = timed(|| {
                    server.sql("CREATE TABLE copied AS SELECT * FROM pgbench_accounts").map(drop)
                })?;
                server.sql("DROP TABLE copied")?;
                Ok(took)
            }
            Self::TpcB => transactions(server, size, "tpcb-like"),
            Self::SelectOnly => transactions(server, size, "select-only"),
        }
    }
}

/// A short warm-up that is not counted, then the measured stretch.
fn transactions(server: &Server, size: Size, script: &str) -> Outcome<f64> {
    const WARM_UP: Duration = Duration::from_secs(3);
    let run = |seconds: u64| -> Outcome<f64> {
        let (clients, seconds) = (size.clients.to_string(), seconds.to_string());
        let threads = size.clients.min(2).to_string();
        let mut pgbench = server.client("pgbench");
        pgbench.args(["-n", "-b", script, "-M", "prepared", "-c", &clients, "-j", &threads]);
        let said = proc::capture(pgbench.args(["-T", &seconds, "postgres"]))?;
        tps(&said)
            .ok_or_else(|| Failure::new("pgbench printed no rate").detail(proc::tail(&said, 10)))
    };
    run(WARM_UP.as_secs())?;
    run(u64::from(size.seconds))
}

/// Same start for everybody: nothing dirty in PostgreSQL, nothing dirty in the kernel.
fn settle(server: &Server) -> Outcome {
    server.sql("CHECKPOINT")?;
    proc::run(&mut std::process::Command::new("sync"))
}

fn timed(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

/// Reads `tps = 1234.5 (without initial connection time)`.
fn tps(said: &str) -> Option<f64> {
    let rest = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Workload, tps};

    #[test]
    fn reads_the_rate() {
        let said = "latency average = 2 ms\ntps = 1234.5 (without initial connection time)\n";
        assert_eq!(tps(said), Some(1234.5));
        assert_eq!(tps("nothing"), None);
    }

    #[test]
    fn above_one_is_better() {
        assert_eq!(Workload::BulkLoad.ratio(5.0, 10.0), 2.0);
        assert_eq!(Workload::TpcB.ratio(200.0, 100.0), 2.0);
    }
}
