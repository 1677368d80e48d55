//! The operating system user that PostgreSQL runs as.

use std::process::Command;

use crate::{Error, Result};

/// An operating system user: the one PostgreSQL and its helpers run as.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunAs {
    /// The name; `pg_ident.conf` maps it.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Id of the primary group.
    pub gid: u32,
}

impl RunAs {
    /// The user of this process.
    pub fn current() -> Result<Self> {
        Self::lookup(&rustix::process::geteuid().as_raw().to_string(), true)
    }

    /// The user of this name.
    pub fn named(name: &str) -> Result<Self> {
        Self::lookup(name, false)
    }

    /// Whether this is root, whom PostgreSQL refuses.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Whether this process runs as this user already.
    pub fn is_current(&self) -> bool {
        self.uid == rustix::process::geteuid().as_raw()
    }

    /// Reads /etc/passwd, then asks `getent`, which knows directory services too.
    fn lookup(key: &str, by_uid: bool) -> Result<Self> {
        let matches = |user: &Self| {
            if by_uid { user.uid.to_string() == key } else { user.name == key }
        };
        let local = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        if let Some(user) = local.lines().filter_map(parse).find(matches) {
            return Ok(user);
        }
        let missing = || Error::NoSuchUser(key.to_owned());
        let output =
            Command::new("getent").args(["passwd", key]).output().map_err(|_| missing())?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().filter_map(parse).find(matches).ok_or_else(missing)
    }
}

fn parse(line: &str) -> Option<RunAs> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(RunAs { name, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::{RunAs, parse};

    #[test]
    fn reads_passwd_lines() {
        let user = parse("postgres:x:101:104:PostgreSQL administrator,,,:/var/lib:/bin/bash");
        assert_eq!(user, Some(RunAs { name: "postgres".to_owned(), uid: 101, gid: 104 }));
        for bad in ["", "postgres", "postgres:x:", ":x:1:1:::", "p:x:one:1:::"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn knows_root_and_refuses_a_user_that_is_not_there() {
        assert!(RunAs::named("root").unwrap().is_root());
        assert!(RunAs::named("no-such-user-here").is_err());
        assert!(RunAs::current().unwrap().is_current());
    }
}
