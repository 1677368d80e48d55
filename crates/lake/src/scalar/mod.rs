//! Kusto's scalar functions inside DataFusion: by value, and natively where it pays.

mod by_value;
mod native;
mod plain;

pub(crate) use by_value::{ByValue, Parts, constant, is_volatile};
pub(crate) use native::{Native, NativeUdf};
pub(crate) use plain::fill;
