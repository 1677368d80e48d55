//! `pg_hba.conf` as PostgreSQL reads it, to judge connections by a file that is not in force yet.
//!
//! After section "The pg_hba.conf File" of PostgreSQL's manual: the first line whose kind,
//! database, role and address fit decides. Where this reader does not know what PostgreSQL would
//! do (host names, included files, other methods' options) it says so instead of guessing.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, UdpSocket};

use crate::firewall::Network;

/// Lines that are read; PostgreSQL has no limit, a person does.
const LINES_MAX: usize = 10_000;

/// One rule of the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HbaRule {
    /// Line in the file, from 1.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    databases: Vec<Token>,
    roles: Vec<Token>,
    address: Address,
    pub(crate) method: String,
}

/// Which connections a rule is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Local,
    Host,
    HostSsl,
    HostNoSsl,
    /// `hostgssenc`: no connection that this reader judges; `hostnogssenc`: as `host`.
    Gss,
    /// A directive that this reader does not follow.
    Unknown,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Address {
    All,
    SameHost,
    SameNet,
    Network(Network),
    /// A host name: PostgreSQL asks the resolver.
    Name(String),
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Token {
    text: String,
    quoted: bool,
}

/// A connection to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Attempt<'a> {
    /// `None` over the unix socket.
    pub(crate) address: Option<IpAddr>,
    pub(crate) tls: bool,
    /// `None` for physical replication.
    pub(crate) database: Option<&'a str>,
    pub(crate) role: &'a str,
}

/// What the file says of a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Let in by this line, if what its method asks for is right.
    Allowed { line: usize },
    /// Refused by this line.
    Rejected { line: usize },
    /// No line fits.
    NoRule,
    /// This line may fit; this reader cannot tell.
    Unknown { line: usize },
}

/// Which roles a role is a member of, itself not among them.
pub(crate) type Memberships = HashMap<String, HashSet<String>>;

/// Reads a file. Lines that PostgreSQL would refuse become rules of kind `Unknown`.
pub(crate) fn parse(text: &str) -> Vec<HbaRule> {
    let mut rules = Vec::new();
    let mut lines = text.lines().enumerate().take(LINES_MAX);
    while let Some((at, line)) = lines.next() {
        let mut whole = line.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((_, more)) => whole.push_str(more),
                None => break,
            }
        }
        let fields = fields(&whole);
        if !fields.is_empty() {
            rules.push(rule(at + 1, &fields));
        }
    }
    rules
}

fn rule(line: usize, fields: &[Vec<Token>]) -> HbaRule {
    let unknown = HbaRule {
        line,
        kind: Kind::Unknown,
        databases: Vec::new(),
        roles: Vec::new(),
        address: Address::All,
        method: String::new(),
    };
    let one = |at: usize| fields.get(at).and_then(|field| field.first()).map(|t| t.text.as_str());
    let kind = match one(0) {
        Some("local") => Kind::Local,
        Some("host" | "hostnogssenc") => Kind::Host,
        Some("hostssl") => Kind::HostSsl,
        Some("hostnossl") => Kind::HostNoSsl,
        Some("hostgssenc") => Kind::Gss,
        _ => return unknown,
    };
    let (Some(databases), Some(roles)) = (fields.get(1), fields.get(2)) else { return unknown };
    let (address, at_method) = if kind == Kind::Local {
        (Some(Address::All), 3)
    } else {
        let text = one(3).unwrap_or_default();
        match address(text) {
            // An address without a prefix has its mask in the next field.
            Some(Address::Network(alone)) if !text.contains('/') => {
                (masked(alone.address, one(4)).map(Address::Network), 5)
            }
            address => (address, 4),
        }
    };
    match (address, one(at_method)) {
        (Some(address), Some(method)) => HbaRule {
            kind,
            databases: databases.clone(),
            roles: roles.clone(),
            address,
            method: method.to_owned(),
            ..unknown
        },
        _ => unknown,
    }
}

fn address(text: &str) -> Option<Address> {
    Some(match text {
        "" => return None,
        "all" => Address::All,
        "samehost" => Address::SameHost,
        "samenet" => Address::SameNet,
        _ => match loose(text) {
            Some(network) => Address::Network(network),
            None if text.contains('/') => return None,
            None => Address::Name(text.to_owned()),
        },
    })
}

/// As PostgreSQL, with bits after the prefix ignored.
fn loose(text: &str) -> Option<Network> {
    if let Some(network) = Network::parse(text) {
        return Some(network);
    }
    let (address, prefix) = text.split_once('/')?;
    let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
    let whole = if address.is_ipv4() { 32 } else { 128 };
    (prefix <= whole).then_some(Network { address, prefix })
}

fn masked(address: IpAddr, mask: Option<&str>) -> Option<Network> {
    let (ones, whole) = match mask?.parse().ok()? {
        IpAddr::V4(mask) => (mask.to_bits().leading_ones(), mask.to_bits().count_ones()),
        IpAddr::V6(mask) => (mask.to_bits().leading_ones(), mask.to_bits().count_ones()),
    };
    let prefix = u8::try_from(ones).ok().filter(|_| ones == whole)?;
    Some(Network { address, prefix })
}

/// The fields of a line. A comma right after a token joins the next one to its field; others
/// count as white space.
fn fields(line: &str) -> Vec<Vec<Token>> {
    let mut fields: Vec<Vec<Token>> = Vec::new();
    let mut chars = line.chars().peekable();
    let mut joined = false;
    loop {
        while chars.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
        if matches!(chars.peek(), None | Some('#')) {
            return fields;
        }
        let mut token = Token { text: String::new(), quoted: chars.peek() == Some(&'"') };
        let mut inside = false;
        while let Some(c) =
            chars.next_if(|c| inside || !(c.is_whitespace() || *c == ',' || *c == '#'))
        {
            if c != '"' {
                token.text.push(c);
            } else if inside && chars.next_if_eq(&'"').is_some() {
                token.text.push('"');
            } else {
                inside = !inside;
            }
        }
        match fields.last_mut() {
            Some(field) if joined => field.push(token),
            _ => fields.push(vec![token]),
        }
        joined = chars.next_if_eq(&',').is_some();
    }
}

/// Judges a connection: the first rule that fits decides.
pub(crate) fn judge(
    rules: &[HbaRule],
    attempt: &Attempt<'_>,
    memberships: &Memberships,
) -> Verdict {
    for rule in rules {
        match rule.fits(attempt, memberships) {
            Some(false) => {}
            Some(true) if rule.method == "reject" => {
                return Verdict::Rejected { line: rule.line };
            }
            Some(true) => return Verdict::Allowed { line: rule.line },
            None => return Verdict::Unknown { line: rule.line },
        }
    }
    Verdict::NoRule
}

/// Whether `role` has any way in over TCP, as far as lines about every database and address have
/// not closed it before.
pub(crate) fn has_way_in(rules: &[HbaRule], role: &str, memberships: &Memberships) -> bool {
    let (mut tls, mut plain) = (true, true);
    for rule in rules {
        let (of_tls, of_plain) = match rule.kind {
            Kind::Host | Kind::Unknown => (true, true),
            Kind::HostSsl => (true, false),
            Kind::HostNoSsl => (false, true),
            Kind::Local | Kind::Gss => continue,
        };
        let of_role = match rule.kind {
            // What is not understood may let in.
            Kind::Unknown => return true,
            _ => rule.is_of_role(role, memberships),
        };
        if !of_role || !(of_tls && tls || of_plain && plain) {
            continue;
        }
        if rule.method != "reject" {
            return true;
        }
        if rule.is_of_all_databases() && rule.address == Address::All {
            (tls, plain) = (tls && !of_tls, plain && !of_plain);
        }
    }
    false
}

impl HbaRule {
    /// Whether the rule fits; `None` when this reader cannot tell.
    fn fits(&self, attempt: &Attempt<'_>, memberships: &Memberships) -> Option<bool> {
        let of_kind = match (self.kind, attempt.address) {
            (Kind::Unknown, _) => return None,
            (Kind::Local, address) => address.is_none(),
            (Kind::Gss, _) | (_, None) => false,
            (Kind::Host, Some(_)) => true,
            (Kind::HostSsl, Some(_)) => attempt.tls,
            (Kind::HostNoSsl, Some(_)) => !attempt.tls,
        };
        let of_database =
            of_kind && self.databases.iter().any(|token| token.is_database(attempt, memberships));
        if !(of_database && self.is_of_role(attempt.role, memberships)) {
            return Some(false);
        }
        let Some(address) = attempt.address else { return Some(true) };
        match &self.address {
            Address::All => Some(true),
            Address::Network(network) => Some(network.contains(address)),
            Address::SameHost => Some(is_own(address)),
            Address::SameNet => is_own(address).then_some(true),
            Address::Name(_) => None,
        }
    }

    fn is_of_role(&self, role: &str, memberships: &Memberships) -> bool {
        self.roles.iter().any(|token| {
            let of_group = |group: &str| {
                role == group || memberships.get(role).is_some_and(|of| of.contains(group))
            };
            match token.text.strip_prefix('+') {
                Some(group) if !token.quoted => of_group(group),
                _ => token.text == role || !token.quoted && token.text == "all",
            }
        })
    }

    fn is_of_all_databases(&self) -> bool {
        self.databases.iter().any(|token| !token.quoted && token.text == "all")
    }

    /// Whether whatever fits `other` fits this rule too; false when that is not sure.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let kind = match (self.kind, other.kind) {
            (Kind::Unknown | Kind::Gss, _) | (_, Kind::Unknown | Kind::Gss) => false,
            (Kind::Host, other) => other != Kind::Local,
            (one, other) => one == other,
        };
        let all = |tokens: &[Token]| tokens.iter().any(|t| !t.quoted && t.text == "all");
        let replication =
            |rule: &Self| rule.databases.iter().any(|t| !t.quoted && t.text == "replication");
        let databases =
            self.databases == other.databases || all(&self.databases) && !replication(other);
        let roles = all(&self.roles) || self.roles == other.roles;
        let address = match (&self.address, &other.address) {
            (Address::All, _) => true,
            (Address::Network(one), Address::Network(other)) => one.covers(other),
            (one, other) => one == other,
        };
        kind && databases && roles && address
    }
}

impl Token {
    fn is_database(&self, attempt: &Attempt<'_>, memberships: &Memberships) -> bool {
        let Some(database) = attempt.database else {
            return !self.quoted && self.text == "replication";
        };
        if self.quoted {
            return self.text == database;
        }
        match self.text.as_str() {
            "all" => true,
            "replication" => false,
            "sameuser" => database == attempt.role,
            "samerole" | "samegroup" => {
                database == attempt.role
                    || memberships.get(attempt.role).is_some_and(|of| of.contains(database))
            }
            name => name == database,
        }
    }
}

/// Whether an address is one of this machine: only such can be bound.
fn is_own(address: IpAddr) -> bool {
    address.to_canonical().is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt<'a>(address: &str, tls: bool, role: &'a str) -> Attempt<'a> {
        let address = (address != "local").then(|| address.parse().unwrap());
        Attempt { address, tls, database: Some("shop"), role }
    }

    #[test]
    fn the_first_line_that_fits_decides() {
        let rules = parse(
            "# comment\n\
             local all postgres peer map=pgkeep\n\
             hostnossl all all all reject\n\
             hostssl shop,\"other one\" anna 192.0.2.0/24 scram-sha-256\n\
             hostssl all bob,\n\
             hostssl all \"all\" 198.51.100.0 255.255.255.0 scram-sha-256 # mask\n\
             host all +readers \\\n 2001:db8::/32 scram-sha-256\n\
             host all all db.example.test scram-sha-256\n",
        );
        let members =
            Memberships::from([("carl".to_owned(), HashSet::from(["readers".to_owned()]))]);
        let cases = [
            (attempt("local", false, "postgres"), Verdict::Allowed { line: 2 }),
            (attempt("local", false, "anna"), Verdict::Unknown { line: 5 }),
            (attempt("192.0.2.9", false, "anna"), Verdict::Rejected { line: 3 }),
            (attempt("192.0.2.9", true, "anna"), Verdict::Allowed { line: 4 }),
            (attempt("::ffff:192.0.2.9", true, "anna"), Verdict::Allowed { line: 4 }),
        ];
        for (attempt, expected) in cases {
            assert_eq!(judge(&rules, &attempt, &members), expected, "{attempt:?}");
        }
        // Without the line that PostgreSQL would refuse.
        let sound: Vec<HbaRule> =
            rules.into_iter().filter(|rule| rule.kind != Kind::Unknown).collect();
        let cases = [
            (attempt("198.51.100.7", true, "all"), Verdict::Allowed { line: 6 }),
            (attempt("2001:db8::1", true, "carl"), Verdict::Allowed { line: 7 }),
            (attempt("2001:db8::1", true, "dora"), Verdict::Unknown { line: 9 }),
            (attempt("local", false, "dora"), Verdict::NoRule),
        ];
        for (attempt, expected) in cases {
            assert_eq!(judge(&sound, &attempt, &members), expected, "{attempt:?}");
        }
    }

    #[test]
    fn a_role_without_a_way_in_is_seen() {
        let nobody = Memberships::default();
        let way = |text: &str, role: &str| has_way_in(&parse(text), role, &nobody);
        assert!(way("hostssl all all 10.0.0.0/8 scram-sha-256", "anna"));
        assert!(!way("hostssl all bob all scram-sha-256", "anna"));
        assert!(!way("local all all peer", "anna"));
        assert!(!way("host all anna all reject\nhost all all all scram-sha-256", "anna"));
        assert!(way("hostnossl all all all reject\nhostssl all all all cert", "anna"));
        assert!(!way("hostnossl all all all reject\nhostnossl all all all md5", "anna"));
    }

    #[test]
    fn a_line_behind_a_wider_one_is_seen() {
        let covers = |one: &str, other: &str| parse(one)[0].covers(&parse(other)[0]);
        assert!(covers("host all all all md5", "hostssl shop anna 10.0.0.0/8 md5"));
        assert!(covers("host all all 10.0.0.0/8 md5", "host all all 10.1.0.0/16 md5"));
        assert!(!covers("hostssl all all all md5", "host all all all md5"));
        assert!(!covers("host all all all md5", "host replication all all md5"));
        assert!(!covers("host all all 10.1.0.0/16 md5", "host all all 10.0.0.0/8 md5"));
        assert!(!covers("host all all all md5", "local all all peer"));
    }
}
