//! Tables that are read from the server's log (`source = "log"`): who signed in, who failed to, who
//! read much, and over what time the log says so.
//!
//! The log is read where the host is at hand, else through SQL. Parsers are those of `siem`.
//! Whatever is missing only makes the time shorter that the log speaks for: `LogWindow` says from
//! when on it is whole, and rules about absence have to look there. Not a store of the log: what
//! is kept are sums.
//!
//! | file | what is in it |
//! |---|---|
//! | `place` | where the log is, which files, their bytes |
//! | `scan` | bytes to events, by `siem` |
//! | `coverage` | `LogWindow`: from when on the log is whole, and sign-ins are in it |
//! | `logins` | `LoginHistory`, `FailedLogins` |
//! | `reads` | `BulkReads`, `LogMarkers` |

mod coverage;
mod logins;
mod place;
mod reads;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kql::value::{Json, TICKS_PER_DAY, Value};
use pg::Connection;

use crate::bundle::{Gap, State, TableEvidence};
use crate::collect::Host;
use crate::derive::Given;
use coverage::Coverage;
use logins::Logins;
use place::Place;
use scan::Reader;

/// Days that are read unless another number is asked for: as many as the check of unused roles
/// looks back.
const DAYS: u32 = 90;
/// Bytes that are read at most, the newest first.
const BYTES_MAX: u64 = 2 << 30;
/// How long that may take.
const TIME_MAX: Duration = Duration::from_secs(600);
/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

/// How far back the log is read.
#[derive(Debug, Clone)]
pub struct LogSource {
    days: u32,
    bytes_max: u64,
}

impl Default for LogSource {
    fn default() -> Self {
        Self { days: DAYS, bytes_max: BYTES_MAX }
    }
}

impl LogSource {
    /// The last so many days.
    pub fn days(days: u32) -> Self {
        Self { days, ..Self::default() }
    }

    /// The same with another limit of bytes; the newest are read.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.bytes_max = bytes;
        self
    }
}

/// What the tables are filled with.
pub(super) struct Asked<'a> {
    pub(super) source: Option<&'a LogSource>,
    pub(super) host: Option<&'a Host>,
    pub(super) connection: &'a Connection,
    /// The major version of the server
    pub(super) major: u32,
    /// When the assessment began, in ticks: its own sign-in is not older
    pub(super) began: i64,
    /// The present time, in ticks
    pub(super) now: i64,
}

/// Reads the log once and fills these tables.
pub(super) async fn fill(
    asked: &Asked<'_>,
    names: &[String],
    tables: &mut BTreeMap<String, TableEvidence>,
) {
    let started = Instant::now();
    let read = read(asked, tables).await;
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    for name in names {
        let columns = tables.get(name).map(|table| table.columns.clone()).unwrap_or_default();
        let mut table = match &read {
            Ok(seen) => match seen.rows(name, &columns) {
                Some(rows) => {
                    let mut table = TableEvidence::whole(columns, rows, seen.statement.as_str());
                    if !seen.gaps.is_empty() {
                        table.state = State::Partial;
                        table.gaps.clone_from(&seen.gaps);
                    }
                    table
                }
                None => {
                    let gap = gap("internal", format!("nothing reads {name}"), None);
                    TableEvidence::unread(columns, gap, "log")
                }
            },
            Err(gap) => TableEvidence::unread(columns, gap.clone(), "log"),
        };
        table.took_ms = took_ms;
        tables.insert(name.clone(), table);
    }
}

/// All that was seen.
struct Seen {
    statement: String,
    coverage: Coverage,
    reader: Reader,
    gaps: Vec<Gap>,
}

impl Seen {
    fn rows(&self, name: &str, columns: &kql::plan::Schema) -> Option<Vec<Vec<Json>>> {
        match name {
            "LogWindow" => Some(vec![self.coverage.row(columns)]),
            "LoginHistory" => Some(self.reader.logins.history(columns)),
            "FailedLogins" => Some(self.reader.logins.failed(columns)),
            "BulkReads" => Some(self.reader.reads.bulk(columns)),
            "LogMarkers" => Some(self.reader.reads.markers(columns)),
            _ => None,
        }
    }
}

async fn read(asked: &Asked<'_>, tables: &BTreeMap<String, TableEvidence>) -> Result<Seen, Gap> {
    let Some(source) = asked.source else {
        let message = "this assessment does not read the log".to_owned();
        return Err(gap("no-collector", message, None));
    };
    if !tables.get("Settings").is_some_and(|table| table.state == State::Read) {
        let mut lacking = gap("incomplete", "Settings was not read".to_owned(), None);
        if let Some(first) = tables.get("Settings").and_then(|table| table.gaps.first()) {
            lacking.cure.clone_from(&first.cure);
        }
        return Err(lacking);
    }
    let given = Given { tables, major: asked.major };
    let place = Place::find(&given, asked.host, asked.connection)?;
    let since = asked.now - i64::from(source.days) * TICKS_PER_DAY;
    let mut files = place.files().await?;
    // Newest first: what does not fit any more is older, and only makes the time shorter.
    files.sort_by_key(|file| (std::cmp::Reverse(file.modified), file.name.clone()));
    let mut coverage = Coverage::new(&given, place.quiet(), since, (asked.began, asked.now));
    let (mut left, mut chosen) = (source.bytes_max, Vec::new());
    for file in files {
        if file.modified < since {
            break;
        }
        if left == 0 {
            coverage.shorten(format!("only the newest {} bytes were read", source.bytes_max));
            break;
        }
        let skip = file.size.saturating_sub(left);
        if skip > 0 {
            coverage.shorten(format!("only the newest {} bytes were read", source.bytes_max));
        }
        left -= file.size - skip;
        chosen.push((file, skip));
    }
    let roles = given.rows("Roles").map(|role| role.text("name").to_owned());
    let mut reader = Reader::new(&place, since, coverage, Logins::of(roles.collect()))?;
    let started = Instant::now();
    let mut gaps = Vec::new();
    for (file, skip) in chosen.into_iter().rev() {
        reader.begin(&file, skip);
        let mut at = skip;
        while at < file.size {
            if started.elapsed() > TIME_MAX {
                let message = format!("the log could not be read in {} s", TIME_MAX.as_secs());
                return Err(gap("limit", message, None));
            }
            let piece = match place.piece(&file, at, PIECE.min(file.size - at)).await {
                Ok(piece) if piece.is_empty() => {
                    reader.coverage.hole(file.modified, format!("{} was cut short", file.name));
                    break;
                }
                Ok(piece) => piece,
                Err(error) => {
                    reader.coverage.hole(file.modified, error.message.clone());
                    gaps.push(error);
                    break;
                }
            };
            at += piece.len() as u64;
            reader.feed(&piece);
        }
        reader.end();
    }
    if let Some(first) = gaps.first().filter(|_| reader.coverage.n_bytes == 0) {
        return Err(first.clone());
    }
    if let Some(full) = reader.logins.full() {
        gaps.push(gap("limit", full, None));
    }
    let mut coverage = std::mem::take(&mut reader.coverage);
    coverage.finish();
    Ok(Seen { statement: place.label(), coverage, reader, gaps })
}

fn gap(reason: &str, message: String, cure: Option<String>) -> Gap {
    Gap { database: None, reason: reason.to_owned(), message, cure }
}

/// A point of time, or null.
fn at(ticks: Option<i64>) -> Json {
    ticks.map_or(Json::Null, |ticks| Value::DateTime(ticks).to_json())
}

fn text(text: impl AsRef<str>) -> Json {
    Json::String(text.as_ref().into())
}

fn number(n: u64) -> Json {
    Json::Long(i64::try_from(n).unwrap_or(i64::MAX))
}
