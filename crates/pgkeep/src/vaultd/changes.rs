//! Tells whoever waits that keys, roles, identities or the seal have changed.
//!
//! One thread waits for all of them: a server that watches its key costs no thread here.

use std::time::Duration;

use base::{ExitCode, Fault};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use vault::KeyVaults;

use crate::rpc::Request;

/// A caller may wait so long at most.
const WAIT_MAX_SECONDS: u32 = 20;
/// So many servers may wait at once: the socket has places for others, too.
pub(super) const WAITING_MAX: u32 = 512;
/// How soon the thread notices that nobody listens any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// The number of the newest change, for many listeners.
#[derive(Debug)]
pub(super) struct Changes {
    number: watch::Receiver<u64>,
    places: Semaphore,
}

impl Changes {
    /// Starts the thread.
    pub(super) fn follow(vaults: KeyVaults) -> Result<Self, Fault> {
        let (publish, number) = watch::channel(vaults.wait_for_change(0, Duration::ZERO));
        let follow = move || {
            let mut known = *publish.borrow();
            while !publish.is_closed() {
                let now = vaults.wait_for_change(known, PATIENCE);
                if now != known {
                    known = now;
                    // Nobody listens: the loop ends.
                    let _ = publish.send(now);
                }
            }
        };
        std::thread::Builder::new()
            .name("vault-changes".to_owned())
            .spawn(follow)
            .map_err(|e| Fault::from_error("thread", "could not start a thread", &e))?;
        Ok(Self { number, places: Semaphore::new(WAITING_MAX as usize) })
    }

    /// A listener of its own.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.number.clone()
    }

    /// Answers `key-events {since, timeout}`: the number once it is another than `since`, or
    /// after `timeout` seconds, or when the process ends.
    pub(super) async fn wait(
        &self,
        request: &Request,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Value, Fault> {
        let since = match request.args.get("since") {
            None => 0,
            Some(value) => value.as_u64().ok_or_else(|| bad("\"since\" must be a number"))?,
        };
        let seconds = match request.args.get("timeout") {
            None => WAIT_MAX_SECONDS,
            Some(_) => request.number("timeout")?,
        };
        if seconds > WAIT_MAX_SECONDS {
            return Err(bad(&format!("\"timeout\" is at most {WAIT_MAX_SECONDS} seconds")));
        }
        let Ok(_place) = self.places.try_acquire() else {
            return Err(
                Fault::new("busy", "too many wait for changes of keys").hint("ask again later")
            );
        };
        let mut number = self.listen();
        tokio::select! {
            _ = number.wait_for(|number| *number != since) => {}
            _ = stop.wait_for(|stop| *stop) => {}
            () = tokio::time::sleep(Duration::from_secs(seconds.into())) => {}
        }
        let generation = *number.borrow();
        Ok(json!({ "generation": generation }))
    }
}

fn bad(message: &str) -> Fault {
    Fault::new("bad_request", message).exit(ExitCode::Usage)
}
