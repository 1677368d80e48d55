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

pub use error::Error;
pub use event::{Event, EventSink};
pub use file::{CryptFile, FileKind};
pub use store::{Stats, Store, StoreOptions};
