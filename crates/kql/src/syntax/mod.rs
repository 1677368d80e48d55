//! Text → tree. Never fails: what cannot be read becomes diagnostics and `Kind::Missing`.

mod operator;
mod tree;

pub use operator::*;
pub use tree::*;
