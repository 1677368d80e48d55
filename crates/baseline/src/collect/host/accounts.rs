//! Accounts of the host: who may sign in as them, and how.

use std::io;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::stat::{found, number, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// An account of the host's own file.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) home: PathBuf,
    pub(super) shell: String,
}

/// Accounts as /etc/passwd has them.
///
/// # Errors
/// It cannot be read.
pub(super) fn accounts(host: &Host) -> io::Result<Vec<Account>> {
    let text = host.text("/etc/passwd")?;
    let accounts = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, _, _, home, shell] = fields[..] else { return None };
        let (uid, home) = (uid.parse().ok()?, PathBuf::from(home));
        Some(Account { name: name.to_owned(), uid, home, shell: shell.to_owned() })
    });
    Ok(accounts.collect())
}

/// `Accounts`: accounts of the host with whether one can sign in as them.
pub(super) fn table(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let (server, accounts) = match host.account().and_then(|a| Ok((a.0, accounts(host)?))) {
        Ok(read) => read,
        Err(error) => {
            filled.lack(Path::new("/etc/passwd"), &error);
            return filled;
        }
    };
    let shadow = match host.text("/etc/shadow") {
        Ok(text) => text,
        Err(error) => {
            filled.lack(Path::new("/etc/shadow"), &error);
            String::new()
        }
    };
    let mut is_known = false;
    for account in accounts {
        is_known |= account.uid == server;
        let field = shadow.lines().find_map(|line| {
            let (name, rest) = line.split_once(':')?;
            (name == account.name).then(|| rest.split(':').next().unwrap_or_default())
        });
        let is_server = account.uid == server;
        let keys = [".ssh/authorized_keys", ".ssh/authorized_keys2"].map(|name| {
            // What others' accounts let in is not looked at here.
            if !is_server {
                return 0;
            }
            let path = account.home.join(name);
            let text = found(host.text(&path)).unwrap_or_else(|error| {
                filled.lack(&path, &error);
                None
            });
            let is_key = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
            text.unwrap_or_default().lines().filter(is_key).count() as u64
        });
        let cells = [
            ("name", text(&account.name)),
            ("uid", Json::Long(account.uid.into())),
            ("home", text(account.home.display().to_string())),
            ("shell", text(&account.shell)),
            ("of_server", Json::Bool(is_server)),
            ("password", text(field.map_or("unknown", password_kind))),
            ("keys", number(keys.iter().sum())),
        ];
        filled.rows.push(row(schema, &cells));
    }
    if !is_known {
        let error = io::Error::other("the server's account is not in it");
        filled.lack(Path::new("/etc/passwd"), &error);
    }
    filled
}

/// What a password field of shadow(5) says, and never itself. `!` and `*` in front are no hash.
fn password_kind(field: &str) -> &'static str {
    match field {
        "" => "none",
        field if field.starts_with(['!', '*']) => "locked",
        _ => "set",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_is_not_a_password() {
        let kinds = ["!", "!!", "*", "!$6$x$y", "", "$y$j9T$x"].map(password_kind);
        assert_eq!(kinds, ["locked", "locked", "locked", "locked", "none", "set"]);
    }
}
