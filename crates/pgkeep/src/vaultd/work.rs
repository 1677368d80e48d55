//! Counts the requests in work: so many at once, and none is cut off when the process ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::rpc::Progress;

/// Places of requests in work. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Work {
    places: Arc<Semaphore>,
    n_places: u32,
}

/// One request in work.
#[derive(Debug)]
pub(super) struct Begun(OwnedSemaphorePermit);

impl Work {
    /// For so many requests at the same time.
    pub(super) fn new(n_places: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(n_places as usize)), n_places }
    }

    /// Waits for a place; `None` once the process ends.
    pub(super) async fn begin(&self) -> Option<Begun> {
        Arc::clone(&self.places).acquire_owned().await.ok().map(Begun)
    }

    /// Waits until every request that was begun is answered; false when that took too long.
    pub(super) async fn drained(&self, deadline: Duration) -> bool {
        let all = self.places.acquire_many(self.n_places);
        match tokio::time::timeout(deadline, all).await {
            Ok(_) => {
                self.places.close();
                true
            }
            Err(_) => false,
        }
    }
}

impl Begun {
    /// Keeps the place until the caller has the answer, or is gone.
    pub(super) fn until_delivered(self, progress: Progress) {
        tokio::spawn(async move {
            progress.delivered().await;
            drop(self.0);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_what_was_begun() {
        let work = Work::new(64);
        let begun = work.begin().await.unwrap();
        assert!(!work.drained(Duration::from_millis(1)).await);
        drop(begun);
        assert!(work.drained(Duration::from_secs(20)).await);
        assert!(work.begin().await.is_none(), "nothing is begun any more");
    }
}
