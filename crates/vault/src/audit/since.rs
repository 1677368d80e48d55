//! The audit from a place on, oldest first: for whoever follows it.
//!
//! A place is the number of a file and an offset in it, as one number that only grows:
//! `file · 2³² + offset`. Files are appended to and never written again, so a place means the same
//! line for ever.

use std::io;

use super::list::ReadPart;
use super::log::place;

/// Read and answered in one go.
const PART_BYTES: u64 = 256 << 10;

/// Lines of the audit, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditLines {
    /// The lines.
    pub lines: Vec<AuditLine>,
    /// Whether more stand behind them.
    pub more: bool,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// As it stands in the file, without its end.
    pub text: String,
    /// The place behind it.
    pub end: u64,
    /// Whether its hash fits its bytes.
    pub intact: bool,
}

/// The lines behind `after`; none when that is the end.
///
/// # Errors
/// `InvalidInput` where `after` is no place between two lines: files were changed or taken back;
/// else what the folder fails with.
pub(super) fn since(
    files: &[(u32, u64)],
    read: ReadPart<'_>,
    after: u64,
) -> io::Result<AuditLines> {
    let begin = (u32::try_from(after >> 32).unwrap_or(u32::MAX), after & u64::from(u32::MAX));
    let last = files.last().map_or(0, |(number, _)| *number);
    if begin.0 > last {
        return Err(lost());
    }
    let mut lines = AuditLines::default();
    for &(number, length) in files.iter().filter(|(number, _)| *number >= begin.0) {
        let offset = if number == begin.0 { begin.1 } else { 0 };
        let is_between = offset == 0 || offset <= length && read(number, offset - 1, 1)? == b"\n";
        if !is_between {
            return Err(lost());
        }
        if offset == length {
            continue;
        }
        let part = read(number, offset, PART_BYTES.min(length - offset))?;
        let whole = part.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if whole == 0 && part.len() as u64 == PART_BYTES {
            return Err(io::Error::other("a line of the audit is too long"));
        }
        let mut end = u64::from(number) << 32 | offset;
        for line in part[..whole].split_inclusive(|b| *b == b'\n') {
            end += line.len() as u64;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            lines.lines.push(AuditLine {
                text: String::from_utf8_lossy(line).into_owned(),
                end,
                intact: place(line).is_some(),
            });
        }
        // Half a line at the end of an old file is what a crash left.
        if whole > 0 {
            lines.more = number < last || offset + (whole as u64) < length;
            return Ok(lines);
        }
    }
    Ok(lines)
}

fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the audit is not what it was")
}
