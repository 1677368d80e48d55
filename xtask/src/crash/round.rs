//! One round: load, kill, clear up, restart, compare.

use std::time::{Duration, Instant};

use super::ledger::{Ledger, SCHEMA};
use super::load::Load;
use crate::cluster::{Engine, Mount, Server, Tally, wait_until};
use crate::failure::{Failure, Outcome};
use crate::proc;
use crate::rng::Rng;

/// A round that has not got this many commits by then is not under load and proves nothing.
const MIN_COMMITS: u64 = 5;
const LOAD_LIMIT: Duration = Duration::from_secs(120);
const NOTICE_LIMIT: Duration = Duration::from_secs(1);
/// Every which round the indexes are compared with their tables row by row.
const DEEP_CHECK_EVERY: u32 = 10;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    FileSystem,
    Postmaster,
    Postgres,
    Both,
}

impl Victim {
    const ALL: &'static [Self] = &[Self::FileSystem, Self::Postmaster, Self::Postgres, Self::Both];

    fn name(self) -> &'static str {
        match self {
            Self::FileSystem => "file system",
            Self::Postmaster => "postmaster",
            Self::Postgres => "PostgreSQL",
            Self::Both => "both",
        }
    }
}

/// Everything that a round works on.
#[derive(Debug)]
pub(super) struct Rig {
    engine: Engine,
    /// `None` only between an unmount and the next mount.
    mount: Option<Mount>,
    server: Server,
    ledger: Ledger,
    tally: Tally,
}

impl Rig {
    pub(super) fn new(engine: Engine, mount: Mount, server: Server, ledger: Ledger) -> Self {
        Self { engine, mount: Some(mount), server, ledger, tally: Tally::default() }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Starts the server and makes the tables.
    pub(super) fn prepare(&mut self) -> Outcome {
        self.server.start()?;
        self.server.sql(SCHEMA).map(drop)
    }

    /// Runs one round and says in a line what happened.
    pub(super) fn round(&mut self, number: u32, rng: &mut Rng) -> Outcome<String> {
        let before = self.ledger.total();
        let victim = *rng.choose(Victim::ALL);
        let keep_mount = rng.within(0..2) == 0;
        let moment = Duration::from_millis(rng.within(0..1500));
        let load = Load::start(&self.server, &self.ledger, rng)?;
        let started = Instant::now();
        wait_until("the load to commit", LOAD_LIMIT, || {
            let committed = self.ledger.total() - before;
            Ok(committed >= MIN_COMMITS && started.elapsed() >= moment)
        })?;
        self.strike(victim)?;
        load.finish()?;
        let committed = self.ledger.total() - before;
        let lost = Instant::now();
        let accepted = self.restart(victim, keep_mount)?;
        let recovery = lost.elapsed();
        self.ledger.compare(&self.server)?;
        self.amcheck(number)?;
        Ok(format!(
            "killed {} after {:.1} s, {committed} commits; back in {:.1} s, {accepted} units \
             accepted; all rows there",
            victim.name(),
            (lost - started).as_secs_f64(),
            recovery.as_secs_f64(),
        ))
    }

    /// Stops in order and verifies the whole store offline; answers the sum of all events.
    pub(super) fn close(mut self) -> Outcome<Tally> {
        self.server.stop()?;
        let mut checksums = self.server.tool("pg_checksums");
        proc::capture(checksums.arg("--check").arg("-D").arg(self.server.data()))?;
        self.unmount()?;
        if self.engine.is_checkable() {
            self.engine.check()?;
        }
        Ok(self.tally)
    }

    fn strike(&mut self, victim: Victim) -> Outcome {
        let mount = self.mount.as_mut().expect("because a round begins mounted");
        let family = self.server.family();
        match victim {
            Victim::FileSystem => {
                mount.kill();
                // For a moment PostgreSQL lives on a dead mount; it must not acknowledge anything
                // there, and most often ends by itself.
                let _ = wait_until("PostgreSQL to notice", NOTICE_LIMIT, || {
                    Ok(!self.server.is_running())
                });
            }
            Victim::Postmaster => self.server.kill(false),
            Victim::Postgres => self.server.kill(true),
            Victim::Both => {
                mount.kill();
                self.server.kill(true);
            }
        }
        // Orphans of a dead postmaster leave by themselves; PostgreSQL on a dead mount may not.
        self.server.wait_gone(&family)
    }

    /// Brings mount and server back; answers how many units were accepted on the way.
    fn restart(&mut self, victim: Victim, keep_mount: bool) -> Outcome<u64> {
        let before = self.n_accepted();
        match victim {
            Victim::FileSystem | Victim::Both => {
                let mount = self.mount.take().expect("because it was killed, not taken");
                self.tally.add(&mount.clear()?);
                self.mount = Some(self.engine.mount()?);
            }
            Victim::Postmaster | Victim::Postgres if !keep_mount => {
                self.unmount()?;
                self.mount = Some(self.engine.mount()?);
            }
            Victim::Postmaster | Victim::Postgres => {}
        }
        self.server.start()?;
        Ok(self.n_accepted() - before)
    }

    /// Units accepted so far, by mounts of the past and by this one.
    fn n_accepted(&self) -> u64 {
        self.tally.n_accepted + self.mount.as_ref().map_or(0, |mount| mount.tally().n_accepted)
    }

    fn unmount(&mut self) -> Outcome {
        if let Some(mount) = self.mount.take() {
            self.tally.add(&mount.unmount()?);
        }
        Ok(())
    }

    fn amcheck(&self, number: u32) -> Outcome {
        let mut amcheck = self.server.client("pg_amcheck");
        amcheck.args(["--all", "--install-missing", "--no-strict-names"]);
        if number.is_multiple_of(DEEP_CHECK_EVERY) {
            amcheck.args(["--heapallindexed", "--rootdescend"]);
        }
        proc::capture(&mut amcheck).map(drop).map_err(|failure| Failure { exit: 6, ..failure })
    }
}
