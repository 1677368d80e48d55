//! The home: folders, owners, seal key, users, space.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use base::Fault;
use serde_json::Value;

use super::Check;
use super::parse::size;
use crate::home::{Account, Accounts, Config, Home};

/// Below this a server cannot be made.
const SPACE_MIN_BYTES: u64 = 1 << 30;
/// Below this a server soon stops writing.
const SPACE_LOW_BYTES: u64 = 5 << 30;

pub(super) fn checks(
    home: &Home,
    config: &Result<Config, Fault>,
    accounts: Result<&Accounts, &Fault>,
    vault: Option<&Value>,
) -> Vec<Check> {
    let mut checks = vec![match config {
        Ok(_) => Check::ok("config", "config.toml is understood, or absent"),
        Err(fault) => {
            let detail = fault.detail.as_deref().unwrap_or_default();
            let fix = fault.hint.as_deref().unwrap_or("correct it");
            Check::fail("config", format!("{}: {detail}", fault.message), fix)
        }
    }];
    match accounts {
        Ok(accounts) => {
            checks.push(users(accounts));
            checks.push(folders(home, accounts));
        }
        Err(fault) => {
            let fix = fault.hint.as_deref().unwrap_or("pgkeep up");
            checks.push(Check::warn("os-users", fault.message.clone(), fix));
        }
    }
    checks.push(seal(home, vault));
    checks.push(space(home));
    checks
}

fn users(accounts: &Accounts) -> Check {
    const NAME: &str = "os-users";
    let Accounts { vault, plane, agent, .. } = accounts;
    if accounts.separate() {
        let names = format!("{}, {}, {}", vault.name, plane.name, agent.name);
        return Check::ok(
            NAME,
            format!("vault, plane and agents have their own OS users: {names}"),
        );
    }
    Check::warn(
        NAME,
        format!(
            "vault, plane and agents share OS user {}: whoever takes over PostgreSQL can read \
             the vault's seal key",
            agent.name
        ),
        "start pgkeep as root: it then gives each its own OS user",
    )
}

fn folders(home: &Home, accounts: &Accounts) -> Check {
    const NAME: &str = "home";
    if !home.root().exists() {
        return Check::ok(NAME, format!("{} will be made by pgkeep up", home.root().display()));
    }
    let Accounts { starter, vault, plane, .. } = accounts;
    let wanted: [(&Path, u32, &Account); 6] = [
        (home.root(), 0o711, starter),
        (&home.run(), 0o711, starter),
        (&home.logs(), 0o711, starter),
        (&home.servers(), 0o711, starter),
        (&home.vault(), 0o700, vault),
        (&home.plane(), 0o700, plane),
    ];
    let wrong: Vec<String> = wanted
        .into_iter()
        .filter_map(|(path, mode, owner)| {
            let meta = fs::symlink_metadata(path).ok()?;
            let open = meta.mode() & 0o777 & !mode;
            let stranger = meta.uid() != owner.uid;
            (open != 0 || stranger).then(|| {
                let mode_now = meta.mode() & 0o777;
                format!("{} (mode {mode_now:o}, owner {})", path.display(), meta.uid())
            })
        })
        .collect();
    if wrong.is_empty() {
        Check::ok(NAME, "folders have the right owners and modes")
    } else {
        Check::fail(
            NAME,
            format!("folders with wrong owner or mode: {}", wrong.join(", ")),
            "pgkeep down, then pgkeep up by the right account: it corrects them",
        )
    }
}

/// The seal: what the running vault says, else what its folder shows.
fn seal(home: &Home, vault: Option<&Value>) -> Check {
    const NAME: &str = "seal";
    let path = home.vault().join("seal.key");
    let file = fs::symlink_metadata(&path);
    if let Ok(meta) = &file
        && meta.mode() & 0o077 != 0
    {
        return Check::fail(
            NAME,
            format!("others may read the seal key (mode {:o})", meta.mode() & 0o777),
            format!("chmod 0600 {}", path.display()),
        );
    }
    match vault.and_then(|vault| vault["seal"].as_str()) {
        Some("file") => return weakest(),
        Some("pkcs11") if file.is_err() => {
            let key = vault.and_then(|vault| vault["seal_key"].as_str()).unwrap_or("another key");
            let words = "a copy of the whole home opens nothing without the token and its PIN";
            return Check::ok(NAME, format!("the vault is sealed by {key}: {words}"));
        }
        Some(kind) if file.is_ok() => {
            return Check::warn(
                NAME,
                format!("the seal is of kind \"{kind}\", yet a key file lies there"),
                format!("it opens nothing any more; remove {}", path.display()),
            );
        }
        Some(kind) => return Check::ok(NAME, format!("the seal is of kind \"{kind}\"")),
        None => {}
    }
    match file {
        Ok(_) => weakest(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if home.vault().join("vault.db").exists() {
                let message = "there is no key file: the vault has another seal, or it is missing";
                return Check::cannot_tell(NAME, message);
            }
            Check::ok(NAME, "there is no vault yet")
        }
        Err(_) => Check::cannot_tell(NAME, "the vault's folder may not be looked into"),
    }
}

fn weakest() -> Check {
    Check::warn(
        "seal",
        "the seal is a key file beside the data, the weakest: a copy of the whole home can be read",
        "choose a stronger one: pgkeep vault rekey; until then keep copies of vault/ apart",
    )
}

fn space(home: &Home) -> Check {
    const NAME: &str = "disk-space";
    let Some(there) = home.root().ancestors().find(|folder| folder.exists()) else {
        return Check::cannot_tell(NAME, "no folder of the home exists");
    };
    let Ok(stat) = rustix::fs::statvfs(there) else {
        return Check::cannot_tell(NAME, format!("could not ask {} for space", there.display()));
    };
    let free = stat.f_bavail * stat.f_frsize;
    let message = format!("{} are free at {}", size(free), there.display());
    let fix = "make room, or choose another home with --home";
    match free {
        ..SPACE_MIN_BYTES => Check::fail(NAME, message, fix),
        SPACE_MIN_BYTES..SPACE_LOW_BYTES => Check::warn(NAME, message, fix),
        _ => Check::ok(NAME, message),
    }
}
