//! Text → tree. Never fails: what cannot be read becomes diagnostics and `Kind::Missing`.

mod fmt;
mod lexer;
mod operator;
mod parser;
mod token;
mod tree;

#[cfg(test)]
mod tests;

pub use fmt::format;
pub use lexer::tokens;
pub use operator::*;
pub use parser::{DEPTH_MAX, HEIGHT_MAX, TEXT_MAX, parse};
pub use token::{Fault, Token, TokenKind};
pub use tree::*;
