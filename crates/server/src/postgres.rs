//! The door to a real PostgreSQL, through the crate `pg`.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use base::{Changed, Fault, Secret};
use pg::{
    CertificatePair, ClientCertificates, Cluster, Connection, Networking, NetworkingChange,
    NetworkingOutcome, Outside, OutsideKind, Postmaster, TlsTarget,
};
use serde_json::Value;

use crate::certificate::{Presented, Validity};
use crate::database::{Database, StopMode, TlsSettings};
use crate::doors::Progress;
use crate::killing::kill_all;
use crate::layout::Layout;
use crate::record::{Postgres, ServerRecord};

/// Crash recovery of a large WAL takes its time; it is reported meanwhile.
const START_DEADLINE: Duration = Duration::from_secs(3600);
/// After an immediate stop that was not obeyed.
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// One data directory and, while it runs, its postmaster.
#[derive(Debug)]
pub struct PgDatabase {
    cluster: Cluster,
    mount_dir: PathBuf,
    postmaster: Mutex<Option<Postmaster>>,
}

impl PgDatabase {
    /// The programs that a new server uses: those of `bin_dir`, else the newest installed.
    pub async fn find(bin_dir: Option<&std::path::Path>) -> Result<Postgres, Fault> {
        let binaries = pg::Binaries::find(bin_dir).await.map_err(|e| e.fault())?;
        Ok(Postgres { bin_dir: binaries.bin_dir, major: binaries.version.major })
    }

    /// The PostgreSQL of `record`, run as the user of this process. `peers` are further OS users
    /// that may enter as the bootstrap role over the unix socket.
    pub async fn open(
        layout: &Layout,
        record: &ServerRecord,
        peers: Vec<String>,
    ) -> Result<Self, Fault> {
        let binaries =
            pg::Binaries::find(Some(&record.postgres.bin_dir)).await.map_err(|e| e.fault())?;
        let run_as = pg::RunAs::current().map_err(|e| e.fault())?;
        let (pgdata, sock) = (layout.pgdata(), layout.socket_dir());
        let mut cluster =
            Cluster::new(binaries, &pgdata, &sock, record.port, run_as).map_err(|e| e.fault())?;
        cluster.peers = peers;
        Ok(Self { cluster, mount_dir: layout.mountpoint(), postmaster: Mutex::new(None) })
    }

    fn postmaster(&self) -> Option<Postmaster> {
        self.postmaster.lock().expect("because nothing panics while holding it").clone()
    }

    fn keep(&self, postmaster: Option<Postmaster>) {
        *self.postmaster.lock().expect("because nothing panics while holding it") = postmaster;
    }

    /// Removes the socket and its lock file when no postmaster runs on this data directory.
    ///
    /// PostgreSQL asks only whether a process of the noted number exists, which is also true of
    /// a zombie and of a stranger. The folder belongs to this server alone.
    fn clear_stale_socket(&self) -> Result<(), Fault> {
        if self.cluster.running().map_err(|e| e.fault())?.is_some() {
            return Ok(());
        }
        let socket = self.cluster.socket_path();
        let mut lock = socket.clone().into_os_string();
        lock.push(".lock");
        for path in [socket, lock.into()] {
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(crate::Error::io("remove", path)(e).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Connection, Fault> {
        self.cluster.connect_local("postgres").await.map_err(|e| e.fault())
    }

    fn target(&self, ca_pem: &str, host: &str) -> TlsTarget {
        TlsTarget {
            host: "localhost".to_owned(),
            port: self.cluster.port,
            server_name: host.to_owned(),
            ca_pem: ca_pem.as_bytes().to_vec(),
        }
    }
}

impl Database for PgDatabase {
    async fn initialise(
        &self,
        password: &Secret<String>,
        progress: &Progress,
    ) -> Result<(), Fault> {
        self.cluster.initdb(password, &**progress).await.map_err(|e| e.fault())
    }

    fn installed_certificate(&self) -> Result<Option<Validity>, Fault> {
        let info = self.cluster.installed_certificate().map_err(|e| e.fault())?;
        Ok(info.map(|info| Validity { not_before: info.not_before, not_after: info.not_after }))
    }

    async fn install_certificate(
        &self,
        chain_pem: &str,
        key_pem: &Secret<String>,
        ca_pem: &str,
        host: &str,
    ) -> Result<(), Fault> {
        let key = Secret::new(key_pem.expose().clone().into_bytes());
        let pair = CertificatePair::new(chain_pem.as_bytes(), &key).map_err(|e| e.fault())?;
        if self.postmaster().is_none() {
            let _ = self.cluster.install_certificate(&pair).map_err(|e| e.fault())?;
            return Ok(());
        }
        let connection = self.connect().await?;
        let target = self.target(ca_pem, host);
        let before = self.cluster.installed_certificate().map_err(|e| e.fault())?;
        match self.cluster.rotate_certificate(&connection, &pair, &target).await {
            Ok(_) => Ok(()),
            Err(pg::Error::CertificateLost { detail }) => {
                // The old certificate is of another authority than the new one: what counts is
                // whether it is presented, not whether the new authority vouches for it.
                let seen = pg::probe_tls(&target).await.ok().map(|seen| seen.fingerprint);
                let back = seen.is_some() && seen == before.map(|info| info.fingerprint);
                Err(match back {
                    true => pg::Error::CertificateNotTaken { detail }.fault(),
                    false => pg::Error::CertificateLost { detail }.fault(),
                })
            }
            Err(error) => Err(error.fault()),
        }
    }

    async fn start(&self, progress: &Progress) -> Result<(), Fault> {
        self.clear_stale_socket()?;
        let started = self.cluster.start(&**progress, START_DEADLINE).await;
        self.keep(Some(started.map_err(|e| e.fault())?));
        Ok(())
    }

    async fn stop(&self, mode: StopMode, deadline: Duration) -> Result<(), Fault> {
        if mode == StopMode::Kill {
            kill_all(&self.mount_dir, &self.cluster.data_dir, deadline).await?;
            self.keep(None);
            return Ok(());
        }
        // A start that was interrupted left a postmaster that nobody holds.
        let postmaster = match self.postmaster() {
            Some(postmaster) => Some(postmaster),
            None => self.cluster.running().ok().flatten(),
        };
        let Some(postmaster) = postmaster else { return Ok(()) };
        let outcome = match mode {
            StopMode::Fast => postmaster.stop(pg::StopMode::Fast, deadline).await,
            _ => match postmaster.stop(pg::StopMode::Immediate, deadline).await {
                Err(_) => postmaster.kill(KILL_DEADLINE).await,
                outcome => outcome,
            },
        };
        outcome.map_err(|e| e.fault())?;
        self.keep(None);
        Ok(())
    }

    async fn ended(&self) -> String {
        match self.postmaster() {
            Some(postmaster) => said(postmaster.wait().await),
            None => std::future::pending().await,
        }
    }

    async fn presented(&self, ca_pem: &str, host: &str) -> Result<Presented, Fault> {
        let seen = pg::probe_tls(&self.target(ca_pem, host)).await.map_err(|e| e.fault())?;
        if let Some(why) = seen.untrusted {
            return Err(Fault::new(
                "tls_untrusted",
                format!("clients would not trust the server's certificate for \"{host}\""),
            )
            .detail(why)
            .hint(
                "issue a new one of the internal CA: pgkeep server certificate rotate, \
                 then start the server",
            ));
        }
        Ok(Presented {
            fingerprint: seen.fingerprint.to_string(),
            not_after: seen.not_after,
            protocol: seen.protocol,
        })
    }

    async fn police(&self) -> Result<Vec<String>, Fault> {
        let connection = self.connect().await?;
        let found = self.cluster.find_outside_mount(&connection, &self.mount_dir).await;
        Ok(found.map_err(|e| e.fault())?.iter().map(outside).collect())
    }

    async fn read_only(&self, on: bool) -> Result<(), Fault> {
        let connection = self.connect().await?;
        let outcome = self.cluster.read_only(&connection, on, on).await.map_err(|e| e.fault())?;
        if outcome.n_ended_sessions > 0 {
            tracing::warn!(
                n_sessions = outcome.n_ended_sessions,
                "ended sessions that were writing"
            );
        }
        Ok(())
    }

    async fn tls_settings(&self) -> Result<TlsSettings, Fault> {
        let connection = self.connect().await?;
        let value = async |name| {
            let found = pg::parameter(&self.cluster, &connection, name).await;
            found.map(|parameter| parameter.value).map_err(|e| e.fault())
        };
        Ok(TlsSettings {
            require_secure_transport: value(pg::REQUIRE_SECURE_TRANSPORT).await? == "on",
            min_protocol_version: value("ssl_min_protocol_version").await?,
        })
    }

    async fn client_certificates(
        &self,
        wanted: Option<ClientCertificates>,
    ) -> Result<Changed, Fault> {
        let connection = self.connect().await?;
        let policy = self.cluster.policy().map_err(|e| e.fault())?;
        let policy = pg::Policy { client_certificates: wanted, ..policy };
        self.cluster.apply_policy(&connection, &policy).await.map_err(|e| e.fault())
    }

    async fn parameters(&self) -> Result<Value, Fault> {
        let connection = self.connect().await?;
        json(pg::parameters(&self.cluster, &connection).await)
    }

    async fn parameter(&self, name: &str) -> Result<Value, Fault> {
        let connection = self.connect().await?;
        json(pg::parameter(&self.cluster, &connection, name).await)
    }

    async fn set_parameter(&self, name: &str, value: Option<&str>) -> Result<Value, Fault> {
        let connection = self.connect().await?;
        json(match value {
            Some(value) => self.cluster.set_parameter(&connection, name, value).await,
            None => self.cluster.reset_parameter(&connection, name).await,
        })
    }

    async fn try_parameter(&self, name: &str, value: Option<&str>) -> Result<Value, Fault> {
        let connection = self.connect().await?;
        json(self.cluster.try_parameter(&connection, name, value).await)
    }

    async fn networking(&self) -> Result<Networking, Fault> {
        let connection = self.connect().await?;
        self.cluster.networking(&connection).await.map_err(|e| e.fault())
    }

    async fn preview_networking(&self, wanted: &NetworkingChange) -> Result<Value, Fault> {
        let connection = self.connect().await?;
        json(self.cluster.preview_networking(&connection, wanted).await)
    }

    async fn set_networking(&self, wanted: &NetworkingChange) -> Result<NetworkingOutcome, Fault> {
        let connection = self.connect().await?;
        self.cluster.set_networking(&connection, wanted).await.map_err(|e| e.fault())
    }

    async fn harmless_relation(&self) -> Result<(String, String), Fault> {
        // Access methods: what PostgreSQL ships, the same in every cluster.
        let relation = "pg_catalog.pg_am";
        let connection = self.connect().await?;
        let sql = "select pg_relation_filepath('pg_catalog.pg_am')";
        let row = connection.query_one("find the file of a relation", sql, &[]).await;
        Ok((relation.to_owned(), row.map_err(|e| e.fault())?.get(0)))
    }
}

fn json<T: serde::Serialize>(outcome: pg::Result<T>) -> Result<Value, Fault> {
    let value = outcome.map_err(|e| e.fault())?;
    serde_json::to_value(value)
        .map_err(|e| Fault::from_error("answer", "could not write the answer", &e))
}

/// How a postmaster ended, for a sentence.
fn said(exit: pg::Exit) -> String {
    match (exit.signal, exit.code) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "cause unknown".to_owned(),
    }
}

/// One thing that leads out of the mount, as a warning.
fn outside(found: &Outside) -> String {
    let Outside { kind, name, target } = found;
    match kind {
        OutsideKind::Tablespace => {
            format!("tablespace \"{name}\" lies outside the encrypted storage: {target}")
        }
        OutsideKind::TemporaryFiles => {
            format!("temp_tablespaces puts temporary files outside the encrypted storage: {target}")
        }
        OutsideKind::Log => format!("\"{name}\" sends the log outside the storage: {target}"),
        OutsideKind::SymbolicLink => {
            format!("\"{name}\" is a link that leads outside the encrypted storage: {target}")
        }
        OutsideKind::Archive => format!("\"{name}\" carries WAL outside the storage: {target}"),
        OutsideKind::Parameter => {
            format!("parameter \"{name}\" leads outside the encrypted storage: {target}")
        }
    }
}
