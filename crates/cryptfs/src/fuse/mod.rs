//! The file system as PostgreSQL sees it: FUSE requests in, calls of the store out.
//!
//! [`Mount`] serves a [`Store`](crate::Store) at a mountpoint. What is encrypted and how is no
//! matter of this module; names, owners, modes and times are those of the backing tree.

mod adapter;
mod class;
mod control;
mod face;
mod files;
mod folders;
mod handle;
mod mount;
mod mountpoint;
mod nodes;
mod tune;

pub use control::Figures;
pub use mount::{Mount, MountOptions};
pub use mountpoint::Unmounter;
pub use tune::tune;
