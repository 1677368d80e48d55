//! Queries on DataFusion, held against the engine in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says by its panic")]

mod aggregates;
mod beyond;
mod corpus;
mod json;
mod natives;
mod operators;
mod parse;
mod plans;
mod smoke;
mod store;
mod store_disk;
mod store_erase;
mod store_faults;
mod store_log;
mod store_marks;
mod store_objects;
mod store_press;
mod store_rows;
mod store_size;
mod store_tend;
mod store_terms;
