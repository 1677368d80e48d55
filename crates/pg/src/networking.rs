//! Who may connect to a server, seen as a whole: addresses, TLS, rules; and what a change of it
//! would do before it is made.

use std::net::IpAddr;

use base::Changed;
use serde::{Deserialize, Serialize};

use crate::guard::list_elements;
use crate::hba::{Attempt, HbaRule, Kind, Memberships, Verdict, has_way_in, judge, parse};
use crate::parameter_set::stored;
use crate::{
    Cluster, Connection, Error, FirewallRule, Parameter, Policy, Result, access, diff, firewall,
    parameter,
};

/// Sessions and roles that a preview judges.
const JUDGED_MAX: i64 = 1000;
/// Refusals that a preview lists.
const REFUSED_MAX: usize = 500;
const LISTEN: &str = "listen_addresses";
const MIN_TLS: &str = "ssl_min_protocol_version";
const MAX_TLS: &str = "ssl_max_protocol_version";

/// How a server can be reached now.
#[derive(Clone, Debug, Serialize)]
pub struct Networking {
    /// Where it listens, in PostgreSQL's words.
    pub listen_addresses: String,
    /// What it will listen on after a restart, where that differs.
    pub listen_addresses_pending: Option<String>,
    /// Its port.
    pub port: u16,
    /// Whether connections over TCP without TLS are refused.
    pub require_secure_transport: bool,
    /// The lowest TLS version.
    pub min_tls_version: String,
    /// The highest TLS version; empty: the highest known.
    pub max_tls_version: String,
    /// The owner's rules; without any, everybody with a password.
    pub rules: Vec<FirewallRule>,
    /// Every rule that is in force, in order, as PostgreSQL read it.
    pub effective: Vec<EffectiveRule>,
}

/// A row of `pg_hba_file_rules`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct EffectiveRule {
    /// Its line in the file.
    pub line: i32,
    /// `local`, `host`, `hostssl`, …
    pub connection: String,
    /// For which databases.
    pub databases: Vec<String>,
    /// For which roles.
    pub roles: Vec<String>,
    /// From where.
    pub address: Option<String>,
    /// The mask of a network.
    pub netmask: Option<String>,
    /// How they prove who they are.
    pub method: String,
    /// The method's options.
    pub options: Vec<String>,
    /// What PostgreSQL finds wrong with the line.
    pub error: Option<String>,
    /// Whether pgkeep wrote it by itself: neither one of the owner's rules nor a line of the
    /// operator's own.
    pub managed: bool,
}

/// What is to change; what is absent stays.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkingChange {
    /// The owner's rules, all of them; empty: everybody with a password.
    #[serde(default)]
    pub rules: Option<Vec<FirewallRule>>,
    /// Whether connections over TCP without TLS are refused.
    #[serde(default)]
    pub require_secure_transport: Option<bool>,
    /// The lowest TLS version: `TLSv1.2` or `TLSv1.3`.
    #[serde(default)]
    pub min_tls_version: Option<String>,
    /// The highest TLS version; empty: the highest known.
    #[serde(default)]
    pub max_tls_version: Option<String>,
    /// Where to listen, parted by commas; needs a restart.
    #[serde(default)]
    pub listen_addresses: Option<String>,
}

/// What a change would do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct NetworkingPreview {
    /// The lines that go (`-`) and come (`+`).
    pub changes: Vec<String>,
    /// Who would be refused.
    pub would_refuse: Vec<Refused>,
    /// What cannot be told beforehand.
    pub unsure: Vec<Refused>,
    /// Whether a part of it waits for a restart.
    pub restart_needed: bool,
}

/// Somebody who would be refused.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Refused {
    /// What `who` is.
    pub kind: RefusedKind,
    /// The session, role or rule.
    pub who: String,
    /// Why, for a person.
    pub why: String,
}

/// What would be refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RefusedKind {
    /// A session that is open now and could not be opened again.
    Session,
    /// A role that would have no way in any more.
    Role,
    /// A rule that would never be reached.
    Rule,
}

/// What came of a change.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct NetworkingOutcome {
    /// Whether anything was done.
    pub changed: Changed,
    /// Whether a part of it waits for a restart.
    pub needs_restart: bool,
}

impl NetworkingChange {
    fn policy(&self, before: &Policy) -> Policy {
        let mut policy = before.clone();
        if let Some(rules) = &self.rules {
            policy.firewall = (!rules.is_empty()).then(|| rules.clone());
        }
        if let Some(on) = self.require_secure_transport {
            policy.require_secure_transport = on;
        }
        policy
    }

    fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            (MIN_TLS, &self.min_tls_version),
            (MAX_TLS, &self.max_tls_version),
            (LISTEN, &self.listen_addresses),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

impl Cluster {
    /// How the server can be reached now.
    pub async fn networking(&self, connection: &Connection) -> Result<Networking> {
        let policy = self.policy()?;
        let listen = parameter(self, connection, LISTEN).await?;
        let pending = match listen.pending_restart {
            true => stored(connection, LISTEN).await?,
            false => None,
        };
        let rules = policy.firewall.clone().unwrap_or_default();
        let effective = effective(connection, &access::written(self, &policy)?).await?;
        Ok(Networking {
            listen_addresses: listen.value,
            listen_addresses_pending: pending,
            port: self.port,
            require_secure_transport: policy.require_secure_transport,
            min_tls_version: parameter(self, connection, MIN_TLS).await?.value,
            max_tls_version: parameter(self, connection, MAX_TLS).await?.value,
            rules,
            effective,
        })
    }

    /// What a change would do, without doing it.
    pub async fn preview_networking(
        &self,
        connection: &Connection,
        wanted: &NetworkingChange,
    ) -> Result<NetworkingPreview> {
        let before = self.policy()?;
        let policy = wanted.policy(&before);
        let (tls, parameters) = self.checked(connection, wanted, &policy).await?;
        let (old, new) = (access::current(self)?, access::proposed(self, &policy)?);
        let mut changes = diff::lines(&old, &new);
        let mut restart_needed = false;
        for (now, value) in &parameters {
            if now.value != *value {
                changes.push(format!("-{} = '{}'", now.name, now.value));
                changes.push(format!("+{} = '{value}'", now.name));
                restart_needed |= !now.dynamic;
            }
        }
        let (was, rules) = (parse(&old), parse(&new));
        let memberships = memberships(connection).await?;
        let mut preview =
            NetworkingPreview { changes, would_refuse: vec![], unsure: vec![], restart_needed };
        judge_sessions(connection, &rules, &memberships, &tls, &mut preview).await?;
        judge_roles(connection, &was, &rules, &memberships, &mut preview).await?;
        judge_rules(&rules, &new, &mut preview);
        preview.would_refuse.truncate(REFUSED_MAX);
        preview.unsure.truncate(REFUSED_MAX);
        Ok(preview)
    }

    /// Makes a change and proves it; takes all of it back when a part of it fails.
    pub async fn set_networking(
        &self,
        connection: &Connection,
        wanted: &NetworkingChange,
    ) -> Result<NetworkingOutcome> {
        let before = self.policy()?;
        let policy = wanted.policy(&before);
        let (_, parameters) = self.checked(connection, wanted, &policy).await?;
        let mut changed = self.apply_policy(connection, &policy).await?;
        let mut done: Vec<(String, Option<String>)> = Vec::new();
        let mut needs_restart = false;
        for (now, value) in parameters {
            let previous = stored(connection, &now.name).await?;
            match self.set_parameter(connection, &now.name, value).await {
                Ok(outcome) => {
                    needs_restart |= outcome.needs_restart;
                    if outcome.changed == Changed::Changed {
                        changed = Changed::Changed;
                        done.push((now.name, previous));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the change of the networking is taken back");
                    self.take_back(connection, &before, done).await?;
                    return Err(error);
                }
            }
        }
        Ok(NetworkingOutcome { changed, needs_restart })
    }

    async fn take_back(
        &self,
        connection: &Connection,
        before: &Policy,
        done: Vec<(String, Option<String>)>,
    ) -> Result<()> {
        for (name, previous) in done.into_iter().rev() {
            let _ = match previous {
                Some(value) => self.set_parameter(connection, &name, &value).await?,
                None => self.reset_parameter(connection, &name).await?,
            };
        }
        self.apply_policy(connection, before).await.map(drop)
    }

    /// Refuses what cannot be; answers the TLS versions that would be offered, and the parameters
    /// as they are beside their new values.
    async fn checked<'w>(
        &self,
        connection: &Connection,
        wanted: &'w NetworkingChange,
        policy: &Policy,
    ) -> Result<((String, String), Vec<(Parameter, &'w str)>)> {
        if let Some(rules) = &policy.firewall {
            firewall::check(rules, policy.client_certificates.is_some())?;
        }
        if let Some(listen) = &wanted.listen_addresses
            && !list_elements(listen).iter().all(|address| is_address(address))
        {
            let message = "an address to listen on is one of this machine, a name or \"*\"".into();
            let name = LISTEN.to_owned();
            return Err(Error::Rejected { name, message, detail: None, hint: None });
        }
        let mut parameters = Vec::new();
        for (name, value) in wanted.parameters() {
            self.check_value(name, value)?;
            parameters.push((parameter(self, connection, name).await?, value));
        }
        let now = async |name, wanted: Option<&String>| match wanted {
            Some(value) => Ok(value.clone()),
            None => parameter(self, connection, name).await.map(|found| found.value),
        };
        let lowest = now(MIN_TLS, wanted.min_tls_version.as_ref()).await?;
        let highest = now(MAX_TLS, wanted.max_tls_version.as_ref()).await?;
        if !highest.is_empty() && lowest.to_ascii_lowercase() > highest.to_ascii_lowercase() {
            let message = format!("the lowest TLS version {lowest} is above the highest {highest}");
            let (detail, hint) = (None, Some("nobody could connect".to_owned()));
            return Err(Error::Rejected { name: MIN_TLS.to_owned(), message, detail, hint });
        }
        Ok(((lowest, highest), parameters))
    }
}

/// `managed` says of each line, from the first on, whether pgkeep wrote it by itself.
async fn effective(connection: &Connection, managed: &[bool]) -> Result<Vec<EffectiveRule>> {
    let sql = "select line_number, coalesce(type, ''), coalesce(database, '{}'), \
               coalesce(user_name, '{}'), address, netmask, coalesce(auth_method, ''), \
               coalesce(options, '{}'), error from pg_hba_file_rules order by line_number limit $1";
    let rows = connection.query("read access rules", sql, &[&JUDGED_MAX]).await?;
    let rule = |row: &tokio_postgres::Row| EffectiveRule {
        line: row.get(0),
        connection: row.get(1),
        databases: row.get(2),
        roles: row.get(3),
        address: row.get(4),
        netmask: row.get(5),
        method: row.get(6),
        options: row.get(7),
        error: row.get(8),
        managed: usize::try_from(row.get::<_, i32>(0) - 1)
            .ok()
            .and_then(|at| managed.get(at).copied())
            .unwrap_or(false),
    };
    Ok(rows.iter().map(rule).collect())
}

/// An address, a host name, or everything. What does not resolve only costs the server a warning.
fn is_address(text: &str) -> bool {
    let name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    text == "*" || text.parse::<IpAddr>().is_ok() || text.len() <= 253 && text.bytes().all(name)
}

async fn memberships(connection: &Connection) -> Result<Memberships> {
    let sql = "with recursive m (member, role) as (select member, roleid from pg_auth_members \
               union select m.member, a.roleid from m join pg_auth_members a on a.member = m.role) \
               select u.rolname::text, g.rolname::text from m join pg_roles u on u.oid = m.member \
               join pg_roles g on g.oid = m.role limit 100000";
    let mut all = Memberships::new();
    for row in connection.query("read memberships of roles", sql, &[]).await? {
        let _ = all.entry(row.get(0)).or_default().insert(row.get(1));
    }
    Ok(all)
}

async fn judge_sessions(
    connection: &Connection,
    rules: &[HbaRule],
    memberships: &Memberships,
    (lowest, highest): &(String, String),
    preview: &mut NetworkingPreview,
) -> Result<()> {
    let sql = "select a.pid, a.usename::text, a.datname::text, a.client_addr, \
               coalesce(s.ssl, false), s.version, coalesce(a.application_name, '') \
               from pg_stat_activity a left join pg_stat_ssl s using (pid) \
               where a.backend_type in ('client backend', 'walsender') \
               and a.pid <> pg_backend_pid() and a.usename is not null \
               order by a.backend_start limit $1";
    for row in connection.query("read the sessions", sql, &[&JUDGED_MAX]).await? {
        let (pid, role): (i32, String) = (row.get(0), row.get(1));
        let (database, address): (Option<String>, Option<IpAddr>) = (row.get(2), row.get(3));
        let (tls, version): (bool, Option<String>) = (row.get(4), row.get(5));
        let application: String = row.get(6);
        let attempt = Attempt { address, tls, database: database.as_deref(), role: role.as_str() };
        let from = address.map_or("the unix socket".to_owned(), |address| address.to_string());
        let over = match (&version, address) {
            (Some(version), _) if tls => version.as_str(),
            (_, Some(_)) => "no TLS",
            (_, None) => "a local socket",
        };
        let database = database.as_deref().unwrap_or("replication");
        let program = match application.as_str() {
            "" => String::new(),
            name => format!(" ({})", name.chars().take(60).collect::<String>()),
        };
        let who = format!("{role}@{database} from {from}, pid {pid}{program}, {over}");
        let session = |why: String| Refused { kind: RefusedKind::Session, who, why };
        match judge(rules, &attempt, memberships) {
            Verdict::Allowed { .. } => {
                let version = version.filter(|_| tls).unwrap_or_default();
                if let Some(why) = outside(&version, lowest, highest) {
                    preview.would_refuse.push(session(why));
                }
            }
            Verdict::Rejected { .. } if address.is_some() && !tls => preview
                .would_refuse
                .push(session("it is not encrypted, and the rules refuse that".to_owned())),
            Verdict::Rejected { line } => {
                preview.would_refuse.push(session(format!("line {line} rejects it")));
            }
            Verdict::NoRule => {
                preview.would_refuse.push(session("no rule lets it in".to_owned()));
            }
            Verdict::Unknown { line } => preview.unsure.push(session(format!(
                "line {line} may decide about it, which only PostgreSQL can tell"
            ))),
        }
    }
    Ok(())
}

/// Why a TLS version would not be taken; `None` for an empty one.
fn outside(version: &str, lowest: &str, highest: &str) -> Option<String> {
    if version.is_empty() {
        return None;
    }
    let lower = |text: &str| text.to_ascii_lowercase();
    if lower(version) < lower(lowest) {
        return Some(format!("its {version} is below {lowest}; its client may know a newer one"));
    }
    let above = !highest.is_empty() && lower(version) > lower(highest);
    above.then(|| format!("its {version} is above {highest}; its client may fall back"))
}

async fn judge_roles(
    connection: &Connection,
    was: &[HbaRule],
    rules: &[HbaRule],
    memberships: &Memberships,
    preview: &mut NetworkingPreview,
) -> Result<()> {
    let sql = "select rolname::text from pg_roles where rolcanlogin order by 1 limit $1";
    for row in connection.query("read the roles", sql, &[&JUDGED_MAX]).await? {
        let who: String = row.get(0);
        let loses = has_way_in(was, &who, memberships) && !has_way_in(rules, &who, memberships);
        if loses {
            let why = "it may sign in, and no rule would let it in over TCP any more".to_owned();
            preview.would_refuse.push(Refused { kind: RefusedKind::Role, who, why });
        }
    }
    Ok(())
}

/// Rules that an earlier one covers whole, and those that only matter without TLS where that is
/// refused.
fn judge_rules(rules: &[HbaRule], text: &str, preview: &mut NetworkingPreview) {
    let lines: Vec<&str> = text.lines().collect();
    let shown = |line: usize| lines.get(line - 1).copied().unwrap_or_default().to_owned();
    for (n, rule) in rules.iter().enumerate() {
        let Some(earlier) = rules[..n].iter().find(|earlier| earlier.covers(rule)) else {
            continue;
        };
        let same = earlier.method == rule.method;
        if rule.kind == Kind::Local || same {
            continue;
        }
        preview.would_refuse.push(Refused {
            kind: RefusedKind::Rule,
            who: shown(rule.line),
            why: format!("it is never reached: \"{}\" stands before it", shown(earlier.line)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::outside;

    #[test]
    fn tls_versions_are_compared_by_their_order() {
        assert_eq!(outside("TLSv1.3", "TLSv1.2", ""), None);
        assert_eq!(outside("", "TLSv1.3", ""), None);
        assert!(outside("TLSv1.2", "TLSv1.3", "").unwrap().contains("below"));
        assert!(outside("TLSv1.3", "TLSv1.2", "TLSv1.2").unwrap().contains("above"));
    }
}
