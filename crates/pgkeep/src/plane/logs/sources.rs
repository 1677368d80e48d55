//! How the sources of events stand, since this process started.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::plane::model::Connector;
use base::Fault;
use jiff::Timestamp;
use kql::value::UNIX_EPOCH;

/// Rates are over so long.
const WINDOW: Duration = Duration::from_secs(60);
/// A source that reports by itself is stale when it has been silent for so long.
const SILENCE: Duration = Duration::from_secs(60);
/// So many sources are remembered; the one that was silent longest goes first.
const MOST: usize = 2000;

/// All sources by name.
#[derive(Debug, Default)]
pub(super) struct Sources(Mutex<BTreeMap<String, Source>>);

/// What is known of one.
#[derive(Debug)]
struct Source {
    kind: &'static str,
    parser: String,
    /// Whether it reports by itself again and again, events or not.
    reports: bool,
    seen: Instant,
    seen_at: Timestamp,
    newest: Option<i64>,
    lag: Option<u64>,
    n_events: u64,
    n_bytes: u64,
    n_dead: u64,
    failure: Option<String>,
    /// Second, events, bytes
    window: VecDeque<(Instant, u64, u64)>,
}

/// What came of one source at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Came {
    pub(super) n_events: u64,
    pub(super) n_bytes: u64,
    pub(super) n_dead: u64,
    /// Time of the newest event, in ticks.
    pub(super) newest: Option<i64>,
}

/// Which source it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    pub(super) kind: &'static str,
    pub(super) parser: &'a str,
    pub(super) reports: bool,
}

impl Sources {
    /// Notes what came, or why it could not be taken.
    pub(super) fn note(&self, known: Known<'_>, lag: Option<u64>, came: Result<Came, &Fault>) {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= MOST && !sources.contains_key(known.name) {
            let oldest = sources.iter().min_by_key(|(_, source)| source.seen);
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.and_then(|name| sources.remove(&name));
        }
        let now = Instant::now();
        let source = sources.entry(known.name.to_owned()).or_insert_with(|| Source {
            kind: known.kind,
            parser: known.parser.to_owned(),
            reports: known.reports,
            seen: now,
            seen_at: Timestamp::now(),
            newest: None,
            lag: None,
            n_events: 0,
            n_bytes: 0,
            n_dead: 0,
            failure: None,
            window: VecDeque::new(),
        });
        (source.seen, source.seen_at) = (now, Timestamp::now());
        if known.parser != source.parser {
            known.parser.clone_into(&mut source.parser);
        }
        source.lag = lag.or(source.lag);
        match came {
            Err(fault) => source.failure = Some(fault.message.clone()),
            Ok(came) => {
                source.failure = None;
                source.n_events += came.n_events;
                source.n_bytes += came.n_bytes;
                source.n_dead += came.n_dead;
                source.newest = source.newest.max(came.newest);
                match source.window.back_mut() {
                    Some((at, n, bytes)) if now - *at < Duration::from_secs(1) => {
                        (*n, *bytes) = (*n + came.n_events, *bytes + came.n_bytes);
                    }
                    _ => source.window.push_back((now, came.n_events, came.n_bytes)),
                }
                while source.window.front().is_some_and(|(at, ..)| now - *at > WINDOW) {
                    source.window.pop_front();
                }
            }
        }
    }

    /// All as the API shows them, by name.
    pub(super) fn shown(&self) -> Vec<Connector> {
        let sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sources.iter().map(|(name, source)| source.shown(name)).collect()
    }
}

impl Source {
    fn shown(&self, name: &str) -> Connector {
        let now = Instant::now();
        let recent = self.window.iter().filter(|(at, ..)| now - *at <= WINDOW);
        let (events, bytes) = recent.fold((0, 0), |(e, b), (_, n, m)| (e + n, b + m));
        let silent = now - self.seen;
        let (health, reason) = match &self.failure {
            Some(why) => ("failing", why.clone()),
            None if self.reports && silent > SILENCE => {
                ("stale", format!("nothing was heard of it for {} s", silent.as_secs()))
            }
            None if self.n_events == 0 && self.newest.is_none() => {
                ("waiting", "no event came since pgkeep started".to_owned())
            }
            None => ("ok", String::new()),
        };
        let seconds = WINDOW.as_secs_f64();
        Connector {
            name: name.to_owned(),
            kind: self.kind.to_owned(),
            parser: self.parser.clone(),
            health: health.to_owned(),
            reason,
            last_seen_at: Some(self.seen_at),
            last_event_at: self.newest.and_then(timestamp),
            events_per_s: events as f64 / seconds,
            bytes_per_s: bytes as f64 / seconds,
            lag_bytes: self.lag,
            n_events: self.n_events,
            n_bytes: self.n_bytes,
            n_dead_letters: self.n_dead,
        }
    }
}

/// A point of time from ticks.
fn timestamp(ticks: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(ticks - UNIX_EPOCH) * 100).ok()
}
