//! `pgkeep vault`.

use std::time::Duration;

use base::{ExitCode, Fault};
use serde_json::Value;

use super::one_thread;
use super::output::{self, Format};
use crate::home::Home;
use crate::rpc;
use crate::vaultd::VaultArgs;

const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Commands on the vault.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum VaultCommand {
    /// Show whether the vault is sealed; exit code 8 when it is
    Status,
    /// Drop all keys from memory; stays so until unsealed
    Seal,
    /// Bring the keys back into memory
    Unseal,
    #[command(hide = true)]
    Serve(VaultArgs),
}

/// Runs one command.
pub(super) fn run(home: &Home, command: &VaultCommand, format: Format) -> Result<ExitCode, Fault> {
    let op = match command {
        VaultCommand::Status | VaultCommand::Serve(_) => "status",
        VaultCommand::Seal => "seal",
        VaultCommand::Unseal => "unseal",
    };
    let socket = home.socket("vault");
    let call = rpc::call_within(&socket, ANSWER_MAX, op, Value::Null, |_| {});
    let answer = one_thread()?.block_on(call)?;
    output::show(format, &answer, &[])?;
    let sealed = op == "status" && answer["state"] != "unsealed";
    Ok(if sealed { ExitCode::Sealed } else { ExitCode::Ok })
}
