//! The write-ahead log: segments of frames; a frame is what one sync made durable.
//!
//! All numbers are little-endian.
//! ```text
//! segment = magic "pgkeepW2" | salt 16 | first_seq u64 | crc u32          name: first_seq.wal
//! frame   = magic "frameW1\n" | first_seq u64 | n_records u32 | len u32 | crc u32
//!           | payload_crc u32 | payload of len bytes: records
//! record  = table 16 | position u64 | source_len u16 | len u32 | source
//!           | rows of len bytes: an Arrow IPC stream (see `rows`)
//! ```
//! `crc` is CRC-32C over the salt and the header before it, `payload_crc` over the salt and the
//! payload. Records are numbered without gaps through all segments. A frame is written only after
//! the one before it was synced, so that what a power cut leaves half written is the last frame,
//! whole; a frame that cannot be read and has readable ones behind it is damage. The salt is
//! random: no content of an event can look like a frame. A record whose source has no name carries
//! no mark. What must be there together stands in one frame.

mod crc;
mod read;
mod write;

pub(super) use read::recover;
pub(super) use write::{Record, Wal, WriteFailure};

pub(super) use crc::crc32c;

/// The folder of the segments.
pub(super) const FOLDER: &str = "wal";

const SEGMENT_MAGIC: [u8; 8] = *b"pgkeepW2";
const FRAME_MAGIC: [u8; 8] = *b"frameW1\n";
const SEGMENT_HEADER: usize = 36;
const FRAME_HEADER: usize = 32;
const RECORD_HEADER: usize = 30;

/// The salt of a segment.
type Salt = [u8; 16];

fn segment_name(first_seq: u64) -> String {
    format!("{FOLDER}/{first_seq:020}.wal")
}

fn segment_header(salt: &Salt, first_seq: u64) -> [u8; SEGMENT_HEADER] {
    let mut header = [0; SEGMENT_HEADER];
    header[..8].copy_from_slice(&SEGMENT_MAGIC);
    header[8..24].copy_from_slice(salt);
    header[24..32].copy_from_slice(&first_seq.to_le_bytes());
    let crc = crc32c(&[&header[..32]]);
    header[32..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// What the header of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FrameHeader {
    first_seq: u64,
    n_records: u32,
    len: u32,
    payload_crc: u32,
}

impl FrameHeader {
    fn bytes(&self, salt: &Salt) -> [u8; FRAME_HEADER] {
        let mut header = [0; FRAME_HEADER];
        header[..8].copy_from_slice(&FRAME_MAGIC);
        header[8..16].copy_from_slice(&self.first_seq.to_le_bytes());
        header[16..20].copy_from_slice(&self.n_records.to_le_bytes());
        header[20..24].copy_from_slice(&self.len.to_le_bytes());
        header[28..].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c(&[salt, &header[..24], &header[28..]]);
        header[24..28].copy_from_slice(&crc.to_le_bytes());
        header
    }

    fn read(bytes: &[u8], salt: &Salt) -> Option<Self> {
        let bytes = bytes.get(..FRAME_HEADER)?;
        let made = Self {
            first_seq: u64_at(bytes, 8)?,
            n_records: u32_at(bytes, 16)?,
            len: u32_at(bytes, 20)?,
            payload_crc: u32_at(bytes, 28)?,
        };
        (made.bytes(salt) == bytes).then_some(made)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
