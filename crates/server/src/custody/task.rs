//! The task behind the watch: when to look, what to do with pushes and with new subjects.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::examine::{Seen, examine, signed};
use super::judge::{Judge, Moment};
use super::{Ask, Subject, Verdict};
use crate::customer::{CustomerKeys, KeyCause, KeyFailure, KeyReference};
use crate::doors::Doors;
use crate::record::KeyPolicy;

/// However often a vault says that something has changed: so long lies between two looks.
const PUSH_GAP: Duration = Duration::from_millis(500);

/// The task's own side.
pub(super) struct Task<D: Doors> {
    doors: Arc<D>,
    asks: mpsc::UnboundedReceiver<Ask>,
    told: watch::Sender<Verdict>,
    generation: u64,
    subject: Option<Subject>,
    judge: Judge,
    /// Who waits for a look that has not begun yet.
    waiting: Vec<oneshot::Sender<Verdict>>,
    /// When the next look is due.
    next: Instant,
    /// When the last one began.
    began: Option<Instant>,
    /// Whether the next look is due to a push already.
    pushed: bool,
}

/// The look that is under way; ends with its handle.
struct Look(JoinHandle<Result<Seen, KeyFailure>>);

impl Drop for Look {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the task was woken by.
enum Wake {
    Ask(Option<Ask>),
    Looked(Box<Result<Seen, KeyFailure>>),
    Due,
    Pushed,
    Passed,
}

impl<D: Doors> Task<D> {
    pub(super) fn new(
        doors: Arc<D>,
        asks: mpsc::UnboundedReceiver<Ask>,
        told: watch::Sender<Verdict>,
    ) -> Self {
        Self {
            doors,
            asks,
            told,
            generation: 0,
            subject: None,
            judge: Judge::new(KeyPolicy::default(), None),
            waiting: Vec::new(),
            next: Instant::now(),
            began: None,
            pushed: false,
        }
    }

    /// Looks until the machine is gone.
    pub(super) async fn run(mut self) {
        let mut look: Option<Look> = None;
        // Those who wait for the look that is under way.
        let mut asking: Vec<oneshot::Sender<Verdict>> = Vec::new();
        loop {
            let reference = self.subject.as_ref().map(|subject| &subject.wrapping.reference);
            let listens = reference.filter(|_| !self.pushed);
            let idle = look.is_none() && self.subject.is_some();
            let wake = tokio::select! {
                biased;
                ask = self.asks.recv() => Wake::Ask(ask),
                found = looked(look.as_mut()) => Wake::Looked(Box::new(found)),
                () = passed(self.judge.next_end()) => Wake::Passed,
                () = pushed(&*self.doors, listens) => Wake::Pushed,
                () = sleep_until(self.next), if idle => Wake::Due,
            };
            match wake {
                Wake::Ask(None) => return,
                Wake::Ask(Some(Ask::Check(reply))) => {
                    self.waiting.push(reply);
                    self.next = Instant::now();
                    if self.subject.is_none() {
                        self.answer();
                    }
                }
                Wake::Ask(Some(Ask::Watch { generation, subject })) => {
                    // A look at what was watched before tells nothing any more.
                    look = None;
                    self.waiting.append(&mut asking);
                    self.follow(generation, subject.map(|subject| *subject));
                }
                Wake::Pushed => {
                    self.pushed = true;
                    let soon = self.began.map_or_else(Instant::now, |began| began + PUSH_GAP);
                    self.next = self.next.min(soon);
                }
                Wake::Passed => {
                    let moment = self.moment();
                    self.judge.pass(moment);
                    self.tell(false);
                }
                Wake::Due => {
                    self.pushed = false;
                    let now = Instant::now();
                    self.began = Some(now);
                    // Until it ends only a push or an ask makes another one due.
                    self.next = now + Duration::from_secs(86_400);
                    asking = std::mem::take(&mut self.waiting);
                    look = self.subject.as_ref().map(|subject| {
                        let Subject { wrapping, policy, .. } = subject.clone();
                        Look(tokio::spawn(examine(Arc::clone(&self.doors), wrapping, policy)))
                    });
                }
                Wake::Looked(found) => {
                    look = None;
                    let moment = self.moment();
                    self.judge.take(*found, moment);
                    self.next = self.next.min(moment.instant + self.judge.pause(moment.instant));
                    let verdict = self.tell(true);
                    for reply in asking.drain(..) {
                        // Whoever asked may be gone.
                        let _ = reply.send(verdict.clone());
                    }
                }
            }
        }
    }

    fn follow(&mut self, generation: u64, subject: Option<Subject>) {
        self.generation = generation;
        let Some(subject) = subject else {
            self.subject = None;
            self.told.send_replace(Verdict::unwatched(generation));
            return self.answer();
        };
        match &self.subject {
            Some(_) => self.judge.follow(subject.policy),
            None => self.judge = Judge::new(subject.policy, subject.loss.clone()),
        }
        self.subject = Some(subject);
        self.next = Instant::now();
        self.tell(false);
    }

    /// Tells whoever waits that nothing is watched.
    fn answer(&mut self) {
        for reply in self.waiting.drain(..) {
            let _ = reply.send(Verdict::unwatched(self.generation));
        }
    }

    /// Publishes what holds now. `looked`: a look has just ended.
    fn tell(&self, looked: bool) -> Verdict {
        let moment = self.moment();
        let left = signed(self.next.saturating_duration_since(moment.instant));
        let verdict = Verdict {
            generation: self.generation,
            standing: self.judge.standing().clone(),
            seen: self.judge.seen().cloned(),
            failure: self.judge.failure().cloned(),
            checked_at: match looked {
                true => Some(moment.wall),
                false => self.told.borrow().checked_at,
            },
            next_check_at: moment.wall.saturating_add(left).ok(),
        };
        self.told.send_replace(verdict.clone());
        verdict
    }

    fn moment(&self) -> Moment {
        Moment { instant: Instant::now(), wall: self.doors.clock().now() }
    }
}

/// Waits for the look; one that broke down counts as one that told nothing.
async fn looked(look: Option<&mut Look>) -> Result<Seen, KeyFailure> {
    match look {
        Some(look) => (&mut look.0).await.unwrap_or_else(|_| {
            Err(KeyFailure::new(KeyCause::BadAnswer, "the look at the key broke down"))
        }),
        None => pending().await,
    }
}

async fn passed(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

async fn pushed<D: Doors>(doors: &D, reference: Option<&KeyReference>) {
    match reference {
        Some(reference) => doors.customer_keys().pushed(reference).await,
        None => pending().await,
    }
}
