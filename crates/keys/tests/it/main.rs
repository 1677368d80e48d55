//! Every provider against the one contract, and each against what only it can do wrong.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // a failed unwrap is a failed test

#[cfg(feature = "aws")]
mod aws;
mod azure;
mod azure_identity;
mod contract;
mod fake_azure;
mod http;
mod pkcs11;
#[cfg(feature = "transit")]
mod transit;
