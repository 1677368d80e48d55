//! What the log speaks for: from when on it is whole, and from when on sign-ins are in it.
//!
//! An empty log proves nothing. So the stretch that counts ends now, begins behind the last hole,
//! and the sign-in of this very assessment has to be in it.

use std::collections::BTreeSet;

use kql::plan::Schema;
use kql::value::{Json, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, datetime_text};

use super::place::LogFile;
use super::scan::Event;
use super::{at, number, text};
use crate::derive::{Given, row};

/// So far may the clocks of the server and of this machine be apart.
const CLOCKS: i64 = 2 * TICKS_PER_MINUTE;
/// A run of the server without any sign-in, and no longer than this, is not suspicious.
const RUN: i64 = TICKS_PER_DAY;
/// Spans and changes that are kept.
const KEPT: usize = 200_000;

/// A time over which the log has no hole.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    to: i64,
    /// The server stopped in good order at its end
    is_stopped: bool,
}

/// What may change whether sign-ins are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Start,
    On,
    Off,
}

/// Gathers it while the log is read.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    wanted: i64,
    began: i64,
    now: i64,
    quiet: Option<i64>,
    is_on: bool,
    setting: String,
    pub(super) n_bytes: u64,
    pub(super) n_unread: u64,
    n_files: u64,
    n_events: u64,
    spans: Vec<Span>,
    open: Option<Span>,
    empty: Option<i64>,
    changes: BTreeSet<(i64, Change)>,
    /// Hours with a sign-in, by number, each with its first and last
    sign_ins: std::collections::BTreeMap<i64, (i64, i64)>,
    holes: Vec<(i64, String)>,
    shortened: Option<String>,
    is_full: bool,
    unbroken_from: Option<i64>,
    connections_from: Option<i64>,
    why: String,
    /// The same of sign-ins
    why_connections: String,
}

impl Coverage {
    /// For a log that is wanted from some time on, read by an assessment that began and reads now.
    pub(super) fn new(
        given: &Given<'_>,
        quiet: Option<i64>,
        wanted: i64,
        (began, now): (i64, i64),
    ) -> Self {
        let mut rows = given.rows("Settings");
        let setting = rows
            .find(|row| row.text("name") == "log_connections")
            .map_or("", |row| row.text("setting"));
        let is_on = is_on(setting);
        Self { wanted, began, now, quiet, is_on, setting: setting.to_owned(), ..Self::default() }
    }

    /// The log does not go further back, because of a limit.
    pub(super) fn shorten(&mut self, why: String) {
        self.shortened = Some(why);
    }

    pub(super) fn begin(&mut self, file: &LogFile) {
        self.n_files += 1;
        // A file that was begun because of the time, and nothing has been written since.
        self.empty = (file.size == 0 && self.quiet.is_some()).then_some(file.modified);
    }

    pub(super) fn end(&mut self) {
        if let Some(time) = self.empty.take() {
            self.spans.push(Span { from: time, to: time, is_stopped: false });
        }
        self.spans.extend(self.open.take());
    }

    pub(super) fn event(&mut self, event: &Event<'_>) {
        self.n_events += 1;
        let time = event.at;
        let message = event.log.text("Message");
        let is_near = |span: &Span| {
            time + TICKS_PER_HOUR >= span.to
                && (span.is_stopped || self.quiet.is_none_or(|quiet| time - span.to <= quiet))
        };
        match &mut self.open {
            Some(span) if is_near(span) => span.to = span.to.max(time),
            _ => {
                let fresh = Span { from: time, to: time, is_stopped: false };
                self.spans.extend(self.open.replace(fresh));
            }
        }
        if let Some(span) = &mut self.open {
            span.is_stopped = message == "database system is shut down";
        }
        if message.starts_with("starting PostgreSQL ") {
            self.changes.insert((time, Change::Start));
        } else if let Some(rest) = message.strip_prefix("parameter \"log_connections\" ") {
            let value = rest.strip_prefix("changed to \"").and_then(|rest| rest.strip_suffix('"'));
            let change = if value.is_some_and(is_on) { Change::On } else { Change::Off };
            self.changes.insert((time, change));
        }
        let is_sign_in = event.connection.is_some_and(|row| row.text("EventType") == "Authorized");
        if is_sign_in {
            let hour = time.div_euclid(TICKS_PER_HOUR);
            let seen = self.sign_ins.entry(hour).or_insert((time, time));
            *seen = (seen.0.min(time), seen.1.max(time));
        }
        self.is_full |= self.spans.len() + self.changes.len() > KEPT;
        if self.is_full {
            self.spans.clear();
            self.changes.clear();
        }
    }

    /// Records were not understood: before the next event, or at the end of a file.
    pub(super) fn unread(&mut self, next: Option<i64>, n: usize) {
        let last = self.open.or(self.spans.last().copied()).map(|span| span.to);
        let time = next.or(last).unwrap_or(self.now);
        self.hole(time, format!("{n} records were not understood"));
    }

    /// Before this time something is missing.
    pub(super) fn hole(&mut self, time: i64, why: String) {
        if self.holes.len() < KEPT {
            self.holes.push((time, why));
        }
    }

    /// Computes what came of it.
    pub(super) fn finish(&mut self) {
        self.spans.sort_by_key(|span| (span.from, span.to));
        let mut last: Option<Span> = None;
        for span in &self.spans {
            let Some(before) = &mut last else {
                last = Some(*span);
                continue;
            };
            let far = self.quiet.unwrap_or(TICKS_PER_DAY);
            if span.from - before.to > far && !before.is_stopped {
                let hole = format!("nothing from {} on", datetime_text(before.to));
                self.holes.push((span.from, hole));
            }
            if span.to >= before.to {
                *before = Span { from: before.from, ..*span };
            }
        }
        if self.is_full {
            self.holes.push((self.now, "the log has too many pieces".to_owned()));
        }
        self.holes.sort();
        let own = self.sign_ins.values().next_back().map(|(_, last)| *last);
        if self.is_on && own.is_none_or(|own| own < self.began - CLOCKS) {
            // Not the log of this server, not its newest part, or not in a language we know.
            let hole = "the sign-in of this assessment is not in it".to_owned();
            self.holes.push((self.now, hole));
        }
        let first = self.spans.first().map(|span| span.from);
        let hole = self.holes.last();
        self.unbroken_from = hole.map(|(time, _)| *time).or(first);
        self.why = match (hole, first) {
            (Some((_, why)), _) => why.clone(),
            (None, Some(first)) if first > self.wanted => {
                let short = || format!("the log begins at {}", datetime_text(first));
                self.shortened.clone().unwrap_or_else(short)
            }
            _ => String::new(),
        };
        self.why_connections.clone_from(&self.why);
        self.connections_from = self.sign_ins_from();
    }

    /// From when on sign-ins are logged, as far as the log is whole.
    fn sign_ins_from(&mut self) -> Option<i64> {
        if !self.is_on {
            self.why_connections = format!("log_connections is {}", self.setting);
            return None;
        }
        let from = self.unbroken_from?;
        let mut end = self.now;
        for (time, change) in self.changes.iter().rev() {
            let time = *time;
            if time < from {
                break;
            }
            let seen = self.has_sign_in(time, end);
            let why = match change {
                Change::On | Change::Off => "log_connections was changed",
                Change::Start if !seen && end - time > RUN => "a run of the server has no sign-in",
                Change::Start => {
                    end = time;
                    continue;
                }
            };
            self.why_connections = format!("{why} at {}", datetime_text(time));
            return Some(if *change == Change::On { time } else { end });
        }
        if !self.has_sign_in(from, end) && end - from > RUN {
            self.why_connections = "a run of the server has no sign-in".to_owned();
            return Some(end);
        }
        Some(from)
    }

    fn has_sign_in(&self, from: i64, to: i64) -> bool {
        let hours = from.div_euclid(TICKS_PER_HOUR)..=to.div_euclid(TICKS_PER_HOUR);
        let mut hours = self.sign_ins.range(hours);
        hours.any(|(_, (first, last))| *last >= from && *first <= to)
    }

    /// The row of `LogWindow`.
    pub(super) fn row(&self, columns: &Schema) -> Vec<Json> {
        let first = self.spans.first().map(|span| span.from);
        let last = self.spans.iter().map(|span| span.to).max();
        let holes = self.holes.iter().rev().take(20);
        let hole = |(time, why): &(i64, String)| text(format!("{}: {why}", datetime_text(*time)));
        row(
            columns,
            &[
                ("wanted_from", at(Some(self.wanted))),
                ("covers_from", at(first)),
                ("covers_to", at(last)),
                ("read_at", at(Some(self.now))),
                ("unbroken_from", at(self.unbroken_from)),
                ("connections_from", at(self.connections_from)),
                ("connections_logged", Json::Bool(self.is_on)),
                ("why", text(&self.why)),
                ("why_connections", text(&self.why_connections)),
                ("holes", Json::Array(holes.map(hole).collect())),
                ("files", number(self.n_files)),
                ("bytes", number(self.n_bytes)),
                ("events", number(self.n_events)),
                ("unread", number(self.n_unread)),
            ],
        )
    }
}

/// Whether a value of `log_connections` logs who signs in, how, and from where: `on`, or from
/// PostgreSQL 18 on a list with these stages.
fn is_on(value: &str) -> bool {
    let value = value.to_lowercase();
    let words: Vec<&str> = value.split(',').map(|word| word.trim().trim_matches('"')).collect();
    let has = |word: &str| words.contains(&word);
    ["on", "true", "yes", "1", "all"].into_iter().any(has)
        || ["receipt", "authentication", "authorization"].into_iter().all(has)
}
