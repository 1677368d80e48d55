//! The edge over real sockets: TLS, HTTP/1.1 and HTTP/2, unix sockets, a simple vault behind it.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod access;
mod backend;
mod client;
mod errors;
mod identity;
mod limits;
mod openapi;
mod plane;
mod wire;
