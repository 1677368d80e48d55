//! Pages of the audit, newest first.
//!
//! Read backwards in parts, so that neither a long file nor a rare vault holds the writer up: a
//! page looks at a bounded number of bytes and may hold fewer lines than were asked for, or none,
//! and still name a next one.

use std::io;

use serde_json::Value;

use super::AuditFolder;
use super::log::place;

/// No page holds more lines.
pub const PAGE_MAX: usize = 200;
/// Read in one go.
const PART_BYTES: u64 = 256 << 10;
/// Looked at for one page.
const LOOK_MAX_BYTES: u64 = 16 << 20;

/// Lines of the audit, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditPage {
    /// The records; each has `intact`, which is false where its hash does not fit its bytes.
    pub records: Vec<Value>,
    /// Where the next, older page begins; `None` at the beginning of the audit.
    pub next: Option<String>,
}

/// A place between two lines: everything before it in this file and in all older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    file: u32,
    offset: u64,
}

impl Cursor {
    /// Reads what [`AuditPage::next`] says.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (file, offset) = text.split_once('.')?;
        Some(Self { file: file.parse().ok()?, offset: offset.parse().ok()? })
    }
}

/// Reads a part of a file of the folder: number, offset, length.
pub(crate) type ReadPart<'a> = &'a dyn Fn(u32, u64, u64) -> io::Result<Vec<u8>>;

/// The newest lines before `cursor` that are about `vault`, at most `limit`.
///
/// # Errors
/// `InvalidInput` for a cursor that is none; else what the folder fails with.
pub(crate) fn page(
    files: &[(u32, u64)],
    read: ReadPart<'_>,
    vault: Option<&str>,
    cursor: Option<Cursor>,
    limit: usize,
) -> io::Result<AuditPage> {
    let wanted = vault.map(|name| format!("/vaults/{name}\""));
    let limit = limit.clamp(1, PAGE_MAX);
    let (mut records, mut looked) = (Vec::new(), 0);
    let mut first = cursor;
    for &(file, length) in files.iter().rev() {
        let mut end = match first {
            Some(cursor) if file > cursor.file => continue,
            Some(cursor) if file == cursor.file => whole_lines(read, cursor, length)?,
            _ => length,
        };
        first = None;
        while end > 0 {
            if looked >= LOOK_MAX_BYTES {
                return Ok(AuditPage { records, next: Some(format!("{file}.{end}")) });
            }
            let start = end.saturating_sub(PART_BYTES);
            let part = read(file, start, end - start)?;
            looked += end - start;
            // A line that began before this part is read with the next one; none is so long.
            let skip = match start {
                0 => 0,
                _ => part.iter().position(|b| *b == b'\n').map_or(part.len(), |at| at + 1),
            };
            if skip == part.len() {
                return Err(io::Error::other("a line of the audit is too long"));
            }
            let mut at = start + part.len() as u64;
            for line in part[skip..].split_inclusive(|b| *b == b'\n').rev() {
                at -= line.len() as u64;
                let Some(record) = record(line, wanted.as_deref()) else { continue };
                records.push(record);
                if records.len() == limit {
                    let next = (at > 0 || files.first().is_some_and(|(oldest, _)| *oldest < file))
                        .then(|| format!("{file}.{at}"));
                    return Ok(AuditPage { records, next });
                }
            }
            end = start + skip as u64;
        }
    }
    Ok(AuditPage { records, next: None })
}

/// The end that a cursor names, when it lies between two lines.
fn whole_lines(read: ReadPart<'_>, cursor: Cursor, length: u64) -> io::Result<u64> {
    let between = cursor.offset == 0
        || cursor.offset <= length && read(cursor.file, cursor.offset - 1, 1)? == b"\n";
    match between {
        true => Ok(cursor.offset),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no such page")),
    }
}

fn record(line: &[u8], wanted: Option<&str>) -> Option<Value> {
    // Half a line is one that is being written, or was when a crash came.
    let line = line.strip_suffix(b"\n")?;
    if let Some(wanted) = wanted {
        let about = line.windows(wanted.len()).any(|part| part == wanted.as_bytes());
        if !about {
            return None;
        }
    }
    let intact = place(line).is_some();
    let mut record: Value = serde_json::from_slice(line).unwrap_or(Value::Null);
    if let Some(wanted) = wanted
        && !record["resourceId"]
            .as_str()
            .is_some_and(|id| wanted.strip_suffix('"').is_some_and(|w| id.ends_with(w)))
    {
        return None;
    }
    match record.as_object_mut() {
        Some(fields) => drop(fields.insert("intact".to_owned(), Value::Bool(intact))),
        None => record = serde_json::json!({ "intact": false }),
    }
    Some(record)
}

/// Names and lengths of the folder's files, ascending.
pub(crate) fn files(folder: &dyn AuditFolder) -> io::Result<Vec<(u32, u64)>> {
    folder.numbers()?.into_iter().map(|number| Ok((number, folder.length(number)?))).collect()
}
