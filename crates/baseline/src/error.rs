//! What goes wrong, and how it becomes a fault for the edge.

use base::{ExitCode, Fault};

/// What this crate gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of `content/` is not as it must be
    #[error("{file}: {what}")]
    Content {
        /// Its name
        file: String,
        /// What is wrong with it
        what: String,
    },
    /// No check has this identifier
    #[error("no check is called \"{0}\"")]
    NoCheck(String),
    /// What was declared is not understood
    #[error("the declaration is not understood")]
    Declaration(String),
    /// A bundle of evidence is not understood
    #[error("the evidence is not understood")]
    Bundle(String),
    /// Waivers are not understood
    #[error("the waivers are not understood")]
    Waivers(String),
    /// A fix could not be planned, made or taken back
    #[error(transparent)]
    Fix(Box<Fault>),
    /// The server could not be read at all
    #[error(transparent)]
    Server(#[from] pg::Error),
}

impl Error {
    /// The fault that the edge shows.
    pub fn fault(&self) -> Fault {
        let of = |code: &str| Fault::new(code, self.to_string());
        match self {
            Self::Content { .. } => of("invalid_content"),
            Self::NoCheck(_) => of("no_such_check")
                .hint("`pgkeep baseline checks` lists them")
                .exit(ExitCode::NotFound),
            Self::Declaration(what) => of("invalid_declaration")
                .detail(what)
                .hint("a TOML file of lists by kind, for example: superuser = [\"admin\"]")
                .exit(ExitCode::Usage),
            Self::Bundle(what) => of("invalid_evidence").detail(what).exit(ExitCode::Usage),
            Self::Waivers(what) => of("invalid_waivers")
                .detail(what)
                .hint("the list that `pgkeep baseline waivers -o json` prints")
                .exit(ExitCode::Usage),
            Self::Fix(fault) => (**fault).clone(),
            Self::Server(error) => error.fault(),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fix(Box::new(fault))
    }
}
