//! A throw-away PostgreSQL on an engine of choice: what crash, bench and conform drive.
//!
//! As root everything runs as an ordinary operating-system user, because PostgreSQL refuses root
//! and because that is how pgkeep runs.

mod account;
mod engine;
mod events;
mod postgres;
mod signal;
mod workdir;

pub(crate) use account::Account;
pub(crate) use engine::{Engine, EngineKind, Mount};
pub(crate) use events::Tally;
pub(crate) use postgres::{Server, Settings};
pub(crate) use workdir::WorkDir;

use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};

/// Calls `ready` until it says yes; fails with `what` when it has not by the deadline.
pub(crate) fn wait_until(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Outcome<bool>,
) -> Outcome {
    let deadline = Instant::now() + limit;
    while !ready()? {
        if Instant::now() > deadline {
            return Err(Failure::new(format!("waited {} s for {what}", limit.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
