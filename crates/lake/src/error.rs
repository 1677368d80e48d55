//! What can go wrong while a query is planned or run.

use datafusion::error::DataFusionError;
use kql::engine::EngineError;

/// Why a query gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A table's file could not be opened or understood
    #[error("table {table} cannot be read")]
    Table {
        /// Its name
        table: String,
        /// Why
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The place of tables cannot be used as it is described
    #[error("{0}")]
    Place(String),
    /// The query names a table that this lake does not have
    #[error("there is no table {0}")]
    NoTable(String),
    /// The query asks for something that has no meaning
    #[error("{0}")]
    Query(String),
    /// A limit was reached
    #[error("the query {what}")]
    Limit {
        /// Which limit: `took longer than 10 s`
        what: String,
    },
    /// Somebody stopped it
    #[error("the query was cancelled")]
    Cancelled,
    /// An operator or a limit of the language says no
    #[error(transparent)]
    Kql(#[from] EngineError),
    /// A worker is gone after parts of the answer were handed on
    #[error("the worker at {0} stopped answering while the query ran: the answer is not whole")]
    Worker(String),
    /// The engine failed
    #[error("the query failed")]
    Engine(#[source] Box<DataFusionError>),
    /// The engine panicked; a defect of ours
    #[error("the query failed inside the engine: {0}")]
    Panic(String),
}

/// Shorthand of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure to read a table.
    pub(crate) fn table(
        table: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Table { table: table.to_owned(), source: source.into() }
    }

    /// A limit, in words that follow "the query".
    pub(crate) fn limit(what: impl Into<String>) -> Self {
        Self::Limit { what: what.into() }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        if let DataFusionError::ResourcesExhausted(what) = error.find_root() {
            return Self::limit(format!("needs more memory than it may use: {what}"));
        }
        match error {
            DataFusionError::External(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(inner) => Self::Engine(Box::new(DataFusionError::External(inner))),
            },
            other => Self::Engine(Box::new(other)),
        }
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        match error {
            Error::Engine(inner) => *inner,
            other => Self::External(Box::new(other)),
        }
    }
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::Kql(error) => error,
            Error::NoTable(name) => Self::NoTable { name },
            Error::Cancelled => Self::Cancelled,
            Error::Query(what) => Self::Invalid(what),
            Error::Limit { what } => Self::Invalid(format!("the query {what}")),
            other => Self::Source { what: "the answer".to_owned(), source: Box::new(other) },
        }
    }
}
