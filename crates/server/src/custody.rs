//! The watch over a key that the owner holds: a task of its own that looks at it again and again.
//!
//! It runs beside the state machine, so that neither holds up the other: a vault that does not
//! answer delays no command, and a recovery of an hour delays no denial. The machine reads the
//! newest [`Verdict`] and is woken by each.

mod examine;
mod judge;
mod rewrap;
mod task;

use std::future::{Future, pending};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

pub use examine::ClockUsed;
pub(crate) use examine::{Seen, examine, judge as judge_state};
pub(crate) use judge::Standing;
pub(crate) use rewrap::{establish, prepare, prove, reassign, unwrap};

use crate::customer::KeyFailure;
use crate::doors::Doors;
use crate::record::{KeyLoss, KeyPolicy, Wrapping};

/// What is watched.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) wrapping: Wrapping,
    pub(crate) policy: KeyPolicy,
    /// The loss that is known already.
    pub(crate) loss: Option<KeyLoss>,
}

/// What is known of the key.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// Which subject it is about; counts up with each new one.
    generation: u64,
    pub(crate) standing: Standing,
    /// The last good look.
    pub(crate) seen: Option<Seen>,
    /// The last failure, until a good look.
    pub(crate) failure: Option<KeyFailure>,
    /// When the last look ended.
    pub(crate) checked_at: Option<Timestamp>,
    /// When the next one is due.
    pub(crate) next_check_at: Option<Timestamp>,
}

impl Verdict {
    fn unwatched(generation: u64) -> Self {
        Self {
            generation,
            standing: Standing::Unwatched,
            seen: None,
            failure: None,
            checked_at: None,
            next_check_at: None,
        }
    }

    /// The failure that lost the key, if it is lost.
    pub(crate) fn loss(&self) -> Option<(Timestamp, &KeyFailure)> {
        match &self.standing {
            Standing::Lost { since, failure } => Some((*since, failure)),
            _ => None,
        }
    }
}

/// What the machine asks of the task.
enum Ask {
    /// Watch this from now on.
    Watch { generation: u64, subject: Option<Box<Subject>> },
    /// Look anew and tell what came of it.
    Check(oneshot::Sender<Verdict>),
}

/// The machine's end of the watch.
pub(crate) struct Custodian {
    asks: mpsc::UnboundedSender<Ask>,
    verdicts: watch::Receiver<Verdict>,
    generation: u64,
}

impl Custodian {
    /// Starts the task; it ends with this handle.
    pub(crate) fn spawn<D: Doors>(doors: Arc<D>) -> Self {
        // Only the machine sends, a few asks for each command: it needs no bound.
        let (asks, queue) = mpsc::unbounded_channel();
        let (told, verdicts) = watch::channel(Verdict::unwatched(0));
        tokio::spawn(task::Task::new(doors, queue, told).run());
        Self { asks, verdicts, generation: 0 }
    }

    /// Watches another subject, or nothing. Verdicts about what was watched before no longer count.
    pub(crate) fn watch(&mut self, subject: Option<Subject>) {
        self.generation += 1;
        let subject = subject.map(Box::new);
        // The task lives as long as this handle.
        let _ = self.asks.send(Ask::Watch { generation: self.generation, subject });
    }

    /// Waits for the next verdict.
    pub(crate) async fn changed(&mut self) {
        if self.verdicts.changed().await.is_err() {
            pending().await
        }
    }

    /// The newest verdict, if it is about what is watched now.
    pub(crate) fn verdict(&mut self) -> Option<Verdict> {
        let verdict = self.verdicts.borrow().clone();
        (verdict.generation == self.generation).then_some(verdict)
    }

    /// A look that begins now; ends within a few calls' time. `None` when nothing is watched.
    pub(crate) fn check(&self) -> impl Future<Output = Option<Verdict>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let _ = self.asks.send(Ask::Check(reply));
        async move { answer.await.ok().filter(|seen| seen.standing != Standing::Unwatched) }
    }

    /// Ends when the key that is watched now is lost, at once if it is already.
    pub(crate) fn alarm(&self) -> impl Future<Output = KeyFailure> + Send + use<> {
        let mut verdicts = self.verdicts.clone();
        let generation = self.generation;
        async move {
            let lost =
                |verdict: &Verdict| verdict.generation == generation && verdict.loss().is_some();
            let failure = match verdicts.wait_for(lost).await {
                Ok(verdict) => verdict.loss().map(|(_, failure)| failure.clone()),
                Err(_) => None,
            };
            match failure {
                Some(failure) => failure,
                None => pending().await,
            }
        }
    }
}
