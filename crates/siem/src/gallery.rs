//! Queries for people to start from, as files say them (`content/queries/NAME.kql`).

use crate::Error;

/// A query and what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its name.
    pub name: String,
    /// In which part of the gallery it stands.
    pub category: String,
    /// What it answers.
    pub description: String,
    /// The text.
    pub query: String,
}

impl Example {
    /// Reads `content/queries/NAME.kql`.
    ///
    /// # Errors
    /// [`Error::Function`] where the comments at its top are not the three that must be there.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let mut rest = text;
        let mut line = |word: &str| {
            let found = rest
                .strip_prefix("// ")
                .and_then(|rest| rest.strip_prefix(word)?.strip_prefix(": ")?.split_once('\n'));
            let wrong = || Error::Function {
                function: file.to_owned(),
                what: format!("there is no line \"// {word}: …\" in its place"),
            };
            let (value, behind) = found.ok_or_else(wrong)?;
            rest = behind;
            Ok(value.trim().to_owned())
        };
        let (name, category, description) =
            (line("name")?, line("category")?, line("description")?);
        Ok(Self { name, category, description, query: rest.trim().to_owned() })
    }
}
