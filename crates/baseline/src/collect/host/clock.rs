//! Whether the host's clock is set by others': what time daemons leave behind while they are in
//! step. It stays readable without asking a daemon anything.

use std::path::Path;

use kql::plan::Schema;
use kql::value::Json;

use super::stat::{Looker, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Files that a daemon writes only while it follows a source: systemd-timesyncd at each
/// adjustment, chrony and ntpd about each hour.
const MARKS: [(&str, &str); 6] = [
    ("systemd-timesyncd", "/run/systemd/timesync/synchronized"),
    ("chrony", "/var/lib/chrony/chrony.drift"),
    ("chrony", "/var/lib/chrony/drift"),
    ("ntpd", "/var/lib/ntp/ntp.drift"),
    ("ntpd", "/var/lib/ntp/drift"),
    ("ntpsec", "/var/lib/ntpsec/ntp.drift"),
];

/// `Clock`: one row for each place where such a mark may be.
pub(super) fn clock(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let looker = match Looker::of(host) {
        Ok(looker) => looker,
        Err(error) => {
            filled.lack(host.pgdata(), &error);
            return filled;
        }
    };
    for (daemon, path) in MARKS {
        let path = Path::new(path);
        match looker.look(path) {
            Ok(looked) => {
                let mut cells = looker.cells(path, looked.as_ref());
                cells.push(("daemon", text(daemon)));
                cells.push(("present", Json::Bool(looked.is_some())));
                filled.rows.push(row(schema, &cells));
            }
            Err(error) => filled.lack(path, &error),
        }
    }
    filled
}
