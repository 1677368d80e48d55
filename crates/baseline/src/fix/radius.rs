//! Who could not sign in any more: sessions that are open now, judged before and after.

use std::collections::{BTreeMap, BTreeSet};

use pg::Connection;
use serde::{Deserialize, Serialize};

use super::plan::Change;
use crate::error::Result;

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
    /// Sessions that are like this
    pub sessions: u32,
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

/// Sessions of clients that are open now, but for this one.
pub(super) async fn logins(connection: &Connection) -> Result<Vec<Login>> {
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
