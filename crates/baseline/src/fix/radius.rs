//! Who could not sign in any more: sessions that are open now and sign-ins of the log, judged
//! before and after.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pg::Connection;
use serde::{Deserialize, Serialize};

use super::plan::Change;
use super::state::Touched;
use crate::bundle::{Bundle, State};
use crate::derive::Given;
use crate::error::Result;

/// The tables of sign-ins in the log.
pub(super) const TABLES: [&str; 2] = ["LoginHistory", "LogWindow"];
/// Ways of signing in that are judged.
const LOGINS_MAX: usize = 20_000;
/// Settings that decide who is let in.
const SETTINGS: [&str; 7] = [
    "ssl_min_protocol_version",
    "ssl_ciphers",
    "ssl_tls13_ciphers",
    "ssl_groups",
    "ssl_ecdh_curve",
    "listen_addresses",
    "port",
];

/// Who signs in, and how.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Login {
    /// The role
    pub role: String,
    /// The database
    pub database: String,
    /// The address; absent by the socket
    pub address: Option<String>,
    /// The program
    pub application: String,
    /// `TLSv1.2`, …; absent without TLS
    pub tls: Option<String>,
    /// Sessions that are like this, now and in the log
    pub sessions: u32,
    /// When the log saw the last one, RFC 3339; absent: it is open now
    pub last_seen: Option<String>,
}

/// Whom a fix would lock out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Radius {
    /// What was looked at
    pub window: String,
    /// How many ways of signing in that were
    pub seen: usize,
    /// Those that would be refused, each with why
    pub refused: Vec<(Login, String)>,
    /// What could not be judged
    pub unsure: Vec<String>,
}

impl Radius {
    pub(super) fn join(&mut self, other: Self) {
        self.refused.extend(other.refused);
        self.unsure.extend(other.unsure);
    }
}

/// Whether changes can keep somebody from signing in at all.
pub(super) fn may_refuse(touched: &[Touched], changes: &[Change]) -> bool {
    let kinds = ["role", "database", "membership"];
    touched.iter().any(|one| kinds.contains(&one.thing.kind.as_str()))
        || changes.iter().any(|change| match change {
            Change::Hba(_) => true,
            Change::Setting { name, .. } => SETTINGS.contains(&name.as_str()),
            _ => false,
        })
}

/// What makes two sign-ins the same.
fn kind_of(login: &Login) -> (String, String, Option<String>, String, Option<String>) {
    let Login { role, database, address, application, tls, .. } = login.clone();
    (role, database, address, application, tls)
}

/// Adds the sign-ins of the log; answers what was looked at, in words.
pub(super) fn of_log(bundle: &Bundle, logins: &mut Vec<Login>) -> String {
    let now = "sessions that are open now";
    let table = bundle.tables.get(TABLES[0]);
    if table.is_none_or(|table| table.state == State::Unread) {
        let gap = table.and_then(|table| table.gaps.first());
        let why = gap.map_or("it was not asked for", |gap| gap.message.as_str());
        return format!("{now}; not the log: {why}");
    }
    let all = logins.iter().enumerate();
    let places: HashMap<_, _> = all.map(|(at, login)| (kind_of(login), at)).collect();
    let given = Given { tables: &bundle.tables, major: bundle.major };
    for row in given.rows(TABLES[0]).filter(|row| row.number("count").unwrap_or(0) > 0) {
        let text = |name: &str| Some(row.text(name).to_owned()).filter(|text| !text.is_empty());
        let count = row.number("count").and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX);
        let login = Login {
            role: row.text("role").to_owned(),
            database: row.text("database").to_owned(),
            address: text("address").filter(|_| !row.is("local")),
            application: row.text("application").to_owned(),
            tls: text("tls"),
            sessions: count,
            last_seen: text("last_seen"),
        };
        match places.get(&kind_of(&login)).copied() {
            Some(at) => logins[at].sessions = logins[at].sessions.saturating_add(count),
            None if logins.len() < LOGINS_MAX => logins.push(login),
            None => {
                return format!("{now}, and the first {LOGINS_MAX} kinds of sign-ins of the log");
            }
        }
    }
    let window = given.rows(TABLES[1]).next();
    let from = window.map(|row| row.text("connections_from").to_owned()).unwrap_or_default();
    if from.is_empty() {
        let why = window.map(|row| row.text("why").to_owned()).unwrap_or_default();
        return format!("{now}, and a log that does not hold all sign-ins: {why}");
    }
    let to = window.map(|row| row.text("covers_to").to_owned()).unwrap_or_default();
    format!("{now}, and the log from {from} to {to}")
}

/// Sessions of clients that are open now, but for this one.
pub(super) async fn sessions(connection: &Connection) -> Result<Vec<Login>> {
    let sql = "select a.usename::text, a.datname::text, host(a.client_addr), a.application_name, \
               s.version, count(*)::int \
               from pg_stat_activity a left join pg_stat_ssl s on s.pid = a.pid \
               where a.backend_type = 'client backend' and a.pid <> pg_backend_pid() \
               and a.usename is not null and a.datname is not null \
               group by 1, 2, 3, 4, 5 limit 10000";
    let rows = connection.query("list sessions", sql, &[]).await?;
    let logins = rows.iter().map(|row| Login {
        role: row.get(0),
        database: row.get(1),
        address: row.get(2),
        application: row.get::<_, Option<String>>(3).unwrap_or_default(),
        tls: row.get(4),
        sessions: u32::try_from(row.get::<_, i32>(5)).unwrap_or(0),
        last_seen: None,
    });
    Ok(logins.collect())
}

/// The pairs of role and database that may sign in as far as the catalog says.
pub(super) async fn may(
    connection: &Connection,
    logins: &[Login],
) -> Result<BTreeSet<(String, String)>> {
    let pairs: BTreeSet<(&str, &str)> =
        logins.iter().map(|login| (login.role.as_str(), login.database.as_str())).collect();
    let roles: Vec<&str> = pairs.iter().map(|(role, _)| *role).collect();
    let databases: Vec<&str> = pairs.iter().map(|(_, database)| *database).collect();
    let sql = "select r.rolname::text, d.datname::text \
               from unnest($1::text[], $2::text[]) as pair(role, database) \
               join pg_roles r on r.rolname = pair.role \
               join pg_database d on d.datname = pair.database \
               where r.rolcanlogin and d.datallowconn \
               and (r.rolvaliduntil is null or r.rolvaliduntil > now()) \
               and (r.rolsuper or has_database_privilege(r.oid, d.oid, 'CONNECT'))";
    let rows = connection.query("ask who may sign in", sql, &[&roles, &databases]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Who is refused after changes that the catalog does not show.
pub(super) fn by_settings(logins: &[Login], changes: &[Change]) -> Radius {
    let mut radius = Radius::default();
    for change in changes {
        let Change::Setting { name, to, .. } = change else { continue };
        let to = to.as_deref().unwrap_or_default();
        match name.as_str() {
            "ssl_min_protocol_version" => {
                for login in logins {
                    let Some(tls) = &login.tls else { continue };
                    if rank(tls) < rank(to) {
                        radius.refused.push((login.clone(), format!("speaks {tls}, below {to}")));
                    }
                }
            }
            "ssl_ciphers" | "ssl_tls13_ciphers" | "ssl_groups" | "ssl_ecdh_curve" => {
                let what = format!("which clients can do without the rest of {name}");
                radius.unsure.push(format!("{what}: only a new connection of each shows it"));
            }
            "listen_addresses" | "port" => {
                let remote = logins.iter().filter(|login| login.address.is_some()).count();
                if remote > 0 {
                    radius.unsure.push(format!(
                        "{remote} kinds of sessions come over the network; whether they come by an \
                         address that stays is not known"
                    ));
                }
            }
            _ => {}
        }
    }
    radius
}

/// Versions of TLS in their order.
fn rank(version: &str) -> u8 {
    match version {
        "TLSv1" => 1,
        "TLSv1.1" => 2,
        "TLSv1.2" => 3,
        "TLSv1.3" => 4,
        _ => 0,
    }
}

/// Those who may no longer sign in.
pub(super) fn refused(
    logins: &[Login],
    before: &BTreeSet<(String, String)>,
    after: &BTreeSet<(String, String)>,
) -> Vec<(Login, String)> {
    let lost: BTreeMap<(&str, &str), ()> = before
        .difference(after)
        .map(|(role, database)| ((role.as_str(), database.as_str()), ()))
        .collect();
    let is_lost =
        |login: &&Login| lost.contains_key(&(login.role.as_str(), login.database.as_str()));
    let why = "the role may not connect to the database any more";
    logins.iter().filter(is_lost).map(|login| (login.clone(), why.to_owned())).collect()
}
