//! A real PostgreSQL for one test.

use std::time::Duration;

use base::Secret;
use pg::{
    Binaries, Cluster, Connection, Error, Postmaster, StartCause, StopMode, TlsLogin, TlsTarget,
};
use tempfile::TempDir;

use crate::{KeyKind, TestCa, free_port, server_user, temp_dir};

/// How long a start or stop may take in a test, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// A [`pg::Progress`] that says nothing.
pub fn quiet(_: &str) {}

/// A throw-away PostgreSQL: its folder, its authority, its password. Dropping it stops the server
/// and removes the folder, also while a panic unwinds.
#[derive(Debug)]
pub struct TestCluster {
    // Dropped in `drop` before the folder is.
    postmaster: Option<Postmaster>,
    cluster: Cluster,
    ca: TestCa,
    password: Secret<String>,
    dir: TempDir,
}

impl TestCluster {
    /// A cluster that was made by `initdb`, has a certificate, and does not run yet.
    pub async fn initialised() -> Self {
        let dir = temp_dir();
        let binaries = Binaries::find(None).await.expect("PostgreSQL is installed");
        let data_dir = dir.path().join("mnt").join("pgdata");
        let socket_dir = dir.path().join("sock");
        let cluster = Cluster::new(binaries, &data_dir, &socket_dir, free_port(), server_user())
            .expect("a plain location");
        // Not a secret: everything it protects lives for one test.
        let password = Secret::new("correct horse 'battery' \\staple".to_owned());
        cluster.initdb(&password, &quiet).await.expect("initdb works");
        let ca = TestCa::new();
        let pair = ca.server(KeyKind::Ecdsa).pair();
        let _ = cluster.install_certificate(&pair).expect("the data directory can be written");
        Self { postmaster: None, cluster, ca, password, dir }
    }

    /// A running cluster.
    pub async fn start() -> Self {
        let mut test = Self::initialised().await;
        test.restart().await;
        test
    }

    /// Stops the server if it runs, and starts it; takes another port when its own was taken.
    pub async fn restart(&mut self) {
        self.stop(StopMode::Fast).await;
        for _ in 0..5 {
            match self.cluster.start(&quiet, DEADLINE).await {
                Ok(postmaster) => {
                    self.postmaster = Some(postmaster);
                    return;
                }
                Err(Error::Start { cause: StartCause::PortTaken, .. }) => {
                    self.cluster.port = free_port();
                }
                Err(error) => panic!("PostgreSQL does not start: {:?}", error.fault()),
            }
        }
        panic!("five free ports were taken before PostgreSQL got them");
    }

    /// Stops the server if it runs.
    pub async fn stop(&mut self, mode: StopMode) {
        if let Some(postmaster) = self.postmaster.take() {
            postmaster.stop(mode, DEADLINE).await.expect("PostgreSQL stops");
        }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The cluster, to change how it is run next time.
    pub fn cluster_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    /// The running postmaster.
    pub fn postmaster(&self) -> &Postmaster {
        self.postmaster.as_ref().expect("the test has started it")
    }

    /// The authority that issued the server's certificate.
    pub fn ca(&self) -> &TestCa {
        &self.ca
    }

    /// The password of role `postgres`.
    pub fn password(&self) -> &Secret<String> {
        &self.password
    }

    /// The folder of everything; `mnt` in it stands for the mount.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Where TLS clients find it.
    pub fn target(&self) -> TlsTarget {
        TlsTarget::localhost(self.cluster.port, self.ca.pem().as_bytes())
    }

    /// Role `postgres` with its password, to database `postgres`.
    pub fn login(&self) -> TlsLogin<'_> {
        let (user, database) = ("postgres", "postgres");
        TlsLogin { user, password: &self.password, database, certificate: None }
    }

    /// A connection through the unix socket as `postgres`.
    pub async fn connect(&self) -> Connection {
        self.cluster.connect_local("postgres").await.expect("a local connection")
    }

    /// A connection over TLS as `postgres`, by password.
    pub async fn connect_tls(&self) -> pg::Result<Connection> {
        pg::connect_tls(&self.target(), &self.login()).await
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        if let Some(postmaster) = &self.postmaster {
            postmaster.stop_blocking(Duration::from_secs(20));
        }
    }
}
