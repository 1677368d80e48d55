//! The shared nouns and the doors of pgkeep: names, states, errors for the edge, clock, randomness.
//!
//! Not a utility drawer: what only one crate needs lives in that crate.

mod changed;
mod clock;
mod fault;
mod name;
mod random;
mod secret;
mod state;

pub use changed::Changed;
pub use clock::{Clock, SystemClock};
pub use fault::{ExitCode, Fault};
pub use name::{NameError, ServerName};
pub use random::Random;
pub use secret::Secret;
pub use state::{ServerState, StateRecord};
