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

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure, Outcome};

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

/// Two ports that are free now.
pub(crate) fn free_ports() -> Outcome<(String, String)> {
    let bind = || TcpListener::bind("127.0.0.1:0").doing(|| "find a free port".to_owned());
    let (one, two) = (bind()?, bind()?);
    let port = |listener: &TcpListener| {
        let address = listener.local_addr().doing(|| "read a port".to_owned())?;
        Ok(address.port().to_string())
    };
    Ok((port(&one)?, port(&two)?))
}
