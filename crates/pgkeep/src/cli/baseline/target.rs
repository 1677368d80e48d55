//! Which server is meant: one of pgkeep's by its name, or any by a connection string.

use std::path::PathBuf;

use base::{Fault, Secret};
use baseline::{Connect, Connecting, Place};
use clap::Args;
use pg::{Defaults, Dsn};

use crate::cli::ask::{get, part};
use crate::home::Home;

/// How a server is named.
#[derive(Debug, Args)]
#[group(required = false, multiple = false)]
pub(in crate::cli) struct TargetArgs {
    /// Connection string of any PostgreSQL, as libpq takes it: key=value words or a URI
    #[arg(long, value_name = "DSN", hide_env_values = true)]
    dsn: Option<String>,
    /// One of pgkeep's own servers
    #[arg(short, long, value_name = "NAME")]
    server: Option<String>,
}

impl TargetArgs {
    /// The server that is meant.
    pub(super) fn find(&self, home: impl FnOnce() -> Result<Home, Fault>) -> Result<Target, Fault> {
        let (text, name) = match (&self.dsn, &self.server) {
            (Some(text), _) => (text.clone(), None),
            (None, Some(name)) => {
                let shown = get(&home()?, &format!("/servers/{}", part(name)?))?;
                let dsn = shown["dsn"].as_str().ok_or_else(|| {
                    Fault::new("not_ready", format!("server \"{name}\" has no address yet"))
                        .hint("`pgkeep server show` says what state it is in")
                })?;
                (dsn.to_owned(), Some(name.clone()))
            }
            (None, None) => {
                return Err(Fault::new("usage", "no server is named")
                    .hint("name one with --dsn, or one of pgkeep's with -s")
                    .exit(base::ExitCode::Usage));
            }
        };
        let target = Target::by(&text)?;
        let given = target.given.filter(|_| name.is_none());
        Ok(Target { dsn: target.dsn, name, given })
    }

    /// The name of one of pgkeep's own.
    pub(super) fn own(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Whether one is named.
    pub(super) fn is_named(&self) -> bool {
        self.dsn.is_some() || self.server.is_some()
    }
}

/// A server that can be connected to.
pub(super) struct Target {
    dsn: Dsn,
    name: Option<String>,
    /// The connection string, where it was given as one
    given: Option<Secret<String>>,
}

impl Target {
    /// By a connection string.
    pub(super) fn by(text: &str) -> Result<Self, Fault> {
        let dsn = Dsn::parse(text, defaults()).map_err(|error| error.fault())?;
        Ok(Self { dsn, name: None, given: Some(Secret::new(text.to_owned())) })
    }

    /// The connection string that was given.
    pub(super) fn given(&self) -> Option<&Secret<String>> {
        self.given.as_ref()
    }
}

impl Connect for Target {
    fn connect<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        Box::pin(self.dsn.connect(database))
    }

    fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.dsn.label())
    }

    fn place(&self) -> Option<Place> {
        self.dsn.place().map(|(host, port)| Place { host, port })
    }
}

/// What libpq reads from the environment (PostgreSQL manual, "Environment Variables").
fn defaults() -> Defaults {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let path = |name: &str| text(name).map(PathBuf::from);
    let home = path("HOME");
    let in_home = |file: &str| home.as_ref().map(|home| home.join(file));
    Defaults {
        user: text("PGUSER").or_else(|| text("USER")),
        database: text("PGDATABASE"),
        host: text("PGHOST"),
        port: text("PGPORT"),
        password: text("PGPASSWORD").map(Secret::new),
        passfile: path("PGPASSFILE").or_else(|| in_home(".pgpass")),
        ssl_mode: text("PGSSLMODE"),
        ssl_root_certificate: text("PGSSLROOTCERT"),
        ssl_certificate: path("PGSSLCERT"),
        ssl_key: path("PGSSLKEY"),
    }
}
