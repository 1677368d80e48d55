//! What is wrong with a parser's or a table's file.

/// A file of `content/` that cannot be used.
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
    /// No such parser.
    #[error("parser \"{0}\" does not exist")]
    NoParser(String),
}
