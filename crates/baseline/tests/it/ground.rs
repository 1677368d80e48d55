//! A cluster on which the examples of checks are made, one after the other.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base::{Secret, SystemClock};
use baseline::{Bundle, Connect, Connecting, Declared, Example, Host, Place, Request, collect};
use pg::{Connection, Defaults, Dsn};
use testkit::{KeyKind, StockCluster, TestCa};

use crate::content::library;
use crate::plant::Planted;

/// The line of `pg_hba.conf` that lets the test in, whatever an example puts behind it. It is one
/// that no check minds.
const DOOR: &str = "local postgres,template1,example,other postgres,pgkeep_monitor scram-sha-256\n";
/// What checks find where an example says nothing of it.
const HBA: &str = "local all all scram-sha-256\n";
/// The files of TLS where a fresh server looks for them.
const CERTIFICATE: [&str; 2] = ["server.crt", "server.key"];
/// Reads as a role with `pg_monitor` alone.
pub(crate) const MONITOR: &str = "pgkeep_monitor";

/// A running cluster.
pub(crate) struct Ground {
    cluster: StockCluster,
    is_dirty: bool,
    planted: Planted,
    /// Signing in costs more than all the rest: connections are kept
    kept: Mutex<HashMap<String, Arc<Connection>>>,
}

/// One of the roles that read it.
pub(crate) struct Reader {
    socket_dir: PathBuf,
    port: u16,
    role: &'static str,
    password: Secret<String>,
}

impl Connect for Reader {
    fn connect<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        let database = database.unwrap_or("postgres");
        Box::pin(Connection::local_as(
            &self.socket_dir,
            self.port,
            self.role,
            Some(&self.password),
            database,
        ))
    }

    fn label(&self) -> String {
        format!("localhost:{}", self.port)
    }

    fn place(&self) -> Option<Place> {
        Some(Place { host: "127.0.0.1".to_owned(), port: self.port })
    }
}

impl Ground {
    pub(crate) async fn start() -> Self {
        let cluster = StockCluster::start().await;
        write_hba(&cluster, &hba(HBA));
        cluster.connect("postgres").await.reload().await.expect("a reload");
        let planted = Planted::default();
        Self { cluster, is_dirty: false, planted, kept: Mutex::default() }
    }

    pub(crate) fn reader(&self, role: &'static str) -> Reader {
        let password = Secret::new(self.cluster.password().expose().clone());
        let socket_dir = self.cluster.dir().to_owned();
        Reader { socket_dir, port: self.cluster.port(), role, password }
    }

    /// The folder of the socket, and the port.
    pub(crate) fn place(&self) -> (&std::path::Path, u16) {
        (self.cluster.dir(), self.cluster.port())
    }

    /// The folder that stands for the host's root.
    pub(crate) fn root(&self) -> PathBuf {
        self.cluster.dir().join("root")
    }

    /// The host, whose system files lie in a folder of the test's own.
    pub(crate) fn host(&self) -> Host {
        Host::at(self.root(), self.cluster.data_dir())
    }

    /// Puts a file into the data directory that only the server's account reads.
    pub(crate) fn keep(&self, name: &str, bytes: &[u8]) {
        let path = self.cluster.data_dir().join(name);
        std::fs::write(&path, bytes).expect("the data directory can be written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("the file is ours");
        let user = testkit::server_user();
        if !user.is_current() {
            std::os::unix::fs::chown(&path, Some(user.uid), Some(user.gid)).expect("root may");
        }
    }

    /// Replaces pg_hba.conf, the test's own line in front.
    pub(crate) async fn hba(&mut self, lines: &str) -> Result<(), String> {
        write_hba(&self.cluster, &hba(lines));
        self.take_up().await
    }

    pub(crate) async fn admin(&self, database: &str) -> Arc<Connection> {
        let kept = self.kept.lock().expect("no test panics with it").get(database).cloned();
        if let Some(kept) = kept.filter(|kept| !kept.is_closed()) {
            return kept;
        }
        let made = Arc::new(self.cluster.connect(database).await);
        let mut all = self.kept.lock().expect("no test panics with it");
        all.insert(database.to_owned(), Arc::clone(&made));
        made
    }

    fn forget(&self) {
        self.kept.lock().expect("no test panics with it").clear();
    }

    /// Starts the server anew.
    pub(crate) fn restart(&mut self) {
        self.forget();
        self.cluster.restart();
    }

    /// Its major and minor version.
    pub(crate) async fn version(&self) -> (u32, u32) {
        let sql = "select current_setting('server_version_num')::int";
        let row = self.admin("postgres").await.query_one("read the version", sql, &[]).await;
        let number: i32 = row.expect("an answer").get(0);
        let number = u32::try_from(number).expect("a version is positive");
        (number / 10_000, number % 10_000)
    }

    /// What a check reads of it, as the superuser.
    pub(crate) async fn evidence(&self, id: &str) -> Bundle {
        let library = library();
        let check = library.check(id).expect("it is there");
        let (reader, declared) = (self.reader("postgres"), Declared::default());
        let checks = [check];
        let request = Request::of(&checks, &declared);
        let bundle = collect(&reader, &library, &request, &SystemClock, &|_| ()).await;
        bundle.expect("the cluster can be read")
    }

    /// Makes an example.
    pub(crate) async fn make(&mut self, example: &Example) -> Result<(), String> {
        self.is_dirty = true;
        {
            let admin = self.admin("postgres").await;
            if !example.sql.is_empty() || example.sql_in.contains_key("example") {
                run(&admin, "create database example").await?;
            }
        }
        if example.role.is_some() {
            self.monitor().await?;
        }
        if let Some(lines) = &example.hba {
            write_hba(&self.cluster, &hba(lines));
        }
        if let Some(kind) = &example.certificate {
            let kind = if kind == "rsa" { KeyKind::Rsa } else { KeyKind::Ecdsa };
            let issued = TestCa::new().server(kind);
            self.keep(CERTIFICATE[0], issued.chain_pem.as_bytes());
            self.keep(CERTIFICATE[1], issued.key_pem.expose());
        }
        // Settings of a library can be set once it is loaded.
        let (libraries, others): (Vec<_>, Vec<_>) =
            example.set.iter().partition(|(name, _)| *name == "shared_preload_libraries");
        for settings in [libraries, others] {
            if !settings.is_empty() {
                self.set(&settings).await?;
                self.take_up().await?;
            }
        }
        if example.hba.is_some() {
            self.take_up().await?;
        }
        if !example.files.is_empty() {
            let words = self.words().await?;
            self.planted.make(&self.host(), &example.files, words)?;
        }
        self.statements("example", &example.sql).await?;
        for (database, statements) in &example.sql_in {
            self.statements(database, statements).await?;
        }
        self.sign_ins(&example.connections).await
    }

    /// Makes sign-ins that an example is about, and ends them.
    async fn sign_ins(&self, all: &[String]) -> Result<(), String> {
        for text in all {
            let (must_fail, text) = match text.strip_prefix('!') {
                Some(text) => (true, text),
                None => (false, text.as_str()),
            };
            let (host, port) = (self.cluster.dir().display().to_string(), self.cluster.port());
            let (host, port) = (Some(host), Some(port.to_string()));
            let defaults = Defaults { host, port, ..Defaults::default() };
            let dsn = Dsn::parse(text, defaults).map_err(|e| format!("{text}: {e}"))?;
            match (dsn.connect(None).await, must_fail) {
                (Ok(_), false) | (Err(_), true) => {}
                (Ok(_), true) => return Err(format!("{text}: could sign in")),
                (Err(error), false) => return Err(format!("{text}: {:?}", error.fault())),
            }
        }
        Ok(())
    }

    /// What stands in an example for places that a test has.
    async fn words(&self) -> Result<Vec<(&'static str, String)>, String> {
        let admin = self.admin("postgres").await;
        let sql = "select (select setting from pg_config where name = 'PKGLIBDIR'), \
                   (select setting from pg_config where name = 'SHAREDIR')";
        let row = admin.query_one("ask for its folders", sql, &[]).await;
        let row = row.map_err(|e| format!("folders: {:?}", e.fault()))?;
        let user = testkit::server_user();
        Ok(vec![
            ("{pgdata}", self.cluster.data_dir().display().to_string()),
            ("{socket}", self.cluster.dir().display().to_string()),
            ("{pkglibdir}", row.get(0)),
            ("{sharedir}", row.get(1)),
            ("{account}", user.name),
            ("{uid}", user.uid.to_string()),
            ("{gid}", user.gid.to_string()),
        ])
    }

    /// Makes the role that may read with `pg_monitor` alone.
    pub(crate) async fn monitor(&self) -> Result<(), String> {
        let admin = self.admin("postgres").await;
        let password = self.cluster.password().expose().replace('\'', "''");
        // Whatever an example made of it: pg_hba.conf asks for SCRAM.
        run(&admin, "set password_encryption = 'scram-sha-256'").await?;
        run(&admin, &format!("create role {MONITOR} login password '{password}'")).await?;
        run(&admin, &format!("grant pg_monitor to {MONITOR}")).await
    }

    async fn set(&self, settings: &[(&String, &String)]) -> Result<(), String> {
        let admin = self.admin("postgres").await;
        for (name, value) in settings {
            let sql = if value.is_empty() {
                format!("alter system reset {name}")
            } else {
                // A list is several values, and one value in quotes is not a list.
                let list = ["shared_preload_libraries", "session_preload_libraries"];
                let value = if list.contains(&name.as_str()) {
                    let parts = value.split(',').map(|part| format!("'{}'", part.trim()));
                    parts.collect::<Vec<_>>().join(", ")
                } else {
                    format!("'{}'", value.replace('\'', "''"))
                };
                format!("alter system set {name} = {value}")
            };
            run(&admin, &sql).await?;
        }
        Ok(())
    }

    /// Reloads, and restarts where a setting waits for that.
    async fn take_up(&mut self) -> Result<(), String> {
        let waits = {
            let admin = self.admin("postgres").await;
            admin.reload().await.map_err(|e| format!("reload: {:?}", e.fault()))?;
            let sql = "select count(*) from pg_settings where pending_restart";
            let row = admin.query_one("look for settings that wait", sql, &[]).await;
            row.expect("an answer").get::<_, i64>(0) > 0
        };
        if waits {
            self.restart();
        }
        Ok(())
    }

    async fn statements(&self, database: &str, statements: &[String]) -> Result<(), String> {
        if statements.is_empty() {
            return Ok(());
        }
        let admin = self.admin(database).await;
        for sql in statements {
            if sql.contains("{pgdata}") || sql.contains("{socket}") {
                let words = self.words().await?;
                let sql = words.iter().fold(sql.clone(), |sql, (word, to)| sql.replace(word, to));
                run(&admin, &sql).await?;
            } else {
                run(&admin, sql).await?;
            }
        }
        Ok(())
    }

    /// Takes everything back that an example made.
    pub(crate) async fn clean(&mut self, example: &Example) -> Result<(), String> {
        if !std::mem::take(&mut self.is_dirty) {
            return Ok(());
        }
        self.forget();
        self.planted.clean()?;
        let had_settings = !example.set.is_empty() || example.hba.is_some();
        if had_settings {
            let admin = self.admin("postgres").await;
            run(&admin, "alter system reset all").await?;
            drop(admin);
            write_hba(&self.cluster, &hba(HBA));
            self.take_up().await?;
        }
        if example.certificate.is_some() {
            for name in CERTIFICATE {
                let path = self.cluster.data_dir().join(name);
                std::fs::remove_file(&path).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        let admin = self.admin("postgres").await;
        for sql in &example.teardown {
            run(&admin, sql).await?;
        }
        let sql = "select quote_ident(datname) from pg_database \
                   where datname not in ('postgres', 'template0', 'template1')";
        for row in admin.query("list databases", sql, &[]).await.expect("databases") {
            let name: String = row.get(0);
            run(&admin, &format!("alter database {name} is_template false")).await?;
            run(&admin, &format!("drop database {name} with (force)")).await?;
        }
        run(&admin, "alter role postgres reset all; alter database postgres reset all").await?;
        run(&admin, "alter role all reset all").await?;
        let sql = "select quote_ident(rolname) from pg_roles where oid >= 16384";
        let roles = admin.query("list roles", sql, &[]).await.expect("roles");
        let names: Vec<String> = roles.iter().map(|row| row.get(0)).collect();
        for name in &names {
            run(&admin, &format!("drop owned by {name} cascade")).await?;
        }
        for name in &names {
            run(&admin, &format!("drop role {name}")).await?;
        }
        Ok(())
    }
}

fn hba(lines: &str) -> String {
    format!("{DOOR}{lines}\n")
}

fn write_hba(cluster: &StockCluster, text: &str) {
    let path = cluster.data_dir().join("pg_hba.conf");
    std::fs::write(&path, text).expect("pg_hba.conf can be written");
}

async fn run(connection: &Connection, sql: &str) -> Result<(), String> {
    let done = connection.batch("make an example", sql).await;
    done.map_err(|error| format!("{sql}: {}", error.fault().detail.unwrap_or_default()))
}
