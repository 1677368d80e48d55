//! Why a connection did not come about, told from codes and not from translated words.

use std::fmt;
use std::io;

use rustls::CertificateError;
use tokio_postgres::error::SqlState;

/// Why a connection was not made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConnectCause {
    /// The name of the host has no address.
    UnknownHost,
    /// Nothing answers there, or not in time.
    Unreachable,
    /// TLS is wanted, and the server has none.
    NoTls,
    /// The handshake of TLS failed for other reasons than the certificate.
    Handshake,
    /// The server's certificate is not from an authority that is trusted, or not good any more.
    Untrusted,
    /// The server's certificate is for another name.
    WrongName,
    /// No rule of `pg_hba.conf` lets this client in.
    AccessRules,
    /// The user's name or password is wrong.
    Password,
    /// The server asks for a password, and there is none.
    NoPassword,
    /// The operating system user or the certificate is not the one that the role belongs to.
    Identity,
    /// The role does not exist, or may not sign in.
    Role,
    /// The database does not exist.
    NoDatabase,
    /// The database takes no connections, or none of this role.
    DatabaseClosed,
    /// All connections are taken.
    Full,
    /// The server is starting, stopping or recovering.
    NotReady,
    /// None of those.
    Other,
}

impl ConnectCause {
    /// Reads the driver's error.
    pub(crate) fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(answer) = error.as_db_error() {
            return Self::of_answer(answer.code(), answer.routine().unwrap_or_default());
        }
        let Some(source) = std::error::Error::source(error) else { return Self::Other };
        if let Some(error) = source.downcast_ref::<io::Error>() {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            return inner.map_or(Self::Unreachable, Self::of_tls);
        }
        // The driver has no kinds for these two; tests against a real server hold the words.
        match source.to_string().as_str() {
            "server does not support TLS" => Self::NoTls,
            "password missing" => Self::NoPassword,
            _ => Self::Other,
        }
    }

    /// `routine` is the function of the server that refused (field R of its answer).
    fn of_answer(code: &SqlState, routine: &str) -> Self {
        if *code == SqlState::INVALID_PASSWORD {
            Self::Password
        } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            match routine {
                "auth_failed" => Self::Identity,
                "InitializeSessionUserId" => Self::Role,
                _ => Self::AccessRules,
            }
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            Self::NoDatabase
        } else if *code == SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
            || *code == SqlState::INSUFFICIENT_PRIVILEGE
        {
            Self::DatabaseClosed
        } else if *code == SqlState::TOO_MANY_CONNECTIONS {
            Self::Full
        } else if *code == SqlState::CANNOT_CONNECT_NOW {
            Self::NotReady
        } else {
            Self::Other
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        match error {
            rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
                Self::WrongName
            }
            rustls::Error::InvalidCertificate(_) => Self::Untrusted,
            _ => Self::Handshake,
        }
    }

    /// The stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownHost => "unknown_host",
            Self::Unreachable => "unreachable",
            Self::NoTls => "no_tls",
            Self::Handshake => "tls_handshake",
            Self::Untrusted => "untrusted_certificate",
            Self::WrongName => "wrong_certificate_name",
            Self::AccessRules => "no_access_rule",
            Self::Password => "wrong_password",
            Self::NoPassword => "no_password",
            Self::Identity => "wrong_identity",
            Self::Role => "no_such_role",
            Self::NoDatabase => "no_such_database",
            Self::DatabaseClosed => "database_closed",
            Self::Full => "too_many_connections",
            Self::NotReady => "not_ready",
            Self::Other => "connect",
        }
    }

    pub(crate) fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownHost => "check the name of the host, or give its address",
            Self::Unreachable => {
                "check host and port, that the server runs and listens there \
                 (listen_addresses), and the firewalls between"
            }
            Self::NoTls => {
                "turn TLS on in the server (ssl = on), or say sslmode=disable where nobody can \
                 listen on the way"
            }
            Self::Handshake => "the server must speak TLS 1.2 or 1.3; its log says more",
            Self::Untrusted => {
                "name the certificate of the authority that issued the server's with \
                 sslrootcert=FILE, and check that it has not expired"
            }
            Self::WrongName => {
                "connect by a name that the server's certificate holds (subject alternative \
                 name), or give it a certificate for this name"
            }
            Self::AccessRules => {
                "add a line to the server's pg_hba.conf that fits this address, database, role \
                 and encryption, and reload it"
            }
            Self::Password => {
                "check the user's name and the password; where the server asks for a client's \
                 certificate too, it must be for this role"
            }
            Self::NoPassword => {
                "put the password into a pass file (~/.pgpass, mode 0600), into PGPASSWORD, or \
                 into the connection string"
            }
            Self::Identity => {
                "run as the operating system user, or show the certificate, that the server's \
                 pg_hba.conf and pg_ident.conf let in as this role"
            }
            Self::Role => "name a role that exists and may sign in (LOGIN)",
            Self::NoDatabase => "name a database that exists (dbname)",
            Self::DatabaseClosed => {
                "grant the role CONNECT on the database; a template that allows no connections \
                 can be left out"
            }
            Self::Full => "try again later, or raise max_connections",
            Self::NotReady => "wait until the server is up",
            Self::Other => return None,
        })
    }

    /// Whether another server of the same list may be tried: this one never got to judge us.
    pub(crate) fn is_elsewhere(self) -> bool {
        matches!(self, Self::UnknownHost | Self::Unreachable | Self::NotReady)
    }
}

impl fmt::Display for ConnectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownHost => "the host is not known",
            Self::Unreachable => "the server does not answer",
            Self::NoTls => "the server does not speak TLS",
            Self::Handshake => "the TLS handshake failed",
            Self::Untrusted => "the server's certificate is not trusted",
            Self::WrongName => "the server's certificate is for another name",
            Self::AccessRules => "the server's rules let nobody in like this",
            Self::Password => "user or password is wrong",
            Self::NoPassword => "the server asks for a password",
            Self::Identity => "the role belongs to somebody else",
            Self::Role => "the role does not exist or may not sign in",
            Self::NoDatabase => "the database does not exist",
            Self::DatabaseClosed => "the database is closed to this role",
            Self::Full => "all connections are taken",
            Self::NotReady => "the server is not ready",
            Self::Other => "the server or the driver refused",
        })
    }
}
