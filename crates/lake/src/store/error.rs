//! What can go wrong in the store.

use std::io;
use std::sync::Arc;

use datafusion::error::DataFusionError;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has the folder
    #[error("the store is in use by another process")]
    InUse,
    /// The disk is full: nothing of this append is stored, what came before is
    #[error("the disk of the store is full")]
    DiskFull(#[source] Arc<io::Error>),
    /// Rows come faster than they can be put away; try again later
    #[error("the store takes no more rows for now: {0}")]
    Full(String),
    /// A failed write could not be taken back, so that nobody knows what the log holds; it is
    /// read again when the store is opened
    #[error("the write-ahead log failed and takes nothing until the store is opened again")]
    Failed(#[source] Arc<io::Error>),
    /// The write-ahead log is damaged before its end: rows that were acknowledged are lost
    #[error("the write-ahead log is damaged: {0}")]
    Damaged(Damage),
    /// A file could not be read or written
    #[error("{what} failed")]
    Io {
        /// What was being done
        what: String,
        /// Why
        #[source]
        source: Arc<io::Error>,
    },
    /// An append whose mark is not greater than the one that is stored: its rows are, too
    #[error("source {source_name} is stored up to {known}, which is not before {position}")]
    OldMark {
        /// Name of the source
        source_name: String,
        /// What came
        position: u64,
        /// What is stored
        known: u64,
    },
    /// There is no such table
    #[error("the store has no table {0}")]
    NoTable(String),
    /// A name, a column or rows that a table cannot have
    #[error("{0}")]
    Invalid(String),
    /// A Delta table that asks for more of its readers or writers than is done here, or whose log
    /// makes no sense
    #[error("the Delta table {table} cannot be used: {what}")]
    Delta {
        /// Its name
        table: String,
        /// Why
        what: String,
    },
    /// Rows of the write-ahead log are in the table by a commit of somebody else; it takes no more
    /// until the store is opened again
    #[error("another process commits rows of this store to table {table}")]
    Outrun {
        /// Its name
        table: String,
    },
    /// The place of the tables does not answer or says no. What was appended is in the write-ahead
    /// log, and what failed is tried again
    #[error("{what} failed at {url}")]
    Place {
        /// What was being done
        what: String,
        /// Where tables lie
        url: String,
        /// Why
        #[source]
        source: Arc<io::Error>,
    },
    /// The tables lie somewhere else than the store is told, or belong to another store
    #[error("{what}")]
    Elsewhere {
        /// What is wrong
        what: String,
    },
    /// Rows could not be encoded or decoded
    #[error("rows cannot be encoded")]
    Encoding(#[source] Arc<DataFusionError>),
}

/// Where the write-ahead log is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment} at byte {offset}: {what}; rows up to number {last_good} are there")]
pub struct Damage {
    /// File name
    pub segment: String,
    /// Where the first unreadable byte is
    pub offset: u64,
    /// The last sequence number before it
    pub last_good: u64,
    /// What is wrong
    pub what: String,
}

/// Shorthand of the store.
pub type StoreResult<T, E = StoreError> = std::result::Result<T, E>;

/// Whether an error means that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Why a place that is not the local folder did not do something; inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(crate) struct Away {
    /// Where
    pub(crate) url: String,
    /// What it or its client said, without secrets
    pub(crate) why: String,
}

impl Away {
    fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Says what was being done.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> StoreResult<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> StoreResult<T> {
        self.map_err(|e| {
            let source = Arc::new(e);
            if let Some(away) = Away::of(&source) {
                let url = away.url.clone();
                StoreError::Place { what: what(), url, source }
            } else if is_full(&source) {
                StoreError::DiskFull(source)
            } else {
                StoreError::Io { what: what(), source }
            }
        })
    }
}

impl From<DataFusionError> for StoreError {
    fn from(error: DataFusionError) -> Self {
        Self::Encoding(Arc::new(error))
    }
}

impl From<datafusion::arrow::error::ArrowError> for StoreError {
    fn from(error: datafusion::arrow::error::ArrowError) -> Self {
        DataFusionError::from(error).into()
    }
}

impl From<datafusion::parquet::errors::ParquetError> for StoreError {
    fn from(error: datafusion::parquet::errors::ParquetError) -> Self {
        DataFusionError::from(error).into()
    }
}
