//! Rules that the owner makes about who may connect, and their lines in `pg_hba.conf`.
//!
//! Without rules every role may come from everywhere by password. With rules only what they allow
//! is allowed; the first one that fits decides, as in the file itself.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::access::name;
use crate::{ClientCertificates, Error, Result};

/// No firewall has more rules.
const RULES_MAX: usize = 200;
/// The longest name in PostgreSQL.
const NAME_BYTES: usize = 63;

/// One rule.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirewallRule {
    /// Which connections it is about.
    pub connection: ConnectionKind,
    /// A database, `all`, or `replication`.
    pub database: String,
    /// A role, or `all`.
    pub role: String,
    /// An address, a network (CIDR), `all`, or `samehost`.
    pub address: String,
    /// What happens to them.
    pub method: Method,
}

/// Which connections a rule is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionKind {
    /// With TLS and without.
    Host,
    /// With TLS.
    HostSsl,
    /// Without TLS.
    HostNoSsl,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Method {
    /// Let in with the right password.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// Let in with a client certificate that names the role.
    #[serde(rename = "cert")]
    Cert,
    /// Refused.
    #[serde(rename = "reject")]
    Reject,
}

impl fmt::Display for ConnectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::HostSsl => "hostssl",
            Self::HostNoSsl => "hostnossl",
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ScramSha256 => "scram-sha-256",
            Self::Cert => "cert",
            Self::Reject => "reject",
        })
    }
}

/// An address as a rule has it: the bits after the prefix are zero.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Network {
    /// Reads `ADDRESS` or `ADDRESS/PREFIX`. `None` for anything else, also for one with bits
    /// after its prefix: it would not say what its writer meant.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse().ok()?, Some(prefix.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let bits = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
        let network = Self { address, prefix: prefix.unwrap_or(bits) };
        (network.prefix <= bits && network.base() == network.bits(address)).then_some(network)
    }

    /// Whether `address` lies in it. An IPv4 address written as IPv6 is an IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.address.is_ipv4() == address.is_ipv4()
            && self.masked(self.bits(address)) == self.base()
    }

    /// Whether every address of `other` lies in it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    fn base(&self) -> u128 {
        self.masked(self.bits(self.address))
    }

    fn bits(&self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        }
    }

    fn masked(&self, bits: u128) -> u128 {
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        let free = u32::from(width - self.prefix);
        bits.checked_shr(free).unwrap_or(0).checked_shl(free).unwrap_or(0)
    }
}

impl FirewallRule {
    /// The line of `pg_hba.conf`.
    pub(crate) fn line(&self, secure_only: bool) -> String {
        // What require_secure_transport has closed stays closed: its line stands before this one.
        let kind = match (self.connection, self.method) {
            (ConnectionKind::Host, Method::ScramSha256) if secure_only => ConnectionKind::HostSsl,
            (kind, _) => kind,
        };
        let (database, role) = (database(&self.database), name(&self.role));
        format!("{kind} {database} {role} {} {}", self.in_file(), self.method)
    }

    /// The address as the file wants it: one alone would take the next word for its mask.
    fn in_file(&self) -> String {
        match Network::parse(&self.address) {
            Some(Network { address, prefix }) => format!("{address}/{prefix}"),
            None => self.address.clone(),
        }
    }

    /// The lines that ask for client certificates where this rule lets in.
    pub(crate) fn certificate_lines(&self, wanted: Option<&ClientCertificates>) -> Vec<String> {
        if self.method != Method::ScramSha256 || self.connection == ConnectionKind::HostNoSsl {
            return Vec::new();
        }
        let rules = wanted.into_iter().flat_map(|wanted| &wanted.rules);
        let lines = rules.filter_map(|asked| {
            let of_database = narrower(&self.database, &asked.database)?;
            let of_role = narrower(&self.role, &asked.role)?;
            let (database, role) = (database(of_database), name(of_role));
            Some(format!(
                "hostssl {database} {role} {} scram-sha-256 clientcert=verify-full",
                self.in_file()
            ))
        });
        lines.collect()
    }
}

/// What two names have in common, when `all` means everything but replication.
fn narrower<'t>(one: &'t str, other: &'t str) -> Option<&'t str> {
    match (one, other) {
        (one, other) if one == other => Some(one),
        ("replication", _) | (_, "replication") => None,
        ("all", other) => Some(other),
        (one, "all") => Some(one),
        _ => None,
    }
}

fn database(text: &str) -> String {
    if text == "replication" { text.to_owned() } else { name(text) }
}

/// Refuses rules that mean nothing, or something else than they say.
pub(crate) fn check(rules: &[FirewallRule], certificates: bool) -> Result<()> {
    let refuse = |detail: String| Err(Error::AccessRules { detail });
    if rules.len() > RULES_MAX {
        return refuse(format!("there are more than {RULES_MAX} rules"));
    }
    for (n, rule) in rules.iter().enumerate() {
        let shown = format!("rule {}", n + 1);
        if rules[..n].contains(rule) {
            return refuse(format!("{shown} stands there twice"));
        }
        for text in [&rule.database, &rule.role] {
            let long = !(1..=NAME_BYTES).contains(&text.len());
            // A slash begins a regular expression, also between quotes.
            if long || text.starts_with('/') || text.contains(char::is_control) {
                let detail = format!("{shown}: a database or role name is not usable");
                return refuse(detail);
            }
        }
        let known = matches!(rule.address.as_str(), "all" | "samehost");
        if !known && Network::parse(&rule.address).is_none() {
            return refuse(format!(
                "{shown}: the address must be one like 192.0.2.7, a network like \
                 192.0.2.0/24 without bits after its prefix, \"all\" or \"samehost\""
            ));
        }
        if rule.method == Method::Cert && rule.connection != ConnectionKind::HostSsl {
            return refuse(format!("{shown}: certificates are shown over hostssl only"));
        }
        if rule.method == Method::Cert && !certificates {
            return refuse(format!(
                "{shown}: the server knows no authority of client certificates"
            ));
        }
    }
    Ok(())
}

/// The lines of all rules, in order.
pub(crate) fn lines(
    rules: &[FirewallRule],
    secure_only: bool,
    certificates: Option<&ClientCertificates>,
) -> String {
    let mut text = String::new();
    for rule in rules {
        for line in rule.certificate_lines(certificates) {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str(&rule.line(secure_only));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientCertificateRule;

    fn rule(address: &str, method: Method) -> FirewallRule {
        FirewallRule {
            connection: ConnectionKind::HostSsl,
            database: "all".to_owned(),
            role: "all".to_owned(),
            address: address.to_owned(),
            method,
        }
    }

    #[test]
    fn networks_are_read_strictly_and_hold_their_addresses() {
        for bad in ["", "x", "10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
        let cases = [
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "::ffff:192.0.2.7", true),
            ("2001:db8::/32", "2001:db9::", false),
        ];
        for (network, address, inside) in cases {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{network:?} {address}");
        }
        let wide = Network::parse("10.0.0.0/8").unwrap();
        assert!(wide.covers(&Network::parse("10.1.0.0/16").unwrap()));
        assert!(!Network::parse("10.1.0.0/16").unwrap().covers(&wide));
    }

    #[test]
    fn rules_that_mean_something_else_are_refused() {
        let good = rule("192.0.2.0/24", Method::ScramSha256);
        assert!(check(std::slice::from_ref(&good), false).is_ok());
        let with = |change: fn(&mut FirewallRule)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad
        };
        for bad in [
            with(|r| "all trust".clone_into(&mut r.address)),
            with(|r| "192.0.2.1/24".clone_into(&mut r.address)),
            with(|r| "/.*".clone_into(&mut r.role)),
            with(|r| "a\nb".clone_into(&mut r.database)),
            with(|r| r.role = "x".repeat(64)),
            with(|r| r.method = Method::Cert),
            with(|r| (r.method, r.connection) = (Method::Cert, ConnectionKind::Host)),
        ] {
            assert!(check(std::slice::from_ref(&bad), false).is_err(), "{bad:?}");
        }
        assert!(check(&[good.clone(), good.clone()], false).is_err(), "one name twice");
        assert!(check(&[with(|r| r.method = Method::Cert)], true).is_ok());
    }

    #[test]
    fn lines_keep_to_tls_and_ask_for_certificates_where_they_are_wanted() {
        let mut open = rule("all", Method::ScramSha256);
        open.connection = ConnectionKind::Host;
        assert_eq!(open.line(true), "hostssl all all all scram-sha-256");
        assert_eq!(open.line(false), "host all all all scram-sha-256");
        let alone = rule("192.0.2.7", Method::Reject);
        assert_eq!(alone.line(true), "hostssl all all 192.0.2.7/32 reject");
        let asked = ClientCertificateRule { database: "all".to_owned(), role: "a\"b".to_owned() };
        let wanted = ClientCertificates { ca_pem: String::new(), rules: vec![asked] };
        let mut office = rule("192.0.2.0/24", Method::ScramSha256);
        let line = "hostssl all \"a\"\"b\" 192.0.2.0/24 scram-sha-256 clientcert=verify-full";
        assert_eq!(office.certificate_lines(Some(&wanted)), [line]);
        office.role = "c".to_owned();
        assert!(office.certificate_lines(Some(&wanted)).is_empty());
    }
}
