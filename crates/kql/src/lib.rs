//! The Kusto language: text → tree → bound, typed query, and the `Engine` door that runs one.
//!
//! No IO. Parsing and binding never fail: they return what they understood and diagnostics.

pub mod aggregates;
pub mod bind;
pub mod diagnostic;
pub mod engine;
pub mod functions;
pub mod plan;
pub mod sketch;
pub mod syntax;
pub mod value;
