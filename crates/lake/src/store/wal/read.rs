//! The write-ahead log read again when the store is opened.

use std::collections::BTreeMap;

use super::write::Closed;
use super::{
    FOLDER, FRAME_HEADER, FRAME_MAGIC, FrameHeader, RECORD_HEADER, SEGMENT_HEADER, Salt, crc32c,
    segment_header, u16_at, u32_at, u64_at,
};
use crate::store::doors::Doors;
use crate::store::error::{Damage, Doing as _, StoreResult};
use crate::store::marks::Mark;

/// No segment is longer: one frame more than where it is closed.
const SEGMENT_MOST: u64 = 4 << 30;

/// A record as it stands in a frame.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) table: u128,
    pub(crate) mark: Option<Mark>,
    pub(crate) rows: &'a [u8],
}

/// What the log holds.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The last number in it; 0 where it is empty
    pub(crate) last_seq: u64,
    pub(crate) closed: Vec<Closed>,
    /// Bytes of a half-written end that were cut off
    pub(crate) cut_bytes: u64,
    /// Where the rest cannot be read; nothing was changed then
    pub(crate) damage: Option<Damage>,
}

/// Reads all segments, gives each record to `take` with its number, and cuts off what a power cut
/// left at the end.
///
/// `committed` is the last number that a Delta table has: a log that ends before it has lost its
/// end.
pub(crate) fn recover(
    doors: &Doors,
    committed: u64,
    mut take: impl FnMut(u64, Found<'_>) -> StoreResult<()>,
) -> StoreResult<Recovered> {
    let mut found = Recovered::default();
    let entries = doors.disk.list(FOLDER).doing(|| "listing the write-ahead log".to_owned())?;
    let names: Vec<String> =
        entries.into_iter().map(|e| e.name).filter(|name| name.ends_with(".wal")).collect();
    for (at, name) in names.iter().enumerate() {
        let is_last = at + 1 == names.len();
        let path = format!("{FOLDER}/{name}");
        let bytes = doors.disk.read(&path, SEGMENT_MOST).doing(|| format!("reading \"{path}\""))?;
        let mut segment = Segment { bytes: &bytes, at: 0, salt: Salt::default() };
        let expected = (at > 0).then_some(found.last_seq + 1);
        let read = segment.read(name, expected, &mut found, &mut take)?;
        let (offset, last) = (segment.at as u64, read.last);
        // A first segment without a header was being made when all before it were committed.
        let knows_its_start = at > 0 || segment.at >= SEGMENT_HEADER;
        let short = is_last && knows_its_start && found.last_seq < committed;
        let what = match read.wrong {
            Some(what) => what,
            None if short => format!("it ends before number {committed}, which was committed"),
            None => {
                found.closed.push(Closed { name: path, last });
                continue;
            }
        };
        if short || read.is_odd || !is_last || segment.goes_on(found.last_seq) {
            let last_good = found.last_seq;
            found.damage = Some(Damage { segment: name.clone(), offset, last_good, what });
            return Ok(found);
        }
        let doing = || format!("cutting the end of \"{path}\"");
        found.cut_bytes = bytes.len() as u64 - offset;
        if segment.at < SEGMENT_HEADER {
            doors.disk.remove(&path).doing(doing)?;
            doors.disk.sync_folder(FOLDER).doing(doing)?;
            continue;
        }
        let mut file = doors.disk.open(&path).doing(doing)?;
        file.cut(offset).and_then(|()| file.sync()).doing(doing)?;
        found.closed.push(Closed { name: path, last });
    }
    // A last segment without frames has the name that the next one will get.
    if let Some(last) = found.closed.pop_if(|segment| segment.last.is_empty()) {
        let doing = || format!("removing \"{}\"", last.name);
        doors.disk.remove(&last.name).doing(doing)?;
        doors.disk.sync_folder(FOLDER).doing(doing)?;
    }
    Ok(found)
}

struct Segment<'a> {
    bytes: &'a [u8],
    /// How far it is good
    at: usize,
    salt: Salt,
}

struct Read {
    last: BTreeMap<u128, u64>,
    /// Why it ends before its end
    wrong: Option<String>,
    /// Whether no power cut can have left it so
    is_odd: bool,
}

impl<'a> Segment<'a> {
    fn read(
        &mut self,
        name: &str,
        expected: Option<u64>,
        found: &mut Recovered,
        take: &mut impl FnMut(u64, Found<'_>) -> StoreResult<()>,
    ) -> StoreResult<Read> {
        let mut read = Read { last: BTreeMap::new(), wrong: None, is_odd: false };
        match self.header() {
            Some(first) if name != format!("{first:020}.wal") => {
                read.wrong = Some(format!("it is the segment from number {first} on"));
                read.is_odd = true;
                return Ok(read);
            }
            Some(first) if expected.is_some_and(|expected| first != expected) => {
                let last = found.last_seq;
                read.wrong = Some(format!("it starts at number {first}, after number {last}"));
                read.is_odd = true;
                return Ok(read);
            }
            Some(first) => found.last_seq = first.saturating_sub(1),
            None => {
                read.wrong = Some("its header cannot be read".to_owned());
                return Ok(read);
            }
        }
        while self.at < self.bytes.len() {
            let Some((header, payload)) = self.frame(self.at) else {
                read.wrong = Some("a frame cannot be read".to_owned());
                break;
            };
            let records = records(payload);
            let whole = records.as_ref().is_some_and(|r| r.len() == header.n_records as usize);
            if header.first_seq != found.last_seq + 1 || !whole {
                read.wrong = Some(format!("a frame from number {} on is odd", header.first_seq));
                read.is_odd = true;
                break;
            }
            for record in records.into_iter().flatten() {
                found.last_seq += 1;
                read.last.insert(record.table, found.last_seq);
                take(found.last_seq, record)?;
            }
            self.at += FRAME_HEADER + payload.len();
        }
        Ok(read)
    }

    /// The first number, where the header is whole.
    fn header(&mut self) -> Option<u64> {
        let header = self.bytes.get(..SEGMENT_HEADER)?;
        let salt = header[8..24].try_into().ok()?;
        let first = u64_at(header, 24)?;
        if segment_header(&salt, first) != *header {
            return None;
        }
        self.salt = salt;
        self.at = SEGMENT_HEADER;
        Some(first)
    }

    fn frame(&self, at: usize) -> Option<(FrameHeader, &'a [u8])> {
        let header = FrameHeader::read(self.bytes.get(at..)?, &self.salt)?;
        let start = at + FRAME_HEADER;
        let payload = self.bytes.get(start..start.checked_add(header.len as usize)?)?;
        (crc32c(&[&self.salt, payload]) == header.payload_crc).then_some((header, payload))
    }

    /// Whether something that was acknowledged lies behind what cannot be read.
    fn goes_on(&self, last_seq: u64) -> bool {
        if self.at < SEGMENT_HEADER {
            // Frames are written only after the header was synced.
            return self.bytes.len() > SEGMENT_HEADER;
        }
        let rest = &self.bytes[self.at..];
        let starts = rest.windows(FRAME_MAGIC.len()).enumerate();
        starts
            .filter(|(_, bytes)| *bytes == FRAME_MAGIC)
            .filter_map(|(at, _)| self.frame(self.at + at))
            .any(|(header, _)| header.first_seq > last_seq)
    }
}

/// The records of a payload; `None` where it is not made of records.
fn records(mut payload: &[u8]) -> Option<Vec<Found<'_>>> {
    let mut records = Vec::new();
    while !payload.is_empty() {
        let table = u128::from_be_bytes(payload.get(..16)?.try_into().ok()?);
        let position = u64_at(payload, 16)?;
        let rows_at = RECORD_HEADER.checked_add(u16_at(payload, 24)?.into())?;
        let end = rows_at.checked_add(u32_at(payload, 26)? as usize)?;
        let source = std::str::from_utf8(payload.get(RECORD_HEADER..rows_at)?).ok()?.to_owned();
        let mark = (!source.is_empty()).then_some(Mark { source, position });
        records.push(Found { table, mark, rows: payload.get(rows_at..end)? });
        payload = &payload[end..];
    }
    Some(records)
}
