//! Tests of `pg` against a real PostgreSQL; one binary, one throw-away server a test.

mod access;
mod certificates;
mod dsn;
mod early;
mod life;
mod networking;
mod outside;
mod parameters;
mod read_only;
mod sample;
mod tls;
