//! The thread that commits what is due, and cares for the files of tables when nothing is.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Store;
use super::tend::ticks;

/// Time between two looks.
const GLANCE: Duration = Duration::from_millis(200);
/// So long files are not cared for while others want the machine: it can wait, and what waits
/// longer is merged in fewer, larger pieces.
const HOLD_MAX: Duration = Duration::from_secs(600);

/// What the thread asks of where it runs.
pub trait Surroundings: Send + 'static {
    /// Called first, on the thread: what it does there can wait.
    fn begin(&mut self);

    /// Whether others want the machine now.
    fn is_busy(&mut self) -> bool;
}

/// A machine of one's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Surroundings for Alone {
    fn begin(&mut self) {}

    fn is_busy(&mut self) -> bool {
        false
    }
}

/// Whether files that were held back for so many ticks are cared for, though others want the
/// machine. A clock that was set back does not put it off.
fn is_over(held: i64) -> bool {
    !(0..ticks(HOLD_MAX)).contains(&held)
}

#[derive(Debug, Default)]
struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn is_set(&self) -> bool {
        *self.is_set.lock()
    }
}

/// Commits and tends tables of a store until it is dropped.
#[derive(Debug)]
pub struct Committer {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts it. What fails stands in [`Store::status`] and is tried again.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(store: Arc<Store>, mut around: impl Surroundings) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("committer".to_owned()).spawn(move || {
            around.begin();
            let mut held_since = None;
            while !stopped.is_set() {
                if store.commit_due() == 0 {
                    let held = around.is_busy().then(|| {
                        let now = store.doors.clock.now();
                        now - *held_since.get_or_insert(now)
                    });
                    if held.is_none_or(is_over) {
                        held_since = None;
                        store.tend_while(&|| !stopped.is_set());
                    }
                }
                let mut is_set = stopped.is_set.lock();
                if !*is_set {
                    stopped.changed.wait_for(&mut is_set, GLANCE);
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Asks it to stop, without waiting: a merge is broken off, a commit is brought to its end.
    pub fn stop(&self) {
        *self.stop.is_set.lock() = true;
        self.stop.changed.notify_all();
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
