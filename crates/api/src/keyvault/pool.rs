//! Threads that call the backend: a fixed number, with a queue of a fixed length before them.
//!
//! A pool of its own and not tokio's, so that a flood of requests meets a limit (429) instead of
//! growing threads, and so that nothing else in the process waits behind it.

use std::panic::AssertUnwindSafe;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// The threads end when the pool and everything queued is gone.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Sender<Job>,
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResult {
    /// As many requests wait as may.
    Saturated,
    /// It took too long; whether it was done is unknown.
    TimedOut,
    /// The job panicked.
    Broken,
}

impl Pool {
    /// Starts the threads.
    pub(crate) fn new(name: &str, n_workers: usize, n_waiting: usize) -> std::io::Result<Self> {
        let (queue, jobs) = bounded(n_waiting.max(1));
        for number in 0..n_workers.max(1) {
            let jobs = jobs.clone();
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue })
    }

    /// Runs `job` on one of the threads. A job whose caller went away is not begun.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let (answer, result) = oneshot::channel();
        let wrapped: Job = Box::new(move || {
            if !answer.is_closed() {
                // A caller that left while the job ran does not need the result any more.
                let _ = answer.send(job());
            }
        });
        match self.queue.try_send(wrapped) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(NoResult::Saturated),
            Err(TrySendError::Disconnected(_)) => return Err(NoResult::Broken),
        }
        match tokio::time::timeout(timeout, result).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) => Err(NoResult::Broken),
            Err(_) => Err(NoResult::TimedOut),
        }
    }
}

fn work(jobs: &Receiver<Job>) {
    for job in jobs {
        // The panic hook has reported it; the caller sees its channel closed.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn runs_jobs_and_survives_a_panic() {
        let pool = Pool::new("test", 1, 4).unwrap();
        assert_eq!(pool.run(LONG, || 7).await, Ok(7));
        assert_eq!(pool.run(LONG, || panic!("on purpose")).await, Err::<(), _>(NoResult::Broken));
        assert_eq!(pool.run(LONG, || 8).await, Ok(8));
    }

    #[tokio::test]
    async fn says_when_it_is_full_and_when_it_is_late() {
        let pool = std::sync::Arc::new(Pool::new("test", 1, 1).unwrap());
        let (release, gate) = mpsc::channel::<()>();
        let (begun, begins) = oneshot::channel();
        let busy = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(LONG, move || {
                    begun.send(()).unwrap();
                    gate.recv().unwrap();
                })
                .await
            }
        });
        begins.await.unwrap();
        // One waits and gives up, which leaves its place in the queue taken.
        let short = Duration::from_millis(1);
        assert_eq!(pool.run(short, || ()).await, Err(NoResult::TimedOut));
        assert_eq!(pool.run(LONG, || ()).await, Err(NoResult::Saturated));
        release.send(()).unwrap();
        assert_eq!(busy.await.unwrap(), Ok(()));
    }
}
