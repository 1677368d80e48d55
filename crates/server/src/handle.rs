//! The handle of a running state machine: what the agent's socket calls.

use std::sync::Arc;

use base::{ExitCode, Fault};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::certificate::OwnCertificate;
use crate::customer::KeyReference;
use crate::doors::{Doors, Progress};
use crate::layout::Layout;
use crate::machine::Machine;
use crate::record::KeyPolicy;
use crate::status::Show;

/// So many commands may wait for the one that is being done.
const QUEUE: usize = 16;

/// What a new server is to be.
#[derive(Clone, Debug)]
pub struct CreateSpec {
    /// Its TCP port.
    pub port: u16,
    /// The owner's key that wraps its data key; `None`: pgkeep's own vault. For good.
    pub customer_key: Option<CustomerKeySpec>,
}

/// An owner's key for a new server.
#[derive(Clone, Debug)]
pub struct CustomerKeySpec {
    /// Which key, and who asks for it.
    pub reference: KeyReference,
    /// How it is watched; `None`: as usual.
    pub policy: Option<KeyPolicy>,
}

/// What is to change about the key of a server; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// Another key or version.
    pub key_uri: Option<String>,
    /// Another identity.
    pub identity: Option<String>,
    /// Another way to watch.
    pub policy: Option<KeyPolicy>,
}

/// What can be asked of a server. Everything answers what `show` answers unless it says so.
#[derive(Debug)]
pub enum Command {
    /// Makes the server and starts it.
    Create(CreateSpec),
    /// Starts it, and wants it running from now on.
    Start,
    /// Stops it, and wants it stopped from now on.
    Stop,
    /// Stops and starts it.
    Restart,
    /// Removes it with everything it holds; answers `{"changed"}`.
    Delete,
    /// Answers all parameters.
    ParameterList,
    /// Answers one parameter.
    ParameterShow {
        /// Its name.
        name: String,
    },
    /// Sets a parameter, or gives it its default back; answers what came of it.
    ParameterSet {
        /// Its name.
        name: String,
        /// The value; `None`: the default.
        value: Option<String>,
    },
    /// Answers what setting a parameter would come to; does nothing.
    ParameterTry {
        /// Its name.
        name: String,
        /// The value; `None`: the default.
        value: Option<String>,
    },
    /// Answers who may connect.
    NetworkingShow,
    /// Answers what a change of that would do.
    NetworkingPreview(pg::NetworkingChange),
    /// Makes the change; answers who may connect then, with `changed` and `needs_restart`.
    NetworkingSet(pg::NetworkingChange),
    /// Answers a piece of ciphertext as it lies on the disk, and the same as PostgreSQL sees it.
    StorageProof,
    /// Replaces the certificate by a fresh one of the internal CA.
    CertificateRotate,
    /// Replaces the certificate by one that the owner brings.
    CertificateSet(OwnCertificate),
    /// Asks clients for certificates, or no longer with `None`.
    ClientCertificates(Option<pg::ClientCertificates>),
    /// Reads every unit of the storage; answers the report.
    StorageVerify {
        /// Stop the server for it, and start it again afterwards.
        stop: bool,
    },
    /// Changes key, version, identity or watch of a server whose owner holds the key, without
    /// stopping it. Answers when the new wrapping is proved and the old one forgotten.
    KeyChange(KeyChange),
    /// Looks at the owner's key now; answers `{"health", "failure", "checked_at"}`.
    KeyCheck,
    /// Ends the machine: everything is stopped in order, what is wanted stays as it is.
    Shutdown,
}

impl Command {
    /// True for commands that end a start which is under way.
    fn interrupts(&self) -> bool {
        matches!(self, Self::Stop | Self::Delete | Self::Shutdown)
    }

    /// True for commands on a running server that may be cut short when its key is lost.
    pub(crate) fn ends_with_the_key(&self) -> bool {
        match self {
            Self::ParameterList
            | Self::ParameterShow { .. }
            | Self::ParameterSet { .. }
            | Self::ParameterTry { .. }
            | Self::NetworkingShow
            | Self::NetworkingPreview(_)
            | Self::NetworkingSet(_)
            | Self::StorageProof
            | Self::CertificateRotate
            | Self::CertificateSet(_)
            | Self::ClientCertificates(_) => true,
            Self::Create(_)
            | Self::Start
            | Self::Stop
            | Self::Restart
            | Self::Delete
            | Self::StorageVerify { .. }
            | Self::KeyChange(_)
            | Self::KeyCheck
            | Self::Shutdown => false,
        }
    }
}

/// A command on its way to the machine.
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) progress: Progress,
    pub(crate) reply: oneshot::Sender<Result<Value, Fault>>,
    pub(crate) interrupts: bool,
}

/// What can be seen of the server from outside at any time.
#[derive(Clone, Debug)]
pub(crate) enum View {
    /// There is no server of this name yet, or no longer.
    Absent,
    /// Its record cannot be read.
    Broken(Fault),
    /// There it is.
    Here(Box<Show>),
}

/// The handle of one server's state machine; cheap to clone.
#[derive(Clone)]
pub struct Server {
    commands: mpsc::Sender<Request>,
    stops: Arc<watch::Sender<usize>>,
    view: watch::Receiver<View>,
    name: Arc<str>,
}

impl Server {
    /// Starts the state machine: it clears what an earlier agent left, then does what the
    /// record wants. The task ends after [`Command::Shutdown`] or when all handles are dropped.
    pub fn spawn<D: Doors>(doors: D, layout: Layout) -> (Self, JoinHandle<()>) {
        let (commands, queue) = mpsc::channel(QUEUE);
        let stops = Arc::new(watch::Sender::new(0));
        let published = watch::Sender::new(View::Absent);
        let handle = Self {
            commands,
            stops: Arc::clone(&stops),
            view: published.subscribe(),
            name: layout.name().as_str().into(),
        };
        let machine = Machine::new(doors, layout, queue, stops, published);
        (handle, tokio::spawn(machine.run()))
    }

    /// What is known now; never waits for a command that is being done.
    pub fn show(&self) -> Result<Show, Fault> {
        match &*self.view.borrow() {
            View::Absent => Err(absent(&self.name)),
            View::Broken(fault) => Err(fault.clone()),
            View::Here(show) => Ok((**show).clone()),
        }
    }

    /// Waits until what is known satisfies `wanted`, and answers it.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&Show) -> bool) -> Result<Show, Fault> {
        let mut view = self.view.clone();
        let seen = view
            .wait_for(|view| matches!(view, View::Here(show) if wanted(show)))
            .await
            .map_err(|_| ended(&self.name))?;
        match &*seen {
            View::Here(show) => Ok((**show).clone()),
            View::Absent | View::Broken(_) => unreachable!("because it was just matched"),
        }
    }

    /// Does `command` and answers when it is done.
    pub async fn run(&self, command: Command, progress: Progress) -> Result<Value, Fault> {
        let (reply, answer) = oneshot::channel();
        let interrupts = command.interrupts();
        if interrupts {
            self.stops.send_modify(|n| *n += 1);
        }
        let request = Request { command, progress, reply, interrupts };
        if self.commands.send(request).await.is_err() {
            return Err(ended(&self.name));
        }
        answer.await.unwrap_or_else(|_| Err(ended(&self.name)))
    }
}

/// The fault of whatever needs a server where there is none.
pub(crate) fn absent(name: &str) -> Fault {
    Fault::new("not_found", format!("server \"{name}\" does not exist"))
        .hint(format!("create it: pgkeep server create -n {name}"))
        .exit(ExitCode::NotFound)
}

fn ended(name: &str) -> Fault {
    Fault::new("agent_ended", format!("the agent of server \"{name}\" is ending"))
        .hint("try again when it has started anew")
}
