//! The vault process: crate `vault` behind its unix socket.

mod answers;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base::{ExitCode, Fault, SystemClock};
use crypto::OsRandom;
use serde_json::Value;
use vault::{AuditFile, Caller, Doors, SealFile, SqliteStore, State, Vault};

use crate::home::Home;
use crate::process;
use crate::rpc::{self, Request};

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
}

/// Serves until the process is told to end.
pub(crate) async fn run(home: Home, args: VaultArgs) -> Result<(), Fault> {
    process::lock_memory();
    let vault = open(home.clone(), args.clone()).await?;
    let vault = Arc::new(Mutex::new(vault));
    let known = [0, args.operator_uid, args.plane_uid, args.agent_uid];
    let socket = home.socket("vault");
    let serving = rpc::serve(
        &socket,
        0o666,
        move |uid| known.contains(&uid),
        move |request| answer(Arc::clone(&vault), request),
    );
    tokio::select! {
        outcome = serving => outcome,
        outcome = process::told_to_end() => outcome,
    }
}

/// RSA, SQLite and the audit's sync block; they do so on a thread for it.
async fn answer(vault: Arc<Mutex<Vault>>, request: Request) -> Result<Value, Fault> {
    let work = move || {
        let mut request = request;
        // A panic below leaves no half-made state: each operation is one transaction.
        let mut vault = vault.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers::answer(&mut vault, &request);
        drop(vault);
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

async fn open(home: Home, args: VaultArgs) -> Result<Vault, Fault> {
    on_a_thread(move || {
        let folder: PathBuf = home.vault();
        let audit_path = folder.join("audit.jsonl");
        let audit = AuditFile::open(&audit_path).map_err(|e| {
            let message = format!("could not open the audit file {}", audit_path.display());
            Fault::from_error("vault_audit", message, &e)
        })?;
        let doors = Doors {
            store: Box::new(SqliteStore::open(&folder.join("vault.db")).map_err(fault)?),
            seal: Box::new(SealFile::new(folder.join("seal.key"))),
            audit: Box::new(audit),
            random: Box::new(OsRandom),
            clock: Box::new(SystemClock),
            operators: vec![0, args.operator_uid],
            plane: args.plane_uid,
            hostnames: hostnames(),
        };
        let mut vault = Vault::open(doors).map_err(fault)?;
        let (state, reason) = vault.status();
        match state {
            State::Uninitialized => {
                let own = Caller { uid: rustix::process::geteuid().as_raw() };
                let _ = vault.initialize(own).map_err(fault)?;
                tracing::info!("made a new vault");
            }
            State::Sealed => tracing::warn!(reason, "the vault is sealed"),
            State::Unsealed => tracing::info!("the vault is unsealed"),
        }
        Ok(vault)
    })
    .await
}

/// The machine's name, when it is one that a certificate can hold.
fn hostnames() -> Vec<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    let usable = (1..=253).contains(&name.len())
        && name != "localhost"
        && name.bytes().all(plain)
        && name.split('.').all(|label| (1..=63).contains(&label.len()));
    if usable { vec![name] } else { Vec::new() }
}

/// A vault's error as the edge says it.
fn fault(error: vault::Error) -> Fault {
    let fault = Fault::from_error(error.code(), error.to_string(), &error);
    // The chain begins with the message itself: no need to say it twice.
    let prefix = format!("{}: ", fault.message);
    let detail = fault.detail.as_deref().and_then(|d| d.strip_prefix(&prefix)).map(str::to_owned);
    let fault = Fault { detail, ..fault };
    match error {
        vault::Error::Sealed(reason) => Fault { message: "the vault is sealed".into(), ..fault }
            .detail(reason)
            .hint("pgkeep vault unseal")
            .exit(ExitCode::Sealed),
        vault::Error::Uninitialized => fault.exit(ExitCode::Sealed),
        vault::Error::Forbidden(_) => fault.exit(ExitCode::Forbidden),
        vault::Error::NotFound(_) => fault.exit(ExitCode::NotFound),
        vault::Error::Conflict(_) => fault.exit(ExitCode::Conflict),
        vault::Error::BadRequest(_) => fault.exit(ExitCode::Usage),
        _ => fault,
    }
}
