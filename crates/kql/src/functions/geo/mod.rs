//! Functions of places on the globe.

use super::Table;

/// All of them.
pub(super) const TABLES: [Table; 0] = [];
