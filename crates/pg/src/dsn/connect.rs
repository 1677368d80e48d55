//! Connecting: server by server, with TLS or without.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use base::Secret;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::keys::LONGEST;
use super::passfile::{Wanted, password};
use super::tls::Mode;
use super::{Dsn, Place, SOCKET_DIR, Server};
use crate::connect::{MakeRustls, in_clear, over_tls};
use crate::connection::CONNECT;
use crate::refusal::ConnectCause;
use crate::{Connection, Error, Result, Transport};

/// The most addresses of one name that are tried.
const N_ADDRESSES: usize = 8;

impl Dsn {
    /// Connects to the first server that answers, to `database` where one is named; sets the
    /// statement timeout of all our connections.
    ///
    /// An address that cannot be reached, or a server that is not up, gives way to the next one;
    /// one that refuses ends the search. `sslmode=prefer` takes a plain connection where the
    /// server has no TLS, where the handshake fails and where the rules of the server keep
    /// encrypted clients out, but never because a certificate is not trusted or a password is
    /// wrong. [`Connection::transport`] tells what came of it. All tries together take five minutes
    /// at most. The driver keeps a copy of the
    /// password until the connection is up.
    pub async fn connect(&self, database: Option<&str>) -> Result<Connection> {
        let database = database.unwrap_or(&self.database);
        let connecting = tokio::time::timeout(LONGEST, self.connect_to(database));
        connecting.await.unwrap_or_else(|_| {
            Err(Error::Timeout {
                what: "accept a connection",
                seconds: LONGEST.as_secs(),
                detail: self.label(),
            })
        })
    }

    async fn connect_to(&self, database: &str) -> Result<Connection> {
        let mut failed = None;
        for server in &self.servers {
            let target = self.label_of(&server.to_string(), database);
            let addresses = match addresses(server, &target).await {
                Ok(addresses) => addresses,
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            let (config, unread) = self.config_of(server, database);
            for address in addresses {
                let mut config = config.clone();
                if let Some(address) = address {
                    config.hostaddr(address);
                }
                match self.try_one(&config, server, &target).await {
                    Err(error) if is_elsewhere(&error) => failed = Some(error),
                    Err(error) => return Err(explained(error, unread)),
                    connected => return connected,
                }
            }
        }
        Err(failed.expect("because there is a server, and each has an address or an error"))
    }

    /// One server's settings, and why the pass file could not be read where it could not.
    fn config_of(&self, server: &Server, database: &str) -> (Config, Option<Error>) {
        let mut config = self.config.clone();
        config.user(&self.user).dbname(database).port(server.port);
        match &server.place {
            Place::Socket(dir) => config.host_path(dir),
            Place::Tcp { name, .. } => config.host(name),
        };
        if let Some(password) = &self.password {
            config.password(password.expose());
            return (config, None);
        }
        match self.password_of_file(server, database) {
            Ok(Some(password)) => {
                config.password(password.expose());
                (config, None)
            }
            Ok(None) => (config, None),
            Err(error) => (config, Some(error)),
        }
    }

    fn password_of_file(&self, server: &Server, database: &str) -> Result<Option<Secret<String>>> {
        let Some(path) = &self.passfile else { return Ok(None) };
        let host = match &server.place {
            Place::Socket(dir) if dir == Path::new(SOCKET_DIR) => Cow::Borrowed("localhost"),
            Place::Socket(dir) => dir.to_string_lossy(),
            Place::Tcp { name, .. } => Cow::Borrowed(name.as_str()),
        };
        password(path, Wanted { host: &host, port: server.port, database, user: &self.user })
    }
    /// One address, with TLS or without as the mode says.
    async fn try_one(&self, config: &Config, server: &Server, target: &str) -> Result<Connection> {
        let Place::Tcp { name, .. } = &server.place else {
            return in_clear(config, target, Transport::Socket).await;
        };
        let plain = || in_clear(config, target, Transport::Plain);
        if self.tls.mode == Mode::Disable {
            return plain().await;
        }
        let maker = MakeRustls::new(self.tls.client_config()?, name.clone(), self.tls.trust);
        let agreed = maker.agreed();
        let encrypted = |mode| {
            let mut config = config.clone();
            config.ssl_mode(mode);
            async move { over_tls(&config, maker, target).await }
        };
        match self.tls.mode {
            Mode::Disable | Mode::Require => encrypted(SslMode::Require).await,
            Mode::Allow => match plain().await {
                Err(first) if cause(&first) == Some(ConnectCause::AccessRules) => {
                    let second = encrypted(SslMode::Require).await;
                    // A server without TLS says in its first answer what is missing.
                    second.map_err(|second| match cause(&second) {
                        Some(ConnectCause::NoTls) => first,
                        _ => second,
                    })
                }
                answer => answer,
            },
            Mode::Prefer => match encrypted(SslMode::Prefer).await {
                Err(first) => {
                    let other = match cause(&first) {
                        Some(ConnectCause::Handshake) => true,
                        Some(ConnectCause::AccessRules) => agreed.get().is_some(),
                        _ => false,
                    };
                    if other { plain().await.map_err(|_| first) } else { Err(first) }
                }
                connected => connected,
            },
        }
    }
}

/// Where a server is: its addresses, or `None` for a socket.
async fn addresses(server: &Server, target: &str) -> Result<Vec<Option<IpAddr>>> {
    let Place::Tcp { name, address } = &server.place else { return Ok(vec![None]) };
    if address.is_some() {
        return Ok(vec![*address]);
    }
    let unknown = |source: io::Error| Error::Connect {
        target: target.to_owned(),
        cause: ConnectCause::UnknownHost,
        source: Box::new(source),
    };
    let asked = tokio::time::timeout(CONNECT, tokio::net::lookup_host((&**name, server.port)));
    let found = asked.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let mut addresses = Vec::new();
    for found in found.map_err(unknown)?.take(N_ADDRESSES) {
        if !addresses.contains(&Some(found.ip())) {
            addresses.push(Some(found.ip()));
        }
    }
    if addresses.is_empty() {
        return Err(unknown(io::ErrorKind::NotFound.into()));
    }
    Ok(addresses)
}

fn cause(error: &Error) -> Option<ConnectCause> {
    match error {
        Error::Connect { cause, .. } => Some(*cause),
        _ => None,
    }
}

fn is_elsewhere(error: &Error) -> bool {
    cause(error).is_some_and(ConnectCause::is_elsewhere)
}

/// A password that was missing because its file was not usable is that file's error.
fn explained(error: Error, unread: Option<Error>) -> Error {
    match unread {
        Some(unread) if cause(&error) == Some(ConnectCause::NoPassword) => unread,
        _ => error,
    }
}
