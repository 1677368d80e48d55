//! Proof of the promise at rest: nothing that PostgreSQL stores can be read outside the mount,
//! and nothing that is changed outside the mount goes unnoticed.
//!
//! Everything here is real: PostgreSQL, FUSE, `pgkeep fs`; the search is done by `grep`, which
//! knows nothing of us. Each proof has its counter-proof, so that it could have failed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these modules are tests throughout")]

mod canaries;
mod cluster;
mod damage;
mod flips;
mod plant;
mod read_back;
mod rig;
mod search;
mod units;
