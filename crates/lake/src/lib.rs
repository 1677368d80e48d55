//! The wall: KQL on DataFusion, the only crate that names it, Arrow or Parquet.

mod aggregate;
pub mod beyond;
mod codec;
mod data;
mod error;
mod lake;
mod limits;
mod lower;
mod node;
pub mod objects;
mod planned;
mod prepare;
mod run;
mod scalar;
pub mod store;
mod stored;
mod tables;
mod within;

pub use error::{Error, Result};
pub use lake::{Ending, Lake, Sink};
pub use limits::Limits;
pub use tables::{Table, Tables, write_parquet};
pub use within::within;
