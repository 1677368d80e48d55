//! Queries: bound and run on a thread of their own, answered line by line, cancelled by whoever
//! asked or by nobody listening any more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::plane::backend::Lines;
use api::plane::model::{
    LogsBegin, LogsCheck, LogsColumn, LogsDiagnostic, LogsEnd, LogsFurther, LogsLine, LogsQuery,
    LogsRun,
};
use base::{Changed, ExitCode, Fault};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use kql::bind::Binding;
use kql::diagnostic::{Diagnostic, Severity};
use kql::engine::{Cancel, Limits, Row};
use kql::functions::Context;
use kql::plan::{Query, Render, Schema};
use lake::Sink;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::timespan::{self, Timespan};
use super::{Logs, QUERY_BYTES, faults, now};
use crate::cells;

/// Deeply nested queries are bound by recursion: give it room.
const STACK_BYTES: usize = 64 << 20;
/// Rows where nothing is said, and at most.
const ROWS: u32 = 30_000;
const ROWS_MAX: u32 = 500_000;
/// Seconds where nothing is said, and at most.
const SECONDS: u32 = 180;
const SECONDS_MAX: u32 = 600;
/// Queries that run or wait.
const RUNS_MAX: usize = 64;
/// Rows of one line.
const LINE_ROWS: usize = 1000;
/// Lines that wait for a slow reader; then the query waits too.
const LINES: usize = 8;

/// The queries that run, by id.
#[derive(Clone, Default)]
pub(crate) struct Runs(Arc<Mutex<BTreeMap<String, Run>>>);

struct Run {
    by: String,
    query: String,
    started_at: Timestamp,
    cancel: Cancel,
}

/// The place of a run among the others; given back when dropped.
struct Place {
    runs: Runs,
    id: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.runs.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Cancels when nobody reads the answer any more.
struct Reader {
    lines: mpsc::Receiver<String>,
    cancel: Cancel,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Runs {
    fn place(&self, by: &str, query: &LogsQuery, cancel: &Cancel) -> Result<Place, Fault> {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() >= RUNS_MAX {
            return Err(Fault::new("busy", "too many queries run").hint("ask again later"));
        }
        let id = query.id.clone().unwrap_or_else(new_id);
        if runs.contains_key(&id) {
            return Err(Fault::new("conflict", format!("a query \"{id}\" runs already"))
                .exit(ExitCode::Conflict));
        }
        let run = Run {
            by: by.to_owned(),
            query: query.query.clone(),
            started_at: Timestamp::now(),
            cancel: cancel.clone(),
        };
        runs.insert(id.clone(), run);
        Ok(Place { runs: self.clone(), id })
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> Vec<LogsRun> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<LogsRun> = runs
            .iter()
            .map(|(id, run)| LogsRun {
                id: id.clone(),
                by: run.by.clone(),
                query: run.query.clone(),
                started_at: run.started_at,
            })
            .collect();
        all.sort_by_key(|run| run.started_at);
        all
    }

    /// Stops one.
    pub(crate) fn cancel(&self, id: &str) -> Changed {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match runs.get(id) {
            Some(run) => {
                run.cancel.cancel();
                Changed::Changed
            }
            None => Changed::Unchanged,
        }
    }
}

fn new_id() -> String {
    use base::Random as _;
    let mut bytes = [0; 12];
    crypto::OsRandom.fill(&mut bytes);
    hex::encode(bytes)
}

impl Logs {
    /// Begins a query; its lines come as they are found.
    pub(crate) async fn query(self: Arc<Self>, by: &str, wish: LogsQuery) -> Result<Lines, Fault> {
        let now = now();
        let timespan = match &wish.timespan {
            Some(text) => timespan::parse(text, now)?,
            None => Timespan::default(),
        };
        let cancel = Cancel::new();
        let runs = self.runs.clone();
        let place = runs.place(by, &wish, &cancel)?;
        let (begun, begins) = oneshot::channel();
        let (sender, lines) = mpsc::channel(LINES);
        let reader = Reader { lines, cancel: cancel.clone() };
        let job = move || {
            let id = place.id.clone();
            let bound = match self.bound(&wish.query, now) {
                Ok(bound) => bound,
                Err(fault) => return drop(begun.send(Err(fault))),
            };
            if begun.send(Ok(())).is_err() {
                return;
            }
            let mut out =
                Out { sender, cancel: cancel.clone(), begin: Some((id, bound.1)), n_rows: 0 };
            self.answer(&bound.0, &wish, timespan, now, &cancel, &mut out);
            drop(place);
        };
        let thread = std::thread::Builder::new().name("query".to_owned());
        thread
            .stack_size(STACK_BYTES)
            .spawn(job)
            .map_err(|e| Fault::from_error("thread", "could not start a thread", &e))?;
        match begins.await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(Fault::new("internal", "the query failed where it must not")),
        }
        let lines = futures_util::stream::unfold(reader, |mut reader| async move {
            let line = reader.lines.recv().await?;
            Some((line, reader))
        });
        Ok(lines.boxed())
    }

    fn answer(
        &self,
        query: &Query,
        wish: &LogsQuery,
        timespan: Timespan,
        now: i64,
        cancel: &Cancel,
        out: &mut Out,
    ) {
        let began = Instant::now();
        let limits = Limits {
            rows: wish.max_rows.unwrap_or(ROWS).min(ROWS_MAX) as usize,
            bytes: QUERY_BYTES,
            time: Duration::from_secs(u64::from(
                wish.timeout_s.unwrap_or(SECONDS).clamp(1, SECONDS_MAX),
            )),
            ..Limits::default()
        };
        let query = lake::within(query, timespan.from, timespan.to);
        let done = self.lake.stream_at(now, &query, &limits, cancel, out);
        let last = match done {
            Ok(ending) => LogsLine {
                end: Some(LogsEnd {
                    n_rows: out.n_rows,
                    truncated: ending.truncated,
                    elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                    render: ending.render.as_ref().map(render),
                }),
                ..LogsLine::default()
            },
            Err(error) => {
                let Fault { code, message, detail, hint, exit } = faults::of_query(&error);
                let request_id = None;
                let body = api::plane::ErrorBody { code, message, detail, hint, request_id, exit };
                LogsLine { error: Some(body), ..LogsLine::default() }
            }
        };
        out.send(&last);
    }

    /// Says what a query would give.
    pub(crate) fn check(&self, text: &str) -> LogsCheck {
        let Binding { query, diagnostics } = self.compiled(text, now());
        LogsCheck {
            ok: query.is_some(),
            columns: query.map(|query| columns(&query.rel.schema)).unwrap_or_default(),
            diagnostics: diagnostics.iter().map(diagnostic).collect(),
        }
    }

    /// Runs [`Logs::check`] where there is room for it.
    pub(crate) async fn checked(self: Arc<Self>, text: String) -> Result<LogsCheck, Fault> {
        let (sender, answer) = oneshot::channel();
        let thread = std::thread::Builder::new().name("check".to_owned()).stack_size(STACK_BYTES);
        thread
            .spawn(move || drop(sender.send(self.check(&text))))
            .map_err(|e| Fault::from_error("thread", "could not start a thread", &e))?;
        answer.await.map_err(|_| Fault::new("internal", "the check failed where it must not"))
    }

    fn compiled(&self, text: &str, now: i64) -> Binding {
        let catalog = self.catalog();
        let discover = |query: &Query| self.lake.discover(now, query);
        kql::bind::compile(text, &catalog, Context { now }, Some(&discover))
    }

    fn bound(&self, text: &str, now: i64) -> Result<(Query, Vec<LogsDiagnostic>), Fault> {
        let Binding { query, diagnostics } = self.compiled(text, now);
        let first = diagnostics.iter().find(|found| found.severity == Severity::Error);
        match (query, first) {
            (Some(query), _) => Ok((query, diagnostics.iter().map(diagnostic).collect())),
            (None, Some(found)) => {
                let fault = Fault::new("bad_query", found.message.clone())
                    .detail(format!("{} {}", found.code, place(text, found)))
                    .exit(ExitCode::Usage);
                Err(match &found.hint {
                    Some(hint) => fault.hint(hint.clone()),
                    None => fault,
                })
            }
            (None, None) => {
                Err(Fault::new("bad_query", "the text holds no query").exit(ExitCode::Usage))
            }
        }
    }
}

/// Where in the text, for people.
fn place(text: &str, found: &Diagnostic) -> String {
    let before = text.get(..found.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    match text.get(found.start..found.end).filter(|at| !at.is_empty() && at.len() <= 60) {
        Some(at) => format!("at line {line}, column {column}: {at}"),
        None => format!("at line {line}, column {column}"),
    }
}

fn diagnostic(found: &Diagnostic) -> LogsDiagnostic {
    let severity = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
    };
    let message = match &found.hint {
        Some(hint) => format!("{} ({hint})", found.message),
        None => found.message.clone(),
    };
    let (severity, code) = (severity.to_owned(), found.code.to_owned());
    LogsDiagnostic { severity, code, message, start: found.start, end: found.end }
}

fn columns(schema: &Schema) -> Vec<LogsColumn> {
    let column = |column: &kql::plan::Column| LogsColumn {
        name: column.name.clone(),
        kind: column.ty.name().to_owned(),
        meaning: None,
    };
    schema.iter().map(column).collect()
}

fn render(render: &Render) -> serde_json::Value {
    let options = render.options.iter().map(|(name, value)| {
        let value = serde_json::to_value(cells::row(std::slice::from_ref(value)));
        (name.clone(), value.map_or(serde_json::Value::Null, |mut row| row[0].take()))
    });
    let options: serde_json::Map<String, serde_json::Value> = options.collect();
    serde_json::json!({ "visualisation": render.visualisation, "options": options })
}

/// Writes lines.
struct Out {
    sender: mpsc::Sender<String>,
    cancel: Cancel,
    begin: Option<(String, Vec<LogsDiagnostic>)>,
    n_rows: u64,
}

/// The line of rows, written without values in between.
#[derive(Serialize)]
struct RowsLine<'a> {
    rows: Vec<Vec<cells::Cell<'a>>>,
}

impl Out {
    /// `false`: nobody reads any more.
    fn send(&self, line: &impl Serialize) -> bool {
        let Ok(mut text) = serde_json::to_string(line) else { return false };
        text.push('\n');
        let sent = self.sender.blocking_send(text).is_ok();
        if !sent {
            self.cancel.cancel();
        }
        sent
    }
}

impl Sink for Out {
    fn begin(&mut self, name: Option<&str>, schema: &Schema) {
        let columns = columns(schema);
        let line = match (name, self.begin.take()) {
            (None, Some((id, diagnostics))) => {
                let begin = Some(LogsBegin { id, columns, diagnostics });
                LogsLine { begin, ..LogsLine::default() }
            }
            (name, _) => {
                let table =
                    Some(LogsFurther { name: name.unwrap_or_default().to_owned(), columns });
                LogsLine { table, ..LogsLine::default() }
            }
        };
        self.send(&line);
    }

    fn rows(&mut self, rows: Vec<Row>) -> bool {
        self.n_rows += rows.len() as u64;
        rows.chunks(LINE_ROWS).all(|rows| {
            self.send(&RowsLine { rows: rows.iter().map(|row| cells::row(row)).collect() })
        })
    }
}
