//! Stored functions as files say them (`content/functions/NAME.kql`).

use kql::bind::StoredFunction;

use crate::Error;

/// A function: comments at the top of its file, then its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Other names for it.
    pub also: Vec<String>,
    /// What it gives.
    pub description: String,
    /// Parameters and what they mean, in order.
    pub parameters: Vec<(String, String)>,
    /// Its text, as of `let NAME = TEXT`.
    pub stored: StoredFunction,
}

impl Function {
    /// Reads `content/functions/NAME.kql`.
    ///
    /// # Errors
    /// [`Error::Function`] where the comments at its top are not of the expected shape.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let wrong = |what: String| Error::Function { function: name.to_owned(), what };
        let mut description = String::new();
        let mut also = Vec::new();
        let mut parameters = Vec::new();
        let mut rest = text;
        while let Some(comment) = rest.strip_prefix("//") {
            let (line, behind) = comment.split_once('\n').unwrap_or((comment, ""));
            rest = behind;
            let line = line.trim();
            match line.split_once(": ") {
                Some((word, what)) if word == name && description.is_empty() => {
                    description = what.to_owned();
                }
                Some(("also", names)) => {
                    also.extend(names.split(',').map(|name| name.trim().to_owned()));
                }
                Some((word, what)) if is_word(word) => {
                    parameters.push((word.to_owned(), what.to_owned()));
                }
                _ if !description.is_empty() && parameters.is_empty() => {
                    description.push(' ');
                    description.push_str(line);
                }
                _ => return Err(wrong(format!("\"{line}\" is not NAME: what it is"))),
            }
        }
        if description.is_empty() {
            return Err(wrong(format!("its first line is not \"// {name}: …\"")));
        }
        let stored = StoredFunction { text: rest.trim().to_owned() };
        Ok(Self { name: name.to_owned(), also, description, parameters, stored })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
