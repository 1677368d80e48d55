//! The errors of the crate, and how they look at the edge.

use std::io;
use std::path::PathBuf;

use base::{ExitCode, Fault};

use tokio_postgres::error::SqlState;

use crate::diagnose::StartCause;
use crate::refusal::ConnectCause;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with PostgreSQL or with a file of its data directory.
///
/// `Display` is the primary message; the detail and the hint are in [`Error::fault`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL server programs were found.
    #[error("could not find the programs of a PostgreSQL server")]
    NoBinaries {
        /// Where they were looked for.
        detail: String,
    },
    /// A version that pgkeep does not know.
    #[error("PostgreSQL {found} is not supported")]
    UnsupportedVersion {
        /// What the program said.
        found: String,
    },
    /// Somebody wanted to run PostgreSQL as root.
    #[error("PostgreSQL must not run as root")]
    Root,
    /// The operating system has no such user.
    #[error("operating system user \"{0}\" does not exist")]
    NoSuchUser(String),
    /// A path or port that no cluster can have.
    #[error("cluster location is not usable: {reason}")]
    Location {
        /// Why.
        reason: String,
    },
    /// An operation on a file or directory failed.
    #[error("could not {doing} \"{}\"", path.display())]
    File {
        /// The operation, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// A file of ours holds something that we did not write.
    #[error("file \"{}\" is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A program could not be run or be watched.
    #[error("could not run program \"{}\"", program.display())]
    Spawn {
        /// Which one.
        program: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("program \"{}\" failed", program.display())]
    Program {
        /// Which one.
        program: PathBuf,
        /// The last lines it wrote.
        detail: String,
    },
    /// `initdb` was asked to fill a directory that holds something.
    #[error("data directory \"{}\" is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// PostgreSQL runs on this data directory already.
    #[error("PostgreSQL is already running on this data directory (process {pid})")]
    AlreadyRunning {
        /// The postmaster.
        pid: u32,
    },
    /// PostgreSQL did not come up.
    #[error("PostgreSQL did not start: {cause}")]
    Start {
        /// The cause, as far as it could be told.
        cause: StartCause,
        /// What PostgreSQL wrote about it.
        detail: String,
    },
    /// Something did not happen in time.
    #[error("PostgreSQL did not {what} within {seconds} s")]
    Timeout {
        /// What was waited for, as a verb.
        what: &'static str,
        /// How long.
        seconds: u64,
        /// What was seen meanwhile.
        detail: String,
    },
    /// A connection could not be made.
    #[error("could not connect to {target}: {cause}")]
    Connect {
        /// Host and port, or socket.
        target: String,
        /// The cause, as far as it could be told.
        cause: ConnectCause,
        /// The driver's or the operating system's word.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A connection string, or a file that it names, cannot be used. Its text is never shown: it
    /// may hold a password.
    #[error("connection string is not usable: {reason}")]
    ConnectionString {
        /// Why.
        reason: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// A connection to a port failed below the PostgreSQL protocol.
    #[error("could not speak to {target}")]
    Network {
        /// Host and port.
        target: String,
        /// The operating system's or the TLS library's word.
        source: io::Error,
    },
    /// A statement failed.
    #[error("could not {doing}")]
    Query {
        /// What the statement was for, as a verb.
        doing: &'static str,
        /// The driver's word.
        source: tokio_postgres::Error,
    },
    /// PostgreSQL knows no such parameter.
    #[error("server parameter \"{name}\" does not exist")]
    UnknownParameter {
        /// What was asked for.
        name: String,
        /// Names that look like it.
        nearest: Vec<String>,
    },
    /// The parameter shows something and cannot be set by anybody.
    #[error("server parameter \"{name}\" cannot be changed")]
    FixedParameter {
        /// Its name.
        name: String,
    },
    /// The value would take a protection away.
    #[error("server parameter \"{name}\" cannot be set to \"{value}\"")]
    GuardRail {
        /// The parameter.
        name: String,
        /// The value.
        value: String,
        /// What would be lost.
        reason: String,
        /// What is allowed instead.
        hint: String,
    },
    /// Guard rails that should hold in a running server do not.
    #[error("guard rails of the server do not hold")]
    GuardRails {
        /// Each parameter with its value.
        detail: String,
    },
    /// PostgreSQL refused a value.
    #[error("server parameter \"{name}\" was not changed: {message}")]
    Rejected {
        /// The parameter.
        name: String,
        /// PostgreSQL's primary message.
        message: String,
        /// PostgreSQL's detail.
        detail: Option<String>,
        /// PostgreSQL's hint.
        hint: Option<String>,
    },
    /// A change was written, but the running server does not show it; it was taken back.
    #[error("change of \"{name}\" took no effect and was taken back")]
    NoEffect {
        /// The parameter or file.
        name: String,
        /// What was seen instead.
        detail: String,
    },
    /// Access rules that PostgreSQL does not take; the old ones are back.
    #[error("the rules about who may connect are not usable; nothing was changed")]
    AccessRules {
        /// The lines at fault.
        detail: String,
    },
    /// A certificate or its key cannot be used.
    #[error("certificate is not usable: {reason}")]
    Certificate {
        /// Why.
        reason: String,
    },
    /// A new certificate was installed, but clients do not see it; the old one is back.
    #[error("new server certificate was not taken by PostgreSQL and was taken back")]
    CertificateNotTaken {
        /// What was seen, old and new fingerprint.
        detail: String,
    },
    /// The new certificate was not taken, and the old one could not be put back either.
    #[error("new server certificate was not taken, and the old one is not back either")]
    CertificateLost {
        /// What was seen.
        detail: String,
    },
    /// The TLS library refused something.
    #[error("could not prepare TLS")]
    Tls(#[source] rustls::Error),
}

impl Error {
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    pub(crate) fn query(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Query { doing, source }
    }

    /// The SQLSTATE, where PostgreSQL itself refused something (PostgreSQL manual, appendix A).
    pub fn sqlstate(&self) -> Option<&str> {
        let driver = match self {
            Self::Connect { source, .. } => source.downcast_ref()?,
            Self::Query { source, .. } => source,
            _ => return None,
        };
        tokio_postgres::Error::code(driver).map(SqlState::code)
    }

    pub(crate) fn connect(target: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let target = target.into();
        move |error| Self::Connect {
            target,
            cause: ConnectCause::of(&error),
            source: Box::new(error),
        }
    }

    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoBinaries { .. } => "no_binaries",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::Root => "root",
            Self::NoSuchUser(_) => "no_such_user",
            Self::Location { .. } => "bad_location",
            Self::File { .. } => "file",
            Self::Damaged { .. } => "damaged_file",
            Self::Spawn { .. } => "spawn",
            Self::Program { .. } => "program_failed",
            Self::NotEmpty(_) => "not_empty",
            Self::AlreadyRunning { .. } => "already_running",
            Self::Start { cause, .. } => cause.code(),
            Self::Timeout { .. } => "timeout",
            Self::Connect { cause, .. } => cause.code(),
            Self::ConnectionString { .. } => "connection_string",
            Self::Network { .. } => "network",
            Self::Query { .. } => "query",
            Self::UnknownParameter { .. } => "unknown_parameter",
            Self::FixedParameter { .. } => "fixed_parameter",
            Self::GuardRail { .. } => "guard_rail",
            Self::GuardRails { .. } => "guard_rails",
            Self::Rejected { .. } => "parameter_rejected",
            Self::NoEffect { .. } => "no_effect",
            Self::AccessRules { .. } => "access_rules",
            Self::Certificate { .. } => "certificate",
            Self::CertificateNotTaken { .. } => "certificate_not_taken",
            Self::CertificateLost { .. } => "certificate_lost",
            Self::Tls(_) => "tls",
        }
    }

    /// The failure as the edge shows it: message, detail with the chain of causes, hint, exit code.
    pub fn fault(&self) -> Fault {
        let mut fault = Fault::from_error(self.code(), self.to_string(), self).exit(self.exit());
        fault.detail = self.detail();
        fault.hint = self.hint();
        fault
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::UnknownParameter { .. } => ExitCode::NotFound,
            Self::Rejected { .. } | Self::AccessRules { .. } | Self::ConnectionString { .. } => {
                ExitCode::Usage
            }
            Self::NotEmpty(_) | Self::AlreadyRunning { .. } | Self::NoEffect { .. } => {
                ExitCode::Conflict
            }
            Self::Start { cause: StartCause::PortTaken, .. } => ExitCode::Conflict,
            Self::GuardRail { .. } | Self::FixedParameter { .. } => ExitCode::Forbidden,
            Self::GuardRails { .. } => ExitCode::Gate,
            Self::Timeout { .. } => ExitCode::Timeout,
            _ => ExitCode::Error,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::NoBinaries { detail }
            | Self::Damaged { detail, .. }
            | Self::Program { detail, .. }
            | Self::Start { detail, .. }
            | Self::Timeout { detail, .. }
            | Self::GuardRails { detail }
            | Self::NoEffect { detail, .. }
            | Self::AccessRules { detail }
            | Self::CertificateNotTaken { detail }
            | Self::CertificateLost { detail } => Some(detail.clone()),
            Self::GuardRail { reason, .. } => Some(reason.clone()),
            Self::Rejected { detail, .. } => detail.clone(),
            other => std::error::Error::source(other).map(chain),
        }
        .filter(|text| !text.is_empty())
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoBinaries { .. } => {
                "install a PostgreSQL server of a major version from 13 to 18, or name the folder \
                 of its programs in the configuration"
                    .to_owned()
            }
            Self::UnsupportedVersion { .. } => "use a major version from 13 to 18".to_owned(),
            Self::Root => "run PostgreSQL as an unprivileged operating system user".to_owned(),
            Self::UnknownParameter { nearest, .. } if !nearest.is_empty() => {
                format!("did you mean {}?", nearest.join(" or "))
            }
            Self::GuardRail { hint, .. } => hint.clone(),
            Self::GuardRails { .. } => {
                "remove these settings from postgresql.auto.conf with ALTER SYSTEM RESET".to_owned()
            }
            Self::Rejected { hint, .. } | Self::ConnectionString { hint, .. } => {
                return hint.clone();
            }
            Self::Connect { cause, .. } => return cause.hint().map(str::to_owned),
            Self::Start { cause, .. } => return cause.hint().map(str::to_owned),
            Self::CertificateNotTaken { .. } => {
                "the server still uses its old certificate; check the new chain and key".to_owned()
            }
            _ => return None,
        };
        Some(text)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        error.fault()
    }
}

/// The messages of an error and its causes, joined.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}
