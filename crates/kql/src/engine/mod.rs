//! The door to engines that run a bound query, and one that runs it in memory.
//!
//! The engine in memory knows every operator. Another engine lowers what it can and hands the
//! rest to [`memory::operator`] with the rows that go into it.

mod env;
mod eval;
mod key;
pub mod memory;
mod plugins;
mod rows;
mod step;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use env::{Env, Meter};
pub use eval::{Expr, compile, eval, holds};
pub use key::{Key, Part};
pub use plugins::{discover, is_offline_plugin, plugin_schema};

pub use rows::{Row, Rows};

use crate::plan::{Query, Rel, Render, Schema};

/// Runs bound queries.
pub trait Engine {
    /// Runs a query to its end, or until a limit or the caller stops it.
    fn run(&self, query: &Query, limits: &Limits, cancel: &Cancel) -> Result<Answer>;
}

/// Where tables come from.
pub trait Source: Sync {
    /// The rows of a table, with at least the columns that queries were bound against; `None`
    /// where there is no such table.
    fn table(&self, name: &str) -> Result<Option<Arc<Rows>>>;

    /// Rows of a part of the plan that stands by itself (`toscalar`, `materialize`, the table of
    /// `in`), from a better engine than the one in memory; `None` leaves it to that one.
    fn relation(&self, rel: &Rel, env: &Env<'_>) -> Result<Option<Rows>> {
        let _ = (rel, env);
        Ok(None)
    }

    /// The bytes behind one address of `externaldata`. Which addresses are allowed is up to the
    /// source; the default allows none.
    fn external(&self, address: &str) -> Result<Vec<u8>> {
        Err(EngineError::Refused { what: format!("reading external data from \"{address}\"") })
    }
}

/// What a query gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Columns; more than the plan's where the plan is open
    pub schema: Schema,
    /// Rows
    pub rows: Vec<Row>,
    /// Further results (`fork`, `facet`), by name
    pub further: Vec<(String, Rows)>,
    /// How to show the rows
    pub render: Option<Render>,
    /// Whether rows were left out because there were more than `Limits::rows`
    pub truncated: bool,
}

/// How much one query may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a result; more are cut off, and the answer says so
    pub rows: usize,
    /// Rows that one operator may give on the way; more are an error
    pub working_rows: usize,
    /// Bytes that one operator may hold; more are an error
    pub bytes: usize,
    /// Time from the start of the run
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 500_000,
            working_rows: 20_000_000,
            bytes: 1 << 30,
            time: Duration::from_secs(240),
        }
    }
}

/// The caller's means to stop a query from another thread.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A handle that nobody has used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the query to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the query was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a query gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The plan names something that this build does not have
    #[error("{kind} \"{name}\" is not supported")]
    Unsupported {
        /// `function`, `aggregate`, `plugin` …
        kind: &'static str,
        /// Its name
        name: String,
    },
    /// Something that is not done for safety's sake
    #[error("{what} is not allowed here")]
    Refused {
        /// What was asked
        what: String,
    },
    /// The query was bound against a table that is not there
    #[error("table \"{name}\" does not exist")]
    NoTable {
        /// Its name
        name: String,
    },
    /// A limit was reached
    #[error("query needs more than {limit} {what}, more than it may use")]
    Limit {
        /// `rows`, `bytes` …
        what: &'static str,
        /// How many are allowed
        limit: u64,
    },
    /// The time is over
    #[error("query ran longer than {seconds} s, longer than it may")]
    Time {
        /// How long it may run
        seconds: u64,
    },
    /// The caller stopped it
    #[error("query was cancelled")]
    Cancelled,
    /// A value makes no sense where it stands
    #[error("{0}")]
    Invalid(String),
    /// A plan that no binder writes
    #[error("the plan is broken: {0}")]
    Plan(String),
    /// A table or an external address could not be read
    #[error("could not read {what}")]
    Source {
        /// What was read
        what: String,
        /// Why not
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What engines give.
pub type Result<T> = std::result::Result<T, EngineError>;

#[cfg(test)]
mod tests;
