//! The error shape of the edges: what the CLI prints and the sockets carry.

use serde::{Deserialize, Serialize};

/// Exit codes of the command line; an interface, see `pgkeep help exit-codes`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum ExitCode {
    /// It worked.
    Ok = 0,
    /// Something went wrong.
    Error = 1,
    /// The command line was not understood.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// Not signed in, or not allowed.
    Forbidden = 4,
    /// It clashes with what is there.
    Conflict = 5,
    /// A gate failed: a verification or a server that did not come up.
    Gate = 6,
    /// It did not end in time.
    Timeout = 7,
    /// The vault is sealed.
    Sealed = 8,
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> u8 {
        code as u8
    }
}

impl TryFrom<u8> for ExitCode {
    type Error = String;

    fn try_from(n: u8) -> Result<Self, String> {
        use ExitCode::{Conflict, Error, Forbidden, Gate, NotFound, Ok, Sealed, Timeout, Usage};
        [Ok, Error, Usage, NotFound, Forbidden, Conflict, Gate, Timeout, Sealed]
            .into_iter()
            .find(|code| *code as u8 == n)
            .map_or_else(|| Err(format!("unknown exit code {n}")), Result::Ok)
    }
}

/// One failure as a person or a program at the edge sees it, in PostgreSQL's voice:
/// a lower-case primary message without a full stop, then detail, then hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// A stable word for programs, for example `port_taken`.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// What was seen, if it helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exit code that the command line ends with.
    pub exit: ExitCode,
}

impl Fault {
    /// A fault with a code and a message; exit code 1.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            detail: None,
            hint: None,
            exit: ExitCode::Error,
        }
    }

    /// Adds what was seen.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the exit code.
    #[must_use]
    pub fn exit(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// Puts the chain of `error` into the detail and keeps `message` as the primary message.
    pub fn from_error(
        code: &str,
        message: impl Into<String>,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(code, message).detail(chain)
    }
}
