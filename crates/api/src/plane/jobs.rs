//! Long work, in memory: what goes on, and the newest of what has ended. Work goes on when its
//! caller hangs up; it does not survive the process, and neither does what it was doing.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base::{ExitCode, Fault, Random as _};
use crypto::OsRandom;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::Progress;
use super::model::{Job, JobState};

/// So much goes on at once.
const RUNNING_MAX: usize = 64;
/// So many that have ended are kept.
const FINISHED_MAX: usize = 500;
/// So many steps of one job are kept; further ones replace the last.
const STEPS_MAX: usize = 500;
/// A step has no more characters.
const STEP_CHARS_MAX: usize = 500;

/// All jobs of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Jobs(Arc<Mutex<VecDeque<Arc<Entry>>>>);

/// What a job is about, and who began it.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The operation.
    pub kind: &'static str,
    /// A scope, for example `/servers/demo`.
    pub target: String,
    /// Who began it.
    pub by: String,
    /// The request that began it.
    pub request_id: String,
}

/// A job and whoever follows it.
#[derive(Debug)]
pub(crate) struct Entry {
    job: Mutex<Job>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
}

impl Entry {
    /// How it stands now.
    pub(crate) fn job(&self) -> Job {
        self.lock().clone()
    }

    /// Tells of every change from now on.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Job)) {
        change(&mut self.lock());
        self.changes.send_modify(|n| *n += 1);
    }

    fn step(&self, message: &str) {
        // An empty step is a heartbeat of whoever works.
        if message.is_empty() {
            return;
        }
        let message: String = message.chars().take(STEP_CHARS_MAX).collect();
        self.change(|job| {
            if job.progress.len() >= STEPS_MAX {
                let _ = job.progress.pop();
            }
            job.progress.push(message);
        });
    }

    fn end(&self, outcome: Result<Value, Fault>) {
        self.change(|job| {
            job.finished_at = Some(Timestamp::now());
            match outcome {
                Ok(result) => {
                    job.state = JobState::Succeeded;
                    job.result = Some(result);
                }
                Err(fault) => {
                    job.state = JobState::Failed;
                    job.error = Some(fault);
                }
            }
        });
    }
}

impl Jobs {
    /// Begins `work`; needs a tokio runtime.
    ///
    /// # Errors
    /// `busy` when too much goes on already.
    pub fn start<W, F>(&self, begin: Begin, work: W) -> Result<Job, Fault>
    where
        W: FnOnce(Progress) -> F,
        F: Future<Output = Result<Value, Fault>> + Send + 'static,
    {
        let Begin { kind, target, by, request_id } = begin;
        let job = Job {
            id: id(),
            kind: kind.to_owned(),
            target,
            started_at: Timestamp::now(),
            started_by: by,
            request_id,
            ..Job::default()
        };
        let entry = Arc::new(Entry { job: Mutex::new(job.clone()), changes: watch::channel(0).0 });
        self.add(Arc::clone(&entry))?;
        let steps = Arc::clone(&entry);
        let work = tokio::spawn(work(Progress::new(move |message| steps.step(message))));
        tokio::spawn(async move {
            let outcome = work.await.unwrap_or_else(|e| {
                tracing::error!(error = %e, "a job has failed inside");
                Err(Fault::new("internal", "the plane has failed in the midst of this job")
                    .hint("the log of the plane says more"))
            });
            if let Err(fault) = &outcome {
                let job = entry.job();
                tracing::info!(
                    job = job.id,
                    kind = job.kind,
                    target = job.target,
                    fault.code,
                    fault.message,
                    fault.detail,
                    "a job did not succeed"
                );
            }
            entry.end(outcome);
        });
        Ok(job)
    }

    /// All that are kept, newest first.
    pub fn all(&self) -> Vec<Job> {
        self.lock().iter().map(|entry| entry.job()).collect()
    }

    /// One of them.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<Entry>, Fault> {
        let found = self.lock().iter().find(|entry| entry.lock().id == id).cloned();
        found.ok_or_else(|| {
            let id: String = id.chars().take(60).collect();
            Fault::new("not_found", format!("there is no job \"{id}\""))
                .detail("jobs are kept until the plane ends, the newest of them")
                .exit(ExitCode::NotFound)
        })
    }

    /// How many go on.
    pub fn n_running(&self) -> usize {
        self.lock().iter().filter(|entry| entry.is_running()).count()
    }

    fn add(&self, entry: Arc<Entry>) -> Result<(), Fault> {
        let mut all = self.lock();
        let n_running = all.iter().filter(|entry| entry.is_running()).count();
        if n_running >= RUNNING_MAX {
            return Err(Fault::new("busy", "too many jobs go on already")
                .hint("wait until one has ended: GET /api/v1/jobs"));
        }
        while all.len() - n_running >= FINISHED_MAX {
            match all.iter().rposition(|entry| !entry.is_running()) {
                Some(oldest) => drop(all.remove(oldest)),
                None => break,
            }
        }
        all.push_front(entry);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_running(&self) -> bool {
        self.lock().state == JobState::Running
    }
}

/// 128 random bits as hex.
pub(crate) fn id() -> String {
    let mut bytes = [0; 16];
    OsRandom.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
