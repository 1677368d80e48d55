//! The thread that commits what is due.

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

/// Commits tables of a store until it is dropped.
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
            let mut is_set = stopped.is_set.lock();
            while !*is_set {
                stopped.changed.wait_for(&mut is_set, GLANCE);
                if !*is_set {
                    parking_lot::MutexGuard::unlocked(&mut is_set, || store.commit_due());
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        *self.stop.is_set.lock() = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
