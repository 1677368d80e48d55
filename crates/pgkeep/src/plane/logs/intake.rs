//! Sources that send pieces of an endless stream: what agents ship.
//!
//! A stream is known by its name, and a byte of it by its offset. The store keeps how far each
//! stream was stored, together with the rows themselves; so a piece that comes again adds
//! nothing, whoever died in between. Who sends asks where to go on, and sends from there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base::{ExitCode, Fault};
use kql::value::Value;
use lake::store::Mark;
use siem::{DeadLetter, Intake, Origin, Output, Position, Raw, Reason, Settings, Splitter};

use super::feed::{Copies, Feed, Refusal};
use super::sources::{Came, Known};
use super::{Logs, now};

/// A piece of a stream.
#[derive(Debug)]
pub(crate) struct Shipment {
    /// Name of the stream.
    pub(crate) source: String,
    /// Name of the parser.
    pub(crate) parser: String,
    /// Name of the server.
    pub(crate) server: String,
    /// The zone of times that name none.
    pub(crate) timezone: Option<String>,
    /// Where the piece begins.
    pub(crate) offset: u64,
    /// The piece; none: a sign of life.
    pub(crate) data: Vec<u8>,
    /// Whether a file ends here: what is not whole by now never will be. Counts as one byte.
    pub(crate) ends: bool,
    /// Bytes behind the piece that can never be sent, because their file is gone.
    pub(crate) missing: u64,
    /// Bytes that wait behind it.
    pub(crate) lag: u64,
}

/// Streams that are being read.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<String, Arc<Mutex<Option<Stream>>>>>);

/// One of them: what came and is no whole record yet is in the splitter.
struct Stream {
    splitter: Splitter,
    intake: Intake,
    timezone: Option<String>,
    parser: String,
    /// Offset of the next byte.
    next: u64,
}

impl Streams {
    fn slot(&self, source: &str) -> Arc<Mutex<Option<Stream>>> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(streams.entry(source.to_owned()).or_default())
    }
}

impl Logs {
    /// Takes a piece; answers the offset to go on at. Another one than the end of the piece says
    /// that nothing of it was taken.
    pub(crate) fn ship(&self, shipment: &Shipment) -> Result<u64, Fault> {
        let known = Known {
            name: &format!("server/{}", shipment.server),
            kind: "postgresql",
            parser: &shipment.parser,
            reports: true,
        };
        let slot = self.streams.slot(&shipment.source);
        let mut stream = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.take(&mut stream, shipment);
        if taken.is_err() {
            // What the splitter holds and what is stored may differ now.
            *stream = None;
        }
        let came = taken.as_ref().map(|(_, came)| *came);
        self.sources.note(known, Some(shipment.lag), came);
        taken.map(|(next, _)| next)
    }

    fn take(&self, slot: &mut Option<Stream>, shipment: &Shipment) -> Result<(u64, Came), Fault> {
        let fits = slot.as_ref().is_some_and(|stream| {
            stream.next == shipment.offset
                && stream.timezone == shipment.timezone
                && stream.parser == shipment.parser
        });
        if !fits {
            let stored = self.store.position(&shipment.source).unwrap_or(0);
            if stored != shipment.offset {
                *slot = None;
                return Ok((stored, Came::default()));
            }
            *slot = Some(self.begin(shipment)?);
        }
        if shipment.missing > 0 {
            *slot = None;
            return self.note_missing(shipment);
        }
        let stream = slot.as_mut().expect("because it was begun above");
        let mut copies = Copies::new(shipment.data.len());
        let before = stream.splitter.offset();
        stream.splitter.feed(&shipment.data);
        if shipment.ends {
            stream.splitter.finish();
        }
        let received_at = now();
        while let Some(record) = stream.splitter.next_record() {
            stream.intake.parse(&record, received_at);
            copies.push(&record);
        }
        stream.next = shipment.offset + shipment.data.len() as u64;
        let mut position = stream.splitter.offset();
        if shipment.ends {
            stream.next += 1;
            position = stream.next;
            let parser = self.parser(&shipment.parser, shipment.timezone.as_deref())?;
            stream.splitter = parser.splitter(position);
        }
        let output = stream.intake.take();
        let mut came = came_of(&output);
        came.n_bytes = shipment.data.len() as u64;
        if position == before {
            return Ok((stream.next, came));
        }
        let mark = Mark { source: shipment.source.clone(), position };
        match self.store_output(output, Some(mark.clone())) {
            Ok(()) => {}
            Err(Refusal::Rows(why)) => {
                let parser = self.parser(&shipment.parser, shipment.timezone.as_deref())?;
                let feed = Feed { parser: Arc::new(parser), origin: origin(shipment) };
                let kept = copies.kept();
                came.n_dead += self.one_by_one(&feed, kept, received_at, Some(&mark), &why)?;
            }
            Err(Refusal::All(fault)) => return Err(fault),
        }
        Ok((stream.next, came))
    }

    /// Writes down that a part of the stream is lost, and goes on behind it.
    fn note_missing(&self, shipment: &Shipment) -> Result<(u64, Came), Fault> {
        let position = shipment.offset.saturating_add(shipment.missing);
        let n = shipment.missing;
        let output = Output {
            batches: Vec::new(),
            dead: vec![DeadLetter {
                reason: Reason::Incomplete,
                detail: format!("{n} bytes of the log were removed before they were read"),
                parser: shipment.parser.as_str().into(),
                raw: Raw::of(b""),
                n_bytes: usize::try_from(n).unwrap_or(usize::MAX),
                source: shipment.source.as_str().into(),
                at: Position { offset: shipment.offset, part: 0 },
                received_at: now(),
            }],
        };
        let came = came_of(&output);
        let mark = Mark { source: shipment.source.clone(), position };
        self.store_output(output, Some(mark)).map_err(Refusal::into_fault)?;
        Ok((position, came))
    }

    fn begin(&self, shipment: &Shipment) -> Result<Stream, Fault> {
        let parser = self.parser(&shipment.parser, shipment.timezone.as_deref())?;
        let splitter = parser.splitter(shipment.offset);
        let intake = Intake::new(Arc::new(parser), origin(shipment));
        Ok(Stream {
            splitter,
            intake,
            timezone: shipment.timezone.clone(),
            parser: shipment.parser.clone(),
            next: shipment.offset,
        })
    }

    /// A parser for a source in a zone of time. A zone that this machine does not know leaves
    /// times without an offset to the list of abbreviations.
    pub(super) fn parser(&self, name: &str, zone: Option<&str>) -> Result<siem::Parser, Fault> {
        let timezone = zone.and_then(|zone| jiff::tz::TimeZone::get(zone).ok());
        let settings = Settings { timezone, ..Settings::default() };
        self.library.parser(name, &settings).map_err(|e| {
            Fault::new("bad_request", format!("there is no parser \"{name}\""))
                .detail(crate::cells::chain(&e))
                .exit(ExitCode::Usage)
        })
    }
}

/// What a parser gave, in numbers. An event that fills rows of several tables counts once.
pub(super) fn came_of(output: &Output) -> Came {
    let newest = |batch: &siem::RowBatch| {
        let at = batch.table.position("TimeGenerated")?;
        let times = batch.columns[at].iter().filter_map(|value| match value {
            Value::DateTime(ticks) => Some(*ticks),
            _ => None,
        });
        times.max()
    };
    Came {
        n_events: output.batches.iter().map(siem::RowBatch::n_rows).max().unwrap_or(0) as u64,
        n_bytes: 0,
        n_dead: output.dead.len() as u64,
        newest: output.batches.iter().filter_map(newest).max(),
    }
}

fn origin(shipment: &Shipment) -> Origin {
    let given = [
        ("server_name", shipment.server.clone()),
        ("resource_id", format!("/servers/{}", shipment.server)),
    ];
    Origin {
        source: shipment.source.as_str().into(),
        given: given.map(|(name, value)| (name.to_owned(), Value::text(value))).to_vec(),
    }
}
