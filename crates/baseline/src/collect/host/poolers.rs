//! `Poolers`: the files of connection poolers in front of the server (PgBouncer, PgCat).

use std::io;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::ini::{self, Entry};
use super::{Filled, Host};
use crate::derive::{Given, list, row};

/// The kind of a declaration that names the file of another pooler.
const DECLARED: &str = "pooler";
/// Where they lie unless that is declared.
const FILES: &[&str] = &[
    "/etc/pgbouncer/pgbouncer.ini",
    "/etc/pgbouncer.ini",
    "/etc/pgcat.toml",
    "/etc/pgcat/pgcat.toml",
];
const INCLUDES_MAX: usize = 20;

/// Fills the table.
pub(super) fn poolers(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let declared = given.rows("Declared").filter(|row| row.text("kind") == DECLARED);
    let declared: Vec<PathBuf> = declared.map(|row| PathBuf::from(row.text("name"))).collect();
    let known = FILES.iter().map(PathBuf::from).filter(|path| !declared.contains(path));
    let all: Vec<(PathBuf, bool)> =
        declared.iter().map(|path| (path.clone(), true)).chain(known.map(|p| (p, false))).collect();
    for (path, is_declared) in all {
        let text = match host.text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_declared => continue,
            Err(error) => {
                filled.lack(&path, &error);
                continue;
            }
        };
        let is_toml = path.extension().is_some_and(|ending| ending == "toml");
        let read = if is_toml { pgcat(&text) } else { pgbouncer(host, text) };
        match read {
            Ok(pooler) => filled.rows.push(pooler.row(&path, schema)),
            Err(error) => filled.lack(&path, &error),
        }
    }
    filled
}

#[derive(Default)]
struct Pooler {
    tool: &'static str,
    auth: String,
    client_tls: String,
    server_tls: String,
    admins: Vec<String>,
    /// It talks to the server through a socket only
    is_local: bool,
    listens: String,
}

impl Pooler {
    fn row(self, path: &Path, schema: &Schema) -> Vec<Json> {
        let text = |text: &str| Json::String(text.into());
        let cells = [
            ("tool", text(self.tool)),
            ("file", text(&path.display().to_string())),
            ("auth", text(&self.auth)),
            ("client_tls", text(&self.client_tls)),
            ("server_tls", text(&self.server_tls)),
            ("admins", list(&self.admins)),
            ("server_local", Json::Bool(self.is_local)),
            ("listens", text(&self.listens)),
        ];
        row(schema, &cells)
    }
}

fn pgbouncer(host: &Host, mut text: String) -> io::Result<Pooler> {
    for _ in 0..INCLUDES_MAX {
        let Some(line) = text.lines().find(|line| line.starts_with("%include ")) else { break };
        let (line, file) = (line.to_owned(), line["%include ".len()..].trim().to_owned());
        text = text.replacen(&line, &host.text(file)?, 1);
    }
    if text.lines().any(|line| line.starts_with("%include ")) {
        return Err(io::Error::other("it includes too many files"));
    }
    let entries = ini::entries(&text);
    let option = |name: &str, without: &str| {
        let found = ini::value(&entries, "pgbouncer", name).filter(|value| !value.is_empty());
        found.unwrap_or(without).to_owned()
    };
    let admins = option("admin_users", "");
    let databases: Vec<&Entry<'_>> = entries.iter().filter(|e| e.section == "databases").collect();
    // Without a host it is the socket.
    let is_local = databases.iter().all(|entry| {
        let hosts = entry.value.split_whitespace().filter_map(|part| part.strip_prefix("host="));
        hosts.map(|host| host.trim_matches('\'')).all(|host| host.starts_with('/'))
    });
    Ok(Pooler {
        tool: "pgbouncer",
        // What its own manual says it does without these lines (1.25).
        auth: option("auth_type", "md5"),
        client_tls: option("client_tls_sslmode", "disable"),
        server_tls: option("server_tls_sslmode", "prefer"),
        admins: admins
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|n| !n.is_empty())
            .collect(),
        is_local: is_local && !databases.is_empty(),
        listens: option("listen_addr", ""),
    })
}

fn pgcat(text: &str) -> io::Result<Pooler> {
    let odd = |_| io::Error::other("it is no TOML");
    let all: toml::Table = text.parse().map_err(odd)?;
    let general = all.get("general").and_then(toml::Value::as_table);
    let option = |name: &str| general.and_then(|general| general.get(name));
    let text = |name: &str| option(name).and_then(toml::Value::as_str).unwrap_or("").to_owned();
    let verifies = option("verify_server_certificate").and_then(toml::Value::as_bool);
    let has_tls = option("server_tls").and_then(toml::Value::as_bool) == Some(true);
    Ok(Pooler {
        tool: "pgcat",
        // It knows no other for its clients.
        auth: "md5".to_owned(),
        client_tls: if text("tls_certificate").is_empty() { "disable" } else { "allow" }.to_owned(),
        server_tls: match (has_tls, verifies == Some(true)) {
            (true, true) => "verify-full",
            (true, false) => "require",
            (false, _) => "disable",
        }
        .to_owned(),
        admins: Some(text("admin_username")).filter(|name| !name.is_empty()).into_iter().collect(),
        is_local: false,
        listens: text("host"),
    })
}
