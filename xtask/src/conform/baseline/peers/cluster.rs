//! The cluster that is compared: insecure on purpose, on loopback only.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::{Account, WorkDir, free_ports};
use crate::deps;
use crate::failure::{Doing, Failure, Outcome};
use crate::proc;

const DATABASES: [&str; 3] = ["shop", "clinic", "sound"];

/// A running cluster; dropping it stops it.
pub(super) struct Cluster {
    account: Account,
    bin: PathBuf,
    folder: PathBuf,
    port: String,
}

impl Cluster {
    /// Makes and starts what the files of `fixture` say.
    pub(super) fn make(work: &WorkDir, account: &Account, fixture: &Path) -> Outcome<Self> {
        let (_, bin) = deps::postgres_bin().ok_or_else(|| {
            Failure::new("no supported PostgreSQL was found").hint("`cargo xtask deps`")
        })?;
        let folder = work.folder("peers", account)?;
        let (port, _) = free_ports()?;
        let cluster = Self { account: account.clone(), bin, folder, port };
        let mut initdb = cluster.tool("initdb");
        initdb.arg("--pgdata").arg(cluster.data());
        proc::capture(initdb.args(["--username=postgres", "--auth=trust", "--locale=C.UTF-8"]))?;
        cluster.certificate()?;
        cluster.write("postgresql.conf", &cluster.settings())?;
        cluster.control("start")?;
        cluster.sql("postgres", &fixture.join("cluster.sql"))?;
        for database in DATABASES {
            cluster.sql(database, &fixture.join(database).with_extension("sql"))?;
        }
        let hba = fixture.join("pg_hba.conf");
        let text = std::fs::read_to_string(&hba).doing(|| format!("read \"{}\"", hba.display()))?;
        cluster.write("pg_hba.conf", &text)?;
        cluster.control("restart")?;
        Ok(cluster)
    }

    /// How pgkeep reaches it: over the network, so that it may ask from outside as well.
    pub(super) fn dsn(&self) -> String {
        format!("host=127.0.0.1 port={} user=boss dbname=postgres", self.port)
    }

    /// Its port on 127.0.0.1.
    pub(super) fn port(&self) -> &str {
        &self.port
    }

    /// Its data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn settings(&self) -> String {
        let Self { port, folder, .. } = self;
        format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n",
            folder.display()
        )
    }

    /// Signed by itself, for 20 days, without an alternative name.
    fn certificate(&self) -> Outcome {
        let openssl = proc::find("openssl").ok_or_else(|| Failure::new("there is no openssl"))?;
        let mut command = self.account.command(&openssl);
        command.current_dir(self.data()).args(["req", "-x509", "-newkey", "rsa:2048", "-nodes"]);
        command.args(["-keyout", "server.key", "-out", "server.crt", "-days", "20"]);
        proc::capture(command.args(["-subj", "/CN=database.example"])).map(drop)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let path = self.data().join(name);
        // Written in place: the file stays the server's own.
        std::fs::write(&path, text).doing(|| format!("write \"{}\"", path.display()))
    }

    fn control(&self, verb: &str) -> Outcome {
        let mut command = self.tool("pg_ctl");
        command.arg(verb).arg("--pgdata").arg(self.data()).arg("--wait");
        command.arg("--log").arg(self.folder.join("log"));
        if verb != "start" {
            command.arg("--mode=fast");
        }
        // Not captured: the server would keep the other end of the pipe.
        let status = command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .doing(|| format!("{verb} the cluster"))?;
        if status.success() {
            return Ok(());
        }
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let what = format!("could not {verb} the cluster");
        Err(Failure::new(what).detail(proc::tail(&log, 15)))
    }

    fn sql(&self, database: &str, file: &Path) -> Outcome {
        let text =
            std::fs::read_to_string(file).doing(|| format!("read \"{}\"", file.display()))?;
        let mut psql = self.tool("psql");
        psql.arg("-h").arg(&self.folder).args(["-p", &self.port, "-U", "postgres", "-d", database]);
        let path = self.folder.join("sql");
        std::fs::write(&path, text).doing(|| format!("write \"{}\"", path.display()))?;
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(&path);
        proc::capture(&mut psql).map(drop)
    }

    fn tool(&self, name: &str) -> Command {
        self.account.command(&self.bin.join(name))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.control("stop");
    }
}
