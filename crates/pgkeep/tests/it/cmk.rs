//! Servers whose owner holds the key, with everything real: vault, PostgreSQL, FUSE.
//!
//! The figures that these tests print stand in the benchmarks.

mod api;
mod changes;
mod loss;
mod outage;
pub(crate) mod owner;
mod rotation;
mod token;
