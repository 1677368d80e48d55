//! The thread that commits what is due, and cares for the files of tables when nothing is.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Store;

/// Time between two looks.
const GLANCE: Duration = Duration::from_millis(200);

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
    pub fn start(store: Arc<Store>) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("committer".to_owned()).spawn(move || {
            while !stopped.is_set() {
                if store.commit_due() == 0 {
                    store.tend_while(&|| !stopped.is_set());
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
