//! Connections to any PostgreSQL, by a connection string or URI of libpq.
//!
//! Not an environment: what libpq would read from `PG…` variables and from the home folder comes
//! in [`Defaults`]. What libpq knows and this does not is an error that says so.
//!
//! | file | what is in it |
//! |---|---|
//! | `text` | the two spellings, taken apart |
//! | `keys` | which keys there are, and which are refused |
//! | `tls` | `sslmode` and the files beside it |
//! | `passfile` | the pass file |
//! | `connect` | [`Dsn::connect`] |

mod connect;
mod keys;
mod passfile;
mod text;
mod tls;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use base::Secret;
use tokio_postgres::Config;

use crate::{Error, Result, RunAs};
use text::Pairs;
use tls::Tls;

const PORT: u16 = 5432;
/// Where the packages of Debian, Ubuntu and Red Hat put the socket.
const SOCKET_DIR: &str = "/var/run/postgresql";
const N_SERVERS: usize = 16;

/// What counts where the connection string says nothing.
///
/// The caller fills it from the environment. Files are named only where they are meant to be
/// there, except for the pass file, which may be missing.
#[derive(Debug, Default)]
pub struct Defaults {
    /// `PGUSER`; else the operating system user.
    pub user: Option<String>,
    /// `PGDATABASE`; else the user's name.
    pub database: Option<String>,
    /// `PGHOST`; else the usual socket folder.
    pub host: Option<String>,
    /// `PGPORT`; else 5432.
    pub port: Option<String>,
    /// `PGPASSWORD`.
    pub password: Option<Secret<String>>,
    /// `PGPASSFILE`, or `.pgpass` in the home folder.
    pub passfile: Option<PathBuf>,
    /// `PGSSLMODE`.
    pub ssl_mode: Option<String>,
    /// `PGSSLROOTCERT`, or `.postgresql/root.crt` in the home folder where it is there.
    pub ssl_root_certificate: Option<String>,
    /// `PGSSLCERT`, or `.postgresql/postgresql.crt` where it is there.
    pub ssl_certificate: Option<PathBuf>,
    /// `PGSSLKEY`, or `.postgresql/postgresql.key` where it is there.
    pub ssl_key: Option<PathBuf>,
}

/// One server that may be connected to.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Server {
    place: Place,
    port: u16,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    /// Folder of a unix socket.
    Socket(PathBuf),
    /// Name or address, and the address to use instead of asking for the name's.
    Tcp { name: String, address: Option<IpAddr> },
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.place {
            Place::Socket(dir) => write!(f, "{}:{port}", dir.display()),
            Place::Tcp { name, .. } if name.contains(':') => write!(f, "[{name}]:{port}"),
            Place::Tcp { name, .. } => write!(f, "{name}:{port}"),
        }
    }
}

/// How to connect to some PostgreSQL: servers, user, database, password, TLS.
///
/// It may hold a password, so that nothing prints it; see [`Dsn::label`].
pub struct Dsn {
    servers: Vec<Server>,
    user: String,
    database: String,
    password: Option<Secret<String>>,
    passfile: Option<PathBuf>,
    tls: Tls,
    /// What the driver knows by itself; without servers, password and TLS.
    config: Config,
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({})", self.label())
    }
}

impl Dsn {
    /// Reads `key=value …` or `postgresql://…`, at most 16 KiB and 16 servers.
    ///
    /// Files that it names are read when it connects. Wherever libpq would do with less than the
    /// text asks for, this is an error: unknown keys, a missing `sslrootcert`, a client's
    /// certificate without a key. No error repeats a piece of the text, but for names of files.
    pub fn parse(text: &str, defaults: Defaults) -> Result<Self> {
        let pairs = Pairs::read(text)?;
        keys::check(&pairs)?;
        let config = keys::config(&pairs)?;
        let servers = servers(&pairs, &defaults)?;
        let tls = Tls::read(&pairs, &defaults)?;
        let user = pairs.value("user").map(str::to_owned).or(defaults.user);
        let user = user.map_or_else(|| RunAs::current().map(|user| user.name), Ok)?;
        let database = pairs.value("dbname").map(str::to_owned).or(defaults.database);
        let database = database.unwrap_or_else(|| user.clone());
        for name in [&user, &database] {
            if name.contains(char::is_control) {
                return Err(unusable("a name holds a control character", "leave it out"));
            }
        }
        let password = pairs.value("password").map(|value| Secret::new(value.to_owned()));
        let passfile = pairs.value("passfile").map(PathBuf::from).or(defaults.passfile);
        let password = password.or(defaults.password);
        Ok(Self { servers, user, database, password, passfile, tls, config })
    }

    /// The database that is connected to where no other is named.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The role.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Where the server listens on the network: a name or an address, and the port. None for a
    /// socket, and where more than one server is named: which of them answers is not known.
    pub fn place(&self) -> Option<(String, u16)> {
        let [server] = self.servers.as_slice() else { return None };
        match &server.place {
            Place::Tcp { address: Some(address), .. } => Some((address.to_string(), server.port)),
            Place::Tcp { name, .. } => Some((name.clone(), server.port)),
            Place::Socket(_) => None,
        }
    }

    /// `host:port/database as user`, several servers with commas between; for messages.
    pub fn label(&self) -> String {
        let servers: Vec<String> = self.servers.iter().map(Server::to_string).collect();
        self.label_of(&servers.join(","), &self.database)
    }

    fn label_of(&self, server: &str, database: &str) -> String {
        format!("{server}/{database} as {}", self.user)
    }
}

/// `hint` says what to write instead. Neither may hold a piece of the text.
fn unusable(reason: &str, hint: &str) -> Error {
    Error::ConnectionString { reason: reason.to_owned(), hint: Some(hint.to_owned()) }
}

fn servers(pairs: &Pairs, defaults: &Defaults) -> Result<Vec<Server>> {
    let addresses = pairs.value("hostaddr");
    // An address says where to go: the host of the environment is then none.
    let default = defaults.host.as_deref().filter(|_| addresses.is_none());
    let hosts: Vec<&str> =
        pairs.value("host").or(default).map_or(vec![], |text| text.split(',').collect());
    let addresses: Vec<&str> = addresses.map_or(vec![], |text| text.split(',').collect());
    let ports = pairs.value("port").or(defaults.port.as_deref()).unwrap_or_default();
    let ports: Vec<&str> = ports.split(',').collect();
    let n = hosts.len().max(addresses.len()).max(1);
    if n > N_SERVERS {
        return Err(unusable("it names too many hosts", "16 are the most"));
    }
    let both = !hosts.is_empty() && !addresses.is_empty();
    if ports.len() > 1 && ports.len() != n || both && hosts.len() != addresses.len() {
        let hint = "give one port for all or one for each host, and a hostaddr for each or none";
        return Err(unusable("it has another number of hosts than of ports or addresses", hint));
    }
    let nth = |list: &[&str], n: usize| list.get(n).copied().unwrap_or_default().to_owned();
    (0..n)
        .map(|n| {
            let port = ports.get(n).or(ports.first().filter(|_| ports.len() == 1));
            Ok(Server {
                place: place(&nth(&hosts, n), &nth(&addresses, n))?,
                port: port.map_or(Ok(PORT), |text| port_of(text))?,
            })
        })
        .collect()
}

fn port_of(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(PORT);
    }
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
        let hint = "a port is a number from 1 to 65535; in a URI write a : of a user or password \
                    as %3A, an @ as %40, a / as %2F";
        unusable("a port is not a number", hint)
    })
}

fn place(host: &str, address: &str) -> Result<Place> {
    if host.starts_with('/') && address.is_empty() {
        if host.contains(char::is_control) {
            return Err(unusable("a socket's folder holds a control character", "leave it out"));
        }
        return Ok(Place::Socket(PathBuf::from(host)));
    }
    if address.is_empty() && host.is_empty() {
        return Ok(Place::Socket(PathBuf::from(SOCKET_DIR)));
    }
    // What else stands here is most often a piece of a password that was not encoded.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:%".contains(letter);
    if !host.chars().all(is_plain) || host.len() > 255 {
        let hint = "name a host, an address or a folder of sockets (/…); in a URI write an @ of \
                    a user or password as %40, a / as %2F";
        return Err(unusable("a host is not a name or an address", hint));
    }
    let address = match address {
        "" => None,
        text => Some(text.parse::<IpAddr>().map_err(|_| {
            unusable("hostaddr is not an address", "write a name into host instead")
        })?),
    };
    let name = match (host, address) {
        ("", Some(address)) => address.to_string(),
        _ => host.to_owned(),
    };
    Ok(Place::Tcp { name, address })
}

#[cfg(test)]
mod tests;
