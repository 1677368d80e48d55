//! Delta tables, by the small part of the open protocol that a table of events needs: protocol,
//! metadata, added and removed files, transactions of an application, checkpoints; commits are put
//! where nobody has put one.
//!
//! The crate `deltalake` is not used: with all its features off it still turns on the cloud
//! features of `object_store`, and with them a second cryptographic library (`ring`) and a second
//! `reqwest`. Others read these tables.

mod action;
mod checkpoint;
mod compact;
mod encoding;
mod input;
mod load;
mod log;
mod merge;
mod objects;
mod parquet;
mod read;
mod rewrite;
mod schema;
mod tend;
mod write;

pub(super) use action::Add;
pub(super) use log::Log;
pub(super) use merge::{Merged, merge};
pub(super) use parquet::How;
pub(super) use read::{Shown, files, n_rows_of};
pub(super) use rewrite::{Named, Rewritten, rewrite};
pub(super) use write::{remove_leftovers, write_files};
