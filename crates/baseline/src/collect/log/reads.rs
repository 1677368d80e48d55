//! Reads of many rows, and markers that somebody left in the log to find them again.

use kql::plan::Schema;
use kql::value::Json;
use regex::Regex;
use std::sync::LazyLock;

use super::scan::{Event, Row, Sums};
use super::{at, number, text};
use crate::derive::row;

/// Programs that read whole databases, by the names that they give themselves.
const DUMPS: [&str; 3] = ["pg_dump", "pg_dumpall", "pg_basebackup"];
/// Statements that give fewer rows are not kept.
const ROWS_MIN: i64 = 1000;
/// Markers that are kept.
const MARKERS_MAX: usize = 10_000;

/// `COPY … TO` behind blanks and comments.
static COPY_TO: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/)*copy\s.*\sto\s+(?:stdout|program|e?')";
    Regex::new(pattern).expect("because it was tried")
});
static MARKER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"pgkeep[-_](?:canary|probe)[-_][0-9A-Za-z]{8,64}").expect("because it was tried")
});

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Bulk {
    role: String,
    database: String,
    address: String,
    application: String,
    kind: &'static str,
}

#[derive(Debug, Default)]
struct Sum {
    count: u64,
    rows: i64,
    first: Option<i64>,
    last: Option<i64>,
}

#[derive(Debug)]
struct Marker {
    marker: String,
    time: i64,
    class: String,
    command: String,
    level: String,
}

/// Sums of reads, and markers.
#[derive(Debug, Default)]
pub(super) struct Reads {
    bulk: Sums<Bulk, Sum>,
    markers: Vec<Marker>,
}

impl Reads {
    pub(super) fn event(&mut self, event: &Event<'_>) {
        if let Some(line) = event.connection.filter(|row| row.text("EventType") == "Authorized") {
            let application = line.text("ApplicationName");
            if DUMPS.contains(&application) {
                self.add(line, event.at, "dump", 0);
            }
        }
        if let Some(line) = event.statement
            && line.text("EventResult") == "Success"
            && COPY_TO.is_match(line.text("Statement"))
        {
            self.add(line, event.at, "copy", 0);
        }
        if let Some(line) = event.audit {
            let rows = line.number("Rows").unwrap_or(0);
            if COPY_TO.is_match(line.text("Statement")) {
                self.add(line, event.at, "copy", rows);
            } else if rows >= ROWS_MIN && line.text("Class") == "READ" {
                self.add(line, event.at, "rows", rows);
            }
        }
        self.mark(event);
    }

    fn add(&mut self, line: Row<'_>, time: i64, kind: &'static str, rows: i64) {
        let key = Bulk {
            role: line.text("RoleName").to_owned(),
            database: line.text("DatabaseName").to_owned(),
            address: line.text("ClientAddress").to_owned(),
            application: line.text("ApplicationName").to_owned(),
            kind,
        };
        let Some(sum) = self.bulk.of(key) else { return };
        sum.count += 1;
        sum.rows = sum.rows.max(rows);
        sum.first = Some(sum.first.map_or(time, |first| first.min(time)));
        sum.last = Some(sum.last.map_or(time, |last| last.max(time)));
    }

    fn mark(&mut self, event: &Event<'_>) {
        let audit = |column: &str| event.audit.map_or("", |row| row.text(column)).to_owned();
        let log = |column: &str| event.log.text(column);
        // Statements that others only log again do not count: one marker, one event.
        let place = match event.audit {
            Some(row) => row.text("Statement"),
            None if log("ErrorLevel") == "ERROR" => log("Statement"),
            None if event.statement.is_some() => return,
            None => log("Message"),
        };
        let Some(found) = MARKER.find(place) else { return };
        if self.markers.len() < MARKERS_MAX {
            self.markers.push(Marker {
                marker: found.as_str().to_owned(),
                time: event.at,
                class: audit("Class"),
                command: audit("Command"),
                level: log("ErrorLevel").to_owned(),
            });
        }
    }

    /// Rows of `BulkReads`.
    pub(super) fn bulk(&self, columns: &Schema) -> Vec<Vec<Json>> {
        let rows = self.bulk.all.iter().map(|(key, sum)| {
            row(
                columns,
                &[
                    ("role", text(&key.role)),
                    ("database", text(&key.database)),
                    ("address", text(&key.address)),
                    ("application", text(&key.application)),
                    ("kind", text(key.kind)),
                    ("count", number(sum.count)),
                    ("most_rows", Json::Long(sum.rows)),
                    ("first_seen", at(sum.first)),
                    ("last_seen", at(sum.last)),
                ],
            )
        });
        rows.collect()
    }

    /// Rows of `LogMarkers`.
    pub(super) fn markers(&self, columns: &Schema) -> Vec<Vec<Json>> {
        let rows = self.markers.iter().map(|marker| {
            row(
                columns,
                &[
                    ("marker", text(&marker.marker)),
                    ("at", at(Some(marker.time))),
                    ("class", text(&marker.class)),
                    ("command", text(&marker.command)),
                    ("level", text(&marker.level)),
                ],
            )
        });
        rows.collect()
    }
}
