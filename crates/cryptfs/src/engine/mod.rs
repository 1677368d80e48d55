//! The file format and its rules, over the doors: no operating system, clock or randomness here.

pub(crate) mod clean;
pub(crate) mod codes;
pub(crate) mod dirty;
pub(crate) mod header;
pub(crate) mod keys;
pub(crate) mod layout;
pub(crate) mod log;
pub(crate) mod open;
pub(crate) mod recover;
pub(crate) mod shared;
#[cfg(test)]
pub(crate) mod sweep;
pub(crate) mod unit;
