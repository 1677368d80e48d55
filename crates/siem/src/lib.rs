//! Log events to rows of tables. Pure: bytes come in with their offsets, rows and dead letters go
//! out. No IO and no clock; the time of receipt is an argument.
//!
//! The way of a byte: [`Splitter`] (framing: bytes to records) → a base format (record to named
//! fields) → stages (more fields out of a field) → rows. Base formats are code; what a field
//! means and which column it fills stands in `content/parsers/NAME.toml`, what a table holds in
//! `content/tables/NAME.tsv`. Nothing is lost silently: what gives no row is a [`DeadLetter`].
//!
//! What already is rows (a push, a file of JSON or CSV) goes by the names of columns: [`ByName`],
//! [`infer`].

mod compile;
mod content;
mod dead;
mod error;
mod event;
mod formats;
mod function;
mod gallery;
mod intake;
mod load;
mod read;
mod record;
mod spec;
mod split;
mod split_csv;
mod stage;
mod table;
mod time;
mod typed;

pub use compile::{Parser, Settings};
pub use content::{
    Library, collector_files, function_files, parser_files, query_files, shared_files, table_files,
};
pub use error::Error;
pub use function::Function;
pub use gallery::Example;
pub use intake::{Intake, Origin, Output};
pub use load::{ByName, Dropped, Form, Input, LoadLimits, Loaded, infer};
pub use record::{DeadLetter, Defect, Position, Raw, Reason, Record};
pub use split::{Framing, Splitter};
pub use table::{Column, RowBatch, Table};

/// Longest record in bytes; a longer one is a dead letter.
pub const RECORD_MAX: usize = 1 << 20;
/// Most fields that an event may have.
pub const FIELDS_MAX: usize = 1024;
/// Most events that one record (a pushed document) may hold.
pub const EVENTS_MAX: usize = 10_000;
/// So many bytes of a record a dead letter keeps.
pub const RAW_MAX: usize = 8 << 10;
