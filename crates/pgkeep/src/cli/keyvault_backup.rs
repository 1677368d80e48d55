//! `pgkeep keyvault key backup` and `restore`: a key in a file that only this installation reads.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use base::{ExitCode, Fault};
use clap::Args;
use serde_json::json;

use super::keyvault_key::{OfKey, OfVault, on_key};
use super::keyvault_show as shown;
use super::output::{self, Format};
use super::vault::ask;
use crate::home::Home;
use crate::rpc::LINE_MAX_BYTES;

#[derive(Clone, Debug, Args)]
pub(super) struct BackupCommand {
    #[command(flatten)]
    key: OfKey,
    /// File to be made
    #[arg(long, short)]
    file: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(super) struct RestoreCommand {
    #[command(flatten)]
    of: OfVault,
    /// File that backup made
    #[arg(long, short)]
    file: PathBuf,
}

/// Writes a new file; one that is there is never written over.
pub(super) fn backup(
    home: &Home,
    command: &BackupCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let BackupCommand { key, file } = command;
    let answer = on_key(home, "backup", key)?;
    let value = answer["value"].as_str().unwrap_or_default();
    let write = || -> io::Result<()> {
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        target.write_all(value.as_bytes())?;
        target.sync_all()
    };
    write().map_err(|e| {
        let message = format!("could not write {}", file.display());
        let fault = Fault::from_error("file", message, &e);
        match e.kind() {
            io::ErrorKind::AlreadyExists => {
                fault.hint("name another file").exit(ExitCode::Conflict)
            }
            _ => fault,
        }
    })?;
    let said = json!({
        "vault": key.vault_name, "name": key.name, "file": file, "size_bytes": value.len(),
    });
    output::show(format, &said, &[]).map(|()| ExitCode::Ok)
}

/// Brings the key back with all its versions, under the name that it had.
pub(super) fn restore(
    home: &Home,
    command: &RestoreCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let file = &command.file;
    let mut text = String::new();
    let read = File::open(file)
        .and_then(|file| file.take(LINE_MAX_BYTES as u64).read_to_string(&mut text));
    read.map_err(|e| {
        let fault = Fault::from_error("file", format!("could not read {}", file.display()), &e);
        match e.kind() {
            io::ErrorKind::NotFound => fault.exit(ExitCode::NotFound),
            _ => fault,
        }
    })?;
    let args = json!({
        "vault": command.of.vault_name, "op": "restore", "body": { "value": text.trim() },
    });
    shown::key(format, &ask(home, "key", args)?)
}
