//! The vault process: crate `vault` behind its unix socket, and the key vaults and identities
//! behind crate `api`.
//!
//! [`answers`] is the unix socket, for the processes of this home; [`edge`] is the network, for
//! the programs of this machine.

mod admin;
mod answers;
mod changes;
mod edge;
mod faults;
mod open;
mod places;
mod schedule;
mod token;
mod tokens;
mod work;

pub(crate) use edge::STARTING;
pub(crate) use places::{DOMAIN, IDENTITY, Places};

use std::sync::Arc;
use std::time::Duration;

use base::Fault;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use vault::Vault;

use crate::home::Home;
use crate::process;
use crate::rpc::{self, Request};
use changes::Changes;
use edge::Edge;
use schedule::Schedule;
use token::TokenSeal;
use work::Work;

/// Requests in work are answered within this when the process ends. Less than the supervisor
/// waits for it.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Requests that are worked on at the same time; each may hold a thread.
const WORKING_MAX: u32 = 64;

/// Arguments of `pgkeep vault serve`, which the supervisor gives.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct VaultArgs {
    /// OS user that may seal and unseal
    #[arg(long)]
    operator_uid: u32,
    /// OS user of the plane
    #[arg(long)]
    plane_uid: u32,
    /// OS user of the agents
    #[arg(long)]
    agent_uid: u32,
    /// HTTPS port of the key vaults
    #[arg(long)]
    vault_port: u16,
    /// Loopback port of the identity endpoint
    #[arg(long)]
    identity_port: u16,
}

/// What all operations on the socket share.
pub(crate) struct Vaultd {
    /// The vault itself.
    pub(crate) vault: Vault,
    /// The key outside of the vault that may seal it.
    token: TokenSeal,
    /// Where it is reached.
    pub(crate) places: Places,
    /// Runs the servers; what admits them admits this OS user.
    pub(crate) agent_uid: u32,
    /// May seal and unseal, beside root.
    operator_uid: u32,
    edge: Edge,
    changes: Changes,
    work: Work,
    waiting: Work,
    stop: watch::Receiver<bool>,
}

/// Serves until the process is told to end, or until only a restart helps.
pub(crate) async fn run(home: Home, args: VaultArgs) -> Result<(), Fault> {
    process::lock_memory();
    let places = Places::new(&home, args.vault_port, args.identity_port);
    let identity_socket = edge::identity_listener(&places)?;
    let token = open::token(&home);
    let vault = {
        let (places, args, folder) = (places.clone(), args.clone(), home.vault());
        let token = token.clone();
        on_a_thread(move || open::open(&folder, &places, &args, token)).await?
    };
    let (stopper, stop) = watch::channel(false);
    let restart = Arc::new(Notify::new());
    let changes = Changes::follow(vault.key_vaults())?;
    let (edge, mut serving) =
        Edge::start(&vault, &places, identity_socket, changes.listen(), &stop)?;
    let schedule = Schedule::start(vault.clone(), Arc::clone(&restart))?;
    let (work, waiting) = (Work::new(WORKING_MAX), Work::new(changes::WAITING_MAX));
    let VaultArgs { agent_uid, operator_uid, .. } = args;
    let shared = Vaultd {
        vault,
        token,
        places,
        agent_uid,
        operator_uid,
        edge,
        changes,
        work,
        waiting,
        stop,
    };
    let shared = Arc::new(shared);
    let known = [0, args.operator_uid, args.plane_uid, args.agent_uid];
    let socket = home.socket("vault");
    let for_calls = Arc::clone(&shared);
    let answering = rpc::serve(
        &socket,
        0o666,
        move |uid| known.contains(&uid),
        move |request| answer(Arc::clone(&for_calls), request),
    );
    let outcome = tokio::select! {
        outcome = answering => outcome,
        outcome = process::told_to_end() => outcome,
        () = restart.notified() => Err(anew("it could not write to its disk")),
        () = serving.broken() => Err(anew("it could not go on serving")),
    };
    // Whoever was being answered gets the answer; nothing new is begun.
    let _ = stopper.send(true);
    let (network, socket, waiting) = tokio::join!(
        serving.drained(DRAIN_MAX),
        shared.work.drained(DRAIN_MAX),
        shared.waiting.drained(DRAIN_MAX)
    );
    if !(network && socket && waiting) {
        tracing::warn!(
            network,
            socket,
            waiting,
            "some requests were cut off: they did not end in time"
        );
    }
    drop(schedule);
    outcome
}

fn anew(why: &str) -> Fault {
    Fault::new("vault_restart", "the vault ends to be started anew").detail(why)
}

/// RSA, SQLite and the audit's sync block; they do so on a thread for it.
async fn answer(vaultd: Arc<Vaultd>, request: Request) -> Result<Value, Fault> {
    // Who waits for changes holds no thread, and so no place among those who do.
    let waits = request.op == "key-events";
    let places = if waits { &vaultd.waiting } else { &vaultd.work };
    let Some(begun) = places.begin().await else {
        return Err(Fault::new("ending", "the vault is being shut down"));
    };
    begun.until_delivered(request.progress.clone());
    if waits {
        return vaultd.changes.wait(&request, vaultd.stop.clone()).await;
    }
    let work = move || {
        let mut request = request;
        let answer = answers::answer(&vaultd, &request);
        rpc::scrub(&mut request.args);
        answer
    };
    on_a_thread(work).await
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(Fault::from_error("internal", "the vault failed while it worked", &e))
    })
}
