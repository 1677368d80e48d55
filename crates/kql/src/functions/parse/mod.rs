//! Functions that take text of a known form apart: `parse_xml()`, `parse_path()` and their like.

mod agent;
mod agent_table;
mod lines;
mod path;
mod xml;

use super::Table;

/// Tables of this topic.
pub(super) const TABLES: [Table; 4] = [agent::TABLE, lines::TABLE, path::TABLE, xml::TABLE];

#[cfg(test)]
mod tests;
