//! Where the words of a supervisor go: a person's terminal, or the process that detached it.

use std::sync::Arc;

/// Takes progress, one step in a few words without a full stop.
#[derive(Clone)]
pub(crate) struct Report(Arc<dyn Fn(&str) + Send + Sync>);

impl Report {
    /// Progress goes to `say`.
    pub(crate) fn new(say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(say))
    }

    /// Says one step.
    pub(crate) fn say(&self, message: &str) {
        tracing::info!("{message}");
        (self.0)(message);
    }
}
