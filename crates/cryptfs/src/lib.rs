//! An encrypting file system for PostgreSQL: on-disk format, POSIX semantics, FUSE.
//!
//! Keys come in as values. This crate knows no vault, no network and no async runtime.
//! Entry points: [`Store::open`] for the encrypted tree, [`CryptFile`] for one file of it,
//! [`fuse::Mount`] for the file system that PostgreSQL sees, [`check::check`] for the offline
//! verification. The format is described in `docs/formats/cryptfs.md`.

pub mod check;
mod doors;
mod engine;
mod error;
mod event;
mod file;
pub mod fuse;
mod store;

/// Where the ciphertext of a unit begins in its backing file.
///
/// The backing file of `PATH` in the mount is `tree/PATH` in the backing folder.
pub fn unit_offset(unit: u64) -> u64 {
    engine::layout::unit_offset(unit)
}

/// Bytes of a unit.
pub const UNIT_BYTES: u64 = engine::layout::UNIT;

pub use error::Error;
pub use event::{Event, EventSink};
pub use file::{CryptFile, FileKind};
pub use store::{Stats, Store, StoreOptions};
