//! Fixes: planned from the rows that failed, tried, made, proved, and taken back.
//!
//! | file | what is in it |
//! |---|---|
//! | `plan` | the rows of a fix's rules as [`Change`]s |
//! | `state` | what statements may touch, to be compared |
//! | `conf` | `postgresql.auto.conf` |
//! | `files`, `hba` | files of the host, lines of `pg_hba.conf` |
//! | `hold` | transactions that are open while a fix is tried or made |
//! | `settings` | settings: set, taken up, brought back |
//! | `trial`, `apply`, `undo` | [`Fixer`]: the cycle |
//! | `radius`, `doors` | who could not sign in any more |
//! | `record` | [`FixRecord`]: what is kept of a fix |
//!
//! The order: plan; try (statements in a transaction that is rolled back); keep what is as it is
//! now; make; take up by a reload; prove with new connections; take back at once where the proof
//! fails. Nothing is made that has no way back, and nothing is taken back over what somebody
//! changed since.

mod apply;
mod conf;
mod doors;
mod files;
mod hba;
mod hold;
mod plan;
mod radius;
mod record;
mod settings;
mod state;
mod trial;
mod undo;

use base::Clock;

use crate::check::Profile;
use crate::collect::{Connect, Sources};
use crate::declared::Declared;
use crate::library::Library;

pub use conf::Kept;
pub use files::{FileLook, FileRecord};
pub use plan::{Change, Edit};
pub use radius::{Login, Radius};
pub use record::{ConfRecord, FixRecord, FixState, Proof};
pub use state::{Look, Thing, Touched};
pub use trial::Plan;

/// Where records of fixes are kept.
pub trait Keep: Sync {
    /// Keeps a record, durably; one of the same `fix_id` is replaced.
    ///
    /// # Errors
    /// It cannot be kept: then nothing is changed.
    fn save(&self, record: &FixRecord) -> Result<(), base::Fault>;
}

/// Makes fixes on one server, and takes them back.
#[derive(Clone, Copy)]
pub struct Fixer<'a> {
    /// The server; the role should be a superuser
    pub target: &'a dyn Connect,
    /// The checks
    pub library: &'a Library,
    /// What is meant to be so
    pub declared: &'a Declared,
    /// Evidence that has to be asked for
    pub asked: &'a [String],
    /// What is read besides SQL; files are changed only where the host is named
    pub sources: Sources<'a>,
    /// Whose values are expected
    pub profile: Option<Profile>,
    /// The time
    pub clock: &'a dyn Clock,
    /// Where records are kept
    pub keep: &'a dyn Keep,
    /// Hears what is being done
    pub progress: &'a (dyn Fn(&str) + Sync),
}
