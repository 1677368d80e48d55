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
    /// A feed is not as it must be
    #[error("the feed in \"{file}\" is not understood")]
    Feed {
        /// Where it is
        file: String,
        /// What is wrong with it
        what: String,
    },
    /// A feed is not the one that was meant
    #[error("\"{file}\" has another checksum")]
    FeedChecksum {
        /// Where it is
        file: String,
        /// Its SHA-256, in hex
        found: String,
    },
    /// A feed would take the place of a newer one
    #[error("the feed {name} is there already, and newer")]
    FeedOlder {
        /// Its name
        name: String,
        /// The day of the one that was given
        this: String,
        /// The day of the one that is there
        there: String,
    },
    /// A file of feeds cannot be read or written
    #[error("could not read or write \"{file}\"")]
    FeedFile {
        /// Where it is
        file: String,
        /// Why
        source: std::io::Error,
    },
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
            Self::Feed { what, .. } => of("invalid_feed").detail(what).exit(ExitCode::Usage),
            Self::FeedChecksum { found, .. } => of("wrong_checksum")
                .detail(format!("its SHA-256 is {found}"))
                .hint("fetch it again, and take the checksum from whoever made it")
                .exit(ExitCode::Gate),
            Self::FeedOlder { this, there, .. } => of("older_feed")
                .detail(format!("this one is of {this}, the other of {there}"))
                .exit(ExitCode::Conflict),
            Self::FeedFile { file, source } => {
                let message = format!("could not read or write \"{file}\"");
                let exit = match source.kind() {
                    std::io::ErrorKind::NotFound => ExitCode::NotFound,
                    std::io::ErrorKind::PermissionDenied => ExitCode::Forbidden,
                    _ => ExitCode::Error,
                };
                Fault::from_error("feed_file", message, source).exit(exit)
            }
            Self::Server(error) => error.fault(),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fix(Box::new(fault))
    }
}
