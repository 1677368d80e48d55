//! Tests of the binary as a whole: real processes, real PostgreSQL, real FUSE.

mod agent;
mod at_rest;
mod fs;
