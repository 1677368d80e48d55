//! The end of the write-ahead log, where frames are written.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::{
    FOLDER, FRAME_HEADER, FrameHeader, RECORD_HEADER, SEGMENT_HEADER, Salt, crc32c, segment_header,
    segment_name,
};
use crate::store::doors::{DiskFile, Doors};
use crate::store::marks::Mark;

/// Rows of one append, encoded.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) table: u128,
    /// How far the source of the rows was read
    pub(crate) mark: Option<Mark>,
    pub(crate) rows: Vec<u8>,
}

impl Record {
    /// Bytes it takes in a frame.
    pub(crate) fn len(&self) -> usize {
        RECORD_HEADER + self.source().len() + self.rows.len()
    }

    fn source(&self) -> &str {
        self.mark.as_ref().map_or("", |mark| &mark.source)
    }
}

/// Why a frame was not written.
#[derive(Debug, Clone)]
pub(crate) enum WriteFailure {
    /// Nothing of it is there
    TakenBack(Arc<io::Error>),
    /// Nobody knows what of it is there
    Unknown(Arc<io::Error>),
}

/// A closed segment: the last number of each table's records in it.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) name: String,
    pub(crate) last: BTreeMap<u128, u64>,
}

#[derive(Debug)]
struct Open {
    name: String,
    file: Box<dyn DiskFile>,
    salt: Salt,
    /// Bytes that are known to be durable
    len: u64,
    last: BTreeMap<u128, u64>,
}

/// The log while it is written.
#[derive(Debug)]
pub(crate) struct Wal {
    doors: Doors,
    segment_bytes: u64,
    next_seq: u64,
    closed: Vec<Closed>,
    open: Option<Open>,
    failed: Option<Arc<io::Error>>,
}

impl Wal {
    /// Goes on at a number, behind segments that were read.
    pub(crate) fn new(
        doors: Doors,
        segment_bytes: u64,
        next_seq: u64,
        closed: Vec<Closed>,
    ) -> Self {
        Self { doors, segment_bytes, next_seq, closed, open: None, failed: None }
    }

    /// Writes records as one frame and syncs it; answers the number of the first.
    pub(crate) fn write(&mut self, records: &[Record]) -> Result<u64, WriteFailure> {
        if let Some(failed) = &self.failed {
            return Err(WriteFailure::Unknown(Arc::clone(failed)));
        }
        let first_seq = self.next_seq;
        if self.open.as_ref().is_some_and(|open| open.len >= self.segment_bytes) {
            self.close();
        }
        if self.open.is_none() {
            let made = self.new_segment(first_seq);
            self.open = Some(made.map_err(|e| WriteFailure::TakenBack(Arc::new(e)))?);
        }
        let open = self.open.as_mut().expect("because it was opened above");
        let bytes = match frame(&open.salt, first_seq, records) {
            Some(bytes) => bytes,
            None => {
                let error = io::Error::new(io::ErrorKind::FileTooLarge, "a frame is too long");
                return Err(WriteFailure::TakenBack(Arc::new(error)));
            }
        };
        let done = open.file.append(&bytes).and_then(|()| open.file.sync());
        if let Err(error) = done {
            let error = Arc::new(error);
            // Only when the cut is durable too the frame cannot come back after a power cut.
            let cut = open.file.cut(open.len).and_then(|()| open.file.sync());
            return Err(match cut {
                Ok(()) => WriteFailure::TakenBack(error),
                Err(_) => {
                    self.failed = Some(Arc::clone(&error));
                    WriteFailure::Unknown(error)
                }
            });
        }
        open.len += bytes.len() as u64;
        for record in records {
            open.last.insert(record.table, self.next_seq);
            self.next_seq += 1;
        }
        Ok(first_seq)
    }

    /// Takes no more frames: nobody knows what of the last one is there.
    pub(crate) fn fail(&mut self, error: &Arc<io::Error>) {
        self.failed = Some(Arc::clone(error));
    }

    /// The number that the next record gets.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The first number that a segment holds; `None` where there is none.
    pub(crate) fn first_seq(&self) -> Option<u64> {
        let name = self.closed.first().map(|segment| &segment.name);
        let name = name.or(self.open.as_ref().map(|open| &open.name))?;
        // A segment is named after it.
        name.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".wal")?.parse().ok()
    }

    /// Starts the next frame in a segment of its own.
    pub(crate) fn close(&mut self) {
        if let Some(open) = self.open.take_if(|open| !open.last.is_empty()) {
            self.closed.push(Closed { name: open.name, last: open.last });
        }
    }

    /// Removes the segments at the front whose records are all in tables up to these numbers.
    pub(crate) fn remove_committed(&mut self, committed: &BTreeMap<u128, u64>) -> io::Result<()> {
        let is_done = |segment: &Closed| {
            segment.last.iter().all(|(table, seq)| committed.get(table).is_some_and(|c| c >= seq))
        };
        while self.closed.first().is_some_and(is_done) {
            self.doors.disk.remove(&self.closed[0].name)?;
            self.closed.remove(0);
            // In their order, so that no later one is gone while an earlier one is there.
            self.doors.disk.sync_folder(FOLDER)?;
        }
        Ok(())
    }

    fn new_segment(&self, first_seq: u64) -> io::Result<Open> {
        let mut salt = Salt::default();
        self.doors.random.fill(&mut salt)?;
        let name = segment_name(first_seq);
        let made = || {
            let mut file = self.doors.disk.create(&name)?;
            file.append(&segment_header(&salt, first_seq))?;
            file.sync()?;
            self.doors.disk.sync_folder(FOLDER)?;
            Ok(file)
        };
        match made() {
            Ok(file) => {
                let (len, last) = (SEGMENT_HEADER as u64, BTreeMap::new());
                Ok(Open { name, file, salt, len, last })
            }
            Err(error) => {
                // One without frames is no harm where it stays; here it would be in the way.
                let _ = self.doors.disk.remove(&name);
                Err(error)
            }
        }
    }
}

fn frame(salt: &Salt, first_seq: u64, records: &[Record]) -> Option<Vec<u8>> {
    let len: usize = records.iter().map(Record::len).sum();
    let mut bytes = Vec::with_capacity(FRAME_HEADER + len);
    bytes.resize(FRAME_HEADER, 0);
    for record in records {
        bytes.extend_from_slice(&record.table.to_be_bytes());
        let source = record.source();
        let position = record.mark.as_ref().map_or(0, |mark| mark.position);
        bytes.extend_from_slice(&position.to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(source.len()).ok()?.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(record.rows.len()).ok()?.to_le_bytes());
        bytes.extend_from_slice(source.as_bytes());
        bytes.extend_from_slice(&record.rows);
    }
    let header = FrameHeader {
        first_seq,
        n_records: u32::try_from(records.len()).ok()?,
        len: u32::try_from(len).ok()?,
        payload_crc: crc32c(&[salt, &bytes[FRAME_HEADER..]]),
    };
    bytes[..FRAME_HEADER].copy_from_slice(&header.bytes(salt));
    Some(bytes)
}
