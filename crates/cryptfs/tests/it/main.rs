//! The file system on a real FUSE mount.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;
mod folders;
mod io;
mod load;
mod meta;
