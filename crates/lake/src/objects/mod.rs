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

use crate::error::Result;

/// Whether a URL of tables, and an endpoint where there is one, can be right.
///
/// # Errors
/// What is wrong, without what may be a secret.
pub fn check(url: &str, endpoint: Option<&str>, allow_http: bool) -> Result<()> {
    address::Address::parse(url)?;
    endpoint.map_or(Ok(()), |text| access::endpoint(text, allow_http).map(drop))
}
