//! What is wrong with a file of `content/`, or with what a caller hands in.

/// A file of `content/` that cannot be used, or a row that fits no table.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is no TOML of the expected shape.
    #[error("could not read parser \"{parser}\"")]
    Toml {
        /// The parser.
        parser: String,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The file contradicts itself or names what does not exist.
    #[error("parser \"{parser}\" is not usable: {what}")]
    Parser {
        /// The parser.
        parser: String,
        /// What is wrong.
        what: String,
    },
    /// A table's file has a line that is no column.
    #[error("table \"{table}\" is not usable: {what}")]
    Table {
        /// The table.
        table: String,
        /// What is wrong.
        what: String,
    },
    /// A function's file is not of the expected shape.
    #[error("function \"{function}\" is not usable: {what}")]
    Function {
        /// The function.
        function: String,
        /// What is wrong.
        what: String,
    },
    /// Values that are no row of the table.
    #[error("a row does not fit table \"{table}\": {what}")]
    Row {
        /// The table.
        table: String,
        /// What does not fit.
        what: String,
    },
    /// What is to be taken in is not what it should be; nothing was taken.
    #[error("the input cannot be read: {what}")]
    Input {
        /// What is wrong.
        what: String,
    },
    /// More than a limit allows; nothing was taken.
    #[error("the input has more than {limit} {what}")]
    TooMuch {
        /// `bytes`, `rows`, `columns`.
        what: &'static str,
        /// So many are allowed.
        limit: usize,
    },
    /// No such table.
    #[error("table \"{0}\" does not exist")]
    NoTable(String),
    /// No such parser.
    #[error("parser \"{0}\" does not exist")]
    NoParser(String),
}
