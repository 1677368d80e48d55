//! Which line decides which addresses, by first match; and one connection.

use std::net::IpAddr;

use super::super::Given;
use super::super::prefix::Addresses;
use super::classes::{Base, Lines, Name, base_lines, pair, role_lines, same_role, same_user};
use super::{Fault, File, Transport};
use crate::bundle::{Bundle, State};
use crate::error::{Error, Result};

/// What one line decides of one kind of connection.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) line: usize,
    /// From where; all addresses for the socket
    pub(super) addresses: Addresses,
    /// Whether an earlier line, or this one, may match or not
    pub(super) unsure: bool,
}

/// What the lines that match decide, each what those before it left. Together the segments that
/// are sure are disjoint.
pub(super) fn decided(file: &File, lines: &Lines, transport: Transport) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut left = Addresses::all();
    // What a line that may match was asked for: it may be decided already.
    let mut doubtful = Addresses::default();
    for (at, is_sure) in lines.iter() {
        let line = &file.lines[at];
        if !line.kind.takes(transport) {
            continue;
        }
        let (sure, unsure) = (left.and(&line.addresses), doubtful.and(&line.addresses));
        if is_sure && line.is_known {
            for (addresses, unsure) in [(sure, false), (unsure, true)] {
                if !addresses.is_empty() {
                    segments.push(Segment { line: at, addresses, unsure });
                }
            }
            left = left.without(&line.addresses);
            doubtful = doubtful.without(&line.addresses);
        } else {
            let addresses = sure.or(&unsure);
            if !addresses.is_empty() {
                segments.push(Segment { line: at, addresses, unsure: true });
            }
            left = left.without(&line.addresses);
            doubtful = doubtful.or(&sure);
        }
        if left.is_empty() && doubtful.is_empty() {
            break;
        }
    }
    segments
}

/// What pg_hba.conf says to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A method asks for proof, or nothing does
    Allow,
    /// A line rejects it
    Reject,
    /// No line matches
    NoEntry,
    /// A line may match that SQL does not show in whole
    Unsure,
}

/// What would become of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// What is said
    pub outcome: Answer,
    /// The line that decides; where it is unsure the first that may
    pub line: Option<i64>,
    /// The file in which it is
    pub file: Option<String>,
    /// Its method
    pub method: Option<String>,
}

/// Says which line of pg_hba.conf would decide a connection, from the tables `HbaRules`, `Roles`,
/// `MembershipPaths` and `Databases` of a bundle. `database`: none for physical replication.
/// `address`: none for the socket. `tls`: whether a connection by TCP is encrypted.
///
/// # Errors
/// One of the tables was not read in whole.
pub fn simulate(
    bundle: &Bundle,
    role: &str,
    database: Option<&str>,
    address: Option<IpAddr>,
    tls: bool,
) -> Result<Simulated> {
    for name in ["HbaRules", "Roles", "MembershipPaths", "Databases"] {
        if bundle.tables.get(name).is_none_or(|table| table.state != State::Read) {
            return Err(Error::Bundle(format!("{name} was not read in whole")));
        }
    }
    let given = Given { tables: &bundle.tables, major: bundle.major };
    let file = File::read(&given).map_err(|fault| match fault {
        Fault::Odd(what) | Fault::TooMuch(what) => Error::Bundle(what),
    })?;
    let transport = match (address, tls) {
        (None, _) => Transport::Local,
        (Some(_), true) => Transport::Tls,
        (Some(_), false) => Transport::Cleartext,
    };
    Ok(file.answer(role, database, address, transport))
}

impl File {
    pub(super) fn answer(
        &self,
        role: &str,
        database: Option<&str>,
        address: Option<IpAddr>,
        transport: Transport,
    ) -> Simulated {
        let base = database.map_or(Base::Physical, |name| Base::Named(Name::Known(name)));
        let (same_user, same_role) = (same_user(self), same_role(self));
        let mut relative = Vec::new();
        if database == Some(role) {
            relative.push(&same_user);
        }
        if database.is_some_and(|group| self.names.is_member(role, group)) {
            relative.push(&same_role);
        }
        let role = role_lines(self, Name::Known(role));
        let lines = pair(&role, &base_lines(self, base), &relative);
        let segments = decided(self, &lines, transport);
        let found = segments
            .iter()
            .find(|segment| address.is_none_or(|address| segment.addresses.has(address)));
        let Some(segment) = found else {
            return Simulated { outcome: Answer::NoEntry, line: None, file: None, method: None };
        };
        let line = &self.lines[segment.line];
        let outcome = match (segment.unsure, line.rejects()) {
            (true, _) => Answer::Unsure,
            (false, true) => Answer::Reject,
            (false, false) => Answer::Allow,
        };
        Simulated {
            outcome,
            line: Some(line.line),
            file: Some(line.file.clone()),
            method: Some(line.method.clone()),
        }
    }
}
