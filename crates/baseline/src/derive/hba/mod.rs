//! pg_hba.conf as a decision procedure (PostgreSQL's `check_hba`): what the first line that matches
//! decides, for every connection at once.
//!
//! | file | what is in it |
//! |---|---|
//! | `words` | what the words of a line stand for |
//! | `classes` | roles and databases that no line tells apart |
//! | `decide` | which line decides which addresses, and [`simulate`] for one connection |
//! | `tables` | the tables `HbaReach` and `HbaShadows` |
//!
//! What SQL does not show stays unknown: which addresses a host name, `samehost` or `samenet`
//! stands for, and patterns that only PostgreSQL can read. Such a line may match or not, so it and
//! what lies behind it is `unsure`.

mod classes;
mod decide;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use std::net::IpAddr;

use super::prefix::Addresses;
use super::{Cells, Fault, Given};
pub use decide::{Answer, Simulated, simulate};
pub(super) use tables::{reach, shadows};
use words::{Meanings, Names, RoleFacts};

/// Lines of a file. Bits of as many lines are kept for each class of roles.
const LINES_MAX: usize = 20_000;

/// How a connection comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Transport {
    /// By the socket
    Local,
    /// By TCP with TLS
    Tls,
    /// By TCP without encryption
    Cleartext,
    /// By TCP with GSSAPI encryption
    Gss,
}

/// The first word of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Local,
    Host,
    HostSsl,
    HostNoSsl,
    HostGssEnc,
    HostNoGssEnc,
}

/// A line that is in force.
#[derive(Debug)]
struct Line {
    rule: i64,
    line: i64,
    file: String,
    item: String,
    kind: Kind,
    databases: Vec<Meanings>,
    roles: Vec<Meanings>,
    /// Those that it may match
    addresses: Addresses,
    /// Whether it matches all of these
    is_known: bool,
    method: String,
    /// Why it does nothing at present: the server has no TLS, or no GSSAPI
    warning: String,
}

/// The lines in force in their order, with the names by which they are read.
#[derive(Debug)]
struct File {
    lines: Vec<Line>,
    names: Names,
}

impl Transport {
    const ALL: [Self; 4] = [Self::Local, Self::Tls, Self::Cleartext, Self::Gss];

    fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Tls => "tls",
            Self::Cleartext => "cleartext",
            Self::Gss => "gss",
        }
    }
}

impl Kind {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "local" => Self::Local,
            "host" => Self::Host,
            "hostssl" => Self::HostSsl,
            "hostnossl" => Self::HostNoSsl,
            "hostgssenc" => Self::HostGssEnc,
            "hostnogssenc" => Self::HostNoGssEnc,
            _ => return None,
        })
    }

    fn takes(self, transport: Transport) -> bool {
        match self {
            Self::Local => transport == Transport::Local,
            Self::Host => transport != Transport::Local,
            Self::HostSsl => transport == Transport::Tls,
            Self::HostNoSsl => matches!(transport, Transport::Cleartext | Transport::Gss),
            Self::HostGssEnc => transport == Transport::Gss,
            Self::HostNoGssEnc => matches!(transport, Transport::Cleartext | Transport::Tls),
        }
    }
}

impl Line {
    fn rejects(&self) -> bool {
        self.method == "reject"
    }

    fn read(row: Cells<'_>, major: u32, names: &Names) -> Result<Self, Fault> {
        let item = row.text("item").to_owned();
        let odd = |what: &str| Fault::Odd(format!("pg_hba.conf, {item}: {what}"));
        let kind = Kind::read(row.text("type")).ok_or_else(|| odd("of an unknown type"))?;
        let address = row.text("address");
        let bits = row.number("bits").and_then(|bits| u32::try_from(bits).ok());
        let (addresses, is_known) = match (address.parse::<IpAddr>(), bits) {
            _ if kind == Kind::Local => (Addresses::all(), true),
            (Ok(address), Some(bits)) => {
                let network = Addresses::network(address, bits);
                (network.ok_or_else(|| odd("the prefix is too long"))?, true)
            }
            // The netmask has holes: at least it is of one family.
            (Ok(address), None) => (Addresses::network(address, 0).unwrap_or_default(), false),
            (Err(_), _) => (Addresses::all(), address == "all"),
        };
        Ok(Self {
            rule: row.number("rule").unwrap_or_default(),
            line: row.number("line").unwrap_or_default(),
            file: row.text("file").to_owned(),
            kind,
            databases: row.texts("databases").map(|w| words::database(w, major, names)).collect(),
            roles: row.texts("users").map(|w| words::role(w, major, names)).collect(),
            addresses,
            is_known,
            method: row.text("method").to_owned(),
            warning: row.text("warning").to_owned(),
            item,
        })
    }
}

impl File {
    fn read(given: &Given<'_>) -> Result<Self, Fault> {
        let mut names = Names::default();
        for row in given.rows("Databases") {
            names.databases.insert(row.text("name").to_owned(), row.is("allow_conn"));
        }
        for row in given.rows("Roles") {
            let facts = RoleFacts { superuser: row.is("superuser"), login: row.is("login") };
            names.roles.insert(row.text("name").to_owned(), facts);
        }
        for row in given.rows("MembershipPaths") {
            let groups = names.groups.entry(row.text("member").to_owned()).or_default();
            groups.insert(row.text("role").to_owned());
        }
        let in_force = |row: &Cells<'_>| row.text("error").is_empty();
        let rows = given.rows("HbaRules").filter(in_force);
        let read = rows.map(|row| Line::read(row, given.major, &names));
        let mut lines = read.collect::<Result<Vec<_>, _>>()?;
        if lines.len() > LINES_MAX {
            return Err(Fault::TooMuch(format!("pg_hba.conf has more than {LINES_MAX} lines")));
        }
        lines.sort_by_key(|line| line.rule);
        Ok(Self { lines, names })
    }
}
