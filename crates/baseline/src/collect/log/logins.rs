//! Who signed in and who failed to. The lines of one attempt are put together by its session.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};

use kql::plan::Schema;
use kql::value::{Json, TICKS_PER_DAY};

use super::scan::{Event, KEYS_MAX, Row, Sums};
use super::{at, number, text};
use crate::derive::row;

/// Attempts that are followed at once.
const OPEN_MAX: usize = 100_000;
/// Names of one kind that are told apart.
const NAMES_MAX: usize = 10_000;
/// Stands for names that no role has: people type passwords where their name belongs.
const NO_ROLE: &str = "(no such role)";

/// What distinguishes sign-ins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Login {
    role: String,
    database: String,
    address: String,
    application: String,
    identity: String,
    method: String,
    hba_file: String,
    hba_line: Option<i64>,
    tls: String,
    replication: bool,
}

/// How often, and when.
#[derive(Debug, Default, Clone)]
struct Seen {
    count: u64,
    failed: u64,
    first: Option<i64>,
    last: Option<i64>,
    /// Of names that no role has
    names: BTreeSet<u64>,
}

impl Seen {
    fn add(&mut self, time: i64) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }
}

/// What the lines before told of an attempt.
#[derive(Debug, Default, Clone)]
struct Attempt {
    address: String,
    identity: String,
    method: String,
    rule: String,
}

/// Failures of one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Failure {
    role: String,
    address: String,
    day: i64,
    reason: &'static str,
}

/// Sums of sign-ins.
#[derive(Debug, Default)]
pub(super) struct Logins {
    roles: BTreeSet<String>,
    open: HashMap<String, Attempt>,
    logins: Sums<Login, Seen>,
    failures: Sums<Failure, Seen>,
    is_crowded: bool,
}

impl Logins {
    /// With the names of the roles that there are: no other name is kept of a failure.
    pub(super) fn of(roles: BTreeSet<String>) -> Self {
        Self { roles, ..Self::default() }
    }

    pub(super) fn event(&mut self, event: &Event<'_>) {
        let Some(line) = event.connection else { return };
        let key = match line.text("SessionId") {
            "" => line.number("ProcessId").map(|pid| pid.to_string()).unwrap_or_default(),
            session => session.to_owned(),
        };
        match line.text("EventType") {
            "Received" => {
                if self.open.len() >= OPEN_MAX {
                    self.is_crowded = true;
                    self.open.clear();
                }
                let address = line.text("ClientAddress").to_owned();
                self.open.insert(key, Attempt { address, ..Attempt::default() });
            }
            "Authenticated" => {
                let attempt = self.open.entry(key).or_default();
                attempt.identity = line.text("AuthenticatedIdentity").to_owned();
                attempt.method = line.text("AuthenticationMethod").to_owned();
                attempt.rule = line.text("Rule").to_owned();
            }
            "Authorized" => {
                let attempt = self.open.remove(&key).unwrap_or_default();
                let login = login(line, &attempt);
                if let Some(seen) = self.logins.of(login) {
                    seen.count += 1;
                    seen.add(event.at);
                }
            }
            "Refused" => {
                let mut attempt = self.open.remove(&key).unwrap_or_default();
                let Some(reason) = reason(line) else { return };
                if attempt.rule.is_empty() {
                    attempt.rule = rule_of(event.log.text("Detail"));
                }
                let mut login = login(line, &attempt);
                let mut unknown = None;
                if !self.roles.contains(&login.role) {
                    let mut name = DefaultHasher::new();
                    login.role.hash(&mut name);
                    unknown = Some(name.finish());
                    NO_ROLE.clone_into(&mut login.role);
                    login.identity.clear();
                }
                let (role, address) = (login.role.clone(), login.address.clone());
                let day = event.at.div_euclid(TICKS_PER_DAY) * TICKS_PER_DAY;
                if let Some(seen) = self.failures.of(Failure { role, address, day, reason }) {
                    seen.failed += 1;
                    seen.add(event.at);
                    if seen.names.len() < NAMES_MAX {
                        seen.names.extend(unknown);
                    }
                }
                if let Some(seen) = self.logins.of(login) {
                    seen.failed += 1;
                    seen.add(event.at);
                }
            }
            "Disconnected" => {
                self.open.remove(&key);
            }
            _ => {}
        }
    }

    /// What is missing because there was too much of it.
    pub(super) fn full(&self) -> Option<String> {
        if self.is_crowded {
            return Some(format!("more than {OPEN_MAX} sign-ins at once"));
        }
        let is_full = self.logins.is_full || self.failures.is_full;
        is_full.then(|| format!("more than {KEYS_MAX} kinds of sign-ins"))
    }

    /// Rows of `LoginHistory`.
    pub(super) fn history(&self, columns: &Schema) -> Vec<Vec<Json>> {
        let rows = self.logins.all.iter().map(|(login, seen)| {
            let (network, loopback) = network(&login.address);
            row(
                columns,
                &[
                    ("role", text(&login.role)),
                    ("database", text(&login.database)),
                    ("address", text(&login.address)),
                    ("network", text(network)),
                    ("local", Json::Bool(is_socket(&login.address))),
                    ("loopback", Json::Bool(loopback)),
                    ("application", text(&login.application)),
                    ("identity", text(&login.identity)),
                    ("method", text(&login.method)),
                    ("hba_file", text(&login.hba_file)),
                    ("hba_line", login.hba_line.map_or(Json::Null, Json::Long)),
                    ("tls", text(&login.tls)),
                    ("replication", Json::Bool(login.replication)),
                    ("first_seen", at(seen.first)),
                    ("last_seen", at(seen.last)),
                    ("count", number(seen.count)),
                    ("failed", number(seen.failed)),
                ],
            )
        });
        rows.collect()
    }

    /// Rows of `FailedLogins`.
    pub(super) fn failed(&self, columns: &Schema) -> Vec<Vec<Json>> {
        let rows = self.failures.all.iter().map(|(failure, seen)| {
            row(
                columns,
                &[
                    ("role", text(&failure.role)),
                    ("address", text(&failure.address)),
                    ("network", text(network(&failure.address).0)),
                    ("local", Json::Bool(is_socket(&failure.address))),
                    ("day", at(Some(failure.day))),
                    ("reason", text(failure.reason)),
                    ("names", number(seen.names.len() as u64)),
                    ("count", number(seen.failed)),
                    ("first_seen", at(seen.first)),
                    ("last_seen", at(seen.last)),
                ],
            )
        });
        rows.collect()
    }
}

fn login(line: Row<'_>, attempt: &Attempt) -> Login {
    let message = line.text("Message");
    let (hba_file, hba_line) = match attempt.rule.rsplit_once(':') {
        Some((file, line)) => (file.to_owned(), line.parse().ok()),
        None => (String::new(), None),
    };
    let tls = match line.text("TlsVersion") {
        "" if message.contains("encrypted=yes") => "GSS",
        tls => tls,
    };
    let address = match line.text("ClientAddress") {
        "" => attempt.address.clone(),
        address => address.to_owned(),
    };
    Login {
        role: line.text("RoleName").to_owned(),
        database: line.text("DatabaseName").to_owned(),
        address,
        application: line.text("ApplicationName").to_owned(),
        identity: attempt.identity.clone(),
        method: attempt.method.clone(),
        hba_file,
        hba_line,
        tls: tls.to_owned(),
        replication: message.starts_with("replication connection "),
    }
}

/// Why an attempt failed; none where it is nobody's fault that asks for a look: the server was
/// starting or full. SQLSTATEs are of the manual's appendix A; without them the text says it.
fn reason(line: Row<'_>) -> Option<&'static str> {
    let message = line.text("Message");
    Some(match line.text("SqlErrorCode") {
        "28P01" => "password",
        "28000" | "" if message.contains("pg_hba.conf") => "rule",
        "28000" | "" if message.starts_with("role \"") => "role",
        "" if message.contains("authentication failed") => "password",
        "" if message.starts_with("database \"") => "database",
        "" if message.starts_with("permission denied") => "right",
        "3D000" => "database",
        "42501" => "right",
        code if code.starts_with("28") => "other",
        _ => return None,
    })
}

/// File and line from the detail that a failure has: `Connection matched pg_hba.conf line 91: …`,
/// from PostgreSQL 16 on `Connection matched file "/…/pg_hba.conf" line 91: …`.
fn rule_of(detail: &str) -> String {
    let Some((_, rest)) = detail.rsplit_once("Connection matched ") else {
        return String::new();
    };
    let rest = rest.strip_prefix("file ").unwrap_or(rest);
    let Some((file, rest)) = rest.split_once(" line ") else { return String::new() };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    format!("{}:{}", file.trim_matches('"'), &rest[..digits])
}

fn is_socket(address: &str) -> bool {
    address == "[local]"
}

/// The network of an address: 24 bits of IPv4, 64 of IPv6, else the address itself; and whether
/// it is this machine's own.
fn network(address: &str) -> (String, bool) {
    use std::net::IpAddr;
    // A zone of IPv6 says which interface, not where.
    let bare = address.split('%').next().unwrap_or(address);
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(four)) => {
            let [a, b, c, _] = four.octets();
            (format!("{a}.{b}.{c}.0/24"), four.is_loopback())
        }
        Ok(IpAddr::V6(six)) => {
            if let Some(four) = six.to_ipv4_mapped() {
                return network(&four.to_string());
            }
            let [a, b, c, d, ..] = six.segments();
            let net = std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
            (format!("{net}/64"), six.is_loopback())
        }
        Err(_) => (address.to_owned(), address == "localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_rules() {
        assert_eq!(network("10.1.2.3"), ("10.1.2.0/24".to_owned(), false));
        assert_eq!(network("::1"), ("::/64".to_owned(), true));
        assert_eq!(network("fe80::1%eth0").0, "fe80::/64");
        assert_eq!(network("::ffff:10.1.2.3").0, "10.1.2.0/24");
        assert_eq!(network("[local]"), ("[local]".to_owned(), false));
        let old = "Connection matched pg_hba.conf line 91: \"host all all all md5\"";
        assert_eq!(rule_of(old), "pg_hba.conf:91");
        let new = "Role \"a\" does not exist.\n\
                   Connection matched file \"/etc/a b/pg_hba.conf\" line 7: \"host all\"";
        assert_eq!(rule_of(new), "/etc/a b/pg_hba.conf:7");
        assert_eq!(rule_of("something else"), "");
    }
}
