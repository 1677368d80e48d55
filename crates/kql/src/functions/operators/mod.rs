//! The operators, by their text.

mod access;
mod arithmetic;
mod compare;
mod lists;
mod logic;
mod text;

use super::Table;

pub(super) use compare::equal_json;
pub(super) use text::{fold, has_term};

/// All operators.
pub(super) const TABLES: [Table; 6] =
    [access::TABLE, arithmetic::TABLE, compare::TABLE, lists::TABLE, logic::TABLE, text::TABLE];

#[cfg(test)]
mod tests;
