//! Files of clients on the host: history, password and service files, and whatever sets
//! environments. Values are never kept, only where one is.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kql::plan::Schema;
use kql::value::Json;
use regex::Regex;

use super::accounts::{Account, accounts};
use super::files::names;
use super::stat::{Looker, text};
use super::{Filled, Host};
use crate::derive::{Given, list, row};

/// Accounts whose homes are looked at.
const HOMES_MAX: usize = 5000;
/// Files that are read.
const FILES_MAX: usize = 20_000;

/// Files of a home.
const OF_HOME: [(&str, &str); 19] = [
    (".psql_history", "history"),
    (".pgpass", "passfile"),
    (".pg_service.conf", "service"),
    (".ssh/authorized_keys", "keys"),
    (".ssh/authorized_keys2", "keys"),
    (".profile", "profile"),
    (".bashrc", "profile"),
    (".bash_profile", "profile"),
    (".bash_login", "profile"),
    (".zshrc", "profile"),
    (".zshenv", "profile"),
    (".zprofile", "profile"),
    (".kshrc", "profile"),
    (".cshrc", "profile"),
    (".pam_environment", "profile"),
    ("docker-compose.yml", "compose"),
    ("docker-compose.yaml", "compose"),
    ("compose.yml", "compose"),
    ("compose.yaml", "compose"),
];

/// Files of the system.
const OF_SYSTEM: [(&str, &str); 11] = [
    ("/etc/pg_service.conf", "service"),
    ("/etc/postgresql-common/pg_service.conf", "service"),
    ("/etc/postgresql/pg_service.conf", "service"),
    ("/etc/sysconfig/pgsql/pg_service.conf", "service"),
    ("/usr/local/pgsql/etc/pg_service.conf", "service"),
    ("/etc/profile", "profile"),
    ("/etc/environment", "profile"),
    ("/etc/bash.bashrc", "profile"),
    ("/etc/bashrc", "profile"),
    ("/etc/login.defs", "profile"),
    ("/etc/crontab", "timer"),
];

/// Folders of the system whose files are read.
const FOLDERS: [(&str, &str); 11] = [
    ("/etc/profile.d", "profile"),
    ("/etc/environment.d", "profile"),
    ("/etc/default", "profile"),
    ("/etc/sysconfig", "profile"),
    ("/etc/cron.d", "timer"),
    ("/var/spool/cron", "timer"),
    ("/var/spool/cron/crontabs", "timer"),
    ("/etc/systemd/system", "unit"),
    ("/run/systemd/system", "unit"),
    ("/usr/local/lib/systemd/system", "unit"),
    ("/usr/lib/systemd/system", "unit"),
];

/// Folders below which each folder may be a service of its own.
const SERVICES: [&str; 3] = ["/opt", "/srv", "/home"];

/// A password that is assigned. What begins with `$` or a command is taken from elsewhere.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    let variable = r#"\bPGPASSWORD\b["']?\s*[=:]\s*["']?[^\s"'$`;#]"#;
    let address = r#"\bpostgres(ql)?://[^\s:/@"']*:[^\s@$"'{]+@"#;
    Regex::new(&format!("{variable}|{address}")).expect("a sound pattern")
});
static SERVICE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*password\s*=\s*\S").expect("a sound pattern"));
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let re = r#"\b(PGSERVICEFILE|PGSYSCONFDIR|PGPASSFILE|PSQL_HISTORY)\s*=\s*["']?(/[^\s"';]+)"#;
    Regex::new(re).expect("a sound pattern")
});
static UMASK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*(?:umask|UMASK)[\s=]+([0-7]{3,4})\b").expect("a sound pattern")
});

/// A file to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    path: PathBuf,
    purpose: &'static str,
    account: String,
    uid: Option<u32>,
}

/// `ClientFiles`.
pub(super) fn client_files(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let made = Looker::of(host).and_then(|looker| Ok((looker, accounts(host)?)));
    let (looker, accounts) = match made {
        Ok(made) => made,
        Err(error) => {
            filled.lack(Path::new("/etc/passwd"), &error);
            return filled;
        }
    };
    let mut open = wanted(host, &accounts, &mut filled);
    let mut seen = BTreeSet::new();
    while let Some(wanted) = open.pop_first() {
        if !seen.insert((wanted.path.clone(), wanted.purpose)) {
            continue;
        }
        if seen.len() > FILES_MAX {
            filled.lack(&wanted.path, &io::Error::other(format!("more than {FILES_MAX} files")));
            break;
        }
        let looked = match looker.look(&wanted.path) {
            Ok(Some(looked)) => looked,
            Ok(None) => continue,
            Err(error) => {
                filled.lack(&wanted.path, &error);
                continue;
            }
        };
        let is_file = looked.behind.as_ref().is_some_and(|(metadata, _)| metadata.is_file());
        let is_read = is_file && !matches!(wanted.purpose, "history" | "passfile");
        let mut found = Found::default();
        if is_read {
            match host.text(&wanted.path) {
                Ok(text) => found = Found::of(&text, wanted.purpose),
                // Not a text of any tool that reads environments.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                Err(error) => filled.lack(&wanted.path, &error),
            }
        }
        for (purpose, path) in found.named {
            let Wanted { account, uid, .. } = wanted.clone();
            open.insert(Wanted { path, purpose, account, uid });
        }
        let metadata = looked.behind.as_ref().map_or(&looked.itself, |(metadata, _)| metadata);
        let uid = std::os::unix::fs::MetadataExt::uid(metadata);
        let mode = std::os::unix::fs::MetadataExt::mode(metadata);
        let mut cells = looker.cells(&wanted.path, Some(&looked));
        cells.extend([
            ("purpose", text(wanted.purpose)),
            ("account", text(&wanted.account)),
            ("of_account", Json::Bool(wanted.uid.is_none_or(|wanted| wanted == uid))),
            ("private", Json::Bool(mode & 0o077 == 0)),
            ("secrets", list(&found.secrets)),
            ("umask", text(&found.umask)),
            ("lines", Json::Long(found.lines)),
        ]);
        filled.rows.push(row(schema, &cells));
    }
    if filled.rows.is_empty() && filled.gaps.is_empty() {
        filled.rows.push(row(schema, &[("purpose", text("none"))]));
    }
    filled
}

fn wanted(host: &Host, accounts: &[Account], filled: &mut Filled) -> BTreeSet<Wanted> {
    let mut wanted = BTreeSet::new();
    let mut want = |path: PathBuf, purpose, account: &str, uid| {
        wanted.insert(Wanted { path, purpose, account: account.to_owned(), uid });
    };
    let mut homes = BTreeSet::new();
    for account in accounts {
        if account.home.parent().is_none() || !homes.insert(account.home.clone()) {
            continue;
        }
        if homes.len() > HOMES_MAX {
            let error = io::Error::other(format!("more than {HOMES_MAX} homes"));
            filled.lack(&account.home, &error);
            break;
        }
        for (name, purpose) in OF_HOME {
            want(account.home.join(name), purpose, &account.name, Some(account.uid));
        }
        let inner = account.home.join(".config/environment.d");
        match names(host, &inner) {
            Ok(names) => names.into_iter().for_each(|name| {
                want(inner.join(name), "profile", &account.name, Some(account.uid));
            }),
            Err(error) => filled.lack(&inner, &error),
        }
    }
    for (path, purpose) in OF_SYSTEM {
        want(PathBuf::from(path), purpose, "", None);
    }
    let mut listed = |folder: &Path| match names(host, folder) {
        Ok(names) => names,
        Err(error) => {
            filled.lack(folder, &error);
            Vec::new()
        }
    };
    for (folder, purpose) in FOLDERS {
        let folder = Path::new(folder);
        for name in listed(folder) {
            let path = folder.join(&name);
            let is_drop_in = purpose == "unit" && name.ends_with(".d");
            if is_drop_in {
                listed(&path).into_iter().for_each(|name| want(path.join(name), purpose, "", None));
            } else if purpose != "unit" || name.ends_with(".service") {
                want(path, purpose, "", None);
            }
        }
    }
    for folder in SERVICES.map(Path::new) {
        for name in listed(folder) {
            let services = OF_HOME.iter().filter(|(_, purpose)| *purpose == "compose");
            services.for_each(|(file, purpose)| {
                want(folder.join(&name).join(file), purpose, "", None);
            });
        }
    }
    wanted
}

/// What is in a text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Line and kind of passwords
    secrets: Vec<String>,
    /// Files that variables name
    named: Vec<(&'static str, PathBuf)>,
    /// The last umask that is set
    umask: String,
    /// Lines that are no comments
    lines: i64,
}

impl Found {
    fn of(text: &str, purpose: &str) -> Self {
        let mut found = Self::default();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            found.lines += 1;
            if PASSWORD.is_match(line) {
                let what = if line.contains("PGPASSWORD") { "PGPASSWORD" } else { "address" };
                found.secrets.push(format!("line {}: {what}", n + 1));
            } else if purpose == "service" && SERVICE.is_match(line) {
                found.secrets.push(format!("line {}: password", n + 1));
            }
            if let Some(said) = UMASK.captures(line) {
                found.umask = format!("{:0>4}", &said[1]);
            }
            for said in NAMED.captures_iter(line) {
                let path = PathBuf::from(&said[2]);
                found.named.push(match &said[1] {
                    "PGSERVICEFILE" => ("service", path),
                    "PGSYSCONFDIR" => ("service", path.join("pg_service.conf")),
                    "PGPASSFILE" => ("passfile", path),
                    _ => ("history", path),
                });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str, purpose: &str) -> Vec<String> {
        Found::of(text, purpose).secrets
    }

    #[test]
    fn where_passwords_are_and_never_which() {
        let text = "# PGPASSWORD=no\nexport PGPASSWORD='hunter2'\nPGPASSWORD=$(cat x)\n\
                    PGPASSWORD=\nDSN=postgres://app:hunter2@db/x\nDSN=postgres://app@db/x\n\
                    Environment=\"PGPASSWORD=hunter2\"\n      PGPASSWORD: hunter2\n\
                    U=postgresql://app:${PW}@db\n";
        let lines = ["line 2: PGPASSWORD", "line 5: address", "line 7: PGPASSWORD"];
        let lines: Vec<_> = lines.into_iter().chain(["line 8: PGPASSWORD"]).collect();
        assert_eq!(secrets(text, "profile"), lines);
        assert_eq!(secrets("[db]\nhost=x\npassword=hunter2", "service"), ["line 3: password"]);
        assert!(secrets("[db]\n#password=x\npassword=", "service").is_empty());
    }

    #[test]
    fn files_that_variables_name() {
        let text = "export PGSERVICEFILE=/srv/pg.conf PSQL_HISTORY=/x/h\numask 22";
        let found = Found::of(text, "profile");
        let named = [("service", "/srv/pg.conf"), ("history", "/x/h")];
        assert_eq!(found.named, named.map(|(purpose, path)| (purpose, PathBuf::from(path))));
        assert_eq!(Found::of("umask 022", "profile").umask, "0022");
        assert_eq!(Found::of("UMASK\t\t077", "profile").umask, "0077");
    }
}
