//! A judge that goes through the lines one by one, over a small world of names.

use std::net::IpAddr;

use super::Transport;

/// Roles: name, superuser, login, and the groups that they are in, through others too.
pub(super) const ROLES: &[(&str, bool, bool, &[&str])] = &[
    ("ann", false, true, &["staff", "all"]),
    ("bob", false, true, &["boss", "staff", "all"]),
    ("boss", true, true, &["staff", "all"]),
    ("staff", false, false, &["all"]),
    ("shop", false, true, &[]),
    // Only in an odd world.
    ("all", false, false, &[]),
];
pub(super) const DATABASES: &[&str] = &["shop", "ann", "postgres", "staff", "replication"];

/// What is there besides lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct World {
    pub(super) major: u32,
    /// Whether there are a role and a database that are called as keywords
    pub(super) odd: bool,
}

impl World {
    pub(super) fn roles(
        self,
    ) -> impl Iterator<Item = &'static (&'static str, bool, bool, &'static [&'static str])> {
        ROLES.iter().take(if self.odd { 6 } else { 5 })
    }

    pub(super) fn databases(self) -> impl Iterator<Item = &'static str> {
        DATABASES.iter().copied().take(if self.odd { 5 } else { 4 })
    }

    pub(super) fn has_role(self, name: &str) -> bool {
        self.roles().any(|(known, ..)| *known == name)
    }

    pub(super) fn has_database(self, name: &str) -> bool {
        self.databases().any(|known| known == name)
    }

    pub(super) fn member(self, role: &str, group: &str) -> bool {
        self.has_role(group)
            && self
                .roles()
                .any(|(known, _, _, all)| *known == role && (role == group || all.contains(&group)))
    }
}
/// A line as a person writes it: type, databases, roles, address, method.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) kind: &'static str,
    pub(super) databases: Vec<&'static str>,
    pub(super) roles: Vec<&'static str>,
    pub(super) address: String,
    pub(super) method: &'static str,
}

/// Whether something matches: known, or not.
pub(super) type Said = Option<bool>;

pub(super) fn any(all: impl Iterator<Item = Said>) -> Said {
    let all: Vec<Said> = all.collect();
    if all.contains(&Some(true)) {
        return Some(true);
    }
    if all.contains(&None) { None } else { Some(false) }
}

pub(super) fn and(a: Said, b: Said) -> Said {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// A word that might have been in quotes where something is called like it.
pub(super) fn quoted(is_keyword: bool, is_name: bool, exists: bool) -> Said {
    if !exists || is_keyword == is_name { Some(is_keyword) } else { None }
}

pub(super) fn pattern(word: &str, name: &str) -> Said {
    match word {
        "^a" => Some(name.starts_with('a')),
        "o" => Some(name.contains('o')),
        _ => None,
    }
}

/// One line and one connection, as the manual says it.
pub(super) fn line(
    line: &Written,
    role: &str,
    base: &str,
    from: Option<IpAddr>,
    how: Transport,
    world: World,
) -> Said {
    let kind = match how {
        Transport::Local => line.kind == "local",
        Transport::Tls => ["host", "hostssl", "hostnogssenc"].contains(&line.kind),
        Transport::Cleartext => ["host", "hostnossl", "hostnogssenc"].contains(&line.kind),
        Transport::Gss => ["host", "hostnossl", "hostgssenc"].contains(&line.kind),
    };
    let major = world.major;
    let of_role = any(line.roles.iter().map(|word| match word.strip_prefix('/') {
        Some(word) if major >= 16 => pattern(word, role),
        _ if *word == "all" => quoted(true, role == "all", world.has_role("all")),
        _ => match word.strip_prefix('+') {
            Some(group) => Some(world.member(role, group)),
            None => Some(*word == role),
        },
    }));
    let of_base = any(line.databases.iter().map(|word| match (word.strip_prefix('/'), *word) {
        // No name is empty: this is physical replication.
        (_, "replication") => {
            quoted(base.is_empty(), base == "replication", world.has_database("replication"))
        }
        _ if base.is_empty() => Some(false),
        (Some(word), _) if major >= 16 => pattern(word, base),
        (_, "all") => Some(true),
        (_, "sameuser") => Some(role == base),
        (_, "samerole") => Some(world.member(role, base)),
        (_, word) => Some(word == base),
    }));
    let at = match (from, line.address.split_once('/')) {
        (None, _) => Some(true),
        (Some(from), Some((net, bits))) => {
            let bits: u32 = bits.parse().unwrap();
            Some(match (from, net.parse::<IpAddr>().unwrap()) {
                (IpAddr::V4(a), IpAddr::V4(b)) => {
                    (u32::from(a) ^ u32::from(b)).leading_zeros() >= bits
                }
                (IpAddr::V6(a), IpAddr::V6(b)) => {
                    (u128::from(a) ^ u128::from(b)).leading_zeros() >= bits
                }
                _ => false,
            })
        }
        (Some(_), None) => (line.address == "all").then_some(true),
    };
    and(and(Some(kind), of_role), and(of_base, at))
}

/// The lines that decide a connection: those that may, and the first that does.
pub(super) fn judge(
    lines: &[Written],
    role: &str,
    base: &str,
    from: Option<IpAddr>,
    how: Transport,
    world: World,
) -> Vec<(i64, bool)> {
    let mut found = Vec::new();
    for (at, written) in lines.iter().enumerate() {
        let n = i64::try_from(at).unwrap() + 1;
        match line(written, role, base, from, how, world) {
            Some(false) => {}
            None => found.push((n, true)),
            Some(true) => {
                found.push((n, !found.is_empty()));
                break;
            }
        }
    }
    found
}
