//! A folder for one run of a harness: on a real disk, private, gone at the end.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Account, engine};
use crate::failure::{Doing, Outcome};
use crate::{proc, say};

/// Survives a reboot and is a disk almost everywhere, unlike the temporary folder.
const DEFAULT_PARENT: &str = "/var/tmp";

/// The folder; dropping it unmounts what is still mounted below and removes everything.
#[derive(Debug)]
pub(crate) struct WorkDir {
    path: PathBuf,
    keep: bool,
}

impl WorkDir {
    /// Makes `PARENT/pgkeep-NAME-PID`, owned by `account`; others may pass through, not look.
    pub(crate) fn make(parent: Option<PathBuf>, name: &str, account: &Account) -> Outcome<Self> {
        let parent = parent.unwrap_or_else(|| PathBuf::from(DEFAULT_PARENT));
        let path = parent.join(format!("pgkeep-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&parent).doing(|| format!("make \"{}\"", parent.display()))?;
        std::fs::create_dir(&path).doing(|| format!("make \"{}\"", path.display()))?;
        let work = Self { path, keep: false };
        let mode = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(&work.path, mode).doing(|| "set its mode".to_owned())?;
        account.own(&work.path)?;
        Ok(work)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder inside, owned by `account`, closed to others.
    pub(crate) fn folder(&self, name: &str, account: &Account) -> Outcome<PathBuf> {
        let path = self.path.join(name);
        std::fs::create_dir(&path).doing(|| format!("make \"{}\"", path.display()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))
            .doing(|| format!("set the mode of \"{}\"", path.display()))?;
        account.own(&path)?;
        Ok(path)
    }

    /// Copies a program here, so that a user who cannot enter the build folder can run it.
    pub(crate) fn program(&self, from: &Path) -> Outcome<PathBuf> {
        let name = from.file_name().expect("because a program has a name");
        let to = self.path.join(name);
        std::fs::copy(from, &to).doing(|| format!("copy \"{}\"", from.display()))?;
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o755))
            .doing(|| format!("set the mode of \"{}\"", to.display()))?;
        Ok(to)
    }

    /// Leaves everything where it is, for whoever looks into a failure.
    pub(crate) fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        for mountpoint in engine::mounts_below(&self.path) {
            let _ = proc::output(Command::new("fusermount3").arg("-uz").arg(&mountpoint));
            let _ = proc::output(Command::new("umount").arg("-l").arg(&mountpoint));
        }
        if self.keep {
            say::note(&format!("left for inspection: {}", self.path.display()));
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            say::note(&format!("could not remove \"{}\": {error}", self.path.display()));
        }
    }
}
