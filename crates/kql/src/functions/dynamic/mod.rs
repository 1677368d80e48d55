//! Functions of arrays and bags.

mod arrays;
mod bags;
mod make;
mod path;
mod sets;
mod sort;

use super::Table;

pub(super) use path::Path;

/// Tables of this topic.
pub(super) const TABLES: [Table; 6] =
    [arrays::TABLE, bags::TABLE, make::TABLE, path::TABLE, sets::TABLE, sort::TABLE];

/// Longer arrays are not made (Kusto page "range": 2^20).
const ELEMENTS_MAX: usize = 1 << 20;

/// Copies of a value may not take more.
const COPIES_MAX_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests;
