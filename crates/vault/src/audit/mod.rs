//! What was asked of the vault, by whom, and how it ended. Never a key.
//!
//! One JSON line for each request, in the shape of Azure's AuditEvent, chained by hashes: see
//! [`log`] for the bytes, [`verify()`] for the check. A line is durable before its request is
//! answered.

mod event;
mod folder;
mod list;
mod log;
mod since;
mod verify;

pub use folder::{AuditFolder, FolderFiles};
pub use list::{AuditPage, PAGE_MAX};
pub use log::Head;
pub use since::{AuditLine, AuditLines};
pub use verify::{Problem, Report, verify, verify_folder};

pub(crate) use event::{Claim, Event};
pub(crate) use list::Cursor;
pub(crate) use log::{AuditLog, Damage};
