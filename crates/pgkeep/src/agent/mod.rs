//! The agent process: the state machine of one server behind its unix socket.
//!
//! It runs as PostgreSQL's OS user and holds the data key only on its way from the vault into
//! the file system's process. Orphans of an agent that was killed are found in the process table
//! by the next one and ended in order, PostgreSQL first; see [`leftovers`]. A pipe that breaks or
//! a parent that dies ends neither of them, because the order matters more than the speed.

mod assess;
mod customer;
mod doors;
mod handler;
mod key_args;
mod leftovers;
mod mount;
mod mounter;
mod mounts;
mod samples;
mod ship;
mod vault;

use std::sync::Arc;

use base::{Fault, ServerName};
use rustix::mm::MlockAllFlags;
use rustix::process::Resource;
use server::{Command, Layout, Server};
use tokio::sync::Notify;

use crate::home::{Home, agent_process};
use crate::rpc::Reply;
use crate::{process, rpc};
use doors::AgentDoors;

/// Arguments of `pgkeep agent serve`, which the supervisor gives.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AgentArgs {
    /// Name of the server
    #[arg(long)]
    pub(crate) name: ServerName,
    /// OS users that may call this agent, beside its own and root
    #[arg(long = "allow-uid")]
    pub(crate) allow_uid: Vec<u32>,
}

/// Runs the agent until it is told to end; then everything it started has ended too.
pub(crate) async fn run(home: Home, args: AgentArgs) -> Result<(), Fault> {
    lock_memory();
    let layout = Layout::new(home.root(), args.name.clone());
    let journal = layout.history();
    let shipping = ship::run(layout.clone(), home.socket("plane"));
    let sampling = samples::run(layout.clone(), home.socket("plane"));
    let (server, machine) = Server::spawn(AgentDoors::new(&home, &args.name), layout.clone());
    let assessor = assess::Assessor::new(server.clone(), layout, home.root());
    let over = Arc::new(Notify::new());
    let own = rustix::process::geteuid().as_raw();
    let handled = (server.clone(), Arc::clone(&over), journal);
    let serving = rpc::serve_with(
        &home.socket(&agent_process(&args.name)),
        0o666,
        rpc::ATTACHED_MAX_BYTES,
        move |uid| uid == own || uid == 0 || args.allow_uid.contains(&uid),
        move |request| {
            let (server, over, journal) = handled.clone();
            let assessor = Arc::clone(&assessor);
            async move {
                match request.op.as_str() {
                    op if assess::OPS.contains(&op) => assessor.answer(request).await,
                    _ => handler::answer(server, over, journal, request).await.map(Reply::from),
                }
            }
        },
    );
    let outcome = tokio::select! {
        outcome = serving => outcome,
        outcome = process::told_to_end() => outcome,
        () = over.notified() => Ok(()),
        () = shipping(server.clone()) => Ok(()),
        () = sampling(server.clone()) => Ok(()),
    };
    // Unchanged when the socket asked for it already.
    let _ = server.run(Command::Shutdown, Arc::new(|_: &str| {})).await;
    machine
        .await
        .map_err(|e| Fault::from_error("internal", "the server's state machine failed", &e))?;
    outcome
}

/// Keeps all memory of this process out of swap where the limit allows it. A small limit would
/// make later allocations fail, so then only the keys themselves are locked (by `crypto`).
fn lock_memory() {
    let unlimited = rustix::process::getrlimit(Resource::Memlock).current.is_none()
        || rustix::process::geteuid().is_root();
    if !unlimited {
        return;
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if let Err(error) = rustix::mm::mlockall(flags) {
        tracing::debug!(%error, "memory was not locked as a whole");
    }
}
