//! How much one query may use, and what stops it.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use kql::engine::{self, Cancel, EngineError};

use crate::error::Error;

/// Time between two looks at whether the caller still wants the answer.
const GLANCE: Duration = Duration::from_millis(20);

/// How much a lake gives its queries.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes that one query may hold; sorts, joins and groups go to disk beyond
    pub memory_bytes: usize,
    /// Bytes that one query may write to disk
    pub spill_bytes: u64,
    /// Where it does; the system's folder for such things where absent
    pub spill_dir: Option<PathBuf>,
    /// Queries that run at the same time; others wait
    pub concurrent: usize,
    /// Threads of the engine
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            spill_bytes: 20 << 30,
            spill_dir: None,
            concurrent: 4,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// A running query: what the steps of its plan must know of its limits.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) limits: engine::Limits,
    pub(crate) started: Instant,
    pub(crate) cancel: Cancel,
    pub(crate) external: Arc<External>,
}

/// The addresses that `externaldata` may read, and the files that stand for them.
pub(crate) type External = BTreeMap<String, PathBuf>;

impl Running {
    /// Of the query that a step belongs to.
    pub(crate) fn of(context: &TaskContext) -> Result<Arc<Self>> {
        match context.session_config().get_extension::<Self>() {
            Some(running) => Ok(running),
            None => internal_err!("a step runs outside a query"),
        }
    }

    /// What is left of them for a step that the engine in memory runs.
    pub(crate) fn engine_limits(&self) -> engine::Limits {
        engine::Limits { time: self.time_left(), ..self.limits }
    }

    /// Waits for something, but not longer than the query may run or its caller wants it.
    pub(crate) async fn guarded<T>(&self, wait: impl Future<Output = T>) -> Result<T, Error> {
        let mut wait = std::pin::pin!(wait);
        loop {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let left = self.time_left();
            if left.is_zero() {
                let seconds = self.limits.time.as_secs();
                return Err(EngineError::Time { seconds }.into());
            }
            let step = left.min(GLANCE);
            if let Ok(done) = tokio::time::timeout(step, &mut wait).await {
                return Ok(done);
            }
        }
    }

    pub(crate) fn time_left(&self) -> Duration {
        self.limits.time.saturating_sub(self.started.elapsed())
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "unknown panic".to_owned()
    }
}
