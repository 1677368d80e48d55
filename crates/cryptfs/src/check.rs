//! Offline verification of every unit of a store.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Event};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Files read.
    pub n_files: u64,
    /// Units read and compared with their codes.
    pub n_units: u64,
    /// Files under a memory-only key of an earlier mount: unreadable by design, not assessed.
    pub n_temporary: u64,
    /// True when the store was not stopped cleanly: units in dirty groups are not assessed.
    pub unclean: bool,
    /// Units in dirty groups, not assessed until the store is mounted once.
    pub n_not_assessed: u64,
    /// Everything that does not match.
    pub tampered: Vec<Event>,
}

/// Reads every unit of the store in `backing` and compares it with its authentication code.
/// `progress(done_bytes, total_bytes)` is called now and then. Writes nothing.
pub fn check(
    _backing: &Path,
    _key: &crypto::DataKey,
    _progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Error> {
    unreachable!("skeleton")
}
