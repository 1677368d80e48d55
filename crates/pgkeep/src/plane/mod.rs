//! The plane process: which servers exist, their history, the command line's door, status page.
//!
//! It never holds a data key: it asks the supervisor for agents, and agents for everything else.

mod access;
mod answers;
mod collect;
mod create;
mod history;
mod page;
mod peers;
mod store;

pub(crate) use create::is_free;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base::{Fault, ServerName};
use tokio::sync::{OwnedMutexGuard, watch};

use crate::home::Home;
use crate::{process, rpc};
use peers::Peers;
use store::{SqliteStore, Store};

/// Arguments of `pgkeep plane serve`, which the supervisor gives.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PlaneArgs {
    /// Port of the status page
    #[arg(long)]
    https_port: u16,
    /// OS user that may use the plane
    #[arg(long)]
    starter_uid: u32,
    /// OS user of the agents
    #[arg(long)]
    agent_uid: u32,
}

/// What all operations share.
pub(crate) struct Plane {
    store: Box<dyn Store>,
    peers: Peers,
    /// OS user of the agents.
    agent_uid: u32,
    /// Where the status page is, once it is served; else why not.
    page: Mutex<Result<String, String>>,
    /// One change of a server at a time.
    busy: Mutex<HashMap<ServerName, Arc<tokio::sync::Mutex<()>>>>,
}

impl Plane {
    /// Waits until nobody else changes `name`, and keeps others out until dropped.
    async fn alone(&self, name: &ServerName) -> OwnedMutexGuard<()> {
        let lock = {
            let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            // Only this map holds the lock of a server that nobody changes now.
            busy.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(busy.entry(name.clone()).or_default())
        };
        lock.lock_owned().await
    }

    fn page(&self) -> Result<String, String> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_page(&self, page: Result<String, String>) {
        *self.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }
}

/// Serves until the process is told to end.
pub(crate) async fn run(home: Home, args: PlaneArgs) -> Result<(), Fault> {
    let plane = Arc::new(Plane {
        store: Box::new(SqliteStore::open(&home.plane().join("plane.db"))?),
        peers: Peers::new(home.clone()),
        agent_uid: args.agent_uid,
        page: Mutex::new(Err("it starts".to_owned())),
        busy: Mutex::default(),
    });
    let own = rustix::process::geteuid().as_raw();
    let known = [0, own, args.starter_uid];
    let for_calls = Arc::clone(&plane);
    let socket = home.socket("plane");
    let serving = rpc::serve(
        &socket,
        0o666,
        move |uid| known.contains(&uid),
        move |request| answers::answer(Arc::clone(&for_calls), request),
    );
    let (publish, view) = watch::channel(api::Snapshot::default());
    tokio::select! {
        outcome = serving => outcome,
        () = collect::run(Arc::clone(&plane), publish) => Ok(()),
        () = page::run(Arc::clone(&plane), args.https_port, view) => Ok(()),
        outcome = process::told_to_end() => outcome,
    }
}
