//! Rows by the names of columns: what is pushed in the shape of Azure Monitor's Logs Ingestion
//! API (an array of objects), and files of JSON, JSON lines or CSV with a header.
//!
//! Into a table with declared columns ([`ByName::new`]) or into one made for the input
//! ([`infer`]). Pure: bytes in, rows and dead letters out.
//!
//! A member goes to the column of its name, else to the one whose name differs in case only, else
//! to the one that [`infer`] would give it. What has no column is kept in `AdditionalFields`,
//! where the table has that; else it is left out, as Azure does, and counted by name in
//! [`Loaded::dropped`]. A value that does not fit its column is kept the same way; else the row
//! is without it and a dead letter has the whole object.

mod fit;
mod forms;
mod infer;
mod number;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use infer::infer;
pub use rows::ByName;

use crate::{DeadLetter, Origin, RowBatch};

/// Longest name of a table or column, in bytes.
pub(crate) const NAME_MAX: usize = 128;
/// The column for what has none.
pub(crate) const EXTRA: &str = "AdditionalFields";
/// The column that says when.
pub(crate) const TIME: &str = "TimeGenerated";
/// So many names of members without a column are listed; the others are counted together.
const DROPPED_NAMES_MAX: usize = 100;

/// How the input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Arrays of objects, or objects. All of it is right, or none of it is taken.
    Json,
    /// One object a line; a line that is none is a dead letter.
    JsonLines,
    /// RFC 4180 with a header.
    Csv,
}

impl Form {
    /// The word that stands for it in dead letters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::JsonLines => "json-lines",
            Self::Csv => "csv",
        }
    }
}

/// How much is taken at once; more is an error, and nothing is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadLimits {
    /// Bytes of the input.
    pub bytes: usize,
    /// Rows.
    pub rows: usize,
    /// Columns of a table that is made.
    pub columns: usize,
}

impl LoadLimits {
    /// For one request that pushes rows; Azure takes 1 MB too.
    pub const PUSH: Self = Self { bytes: 1 << 20, rows: 100_000, columns: 500 };
    /// For a file.
    pub const FILE: Self = Self { bytes: 256 << 20, rows: 2_000_000, columns: 500 };
}

/// What is taken in, and what the caller says of it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// How it is written.
    pub form: Form,
    /// The input.
    pub bytes: &'a [u8],
    /// The source. What is `given` under a column's name wins over what the input says.
    pub origin: &'a Origin,
    /// Where the first byte stands in the source.
    pub offset: u64,
    /// When it was received, in ticks.
    pub received_at: i64,
}

/// What was made of an input.
#[derive(Debug)]
pub struct Loaded {
    /// The rows.
    pub batch: RowBatch,
    /// What gave no row, or not all of one.
    pub dead: Vec<DeadLetter>,
    /// Members that have no column and are nowhere kept.
    pub dropped: Dropped,
}

/// Members that were left out: how often, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    /// By name; of long names the beginning.
    pub names: BTreeMap<String, u64>,
    /// Those whose names are not listed because there are too many.
    pub others: u64,
}

impl Dropped {
    /// How many members were left out.
    pub fn count(&self) -> u64 {
        self.names.values().sum::<u64>() + self.others
    }

    fn add(&mut self, name: &str) {
        let name = &name[..name.floor_char_boundary(NAME_MAX)];
        if let Some(n) = self.names.get_mut(name) {
            *n += 1;
        } else if self.names.len() < DROPPED_NAMES_MAX {
            self.names.insert(name.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }
}
