//! Functions of numbers.

mod bits;
mod elementary;
mod random;
mod rounding;
mod special;

use super::Table;

/// Tables of this topic.
pub(super) const TABLES: [Table; 5] =
    [bits::TABLE, elementary::TABLE, random::TABLE, rounding::TABLE, special::TABLE];

#[cfg(test)]
mod tests;
