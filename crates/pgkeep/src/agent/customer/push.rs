//! What this installation's vault tells of itself: that keys, roles, identities or the seal have
//! changed. It says neither which nor how; whoever hears it looks.
//!
//! A task asks the vault's socket and waits there for an answer. It begins when somebody first
//! listens, so that servers whose key pgkeep manages cost the vault nothing.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::Fault;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::rpc;

/// The vault holds a question for so long when nothing changes.
const HOLD_S: u64 = 20;
/// Longer than that it may not take to answer.
const DEADLINE: Duration = Duration::from_secs(HOLD_S + 10);
/// The first pause after a question that failed; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Hears the vault's word of changes.
#[derive(Debug)]
pub(super) struct Pushes {
    socket: PathBuf,
    listening: OnceLock<Listening>,
    /// The last push that was handed on.
    heard: AtomicU64,
}

/// The task, which ends with this.
#[derive(Debug)]
struct Listening {
    pushes: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pushes {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self { socket, listening: OnceLock::new(), heard: AtomicU64::new(0) }
    }

    /// Waits for the next push; what came while nobody waited counts as one. May be dropped.
    pub(super) async fn next(&self) {
        let listening = self.listening.get_or_init(|| {
            let (tell, pushes) = watch::channel(0);
            let task = tokio::spawn(listen(self.socket.clone(), tell));
            Listening { pushes, task }
        });
        let mut pushes = listening.pushes.clone();
        let heard = self.heard.load(Ordering::Acquire);
        let pushed = pushes.wait_for(|n| *n > heard).await.map(|n| *n);
        match pushed {
            Ok(n) => self.heard.store(n, Ordering::Release),
            // The task ends only with this; without it only the regular looks are left.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Asks the vault again and again.
async fn listen(socket: PathBuf, tell: watch::Sender<u64>) {
    let mut since = 0;
    let mut pause = PAUSE_MIN;
    let mut lost = false;
    loop {
        match ask(&socket, since).await {
            Ok(generation) => {
                // Whatever happened while the vault could not be heard counts as a change.
                if generation != since || lost {
                    tell.send_modify(|n| *n += 1);
                }
                (since, lost, pause) = (generation, false, PAUSE_MIN);
            }
            Err(fault) => {
                if !lost {
                    tracing::info!(%fault, "the vault does not tell of changes");
                    // Looking now shows early whether the key can still be had.
                    tell.send_modify(|n| *n += 1);
                }
                // A vault that starts anew counts anew.
                (since, lost) = (0, true);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// The vault's count of changes, as soon as it is another than `since`.
async fn ask(socket: &std::path::Path, since: u64) -> Result<u64, Fault> {
    let args = json!({ "since": since, "timeout": HOLD_S });
    let answer = rpc::call_within(socket, DEADLINE, "key-events", args, |_| {}).await?;
    let number = answer.get("generation").unwrap_or(&answer);
    number.as_u64().ok_or_else(|| {
        let shape: Value = answer.clone();
        Fault::new("bad_answer", "the vault's answer names no generation").detail(shape.to_string())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A vault that answers with what the test says, and holds its answer otherwise.
    fn vault(socket: &std::path::Path, count: watch::Receiver<u64>) -> JoinHandle<()> {
        let count = Arc::new(count);
        let serving = rpc::serve(
            socket,
            0o600,
            |_| true,
            move |request| {
                let count = Arc::clone(&count);
                async move {
                    assert_eq!(request.op, "key-events");
                    let since = request.args["since"].as_u64().unwrap();
                    let mut count = (*count).clone();
                    let now = *count.wait_for(|n| *n != since).await.unwrap();
                    Ok(json!({ "generation": now }))
                }
            },
        );
        tokio::spawn(async move { drop(serving.await) })
    }

    async fn soon(what: &str, pushes: &Pushes) {
        let wait = tokio::time::timeout(Duration::from_secs(10), pushes.next());
        wait.await.unwrap_or_else(|_| panic!("no push: {what}"));
    }

    #[tokio::test]
    async fn tells_of_changes_and_of_a_vault_that_went_away_and_came_back() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("v.sock");
        let (count, seen) = watch::channel(7);
        let first = vault(&socket, seen);
        let pushes = Pushes::new(socket.clone());
        soon("the first answer", &pushes).await;
        let quiet = tokio::time::timeout(Duration::from_millis(50), pushes.next()).await;
        assert!(quiet.is_err(), "nothing has changed");
        count.send_replace(8);
        soon("a change", &pushes).await;
        // What came while nobody waited is not lost.
        count.send_replace(9);
        soon("another change", &pushes).await;
        drop(count);
        first.abort();
        soon("the vault is gone", &pushes).await;
        // The next one counts from the same number.
        let (_count, seen) = watch::channel(9);
        let second = vault(&socket, seen);
        soon("the vault is back", &pushes).await;
        second.abort();
    }
}
