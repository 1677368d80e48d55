//! Framing: bytes in, records with their offsets out, whatever the pieces were that came in.
//!
//! What a record is depends on its bytes only, never on where the input was divided. An input
//! that ends, is truncated or rotated is ended with [`Splitter::finish`] and begun anew with a
//! splitter at the new offset.

use std::sync::Arc;

use memchr::memchr;

use crate::formats::stderr::Prefix;
use crate::split_csv::{CsvScan, Cut};
use crate::{Defect, RECORD_MAX, Record};

/// The prefix of a line of stderr ends within so many bytes.
const PREFIX_MAX: usize = 4096;

/// What divides the input into records.
#[derive(Debug, Clone)]
pub enum Framing {
    /// Ends of lines, `\n` or `\r\n`.
    Lines,
    /// Ends of lines outside quotes (RFC 4180).
    Csv,
    /// PostgreSQL's stderr: a line, what belongs to it, and lines that begin with a tab.
    Stderr(Arc<Prefix>),
    /// Syslog over a stream: counted octets or ends of lines (RFC 6587 section 3.4).
    Syslog,
    /// The whole input is one record, as with the body of a request.
    Whole,
}

/// Divides a stream of bytes into records.
#[derive(Debug)]
pub struct Splitter {
    framing: Framing,
    buffer: Vec<u8>,
    /// Bytes of the buffer that records were made of.
    start: usize,
    /// Bytes behind `start` that are known to hold no end of the record.
    scanned: usize,
    /// Offset of `buffer[start]` in the source.
    offset: u64,
    csv: CsvScan,
    /// Rest of a record that was too long: everything to the next end of a line.
    skipping: bool,
    finished: bool,
}

/// Where a record ends: its length, the length of it with its separator, what is wrong with it.
struct End {
    n_bytes: usize,
    n_consumed: usize,
    defect: Option<Defect>,
}

impl End {
    fn good(n_bytes: usize, n_consumed: usize) -> Option<Self> {
        Some(Self { n_bytes, n_consumed, defect: None })
    }

    fn bad(n_bytes: usize, n_consumed: usize, defect: Defect) -> Option<Self> {
        Some(Self { n_bytes, n_consumed, defect: Some(defect) })
    }
}

impl Splitter {
    /// A splitter whose first byte stands at `offset` of the source.
    pub fn new(framing: Framing, offset: u64) -> Self {
        Self {
            framing,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            offset,
            csv: CsvScan::default(),
            skipping: false,
            finished: false,
        }
    }

    /// Takes more bytes of the input. Records should be taken before more is fed.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 && (self.start == self.buffer.len() || self.start > RECORD_MAX) {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that no more bytes come: what is left becomes records too.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Offset of the first byte that no record was made of yet: where to go on after a restart.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next complete record, if there is one.
    pub fn next_record(&mut self) -> Option<Record<'_>> {
        loop {
            if self.skipping && !self.skip() {
                return None;
            }
            if self.start == self.buffer.len() {
                return None;
            }
            let end = self.find_end()?;
            let (from, offset) = (self.start, self.offset);
            self.consume(end.n_consumed);
            self.skipping = end.defect == Some(Defect::TooLong);
            if end.n_bytes > 0 {
                let bytes = &self.buffer[from..from + end.n_bytes];
                return Some(Record { bytes, offset, defect: end.defect });
            }
        }
    }

    fn consume(&mut self, n_bytes: usize) {
        self.start += n_bytes;
        self.offset += n_bytes as u64;
        self.scanned = 0;
        self.csv = CsvScan::default();
    }

    /// Leaves out the rest of a record that was too long. `false`: more input is needed.
    fn skip(&mut self) -> bool {
        let rest = &self.buffer[self.start..];
        // What is pushed as a whole has no next record.
        let whole = matches!(self.framing, Framing::Whole);
        match memchr(b'\n', rest).filter(|_| !whole) {
            Some(at) => {
                self.consume(at + 1);
                self.skipping = false;
                true
            }
            None => {
                self.consume(rest.len());
                false
            }
        }
    }

    fn find_end(&mut self) -> Option<End> {
        let rest = &self.buffer[self.start..];
        if rest[0] == 0 {
            let n_nul = rest.iter().take(RECORD_MAX).take_while(|b| **b == 0).count();
            let ended = n_nul < rest.len() || n_nul == RECORD_MAX || self.finished;
            return if ended { End::bad(n_nul, n_nul, Defect::Nul) } else { None };
        }
        match &self.framing {
            Framing::Lines => self.line_end(),
            Framing::Csv => self.csv_end(),
            Framing::Stderr(prefix) => {
                let prefix = Arc::clone(prefix);
                self.event_end(&prefix)
            }
            Framing::Syslog => self.frame_end(),
            Framing::Whole => self.tail(rest.len()),
        }
    }

    /// What to do where no end was found: wait, or give up.
    fn tail(&self, n_bytes: usize) -> Option<End> {
        if n_bytes > RECORD_MAX {
            return End::bad(RECORD_MAX, RECORD_MAX, Defect::TooLong);
        }
        if !self.finished {
            return None;
        }
        match self.framing {
            Framing::Whole => End::good(n_bytes, n_bytes),
            _ => End::bad(n_bytes, n_bytes, Defect::Incomplete),
        }
    }

    fn line_end(&mut self) -> Option<End> {
        let rest = &self.buffer[self.start..];
        match memchr(b'\n', &rest[self.scanned..]) {
            Some(at) => closed(rest, self.scanned + at),
            None => {
                self.scanned = rest.len();
                self.tail(rest.len())
            }
        }
    }

    fn csv_end(&mut self) -> Option<End> {
        let rest = &self.buffer[self.start..];
        let limit = rest.len().min(RECORD_MAX + 1);
        match self.csv.scan(&rest[..limit]) {
            Cut::Record(at) => closed(rest, at),
            Cut::Damaged(at) => End::bad(at, at + 1, Defect::Structure),
            Cut::More if rest.len() > RECORD_MAX => match self.csv.last_line_end() {
                // An open quote swallowed what follows: give up what was read, go on behind it.
                Some(at) => End::bad(at, at + 1, Defect::Structure),
                None => End::bad(RECORD_MAX, RECORD_MAX, Defect::TooLong),
            },
            Cut::More => self.tail(rest.len()),
        }
    }

    fn event_end(&mut self, prefix: &Prefix) -> Option<End> {
        let rest = &self.buffer[self.start..];
        let Some(mut at) = memchr(b'\n', &rest[self.scanned..]).map(|at| at + self.scanned) else {
            return self.tail(rest.len());
        };
        loop {
            if at > RECORD_MAX {
                return End::bad(RECORD_MAX, RECORD_MAX, Defect::TooLong);
            }
            let next = &rest[at + 1..];
            let n_next = memchr(b'\n', next);
            // A line is judged by its beginning, once that is there in full.
            let line = &next[..n_next.unwrap_or(next.len()).min(PREFIX_MAX)];
            if n_next.is_none() && line.len() < PREFIX_MAX && !self.finished {
                self.scanned = at;
                return None;
            }
            if line.is_empty() && n_next.is_none() || !prefix.continues(line) {
                return closed(rest, at);
            }
            match n_next {
                Some(n) => at += 1 + n,
                None => return self.tail(rest.len()),
            }
        }
    }

    fn frame_end(&mut self) -> Option<End> {
        let rest = &self.buffer[self.start..];
        if !rest[0].is_ascii_digit() || rest[0] == b'0' {
            return self.line_end();
        }
        let n_digits = rest.iter().take_while(|b| b.is_ascii_digit()).take(8).count();
        match rest.get(n_digits) {
            None if self.finished => self.tail(rest.len()),
            None => None,
            Some(b' ') if n_digits < 8 => {
                let count = rest[..n_digits].iter().fold(0, |n, b| n * 10 + usize::from(b - b'0'));
                if count > RECORD_MAX {
                    return self.line_end();
                }
                let whole = n_digits + 1 + count;
                if rest.len() < whole {
                    return self.tail(rest.len());
                }
                End::good(whole, whole)
            }
            Some(_) => self.line_end(),
        }
    }
}

/// A record that ends before the `\n` at `at`.
fn closed(rest: &[u8], at: usize) -> Option<End> {
    if at > RECORD_MAX {
        return End::bad(RECORD_MAX, RECORD_MAX, Defect::TooLong);
    }
    let n_bytes = if at > 0 && rest[at - 1] == b'\r' { at - 1 } else { at };
    End::good(n_bytes, at + 1)
}
