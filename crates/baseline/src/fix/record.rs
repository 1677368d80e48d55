//! What is kept of a fix: enough to take it back, and to see what became of it since.

use serde::{Deserialize, Serialize};

use super::conf::Kept;
use super::files::FileRecord;
use super::plan::Change;
use super::radius::Radius;
use super::state::Touched;
use crate::check::Profile;
use crate::declared::Declared;
use crate::judge::Verdict;

/// The form of records.
pub(super) const FORMAT: u32 = 1;

/// A fix that was made. Held as JSON; may hold the old value of a setting, so it is for its owner
/// alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FixRecord {
    /// Of this form
    pub format: u32,
    /// Its name
    pub fix_id: String,
    /// The check
    pub id: String,
    /// What holds now
    pub title: String,
    /// The server, without any secret
    pub server: String,
    /// The account that made it, as the caller names it
    pub made_by: String,
    /// How far it came
    pub state: FixState,
    /// When it was made, RFC 3339
    pub applied_at: String,
    /// When it was taken back
    pub undone_at: Option<String>,
    /// What was done
    pub changes: Vec<Change>,
    /// What statements touched
    pub touched: Vec<Touched>,
    /// Settings by `ALTER SYSTEM`
    pub conf: Option<ConfRecord>,
    /// Files
    pub files: Vec<FileRecord>,
    /// What failed before
    pub findings: Vec<String>,
    /// Whose values were expected
    pub profile: Option<Profile>,
    /// Evidence that was asked for
    pub asked: Vec<String>,
    /// What was declared
    pub declared: Declared,
    /// Who could not sign in any more
    pub radius: Radius,
    /// Until when somebody has to say, through a new connection, that the door is still open,
    /// RFC 3339; else it is taken back
    #[serde(default)]
    pub confirm_by: Option<String>,
    /// When somebody said so
    #[serde(default)]
    pub confirmed_at: Option<String>,
    /// That it worked
    pub proof: Option<Proof>,
    /// That it was taken back
    pub undo_proof: Option<Proof>,
}

/// Settings that were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfRecord {
    /// The file before
    pub before: Kept,
    /// And after
    pub after: Option<Kept>,
    /// The values that settings had in it before; absent: they had none
    pub old: Vec<(String, Option<String>)>,
}

/// How far a fix came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixState {
    /// It was being made when its process ended
    Applying,
    /// It holds
    Applied,
    /// It will hold once the server was started anew
    NeedsRestart,
    /// It was taken back
    Undone,
    /// It was taken back because it did not work
    Failed,
}

/// What was seen after a fix, or after it was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When, RFC 3339
    pub at: String,
    /// What the check says now; absent: it can only be asked after a start of the server
    pub verdict: Option<Verdict>,
    /// Why
    pub reason: String,
    /// What still fails
    pub left: Vec<String>,
    /// What else was looked at
    pub seen: Vec<String>,
    /// Whether everything that was touched is as it was, to the byte (of an undo)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
}
