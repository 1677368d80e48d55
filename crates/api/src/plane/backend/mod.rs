//! The door to what the API is about: servers, vault, key vaults, identities.
//!
//! Whoever implements it asks agents, vault and supervisor. Who may ask was decided before a
//! method is called; `by` is for records alone, and for the vault, which notes for whom the plane
//! asks. A method that may take longer than a second or two takes a [`Progress`] and runs as a
//! job; what it answers is the job's result, given on as it is.
//!
//! The trait is cut by area, so that each part can be implemented in a file of its own:
//! [`Servers`], [`Encryption`], [`KeyVaults`], [`Identities`], [`Installation`],
//! [`Logs`], [`Baselines`].

mod baseline;
mod encryption;
mod installation;
mod keyvaults;
mod logs;
mod servers;

use std::sync::Arc;

use base::Fault;
use futures_util::future::BoxFuture;

pub use baseline::{Baselines, FixAction};
pub use encryption::Encryption;
pub use installation::{Identities, Installation};
pub use keyvaults::KeyVaults;
pub use logs::{Lines, Logs, Pieces};
pub use servers::{ServerAction, Servers};

/// What a method of the door gives back.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, Fault>>;

/// All of the door.
pub trait Backend:
    Servers + Encryption + KeyVaults + Identities + Installation + Logs + Baselines
{
}

impl<T> Backend for T where
    T: Servers + Encryption + KeyVaults + Identities + Installation + Logs + Baselines
{
}

/// Tells how long work goes. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

impl Progress {
    /// Hands every step to `tell`.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Says one step, in a few words without a full stop.
    pub fn say(&self, step: impl AsRef<str>) {
        (self.0)(step.as_ref());
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}
