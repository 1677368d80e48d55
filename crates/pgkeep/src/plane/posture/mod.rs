//! The security baseline of our own servers: assessments through their agents, what is kept of
//! them, and when they are made by themselves.
//!
//! | file | what is in it |
//! |---|---|
//! | `store` | assessments and bundles in SQLite, and how long they are kept |
//! | `beside` | waivers, schedules and declarations in SQLite |
//! | `made` | one assessment, from the wish to what is kept |
//! | `mended` | fixes, which the agent makes |
//! | `told` | what is said of them: how a server stands, one check, what differs |
//! | `graphs` | what the newest evidence says of connections and roles |
//! | `schedule` | who is due |

mod beside;
mod graphs;
mod made;
mod mended;
mod packed;
mod schedule;
mod store;
mod told;

pub(super) use graphs::{hba, roles};
pub(super) use made::{Wish, make};
pub(super) use mended::{act, fixes};
pub(super) use schedule::run;
pub(super) use store::SCHEMA;
pub(super) use told::{assessment, baseline, check, drift, result, servers};

use std::sync::{Arc, OnceLock};

use api::plane::model::BaselineSchedule;
use base::{ExitCode, Fault, ServerName};
use baseline::{Library, Profile};

use super::store::SqliteStore;

/// The checks, read once they are asked for.
#[derive(Default)]
pub(super) struct Posture {
    library: OnceLock<Result<Arc<Library>, Fault>>,
}

impl Posture {
    /// All checks.
    pub(super) fn library(&self) -> Result<Arc<Library>, Fault> {
        let read = || Library::shipped().map(Arc::new).map_err(|error| error.fault());
        self.library.get_or_init(read).clone()
    }
}

/// When a server is assessed by itself.
pub(super) fn schedule(store: &SqliteStore, name: &ServerName) -> Result<BaselineSchedule, Fault> {
    store.schedule(name).map(beside::Schedule::told)
}

/// The profiles of a word: none for pgkeep's own values, `all` for each of them.
pub(super) fn profiles(word: Option<&str>) -> Result<Vec<Profile>, Fault> {
    match word {
        None => Ok(Vec::new()),
        Some("all") => Ok(Profile::ALL.to_vec()),
        Some(word) => {
            let known = Profile::ALL.into_iter().find(|profile| profile.name() == word);
            known.map(|profile| vec![profile]).ok_or_else(|| {
                Fault::new("bad_request", "there is no such profile")
                    .hint("azure-mcsb, cis, stig, paranoid or all")
                    .exit(ExitCode::Usage)
            })
        }
    }
}
