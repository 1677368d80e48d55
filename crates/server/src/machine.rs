//! The state machine: one task that owns everything about one server.
//!
//! It does one thing at a time: a command, an event of the mount, the death of PostgreSQL, a
//! retry, what is found of the owner's key, or the watch of every second. What can be seen from
//! outside is published after each. The loss of the key cuts short whatever is being done.

mod command;
mod create;
mod custody;
mod delete;
mod proof;
mod recover;
mod rekey;
mod start;
mod stop;
mod tls;
mod verify;
mod watch;

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use base::{Fault, ServerState, StateRecord};
use jiff::Timestamp;
use tokio::sync::{mpsc, watch as channel};
use tokio::time::{Instant, MissedTickBehavior};

use crate::custody::Custodian;
use crate::customer::KeyCause;
use crate::database::Database;
use crate::doors::{Doors, Mount, MountEvent, Mounter, Progress};
use crate::handle::{Request, View};
use crate::history::{Event, History, KeyHealth};
use crate::layout::Layout;
use crate::policy::{KeyLosses, RestartPolicy};
use crate::record::{DesiredState, ServerRecord};
use crate::status::{self, Facts};

/// How often the disk and the certificate are looked at.
const TICK: Duration = Duration::from_secs(1);

type MountOf<D> = <<D as Doors>::Mounter as Mounter>::Mount;

/// Everything about one server, owned by one task.
pub(crate) struct Machine<D: Doors> {
    doors: Arc<D>,
    layout: Layout,
    queue: mpsc::Receiver<Request>,
    stops: Arc<channel::Sender<usize>>,
    published: channel::Sender<View>,
    /// `None`: there is no server. `Err`: its record cannot be read.
    record: Result<Option<ServerRecord>, Fault>,
    state: StateRecord,
    mount: Option<MountOf<D>>,
    database: Option<D::Database>,
    /// True from the moment a start is attempted until a stop has succeeded.
    database_up: bool,
    history: Option<History>,
    facts: Facts,
    policy: RestartPolicy,
    retry_at: Option<Instant>,
    /// What the retry is for.
    retry_cause: String,
    watch: watch::Watch,
    /// Watches the key that the owner holds.
    custody: Custodian,
    /// A wrapping anew that is under way.
    errand: Option<rekey::Errand>,
    losses: KeyLosses,
    /// What the journal says of the key.
    noted_key: (KeyHealth, Option<KeyCause>),
}

/// What woke the machine.
enum Wake {
    Key,
    Errand(rekey::Outcome),
    Command(Box<Request>),
    Mount(MountEvent),
    Died(String),
    Retry,
    Tick,
    Abandoned,
}

impl<D: Doors> Machine<D> {
    pub(crate) fn new(
        doors: D,
        layout: Layout,
        queue: mpsc::Receiver<Request>,
        stops: Arc<channel::Sender<usize>>,
        published: channel::Sender<View>,
    ) -> Self {
        let doors = Arc::new(doors);
        let since = doors.clock().now();
        let record = ServerRecord::load(&layout.record()).map_err(Fault::from);
        let state = match &record {
            Ok(Some(record))
                if record.provisioned && record.desired_state == DesiredState::Running =>
            {
                ServerState::Starting
            }
            _ => ServerState::Stopped,
        };
        let loss = match &record {
            Ok(Some(record)) if state == ServerState::Starting => {
                record.data_encryption.customer.as_ref().and_then(|key| key.lost.clone())
            }
            _ => None,
        };
        let noted = loss.as_ref().map_or(KeyHealth::Unchecked, |_| KeyHealth::Lost);
        let noted_key = (noted, loss.as_ref().map(|loss| loss.failure.cause));
        // A server that had lost its key has not got it back by a new agent.
        let state = match loss {
            Some(loss) => StateRecord {
                state: ServerState::Inaccessible,
                reason: loss.reason,
                since: loss.since,
            },
            None => StateRecord { state, reason: String::new(), since },
        };
        let custody = Custodian::spawn(Arc::clone(&doors));
        let machine = Self {
            doors,
            layout,
            queue,
            stops,
            published,
            record,
            state,
            mount: None,
            database: None,
            database_up: false,
            history: None,
            facts: Facts::default(),
            policy: RestartPolicy::default(),
            retry_at: None,
            retry_cause: String::new(),
            watch: watch::Watch::default(),
            custody,
            errand: None,
            losses: KeyLosses::default(),
            noted_key,
        };
        // Whoever asks before the first step hears of the server, not that there is none.
        machine.publish();
        machine
    }

    /// Lives the server's life until told to shut down.
    pub(crate) async fn run(mut self) {
        self.boot().await;
        let mut ticker = tokio::time::interval(TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let watched = self.database_up && self.watch.ready_since().is_some();
            let wake = tokio::select! {
                biased;
                () = self.custody.changed() => Wake::Key,
                outcome = rekey::done(self.errand.as_mut()) => Wake::Errand(outcome),
                event = next_event(self.mount.as_mut()) => Wake::Mount(event),
                how = death(self.database.as_ref(), watched) => Wake::Died(how),
                request = self.queue.recv() => match request {
                    Some(request) => Wake::Command(Box::new(request)),
                    None => Wake::Abandoned,
                },
                () = alarm(self.retry_at) => Wake::Retry,
                _ = ticker.tick() => Wake::Tick,
            };
            match wake {
                Wake::Command(request) => {
                    if self.serve(*request).await.is_break() {
                        return;
                    }
                }
                Wake::Mount(event) => self.on_mount_event(event).await,
                Wake::Died(how) => self.on_postgres_death(how).await,
                Wake::Retry => self.retry().await,
                Wake::Key => self.on_verdict().await,
                Wake::Errand(outcome) => self.on_errand(outcome),
                Wake::Tick => self.tick().await,
                Wake::Abandoned => {
                    self.shut_down(&silent()).await;
                    return;
                }
            }
            self.publish();
        }
    }

    /// The watch of every second, cut short when the key is lost.
    async fn tick(&mut self) {
        if let Some(event) = self.watch.postponed() {
            return self.on_mount_event(event).await;
        }
        let alarm = self.alarm();
        tokio::select! {
            biased;
            () = self.on_tick() => {}
            _ = alarm => {}
        }
    }

    /// Ends when the key is lost while something holds the data key.
    fn alarm(&self) -> impl Future<Output = crate::customer::KeyFailure> + Send + use<D> {
        let alarm = self.custody.alarm();
        let armed = self.is_up();
        async move {
            match armed {
                true => alarm.await,
                false => pending().await,
            }
        }
    }

    /// Clears what an earlier agent left behind, starts what should run.
    async fn boot(&mut self) {
        let wants_running = match &self.record {
            Ok(Some(record)) if record.provisioned => record.desired_state == DesiredState::Running,
            Ok(Some(_)) => {
                let reason = "its creation was interrupted; delete it or create it again";
                self.enter(ServerState::Stopped, reason);
                false
            }
            Ok(None) | Err(_) => false,
        };
        if let Ok(Some(_)) = &self.record {
            self.open_history();
            let swap = self.doors.host().swap_warnings();
            self.facts.warn("swap", swap);
            let cleared = self.clear_leftovers(&silent()).await;
            self.watch_key();
            if wants_running {
                self.start_at_boot(&cleared).await;
                return;
            }
        }
        if let Ok(Some(record)) = &self.record
            && record.provisioned
        {
            self.enter(ServerState::Stopped, "stopped by its owner");
        }
        self.publish();
    }

    /// Starts a server that should run. `cleared` is what was found of an agent before.
    async fn start_at_boot(&mut self, cleared: &[String]) {
        let after = match cleared {
            [] => String::new(),
            done => format!(" after one that was killed: {}", done.join(", ")),
        };
        if self.state.state == ServerState::Inaccessible
            && let Err(failure) = self.key_ready().await
        {
            self.settle_failure(&failure);
            return self.publish();
        }
        self.enter(ServerState::Starting, format!("the agent has started{after}"));
        // The outcome is the state, with its reason.
        let started = self.start_and_settle(&silent()).await;
        if started.is_ok() && !cleared.is_empty() {
            let now = self.now();
            self.enter(ServerState::Ready, format!("restarted at {now:.0} by an agent{after}"));
        }
        self.publish();
    }

    fn open_history(&mut self) {
        match History::open(&self.layout.history()) {
            Ok(history) => {
                // What earlier agents found is still true; how often they restarted is not.
                for entry in history.entries().unwrap_or_default() {
                    match entry.event {
                        Event::Tamper(tamper) => drop(self.facts.add_tamper(tamper)),
                        Event::Recovery(recovery) => self.facts.last_recovery = Some(recovery),
                        Event::State(_)
                        | Event::Poisoned { .. }
                        | Event::Key(_)
                        | Event::Rewrap(_)
                        | Event::Note { .. } => {}
                    }
                }
                self.history = Some(history);
            }
            Err(error) => {
                let fault = Fault::from(error);
                tracing::error!(%fault, "the journal of the server cannot be opened");
                self.facts.warn("history", vec![format!("no journal is written: {fault}")]);
            }
        }
    }

    /// Enters a state, says so in the journal and to whoever looks.
    fn enter(&mut self, state: ServerState, reason: impl Into<String>) {
        let reason = reason.into();
        if self.state.state == state && self.state.reason == reason {
            return;
        }
        // A new reason for the same state does not make the state younger.
        let since =
            if self.state.state == state { self.state.since } else { self.doors.clock().now() };
        self.state = StateRecord { state, reason, since };
        tracing::info!(%state, reason = self.state.reason, "server state");
        self.note(Event::State(self.state.clone()));
        self.publish();
    }

    /// Writes to the journal; a journal that cannot be written becomes a warning.
    fn note(&mut self, event: Event) {
        let Some(history) = &mut self.history else { return };
        let outcome = history.append(self.doors.clock().now(), event);
        let warning = match outcome {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!("the journal cannot be written: {}", Fault::from(error))],
        };
        self.facts.warn("history", warning);
    }

    /// Shows the present to whoever looks from outside.
    fn publish(&self) {
        let view = match &self.record {
            Ok(None) => View::Absent,
            Err(fault) => View::Broken(fault.clone()),
            Ok(Some(record)) => {
                let mounted = self.mount.is_some();
                let show = status::show(&self.layout, record, &self.state, &self.facts, mounted);
                View::Here(Box::new(show))
            }
        };
        self.published.send_replace(view);
    }

    /// The record, for whatever needs a server.
    fn record(&self) -> Result<&ServerRecord, Fault> {
        match &self.record {
            Ok(Some(record)) => Ok(record),
            Ok(None) => Err(crate::handle::absent(self.layout.name().as_str())),
            Err(fault) => Err(fault.clone()),
        }
    }

    /// Changes the record, in memory and durably. Memory goes first: a full disk must not make
    /// the agent forget what it just did; the failure to write becomes a standing warning.
    fn amend(&mut self, change: impl FnOnce(&mut ServerRecord)) -> Result<(), Fault> {
        let Ok(Some(record)) = &mut self.record else { return Ok(()) };
        change(record);
        let saved = record.save(&self.layout.record()).map_err(Fault::from);
        let warning = match &saved {
            Ok(()) => Vec::new(),
            Err(fault) => vec![format!("the record of the server is not up to date: {fault}")],
        };
        self.facts.warn("record", warning);
        saved
    }

    fn now(&self) -> Timestamp {
        self.doors.clock().now()
    }

    /// True while the server accepts connections.
    fn is_ready(&self) -> bool {
        self.state.state == ServerState::Ready
    }
}

/// A progress nobody listens to.
fn silent() -> Progress {
    Arc::new(|_| {})
}

async fn next_event<M: Mount>(mount: Option<&mut M>) -> MountEvent {
    match mount {
        Some(mount) => mount.next_event().await,
        None => pending().await,
    }
}

async fn death<T: Database>(database: Option<&T>, watched: bool) -> String {
    match database {
        Some(database) if watched => database.ended().await,
        _ => pending().await,
    }
}

async fn alarm(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => pending().await,
    }
}

/// Runs `work` for at most `limit`; the fault says what did not answer.
async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Fault::new("timeout", format!("{what} did not answer within {} s", limit.as_secs()))
            .exit(base::ExitCode::Timeout))
    })
}

#[cfg(test)]
mod tests;
