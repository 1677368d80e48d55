//! Opens the vault of a home: its doors to the disk, its seal, and the very first start.

use std::path::{Path, PathBuf};

use base::{Fault, SystemClock};
use crypto::OsRandom;
use vault::{Caller, CounterFile, Doors, FolderFiles, SealFile, Seals, SqliteStore, State, Vault};

use super::faults::fault;
use super::token::TokenSeal;
use super::{Places, VaultArgs};
use crate::home::Home;

/// systemd puts the credentials of a unit into this folder.
const CREDENTIALS_VAR: &str = "CREDENTIALS_DIRECTORY";

/// The key outside of the vault that may seal it.
pub(super) fn token(home: &Home) -> TokenSeal {
    let credentials = std::env::var_os(CREDENTIALS_VAR).map(PathBuf::from);
    TokenSeal::new(home, own().uid, credentials)
}

/// Opens the vault in `folder`, and makes it where there is nothing yet. Blocks.
pub(super) fn open(
    folder: &Path,
    places: &Places,
    args: &VaultArgs,
    token: TokenSeal,
) -> Result<Vault, Fault> {
    let store = SqliteStore::open(&folder.join("vault.db")).map_err(fault)?;
    let mut seals =
        Seals::new(Box::new(SealFile::new(folder.join("seal.key")))).with_external(Box::new(token));
    if let Some(credentials) = std::env::var_os(CREDENTIALS_VAR) {
        seals = seals.with_credentials(credentials);
    }
    let vault = Vault::open(Doors {
        store: Box::new(store),
        counter: Box::new(CounterFile::new(folder.join("vault.counter"))),
        seals,
        audit: Box::new(FolderFiles::new(folder.join("audit"))),
        random: Box::new(OsRandom),
        clock: Box::new(SystemClock),
        operators: vec![0, args.operator_uid],
        plane: args.plane_uid,
        hostnames: hostnames(),
        authority: places.authority(),
    })
    .map_err(fault)?;
    let (state, reason) = vault.status();
    match state {
        State::Uninitialized => {
            let _ = vault.initialize(own()).map_err(fault)?;
            tracing::info!("made a new vault");
        }
        State::Sealed => tracing::warn!(reason, "the vault is sealed"),
        State::Unsealed => tracing::info!("the vault is unsealed"),
    }
    for warning in vault.seal_status().warnings {
        tracing::warn!(warning, "the vault noticed something");
    }
    Ok(vault)
}

/// This process itself.
pub(super) fn own() -> Caller<'static> {
    Caller::own(rustix::process::geteuid().as_raw())
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn open_in(folder: &Path) -> Result<Vault, Fault> {
        let home = Home::resolve(Some(folder)).unwrap();
        let args = VaultArgs {
            operator_uid: own().uid,
            plane_uid: 1,
            agent_uid: 2,
            vault_port: 9443,
            identity_port: 9843,
        };
        let places = Places::new(&home, args.vault_port, args.identity_port);
        open(folder, &places, &args, token(&home))
    }

    #[test]
    fn makes_a_vault_once_and_finds_it_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = open_in(dir.path()).unwrap();
        assert_eq!(first.status().0, State::Unsealed);
        let (pem, tenant) = (first.ca_pem().unwrap(), first.key_vaults().tenant_id().to_owned());
        drop(first);
        assert!(dir.path().join("audit").is_dir());
        let again = open_in(dir.path()).unwrap();
        assert_eq!((again.ca_pem().unwrap(), again.key_vaults().tenant_id()), (pem, &*tenant));
        assert_eq!(again.key_vaults().resource(), "https://vault.localhost:9443");
    }

    #[test]
    fn says_clearly_that_an_older_home_is_not_carried_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.db");
        let old = rusqlite::Connection::open(&path).unwrap();
        old.pragma_update(None, "application_id", 0x7067_6b76).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        drop(old);
        let refused = open_in(dir.path()).err().unwrap();
        assert_eq!(refused.code, "vault_format");
        assert!(refused.hint.unwrap().contains("--home"));
        assert!(!dir.path().join("seal.key").exists(), "nothing was made over it");
    }
}
