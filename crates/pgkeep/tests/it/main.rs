//! Tests of the binary as a whole: real processes, real PostgreSQL, real FUSE.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it saw, and its helpers may fail like it"
)]

mod access;
mod agent;
mod api;
mod at_rest;
mod baseline;
mod cli;
mod cmk;
mod feeds;
mod fs;
mod installation;
mod keyvault_cli;
mod kql;
mod lake_disk;
mod lifecycle;
mod logs;
#[cfg(feature = "otlp")]
mod otlp;
mod posture;
mod pushes;
mod sdk;
mod seal_token;
mod softhsm;
mod swtpm;
mod vault_https;
mod workers;
