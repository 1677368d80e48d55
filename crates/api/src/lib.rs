//! HTTP at the edge; the only crate that names axum.
//!
//! [`plane`] is the API with the portal's files beside it, [`access`] who gets in there,
//! [`client`] how the command line asks. [`keyvault`] carries the key vault and the identity
//! endpoint, which have listeners of their own.

pub mod access;
pub mod client;
mod error;
mod files;
mod host;
pub mod keyvault;
pub mod plane;
mod tls;

pub use error::Error;
pub use tls::Tls;
