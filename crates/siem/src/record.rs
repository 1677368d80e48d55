//! Records, where they stood, and what is kept of those that give no row.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::RAW_MAX;

/// What the framing found wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Longer than the limit; the bytes are its beginning, the rest was skipped.
    TooLong,
    /// A run of NUL bytes, as files have after a crash of the machine.
    Nul,
    /// Quotes or a length that cannot be right.
    Structure,
    /// The input ended before the record did.
    Incomplete,
}

/// One record of the input, borrowed from the splitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record without what separates it from the next.
    pub bytes: &'a [u8],
    /// Where its first byte stood in the source.
    pub offset: u64,
    /// What is wrong with it, if anything.
    pub defect: Option<Defect>,
}

/// Where a row came from, within its source; with the source and the table it names a row for
/// ever, so that a repeated delivery can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Byte offset of the record.
    pub offset: u64,
    /// Number of the event within its record, from 0.
    pub part: u32,
}

/// Why something gave no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Longer than a record may be.
    TooLong,
    /// A run of NUL bytes.
    Nul,
    /// The framing is broken.
    Structure,
    /// The input ended in the middle.
    Incomplete,
    /// Not UTF-8.
    Encoding,
    /// Not what the base format says.
    Syntax,
    /// More fields or events than allowed.
    TooMany,
    /// A column that must be filled is not.
    Required,
    /// A second stage did not understand its field; rows of the first stage exist.
    Stage,
    /// A value is none of its column's type; the row exists without it.
    Unfit,
    /// The event is fine, but the parser has no row for it.
    NoRow,
}

impl Reason {
    /// The word that stands for it in tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::Nul => "nul",
            Self::Structure => "structure",
            Self::Incomplete => "incomplete",
            Self::Encoding => "encoding",
            Self::Syntax => "syntax",
            Self::TooMany => "too-many",
            Self::Required => "required",
            Self::Stage => "stage",
            Self::Unfit => "unfit",
            Self::NoRow => "no-row",
        }
    }
}

/// What was kept of a record: at most [`RAW_MAX`] bytes of its beginning, never altered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// It is UTF-8.
    Text(String),
    /// It is not: base64 (RFC 4648 section 4).
    Base64(String),
}

impl Raw {
    /// How many bytes of the record were kept.
    pub fn n_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Base64(text) => {
                let n_padding = text.bytes().rev().take_while(|b| *b == b'=').count();
                text.len() / 4 * 3 - n_padding.min(text.len())
            }
        }
    }

    /// What is kept of a record.
    pub fn of(bytes: &[u8]) -> Self {
        let kept = &bytes[..bytes.len().min(RAW_MAX)];
        match std::str::from_utf8(kept) {
            Ok(text) => Self::Text(text.to_owned()),
            // The limit may have cut one character.
            Err(e) if kept.len() < bytes.len() && e.error_len().is_none() => {
                Self::Text(String::from_utf8_lossy(&kept[..e.valid_up_to()]).into_owned())
            }
            Err(_) => Self::Base64(STANDARD.encode(kept)),
        }
    }
}

/// A record, or an event of one, that did not become a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Why, as a word.
    pub reason: Reason,
    /// Why, as a sentence for people.
    pub detail: String,
    /// The parser that gave up.
    pub parser: Arc<str>,
    /// The beginning of the record.
    pub raw: Raw,
    /// Length of the record in bytes, as far as it was read.
    pub n_bytes: usize,
    /// Which source it came from.
    pub source: Arc<str>,
    /// Where it stood.
    pub at: Position,
    /// When it was received, in ticks.
    pub received_at: i64,
}

/// What a base format or stage says about input it does not understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(Reason::Syntax, detail)
    }
}
