//! Tables in an object store: S3, Azure Blob and Google Cloud Storage by URL.
//!
//! The store of events is synchronous and asks through [`crate::store::Place`]; DataFusion reads
//! through the bridge. Both end at one client, whose requests run on threads of its own.
//!
//! Nothing is read from the environment: who asks, and by which way, is what the caller says.

mod access;
mod address;
mod bridge;
mod bucket;
mod upload;

pub use access::{Access, Credentials};
pub use bucket::Bucket;
