//! The answer of whatever changes something, so that doing it twice is safe.

use serde::{Deserialize, Serialize};

/// Says whether a call changed anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use = "a caller that does not care says so"]
pub enum Changed {
    /// The wanted state was made.
    Changed,
    /// The wanted state was there already.
    Unchanged,
}
