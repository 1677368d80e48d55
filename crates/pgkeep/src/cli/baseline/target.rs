//! Which server is meant: one of pgkeep's by its name, or any by a connection string.

use std::path::PathBuf;

use base::{Fault, Secret};
use baseline::{Connect, Connecting};
use clap::Args;
use pg::{Defaults, Dsn};

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
    /// The name of one of pgkeep's own.
    pub(super) fn own(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// The server behind a connection string.
    pub(super) fn outside(&self) -> Result<Target, Fault> {
        let text = self.dsn.as_ref().ok_or_else(|| {
            Fault::new("usage", "no server is named")
                .hint("name one with --dsn, or one of pgkeep's with -s")
                .exit(base::ExitCode::Usage)
        })?;
        let dsn = Dsn::parse(text, defaults()).map_err(|error| error.fault())?;
        Ok(Target(dsn))
    }
}

/// A server that can be connected to.
pub(super) struct Target(Dsn);

impl Connect for Target {
    fn connect<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        Box::pin(self.0.connect(database))
    }

    fn label(&self) -> String {
        self.0.label()
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
