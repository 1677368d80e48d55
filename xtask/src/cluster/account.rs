//! The operating-system user that a harness runs PostgreSQL and mounts as.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::failure::{Doing, Failure, Outcome};

/// The user that Debian's package makes for PostgreSQL.
const POSTGRES: &str = "postgres";
/// All that a child inherits of the environment.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A user to run commands as.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    name: String,
    uid: u32,
    gid: u32,
    /// Whether we are root and must change to the user.
    switch: bool,
}

impl Account {
    /// Ourselves, or `postgres` when we are root.
    pub(crate) fn unprivileged() -> Outcome<Self> {
        let own = std::fs::metadata("/proc/self").doing(|| "look at /proc/self".to_owned())?;
        let passwd =
            std::fs::read_to_string("/etc/passwd").doing(|| "read /etc/passwd".to_owned())?;
        if own.uid() != 0 {
            let name = name_of(&passwd, own.uid()).unwrap_or("me").to_owned();
            return Ok(Self { name, uid: own.uid(), gid: own.gid(), switch: false });
        }
        let (uid, gid) = lookup(&passwd, POSTGRES).ok_or_else(|| {
            Failure::new("there is no operating-system user \"postgres\"")
                .hint("`cargo xtask deps` installs PostgreSQL, which brings the user")
        })?;
        Ok(Self { name: POSTGRES.to_owned(), uid, gid, switch: true })
    }

    /// Root itself, for suites that judge what root may do.
    pub(crate) fn root() -> Outcome<Self> {
        let own = std::fs::metadata("/proc/self").doing(|| "look at /proc/self".to_owned())?;
        if own.uid() != 0 {
            return Err(Failure::new("this part needs root"));
        }
        Ok(Self { name: "root".to_owned(), uid: 0, gid: 0, switch: false })
    }

    /// The user's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs as the user, with a bare environment.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", PATH).env("LANG", "C.UTF-8").env("LC_ALL", "C.UTF-8");
        command.env("PGUSER", POSTGRES).current_dir("/");
        if self.switch {
            // The standard library drops root's supplementary groups before it changes the uid.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Hands a file or folder to the user.
    pub(crate) fn own(&self, path: &Path) -> Outcome {
        if self.switch {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
                .doing(|| format!("give \"{}\" to {}", path.display(), self.name))?;
        }
        Ok(())
    }
}

fn lookup(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

fn name_of(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::{lookup, name_of};

    const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\npostgres:x:107:112:PG:/var/lib:/bin/sh\n";

    #[test]
    fn finds_users() {
        assert_eq!(lookup(PASSWD, "postgres"), Some((107, 112)));
        assert_eq!(lookup(PASSWD, "post"), None);
        assert_eq!(name_of(PASSWD, 107), Some("postgres"));
        assert_eq!(name_of(PASSWD, 5), None);
    }
}
