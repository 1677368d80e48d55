//! PostgreSQL on the mount of a [`Rig`].

use std::path::PathBuf;

use pg::Binaries;
use tokio_postgres::{Client, NoTls};

use super::rig::Rig;

/// A cluster whose data directory lies in the mount.
pub(crate) struct Cluster<'a> {
    rig: &'a Rig,
    /// The programs it runs with.
    pub(crate) binaries: Binaries,
}

impl<'a> Cluster<'a> {
    /// `initdb` into the mount, with these lines at the end of `postgresql.conf`.
    pub(crate) async fn initdb(rig: &'a Rig, settings: &str) -> Self {
        let cluster = Self { rig, binaries: Binaries::find(None).await.unwrap() };
        let mut initdb = rig.command(cluster.binaries.program("initdb"));
        initdb.args(["-k", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale", "C"]);
        rig.succeed(initdb.arg("-D").arg(rig.data()));
        let sockets = rig.path("sock");
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nautovacuum = off\n{settings}\n",
            sockets.display()
        );
        let mut append = rig.command("sh");
        append.args(["-c", "cat >> \"$0\""]).arg(rig.data().join("postgresql.conf"));
        super::rig::feed(&mut append, &settings);
        cluster
    }

    /// The cluster that an earlier mount of the same rig holds.
    pub(crate) async fn adopt(rig: &'a Rig) -> Self {
        Self { rig, binaries: Binaries::find(None).await.unwrap() }
    }

    /// Starts PostgreSQL and waits until it takes connections.
    pub(crate) fn start(&self) {
        self.pg_ctl(&["start", "-w", "-t", "60", "-l"], Some(self.rig.path("postgres.log")));
    }

    /// Fast shutdown: everything is written, nothing is left to recover.
    pub(crate) fn stop(&self) {
        self.pg_ctl(&["stop", "-w", "-t", "60", "-m", "fast"], None);
    }

    /// A session of the superuser.
    pub(crate) async fn connect(&self) -> Client {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.rig.path("sock")).user("postgres").dbname("postgres");
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    fn pg_ctl(&self, words: &[&str], log: Option<PathBuf>) {
        let mut command = self.rig.command(self.binaries.program("pg_ctl"));
        command.arg("-D").arg(self.rig.data()).args(words).args(log);
        command.stdout(std::process::Stdio::null());
        let status = command.status().unwrap();
        let said = std::fs::read_to_string(self.rig.path("postgres.log")).unwrap_or_default();
        assert!(status.success(), "pg_ctl {words:?} ended with {status}: {said}");
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        // Only after a failed test is there something left to stop.
        let mut command = self.rig.command(self.binaries.program("pg_ctl"));
        command.arg("-D").arg(self.rig.data()).args(["stop", "-m", "immediate"]);
        let _ = command.output();
    }
}
