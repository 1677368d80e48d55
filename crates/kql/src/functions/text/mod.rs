//! Functions of text.

mod basic;
mod compress;
mod encode;
mod patterns;
mod punycode;
mod replace;
mod search;
mod url;

use super::Table;

/// Tables of this topic.
pub(super) const TABLES: [Table; 8] = [
    basic::TABLE,
    compress::TABLE,
    encode::TABLE,
    patterns::TABLE,
    punycode::TABLE,
    replace::TABLE,
    search::TABLE,
    url::TABLE,
];

/// Longer text is not made: the result is `""`.
pub(super) const TEXT_MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests;
