//! A PostgreSQL as `initdb` leaves it: nothing of pgkeep's in it, and nothing on its command line,
//! so that every setting can be made what a test wants.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base::Secret;
use pg::{Binaries, Connection, RunAs};
use tempfile::TempDir;

use crate::{free_port, server_user};

/// Where memory is a folder, syncs cost nothing.
const MEMORY: &str = "/dev/shm";

/// A throw-away PostgreSQL. Dropping it stops the server and removes the folder.
#[derive(Debug)]
pub struct StockCluster {
    bin_dir: PathBuf,
    user: RunAs,
    port: u16,
    password: Secret<String>,
    is_running: bool,
    dir: TempDir,
}

impl StockCluster {
    /// A cluster with the superuser `postgres`, who signs in by password over the socket, running.
    pub async fn start() -> Self {
        let binaries = Binaries::find(None).await.expect("PostgreSQL is installed");
        let user = server_user();
        let mut builder = tempfile::Builder::new();
        let dir = builder.prefix("pk").tempdir_in(MEMORY).or_else(|_| builder.tempdir());
        let dir = dir.expect("a temporary folder");
        if !user.is_current() {
            chown(dir.path(), Some(user.uid), Some(user.gid)).expect("root may hand folders over");
        }
        let mut cluster = Self {
            bin_dir: binaries.bin_dir,
            user,
            port: free_port(),
            // Not a secret: what it protects lives for one test.
            password: Secret::new("correct horse battery staple".to_owned()),
            is_running: false,
            dir,
        };
        cluster.initdb();
        cluster.restart();
        cluster
    }

    fn initdb(&self) {
        let file = self.dir.path().join("password");
        std::fs::write(&file, self.password.expose()).expect("a file in a folder of ours");
        if !self.user.is_current() {
            chown(&file, Some(self.user.uid), Some(self.user.gid)).expect("root may");
        }
        let data_dir = self.data_dir();
        let mut command = self.command("initdb");
        command.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8"]);
        command.args(["--locale=C", "--no-sync", "--pwfile"]).arg(&file);
        run(command.arg("--pgdata").arg(&data_dir));
        std::fs::remove_file(&file).expect("it was written above");
        let path = data_dir.join("postgresql.conf");
        let mut text = std::fs::read_to_string(&path).expect("initdb wrote it");
        text.push_str(&format!(
            "port = {}\nunix_socket_directories = '{}'\n",
            self.port,
            self.dir.path().display()
        ));
        std::fs::write(&path, text).expect("it can be written");
    }

    /// Stops the server if it runs, and starts it.
    pub fn restart(&mut self) {
        self.stop();
        let log = self.dir.path().join("start.log");
        let mut command = self.command("pg_ctl");
        command.args(["start", "--wait", "--silent", "--log"]).arg(log);
        run(command.arg("--pgdata").arg(self.data_dir()));
        self.is_running = true;
    }

    /// Stops the server if it runs.
    pub fn stop(&mut self) {
        if std::mem::take(&mut self.is_running) {
            let mut command = self.command("pg_ctl");
            command.args(["stop", "--wait", "--silent", "--mode=fast"]);
            run(command.arg("--pgdata").arg(self.data_dir()));
        }
    }

    /// Runs a program of PostgreSQL as the server's user, for what works on a stopped server.
    pub fn run(&self, program: &str, words: &[&str]) {
        run(self.command(program).args(words));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin_dir.join(program));
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        command.current_dir(self.dir.path());
        if !self.user.is_current() {
            command.uid(self.user.uid).gid(self.user.gid);
        }
        command
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The folder of the socket, and of everything else.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of role `postgres`.
    pub fn password(&self) -> &Secret<String> {
        &self.password
    }

    /// A connection of the superuser through the socket.
    pub async fn connect(&self, database: &str) -> Connection {
        let (dir, password) = (self.dir.path(), Some(&self.password));
        let made = Connection::local_as(dir, self.port, "postgres", password, database).await;
        made.unwrap_or_else(|e| panic!("the superuser cannot connect: {:?}", e.fault()))
    }
}

impl Drop for StockCluster {
    fn drop(&mut self) {
        if self.is_running {
            let mut command = self.command("pg_ctl");
            command.args(["stop", "--wait", "--silent", "--mode=immediate"]);
            let _ = command.arg("--pgdata").arg(self.data_dir()).output();
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("a program of PostgreSQL starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
