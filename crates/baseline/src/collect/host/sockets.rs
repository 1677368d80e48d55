//! `Sockets`: where the postmaster really listens, and at which addresses of the host that is.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::{fs, io};

use kql::plan::Schema;
use kql::value::Json;

use super::postmaster::{self, Postmaster};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Files that a process has open, of which are looked at.
const FILES_MAX: usize = 100_000;

/// Fills the table.
pub(super) fn sockets(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let found = Postmaster::find(host).and_then(|first| {
        let bound = bound(first.pid)?;
        Ok((bound, interfaces(first.pid)?))
    });
    let (bound, interfaces) = match found {
        Ok(found) => found,
        Err(error) => {
            filled.lack(Path::new("/proc"), &error);
            return filled;
        }
    };
    for (at, port) in bound {
        let reached: Vec<IpAddr> = if at.is_unspecified() {
            // PostgreSQL binds `::` for IPv6 alone.
            interfaces.iter().filter(|own| own.is_ipv4() == at.is_ipv4()).copied().collect()
        } else {
            vec![at]
        };
        for address in reached {
            filled.rows.push(row(
                schema,
                &[
                    ("socket", Json::String(at.to_string().into())),
                    ("port", Json::Long(i64::from(port))),
                    ("address", Json::String(address.to_string().into())),
                    ("scope", Json::String(scope(address).into())),
                    ("any", Json::Bool(at.is_unspecified())),
                ],
            ));
        }
    }
    filled
}

/// Addresses and ports at which a process listens.
fn bound(pid: u32) -> io::Result<BTreeSet<(IpAddr, u16)>> {
    let mut own = BTreeSet::new();
    for (n, entry) in fs::read_dir(postmaster::of(pid, "fd"))?.enumerate() {
        if n >= FILES_MAX {
            return Err(io::Error::other(format!("more than {FILES_MAX} open files")));
        }
        let Ok(target) = fs::read_link(entry?.path()) else { continue };
        let target = target.to_string_lossy();
        let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        own.extend(inode.map(str::to_owned));
    }
    let mut bound = BTreeSet::new();
    for name in ["net/tcp", "net/tcp6"] {
        let text = match fs::read_to_string(postmaster::of(pid, name)) {
            Ok(text) => text,
            // A kernel without IPv6.
            Err(error) if name.ends_with('6') && error.kind() == io::ErrorKind::NotFound => {
                continue;
            }
            Err(error) => return Err(error),
        };
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else { continue };
            if state == "0A" && own.contains(inode) {
                bound.extend(socket(local));
            }
        }
    }
    Ok(bound)
}

/// `0100007F:1538` or the same with four words: each word as the machine keeps it.
fn socket(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for at in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => {
            let six = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
            six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4)
        }
    };
    Some((address, port))
}

/// Addresses of the host's interfaces, as the process sees them.
fn interfaces(pid: u32) -> io::Result<BTreeSet<IpAddr>> {
    let mut found = BTreeSet::new();
    let trie = fs::read_to_string(postmaster::of(pid, "net/fib_trie"))?;
    let mut last: Option<Ipv4Addr> = None;
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(last.map(IpAddr::V4));
        }
    }
    match fs::read_to_string(postmaster::of(pid, "net/if_inet6")) {
        Ok(text) => {
            let numbers = text.lines().filter_map(|line| line.split_whitespace().next());
            let addresses = numbers.filter_map(|hex| u128::from_str_radix(hex, 16).ok());
            found.extend(addresses.map(|number| IpAddr::V6(Ipv6Addr::from(number))));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(found)
}

/// From where an address can be reached.
fn scope(address: IpAddr) -> &'static str {
    match address {
        _ if address.is_loopback() => "loopback",
        IpAddr::V4(four) if four.is_link_local() => "link",
        // RFC 6598: shared by the customers of a provider.
        IpAddr::V4(four) if four.is_private() || in_100_64(four) => "private",
        // RFC 5737 and 2544: for examples and for measuring, and led nowhere.
        IpAddr::V4(four) if four.is_documentation() || is_for_measuring(four) => "private",
        IpAddr::V6(six) if six.segments()[0] & 0xffc0 == 0xfe80 => "link",
        IpAddr::V6(six) if six.segments()[0] & 0xfe00 == 0xfc00 => "private",
        _ => "public",
    }
}

fn in_100_64(four: Ipv4Addr) -> bool {
    let [a, b, ..] = four.octets();
    a == 100 && b & 0xc0 == 64
}

fn is_for_measuring(four: Ipv4Addr) -> bool {
    let [a, b, ..] = four.octets();
    a == 198 && b & 0xfe == 18
}

#[cfg(test)]
mod tests {
    use super::{scope, socket};

    #[test]
    #[cfg(target_endian = "little")]
    fn sockets_are_read() {
        let four = ("127.0.0.1".parse().unwrap(), 5432);
        assert_eq!(socket("0100007F:1538"), Some(four));
        let six = ("::1".parse().unwrap(), 80);
        assert_eq!(socket("00000000000000000000000001000000:0050"), Some(six));
        assert_eq!(socket("0000000000000000FFFF00000100007F:1538"), Some(four));
        assert_eq!(socket("01:1538"), None);
    }

    #[test]
    fn scopes_are_told_apart() {
        for (address, wanted) in [
            ("127.0.0.2", "loopback"),
            ("::1", "loopback"),
            ("10.1.2.3", "private"),
            ("100.100.0.1", "private"),
            ("100.128.0.1", "public"),
            ("169.254.1.1", "link"),
            ("fe80::1", "link"),
            ("fd00::1", "private"),
            ("2a00::1", "public"),
            ("203.0.113.7", "private"),
            ("198.19.0.1", "private"),
            ("198.20.0.1", "public"),
        ] {
            assert_eq!(scope(address.parse().unwrap()), wanted, "{address}");
        }
    }
}
