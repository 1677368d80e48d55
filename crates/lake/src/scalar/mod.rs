//! Kusto's scalar functions inside DataFusion: by value, and natively where it pays.

mod by_value;
mod finder;
mod json;
mod json_scan;
mod native;
mod number;
mod plain;
mod text;
mod text_test;

pub(crate) use by_value::{ByValue, Parts, compiled, constant, is_volatile};
pub(crate) use finder::Finder;
pub(crate) use json::PathOf;
pub(crate) use json_scan::Step;
pub(crate) use native::{Native, NativeUdf};
pub(crate) use number::{Comparison, Operation};
pub(crate) use plain::{fill, real_order};
pub(crate) use text_test::{Test, folded};
