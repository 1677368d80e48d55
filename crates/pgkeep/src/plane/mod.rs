//! The plane process: which servers exist, their history, the API and the portal.
//!
//! It never holds a data key: it asks the supervisor for agents, and agents for everything else.

mod access;
mod answers;
mod backend;
mod collect;
mod create;
mod history;
mod listen;
mod logs;
mod own;
mod page;
mod peers;
mod posture;
mod states;
mod store;

pub(crate) use access::tls_to_others;
pub(crate) use backend::{as_role, encode};
pub(crate) use create::is_free;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::plane::{Api, PlaneParts};
use base::{Fault, ServerName};
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::home::{Config, Home};
use crate::{process, rpc};
use backend::PlaneBackend;
use peers::Peers;
use store::{SqliteStore, Store};

/// Time between two tries to reach the tables of the log lake.
const LAKE_AGAIN: Duration = Duration::from_secs(30);

/// The API over HTTP, for the command line and other programs of this machine.
pub(crate) const API_SOCKET: &str = "api";

/// Arguments of `pgkeep plane serve`, which the supervisor gives.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PlaneArgs {
    /// Port of the API and the portal
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
    home: Home,
    store: Arc<dyn Store>,
    /// Queries that people saved.
    saved: Arc<SqliteStore>,
    /// The log lake, or why it is not open.
    logs: Result<Arc<logs::Logs>, Fault>,
    peers: Peers,
    /// Assessments of servers.
    posture: posture::Posture,
    /// Since when this process runs.
    started_at: Timestamp,
    /// OS user of the agents.
    agent_uid: u32,
    /// OS user that ran `pgkeep up`.
    starter_uid: u32,
    /// Where the portal is, once it is served; else why not.
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

    /// The log lake.
    fn logs(&self) -> Result<Arc<logs::Logs>, Fault> {
        self.logs.clone()
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
    let store = Arc::new(SqliteStore::open(&home.plane().join("plane.db"))?);
    let folder = home.plane().join("lake");
    let settings = Config::load(&home).map(|config| config.logs);
    let workers = settings.clone().and_then(|logs| logs.workers.workers());
    let workers = workers.unwrap_or_else(|fault| {
        tracing::error!(fault.message, fault.detail, fault.hint, "queries run without workers");
        None
    });
    let open = move || {
        let place = settings.clone().and_then(|logs| logs.lake.place())?;
        logs::Logs::open(&folder, place, workers.clone())
    };
    let logs = open().map(Arc::new).inspect_err(|fault| {
        tracing::error!(fault.message, fault.detail, fault.hint, "the log lake is not open");
    });
    let plane = Arc::new(Plane {
        home: home.clone(),
        started_at: Timestamp::now(),
        store: Arc::clone(&store) as Arc<dyn Store>,
        saved: Arc::clone(&store),
        logs,
        peers: Peers::new(home.clone()),
        posture: posture::Posture::default(),
        agent_uid: args.agent_uid,
        starter_uid: args.starter_uid,
        page: Mutex::new(Err("it starts".to_owned())),
        busy: Mutex::default(),
    });
    let api = Api::new(PlaneParts {
        backend: Arc::new(PlaneBackend::new(Arc::clone(&plane))),
        access: access::open(store, args.https_port)?,
    });
    let own = rustix::process::geteuid().as_raw();
    let known = [0, own, args.starter_uid];
    let agent_uid = args.agent_uid;
    let for_calls = Arc::clone(&plane);
    let socket = home.socket("plane");
    let serving = rpc::serve_with(
        &socket,
        0o666,
        rpc::ATTACHED_MAX_BYTES,
        move |uid| known.contains(&uid) || uid == agent_uid,
        move |request| answers::answer(Arc::clone(&for_calls), request),
    );
    let local = api_listener(&home)?;
    let local = api.serve_local(local, move |uid| known.contains(&uid));
    let ending = Arc::clone(&plane);
    let outcome = tokio::select! {
        outcome = serving => outcome,
        outcome = local => outcome.map_err(|e| {
            Fault::from_error("api", "the API's socket is not served any more", &e)
        }),
        () = collect::run(Arc::clone(&plane)) => Ok(()),
        () = listen::run(Arc::clone(&plane), api.clone()) => Ok(()),
        () = own::run(Arc::clone(&plane)) => Ok(()),
        () = posture::run(Arc::clone(&plane)) => Ok(()),
        () = page::run(Arc::clone(&plane), args.https_port, api.clone()) => Ok(()),
        outcome = process::told_to_end() => outcome,
        fault = lake_failed(&ending, open) => Err(fault),
    };
    if let Ok(logs) = ending.logs() {
        let _ = tokio::task::spawn_blocking(move || logs.close()).await;
    }
    outcome
}

/// Ends when the lake has to be opened anew, or can be opened after its tables were away.
async fn lake_failed(
    plane: &Plane,
    open: impl Fn() -> Result<logs::Logs, Fault> + Send + Sync + 'static,
) -> Fault {
    match plane.logs() {
        Ok(logs) => return logs.failed().await,
        Err(fault) if fault.code != logs::PLACE_AWAY => return std::future::pending().await,
        Err(_) => {}
    }
    let open = Arc::new(open);
    loop {
        tokio::time::sleep(LAKE_AGAIN).await;
        let open = Arc::clone(&open);
        match tokio::task::spawn_blocking(move || open().map(drop)).await {
            Ok(Err(fault)) if fault.code == logs::PLACE_AWAY => {}
            // Where it now says something else, that is said when the plane has started anew.
            _ => {
                return Fault::new("lake_back", "the place of the log lake's tables answers again")
                    .detail("the plane starts anew");
            }
        }
    }
}

/// The listener of the API's socket: the supervisor binds it, as it owns the folder, and hands it
/// over as standard output, which goes to the log from then on.
fn api_listener(home: &Home) -> Result<tokio::net::UnixListener, Fault> {
    let path = home.socket(API_SOCKET);
    let listener = match rpc::inherited_as_output(&path)? {
        Some(listener) => listener,
        None => rpc::bind(&path, 0o600)?,
    };
    let failed = |e: &std::io::Error| {
        Fault::from_error("listen", format!("could not listen on {}", path.display()), e)
    };
    listener.set_nonblocking(true).map_err(|e| failed(&e))?;
    tokio::net::UnixListener::from_std(listener).map_err(|e| failed(&e))
}
