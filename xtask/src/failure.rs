//! What went wrong, in PostgreSQL's voice: a message, perhaps a detail, perhaps a hint.

use std::fmt;

/// The result of a verb.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Exit code of a wrong command line.
const EXIT_USAGE: u8 = 2;
/// Exit code of a check that ran and said no.
const EXIT_GATE: u8 = 6;

/// A failed verb; the exit codes are those of pgkeep's own command line.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Lower case, no full stop.
    pub(crate) message: String,
    /// What was seen.
    pub(crate) detail: Option<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// Exit code of the process.
    pub(crate) exit: u8,
}

impl Failure {
    /// Something could not be done.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), detail: None, hint: None, exit: 1 }
    }

    /// The command line was wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: EXIT_USAGE, ..Self::new(message) }
    }

    /// A check ran to its end and its answer is no.
    pub(crate) fn gate(message: impl Into<String>) -> Self {
        Self { exit: EXIT_GATE, ..Self::new(message) }
    }

    /// Adds what was seen.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Says what was being done when the operating system refused.
pub(crate) trait Doing<T> {
    /// Turns an I/O error into a failure whose message says what was tried.
    fn doing(self, what: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| {
            Failure::new(format!("could not {}", what())).detail(error.to_string())
        })
    }
}
