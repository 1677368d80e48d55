//! Events of the file system as JSON lines, written by a thread of its own.
//!
//! Whoever reads them may be slow, or gone: that must never stop the file system. Lines wait in
//! a bounded queue; what does not fit is counted, and the count is told when there is room.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use base::Fault;
use cryptfs::{Event, EventSink};
use serde::Serialize;

/// Lines that wait for a slow reader.
const MAX_WAITING: usize = 1024;
/// How long the end of the process waits for its last lines to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What this process has to say beside the file system's own events.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Note<'a> {
    /// Something is not as safe as it could be.
    Warning { message: &'a str },
    /// Asked to end, but somebody is still inside.
    Busy { message: &'a str },
    /// The reader was too slow for so many events.
    Dropped { n_events: u64 },
    /// It did not work; the process ends.
    Failed { code: &'a str, message: &'a str, detail: Option<&'a str>, hint: Option<&'a str> },
    /// Unmounted, and the store is closed cleanly; the process ends.
    Closed,
}

/// The sending side.
#[derive(Debug)]
pub(super) struct Lines {
    sender: SyncSender<Word>,
    n_dropped: AtomicU64,
}

#[derive(Debug)]
enum Word {
    Line(String),
    /// Everything before this is written: say so.
    Flush(SyncSender<()>),
}

impl Lines {
    /// Starts the writer on standard output and, if named, appends to `log` as well.
    pub(super) fn start(log: Option<&Path>) -> Result<Self, Fault> {
        let failed = |doing: &str, error: &std::io::Error| {
            Fault::from_error("event_log", format!("could not {doing}"), error)
        };
        let log = match log {
            Some(path) => {
                let file = File::options().append(true).create(true).open(path);
                Some(file.map_err(|error| failed("open the event log", &error))?)
            }
            None => None,
        };
        let (sender, receiver) = sync_channel(MAX_WAITING);
        std::thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || write_all(&receiver, log))
            .map_err(|error| failed("start a thread", &error))?;
        Ok(Self { sender, n_dropped: AtomicU64::new(0) })
    }

    /// Queues a note; never blocks.
    pub(super) fn note(&self, note: &Note<'_>) {
        self.send(note);
    }

    /// Queues the note of a command that failed.
    pub(super) fn failed(&self, fault: &Fault) {
        self.send(&Note::Failed {
            code: &fault.code,
            message: &fault.message,
            detail: fault.detail.as_deref(),
            hint: fault.hint.as_deref(),
        });
    }

    fn send(&self, event: &impl Serialize) {
        let n_dropped = self.n_dropped.swap(0, Ordering::Relaxed);
        if n_dropped > 0 && !self.queue(&Note::Dropped { n_events: n_dropped }) {
            self.n_dropped.fetch_add(n_dropped, Ordering::Relaxed);
        }
        if !self.queue(event) {
            self.n_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn queue(&self, event: &impl Serialize) -> bool {
        let mut line = serde_json::to_string(event).expect("because events are plain data");
        line.push('\n');
        self.sender.try_send(Word::Line(line)).is_ok()
    }

    /// Waits a little for all lines to be written; a reader that is stuck does not hold us.
    pub(super) fn flush(&self) {
        let (sender, receiver) = sync_channel(1);
        if self.sender.try_send(Word::Flush(sender)).is_ok() {
            // Late or not, there is nobody left to tell.
            let _ = receiver.recv_timeout(LAST_WORDS);
        }
    }
}

impl EventSink for Lines {
    fn emit(&self, event: Event) {
        self.send(&event);
    }
}

/// Writes until the senders are gone. A reader that went away ends only its own copy.
fn write_all(receiver: &Receiver<Word>, mut log: Option<File>) {
    let mut out = Some(std::io::stdout());
    while let Ok(word) = receiver.recv() {
        match word {
            Word::Line(line) => {
                // The log first: it cannot be stuck behind a reader.
                write_line(&mut log, &line);
                write_line(&mut out, &line);
            }
            Word::Flush(done) => drop(done.send(())),
        }
    }
}

fn write_line<W: Write>(place: &mut Option<W>, line: &str) {
    if let Some(out) = place
        && out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err()
    {
        *place = None;
    }
}
