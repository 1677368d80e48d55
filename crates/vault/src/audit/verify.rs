//! The check of a chain of audit records, without any key.
//!
//! It notices every line that was changed, removed, added or moved, except that whoever may write
//! the files may also make a new chain of them from some line on: compare the end with a head that
//! was kept elsewhere. The vault keeps one in its sealed store, which its owner can read.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::log::{GENESIS, place};
use super::{AuditFolder, FolderFiles, Head};

/// No more problems are listed.
const PROBLEMS_MAX: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many files were read.
    pub n_files: usize,
    /// How many records.
    pub n_records: u64,
    /// Number of the first record; more than 1 where older files were taken away.
    pub first_seq: u64,
    /// The end of the chain.
    pub head: Head,
    /// What is wrong; empty when the chain holds.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, file: u32, line: usize, what: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { file, line, what: what.into() });
        }
    }
}

/// One break of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Number of the file.
    pub file: u32,
    /// Line in it, from 1; 0 where the whole is meant.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Checks the files of a folder on the disk; see [`verify_folder`].
pub fn verify(folder: &Path, expected: Option<&Head>) -> io::Result<Report> {
    verify_folder(&FolderFiles::new(folder), expected)
}

/// Checks every line. With a head `expected`, that record must be there and unchanged, so a chain
/// that was cut short or made anew does not pass.
///
/// # Errors
/// Whatever the folder's files fail with; what they hold is in the report.
pub fn verify_folder(folder: &dyn AuditFolder, expected: Option<&Head>) -> io::Result<Report> {
    let mut report = Report::default();
    let mut last: Option<Head> = None;
    let mut seen = expected.is_none_or(|head| head.seq == 0);
    let mut previous_number = None;
    for number in folder.numbers()? {
        report.n_files += 1;
        if previous_number.is_some_and(|previous: u32| previous + 1 != number) {
            report.problem(number, 0, "the file before this one is missing");
        }
        previous_number = Some(number);
        let bytes = folder.read(number)?;
        for (index, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
            let at = index + 1;
            report.n_records += 1;
            let Some(text) = line.strip_suffix(b"\n") else {
                report.problem(number, at, "the last line is not whole");
                continue;
            };
            let Some(place) = place(text) else {
                report.problem(number, at, "the line was changed");
                last = None;
                continue;
            };
            if place.file != (index == 0).then_some(number) {
                report.problem(number, at, "the line does not stand where it was written");
            }
            match &last {
                None if report.first_seq == 0 => {
                    report.first_seq = place.seq;
                    if (place.seq == 1) != (place.prev == GENESIS) {
                        report.problem(number, at, "the chain does not begin here");
                    }
                }
                None => {}
                Some(last) if place.seq != last.seq + 1 || place.prev != last.hash => {
                    report.problem(number, at, "the line does not follow the one before");
                }
                Some(_) => {}
            }
            if expected.is_some_and(|e| e.seq == place.seq && e.hash == place.hash) {
                seen = true;
            }
            last = Some(Head { seq: place.seq, hash: place.hash });
        }
    }
    report.head = last.unwrap_or_default();
    if !seen {
        report.problem(0, 0, "the record that is known to be the last one is missing");
    }
    Ok(report)
}
