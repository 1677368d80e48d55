//! Makes the folders of a home with the owners and modes of ARCHITECTURE.md, and says clearly
//! what stands in the way.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use base::{Changed, ExitCode, Fault, ServerName};
use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::{Account, Accounts, Home};

/// Makes what is missing and corrects modes and owners of the folders themselves.
///
/// Nothing inside `vault/`, `plane/` and `servers/` is touched.
pub(crate) fn prepare(home: &Home, accounts: &Accounts) -> Result<(), Fault> {
    enterable(home, accounts)?;
    let Accounts { starter, vault, plane, .. } = accounts;
    folder(home.root(), 0o711, starter)?;
    folder(&home.run(), 0o711, starter)?;
    folder(&home.logs(), 0o711, starter)?;
    folder(&home.servers(), 0o711, starter)?;
    folder(&home.vault(), 0o700, vault)?;
    folder(&home.plane(), 0o700, plane)
}

/// Makes the folder of one server, owned by the user of its agent.
pub(crate) fn prepare_server(
    home: &Home,
    accounts: &Accounts,
    name: &ServerName,
) -> Result<(), Fault> {
    folder(&home.server(name), 0o700, &accounts.agent)
}

/// Removes the folder of a deleted server, which its agent has emptied but may not remove.
///
/// A folder that is not empty stays: what is in it was not meant to go.
pub(crate) fn remove_server(home: &Home, name: &ServerName) -> Result<Changed, Fault> {
    let path = home.server(name);
    match fs::remove_dir(&path) {
        Ok(()) => Ok(Changed::Changed),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Changed::Unchanged),
        Err(e) => {
            let message = format!("could not remove the folder {}", path.display());
            Err(Fault::from_error("folder", message, &e))
        }
    }
}

fn folder(path: &Path, mode: u32, owner: &Account) -> Result<(), Fault> {
    let make = || -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(meta) if !meta.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
            Ok(_) => {}
            Err(_) => fs::DirBuilder::new().recursive(true).mode(0o755).create(path)?,
        }
        // Through a descriptor: what is checked is what is changed.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let dir = fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let meta = dir.metadata()?;
        if (meta.uid(), meta.gid()) != (owner.uid, owner.gid) {
            let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
            rustix::fs::fchown(&dir, Some(uid), Some(gid))?;
        }
        if meta.mode() & 0o7777 != mode {
            dir.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    };
    make().map_err(|e| {
        let message = format!("could not make the folder {}", path.display());
        Fault::from_error("home", message, &e)
            .hint("choose another home with --home, or correct its owner and mode")
    })
}

/// Checks that the users of vault, plane and agents can pass every folder above the home.
fn enterable(home: &Home, accounts: &Accounts) -> Result<(), Fault> {
    let mut blocked = Vec::new();
    let others = [&accounts.vault, &accounts.plane, &accounts.agent];
    for folder in home.root().ancestors().skip(1) {
        let Ok(meta) = fs::metadata(folder) else { continue };
        for account in others {
            if account.uid != accounts.starter.uid && !passes(&meta, account) {
                blocked.push((folder.to_owned(), account.name.clone()));
            }
        }
    }
    let Some((folder, _)) = blocked.first() else { return Ok(()) };
    let mut names: Vec<&str> =
        blocked.iter().filter(|(f, _)| f == folder).map(|(_, name)| name.as_str()).collect();
    names.dedup();
    Err(Fault::new("home_not_enterable", format!("{} cannot be the home", home.root().display()))
        .detail(format!(
            "OS users {} may not enter {}; vault, plane and PostgreSQL run as these users",
            names.join(", "),
            folder.display()
        ))
        .hint(format!(
            "choose another home with --home, or allow it: chmod o+x {}",
            folder.display()
        ))
        .exit(ExitCode::Forbidden))
}

/// Whether `account` may pass a folder, by its mode bits (the groups of the account apart).
fn passes(meta: &fs::Metadata, account: &Account) -> bool {
    let bit = if meta.uid() == account.uid {
        0o100
    } else if meta.gid() == account.gid {
        0o010
    } else {
        0o001
    };
    meta.mode() & bit != 0
}

/// Gives a server's password file to whoever runs `psql`: the starter.
///
/// The folder belongs to the agent, who may put anything there: links are not followed, and only
/// a regular file with one name is changed.
pub(crate) fn adopt_password_file(
    home: &Home,
    accounts: &Accounts,
    name: &ServerName,
) -> Result<Changed, Fault> {
    let path = home.server(name).join("pgpass");
    let adopt = || -> io::Result<Changed> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = fs::File::from(rustix::fs::open(&path, flags, Mode::empty())?);
        let meta = file.metadata()?;
        if !meta.is_file() || meta.nlink() != 1 {
            return Err(io::Error::other("not a regular file with one name"));
        }
        let starter = &accounts.starter;
        if meta.uid() == starter.uid && meta.mode() & 0o777 == 0o600 {
            return Ok(Changed::Unchanged);
        }
        let (uid, gid) = (Uid::from_raw(starter.uid), Gid::from_raw(starter.gid));
        rustix::fs::fchown(&file, Some(uid), Some(gid))?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        Ok(Changed::Changed)
    };
    adopt().map_err(|e| {
        let message = format!("could not hand over the password file of server \"{name}\"");
        Fault::from_error("pgpass", message, &e)
    })
}

/// Writes the public certificate of the internal authority where clients look for it.
pub(crate) fn write_ca(home: &Home, pem: &str) -> Result<Changed, Fault> {
    let path = home.ca();
    if fs::read(&path).is_ok_and(|old| old == pem.as_bytes()) {
        return Ok(Changed::Unchanged);
    }
    super::config::write_public(&path, pem.as_bytes())?;
    Ok(Changed::Changed)
}
