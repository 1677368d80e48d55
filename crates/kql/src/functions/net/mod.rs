//! Functions of network addresses.

use super::Table;

/// All of them.
pub(super) const TABLES: [Table; 0] = [];
