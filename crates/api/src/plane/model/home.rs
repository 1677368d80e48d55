//! The first page: what holds, what needs attention, what to do next.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the first page shows, as far as the caller sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HomePage {
    /// Four plain sentences with their evidence: encryption, keys, TLS, vault.
    pub tiles: Vec<Tile>,
    /// What needs attention, the gravest first.
    pub attention: Vec<Attention>,
    /// The next three best actions.
    pub actions: Vec<NextAction>,
}

/// What a look came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All is well.
    Good,
    /// Something deserves attention.
    Warning,
    /// Something is wrong.
    Bad,
    /// It could not be seen.
    #[default]
    Unknown,
}

/// One tile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tile {
    /// `encryption`, `keys`, `tls` or `vault`.
    pub id: String,
    /// What a person calls it.
    pub title: String,
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence.
    pub summary: String,
    /// When was looked.
    pub looked_at: Timestamp,
    /// What was read, and by which rule it was judged.
    pub rule: String,
    /// The page that says more.
    pub link: String,
}

/// How grave something is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Data or keys are at risk now.
    Critical,
    /// It will be, or something does not work.
    Warning,
    /// Worth knowing.
    #[default]
    Info,
}

/// Something that needs attention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attention {
    /// How grave.
    pub severity: Severity,
    /// What.
    pub title: String,
    /// What was seen.
    pub detail: String,
    /// The page to go to.
    pub link: String,
    /// The command that helps or shows more; null when there is none.
    pub cli: Option<String>,
}

/// What to do next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextAction {
    /// What.
    pub title: String,
    /// What it is good for.
    pub why: String,
    /// The page to go to.
    pub link: String,
    /// The command that does it; null when there is none.
    pub cli: Option<String>,
}
