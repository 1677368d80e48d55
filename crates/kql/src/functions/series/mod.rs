//! Functions of series: arrays of numbers.

use super::Table;

/// All of them.
pub(super) const TABLES: [Table; 0] = [];
