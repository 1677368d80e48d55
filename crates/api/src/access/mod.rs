//! Who gets in, and what they may do.

pub mod judge;
pub mod policy;
pub mod principal;
pub mod store;

pub use principal::{Assignment, Kind, Principal, Scope};
