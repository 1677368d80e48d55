//! The OS users that processes run as: one each when root starts pgkeep, else the starter's.

use std::process::Command;

use base::Fault;

/// One OS user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    /// Its number.
    pub(crate) uid: u32,
    /// Its group's number.
    pub(crate) gid: u32,
}

/// Who runs what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// Whoever typed `pgkeep up`.
    pub(crate) starter: Account,
    /// Runs the vault.
    pub(crate) vault: Account,
    /// Runs the plane.
    pub(crate) plane: Account,
    /// Runs agents, mounts and PostgreSQL.
    pub(crate) agent: Account,
}

const VAULT: &str = "pgkeep-vault";
const PLANE: &str = "pgkeep";
const AGENT: &str = "postgres";

impl Accounts {
    /// The users as they are; with `make`, missing ones are made when root asks.
    ///
    /// `say` hears of each user that was made.
    pub(crate) fn find(make: bool, say: &mut dyn FnMut(&str)) -> Result<Self, Fault> {
        let starter = starter();
        if starter.uid != 0 {
            let (vault, plane, agent) = (starter.clone(), starter.clone(), starter.clone());
            return Ok(Self { starter, vault, plane, agent });
        }
        let agent = lookup(AGENT).ok_or_else(|| {
            Fault::new("no_account", format!("there is no OS user \"{AGENT}\""))
                .detail("PostgreSQL refuses to run as root; its package makes this user")
                .hint("install PostgreSQL: cargo xtask deps")
        })?;
        let mut need = |name: &str| match lookup(name) {
            Some(account) => Ok(account),
            None if make => create(name, say),
            None => Err(Fault::new("no_account", format!("there is no OS user \"{name}\""))
                .hint("pgkeep up makes it")),
        };
        Ok(Self { vault: need(VAULT)?, plane: need(PLANE)?, agent, starter })
    }

    /// Whether vault, plane and agents are kept apart by the operating system.
    pub(crate) fn separate(&self) -> bool {
        self.vault.uid != self.agent.uid && self.plane.uid != self.agent.uid
    }
}

fn starter() -> Account {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let name = entries().find(|account| account.uid == uid).map(|account| account.name);
    Account { name: name.unwrap_or_else(|| uid.to_string()), uid, gid }
}

/// One user by name: from the file of local users, else from wherever `getent` looks.
fn lookup(name: &str) -> Option<Account> {
    entries().find(|account| account.name == name).or_else(|| {
        let output = Command::new("getent").args(["passwd", "--", name]).output().ok()?;
        parse(String::from_utf8(output.stdout).ok()?.lines().next()?)
    })
}

fn entries() -> impl Iterator<Item = Account> {
    let text = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines().filter_map(parse).collect::<Vec<_>>().into_iter()
}

/// One line of passwd(5).
fn parse(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid })
}

fn create(name: &str, say: &mut dyn FnMut(&str)) -> Result<Account, Fault> {
    let failed = |detail: String| {
        Fault::new("no_account", format!("could not make the OS user \"{name}\"")).detail(detail)
    };
    let output = Command::new("useradd")
        .args(["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"])
        .args(["--shell", "/usr/sbin/nologin", "--comment", "pgkeep", "--", name])
        .output()
        .map_err(|e| failed(e.to_string()))?;
    // Another `up` may have made it meanwhile: what counts is that it is there.
    let account = lookup(name)
        .ok_or_else(|| failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))?;
    say(&format!("made the OS user {name}"));
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::{Account, parse};

    #[test]
    fn reads_lines_of_passwd() {
        let account = Account { name: "postgres".to_owned(), uid: 101, gid: 104 };
        let line = "postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash";
        assert_eq!(parse(line), Some(account));
        for bad in ["", "postgres", "a:x:b:1:::", "a:x:1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
