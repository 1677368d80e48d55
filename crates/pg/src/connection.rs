//! A connection to PostgreSQL with a few limits; a thin room around tokio-postgres.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use base::Secret;
use serde::Serialize;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use crate::{Cluster, Error, Result, Trust};

/// How long a connection may take to come up.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// What the server allows one statement of ours.
pub(crate) const STATEMENT_TIMEOUT: &str = "60s";
/// What we wait for an answer, a little longer than the server does.
const ANSWER: Duration = Duration::from_secs(75);

/// What a connection goes through.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Transport {
    /// A unix socket.
    Socket,
    /// TCP in clear.
    Plain,
    /// TCP with TLS.
    Tls {
        /// For example `TLSv1.3`.
        protocol: String,
        /// The suite in IANA's name.
        cipher: String,
        /// How far the server's certificate was judged.
        trust: Trust,
    },
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket => f.write_str("unix socket"),
            Self::Plain => f.write_str("TCP without TLS"),
            Self::Tls { protocol, trust, .. } => {
                f.write_str(protocol)?;
                f.write_str(match trust {
                    Trust::Anybody => ", certificate not verified",
                    Trust::Authority => ", certificate verified without its name",
                    Trust::AuthorityAndName => ", certificate verified",
                })
            }
        }
    }
}

/// An open connection; it ends when this is dropped.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    transport: Transport,
}

impl Connection {
    /// Starts the driver of a new connection and sets the statement timeout.
    pub(crate) async fn open<S>(
        client: Client,
        driver: tokio_postgres::Connection<tokio_postgres::Socket, S>,
        transport: Transport,
    ) -> Result<Self>
    where
        S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
    {
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "connection to PostgreSQL ended");
            }
        });
        let connection = Self { client, transport };
        // SET and not a start-up option: so pg_settings still tells what a new session would get.
        let sql = format!("set statement_timeout = '{STATEMENT_TIMEOUT}'");
        connection.batch("set statement timeout", &sql).await?;
        Ok(connection)
    }

    /// Connects through a unix socket as role `postgres`, without a password (peer); see
    /// [`Cluster::connect_local`].
    pub async fn local(socket_dir: &Path, port: u16, database: &str) -> Result<Self> {
        Self::local_as(socket_dir, port, "postgres", None, database).await
    }

    /// Connects through a unix socket as any role, by its password where one is given.
    pub async fn local_as(
        socket_dir: &Path,
        port: u16,
        role: &str,
        password: Option<&Secret<String>>,
        database: &str,
    ) -> Result<Self> {
        let mut config = Config::new();
        config
            .host_path(socket_dir)
            .port(port)
            .user(role)
            .dbname(database)
            .application_name("pgkeep")
            .connect_timeout(CONNECT);
        if let Some(password) = password {
            config.password(password.expose());
        }
        let target = socket_dir.join(format!(".s.PGSQL.{port}")).display().to_string();
        let connected = limited("accept a connection", config.connect(NoTls)).await?;
        let (client, driver) = connected.map_err(Error::connect(target))?;
        Self::open(client, driver, Transport::Socket).await
    }

    /// The driver's own client, for whatever this wrapper has no word for.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What the connection goes through.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs a query; `doing` is a verb for the error message.
    pub async fn query(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let answer = limited(doing, self.client.query(sql, parameters)).await?;
        answer.map_err(Error::query(doing))
    }

    /// Runs a query that answers with one row.
    pub async fn query_one(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row> {
        let answer = limited(doing, self.client.query_one(sql, parameters)).await?;
        answer.map_err(Error::query(doing))
    }

    /// Runs a statement and answers the number of rows it touched.
    pub async fn execute(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64> {
        let answer = limited(doing, self.client.execute(sql, parameters)).await?;
        answer.map_err(Error::query(doing))
    }

    /// Runs statements without parameters and without answers.
    pub async fn batch(&self, doing: &'static str, sql: &str) -> Result<()> {
        self.batch_raw(doing, sql).await?.map_err(Error::query(doing))
    }

    /// As `batch`, with the driver's own error, for callers that read it.
    pub(crate) async fn batch_raw(
        &self,
        doing: &'static str,
        sql: &str,
    ) -> Result<Result<(), tokio_postgres::Error>> {
        limited(doing, self.client.batch_execute(sql)).await
    }
}

async fn limited<T>(doing: &'static str, answer: impl Future<Output = T>) -> Result<T> {
    let until = Instant::now() + ANSWER;
    tokio::time::timeout_at(until, answer).await.map_err(|_| Error::Timeout {
        what: doing,
        seconds: ANSWER.as_secs(),
        detail: "the server does not answer".to_owned(),
    })
}

impl Cluster {
    /// Connects through the unix socket as role `postgres`, without a password (peer).
    ///
    /// Works for the operating system user of the server, and for root when root started it.
    pub async fn connect_local(&self, database: &str) -> Result<Connection> {
        Connection::local(&self.socket_dir, self.port, database).await
    }
}
