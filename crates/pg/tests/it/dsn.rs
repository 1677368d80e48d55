//! Connections by connection strings: each `sslmode`, passwords from everywhere, what goes wrong.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base::{Fault, Secret};
use pg::{
    ClientCertificateRule, ClientCertificates, Connection, Defaults, Dsn, Policy, Transport, Trust,
};
use testkit::{TestCa, TestCluster, free_port};

/// What an attempt comes to: `plain`, `socket`, `tls` with how far it was verified, or a code.
type Outcome = &'static str;

fn outcome(result: &Result<Connection, Fault>) -> String {
    match result {
        Ok(connection) => match connection.transport() {
            Transport::Plain => "plain",
            Transport::Socket => "socket",
            Transport::Tls { trust: Trust::Anybody, .. } => "tls",
            Transport::Tls { trust: Trust::Authority, .. } => "tls authority",
            Transport::Tls { trust: Trust::AuthorityAndName, .. } => "tls name",
        }
        .to_owned(),
        Err(fault) => fault.code.clone(),
    }
}

/// The words that sign in as `postgres` over TCP, password and all.
fn words(test: &TestCluster, port: u16) -> String {
    let password = test.password().expose().replace('\\', r"\\").replace('\'', r"\'");
    format!("host=localhost port={port} user=postgres password='{password}'")
}

/// Parses and connects; whatever goes wrong does not show the password and says what to do.
async fn attempt(test: &TestCluster, text: &str, defaults: Defaults) -> Result<Connection, Fault> {
    let dsn = Dsn::parse(text, defaults).map_err(|error| error.fault())?;
    let refused = match dsn.connect(None).await {
        Ok(connection) => {
            let sql = "select coalesce((select version from pg_stat_ssl \
                       where pid = pg_backend_pid() and ssl), '')";
            let row = connection
                .query_one("look at the session", sql, &[])
                .await
                .expect("a test file, rule or session");
            let seen: String = row.get(0);
            match connection.transport() {
                Transport::Tls { protocol, .. } => assert_eq!(*protocol, seen),
                _ => assert_eq!(seen, ""),
            }
            return Ok(connection);
        }
        Err(error) => error.fault(),
    };
    let shown = format!("{refused:?} {dsn:?}");
    assert!(!shown.contains(test.password().expose()) && !shown.contains("hunter2"), "{shown}");
    if refused.code != "connect" {
        assert!(refused.hint.is_some(), "{shown}");
    }
    Err(refused)
}

async fn check(test: &TestCluster, base: &str, cases: &[(&str, Outcome)]) {
    for (parameters, expected) in cases {
        let result = attempt(test, &format!("{base} {parameters}"), Defaults::default()).await;
        assert_eq!(outcome(&result), *expected, "{parameters}: {result:?}");
    }
}

fn write(dir: &Path, name: &str, text: impl AsRef<[u8]>, mode: u32) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("a test file, rule or session");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
        .expect("a test file, rule or session");
    path
}

/// Puts rules into `pg_hba.conf` in place of all others, but for the way in of the tests.
async fn only_rule(test: &TestCluster, lines: &str) {
    let hba = test.cluster().data_dir.join("pg_hba.conf");
    let text = format!("local all postgres peer map=pgkeep\n{lines}\n");
    std::fs::write(hba, text).expect("a test file, rule or session");
    test.connect().await.reload().await.expect("a test file, rule or session");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sslmode_with_a_server_that_has_tls() {
    let test = TestCluster::start().await;
    let ca = write(test.dir(), "ca.pem", test.ca().pem(), 0o644);
    let stranger = write(test.dir(), "stranger.pem", TestCa::new().pem(), 0o644);
    let base = words(&test, test.cluster().port);
    let (ca, stranger) = (ca.display(), stranger.display());
    let with =
        |mode: &str, file: &dyn std::fmt::Display| format!("sslmode={mode} sslrootcert={file}");
    only_rule(&test, "host all all all scram-sha-256").await;
    check(
        &test,
        &base,
        &[
            ("", "tls"),
            ("sslmode=disable", "plain"),
            ("sslmode=allow", "plain"),
            ("sslmode=prefer", "tls"),
            ("sslmode=require", "tls"),
            (&with("disable", &stranger), "plain"),
            (&with("prefer", &ca), "tls authority"),
            (&with("prefer", &stranger), "untrusted_certificate"),
            (&with("require", &ca), "tls authority"),
            (&with("require", &stranger), "untrusted_certificate"),
            (&with("verify-ca", &ca), "tls authority"),
            (&with("verify-ca", &stranger), "untrusted_certificate"),
            (&with("verify-full", &ca), "tls name"),
            (&with("verify-full", &stranger), "untrusted_certificate"),
            (&with("verify-full", &"/no/such/file"), "connection_string"),
            ("sslrootcert=system", "untrusted_certificate"),
            ("sslmode=require channel_binding=require", "tls"),
            ("sslmode=disable channel_binding=require", "connect"),
        ],
    )
    .await;
    // A name that the certificate does not hold, at the server's address.
    let other = base.replace("host=localhost", "host=elsewhere.example hostaddr=127.0.0.1");
    check(
        &test,
        &other,
        &[
            ("", "tls"),
            (&with("verify-ca", &ca), "tls authority"),
            (&with("verify-full", &ca), "wrong_certificate_name"),
        ],
    )
    .await;
    let by_address = base.replace("host=localhost", "hostaddr=127.0.0.1");
    check(&test, &by_address, &[("", "tls"), (&with("verify-full", &ca), "tls name")]).await;

    only_rule(&test, "hostssl all all all scram-sha-256").await;
    check(
        &test,
        &base,
        &[
            ("sslmode=disable", "no_access_rule"),
            ("sslmode=allow", "tls"),
            (&with("allow", &stranger), "untrusted_certificate"),
            ("sslmode=prefer", "tls"),
        ],
    )
    .await;
    only_rule(&test, "hostnossl all all all scram-sha-256").await;
    check(&test, &base, &[("sslmode=prefer", "plain"), ("sslmode=require", "no_access_rule")])
        .await;
    only_rule(&test, "").await;
    check(
        &test,
        &base,
        &[("sslmode=allow", "no_access_rule"), ("sslmode=prefer", "no_access_rule")],
    )
    .await;
}

/// A PostgreSQL that pgkeep did not start, and that has no TLS.
struct Foreign(Child);

impl Foreign {
    fn start(test: &TestCluster, port: u16) -> Self {
        let (cluster, user) = (test.cluster(), testkit::server_user());
        std::fs::write(
            cluster.data_dir.join("pg_hba.conf"),
            "host all all all scram-sha-256\nlocal all all scram-sha-256\n",
        )
        .expect("PostgreSQL starts");
        let mut command = Command::new(cluster.binaries.program("postgres"));
        command.arg("-D").arg(&cluster.data_dir).args(["-c", "ssl=off"]);
        command.arg("-c").arg(format!("port={port}"));
        command.arg("-c").arg(format!("unix_socket_directories={}", test.dir().display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if !user.is_current() {
            command.uid(user.uid).gid(user.gid);
        }
        Self(command.current_dir("/").spawn().expect("PostgreSQL starts"))
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
        self.0.wait().expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sslmode_with_a_server_that_has_no_tls() {
    let test = TestCluster::initialised().await;
    let port = free_port();
    let _server = Foreign::start(&test, port);
    let base = words(&test, port);
    testkit::eventually(testkit::DEADLINE, || async {
        let dsn = Dsn::parse(&base, Defaults::default()).unwrap();
        dsn.connect(None).await.ok()
    })
    .await;
    let ca = write(test.dir(), "ca.pem", test.ca().pem(), 0o644);
    let verify = |mode| format!("sslmode={mode} sslrootcert={}", ca.display());
    let socket = format!("host={}", test.dir().display());
    check(
        &test,
        &base,
        &[
            ("", "plain"),
            ("sslmode=disable", "plain"),
            ("sslmode=allow", "plain"),
            ("sslmode=prefer", "plain"),
            ("sslmode=require", "no_tls"),
            (&verify("prefer"), "plain"),
            (&verify("verify-ca"), "no_tls"),
            (&verify("verify-full"), "no_tls"),
            // As with libpq, sslmode is not about sockets.
            (&socket, "socket"),
            (&format!("{socket} {}", verify("verify-full")), "socket"),
            (&format!("{socket} password=hunter2"), "wrong_password"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_apart() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    for sql in [
        "create role closed nologin password 'hunter2'",
        "create role guest login password 'hunter2'",
        "create database walled",
        "revoke connect on database walled from public",
    ] {
        connection.batch("make roles and databases", sql).await.unwrap();
    }
    only_rule(&test, "local all all peer\nhostssl all all all scram-sha-256").await;
    let base = words(&test, test.cluster().port);
    let (dead, live) = (free_port(), test.cluster().port);
    let socket = format!("host={} user=guest", test.cluster().socket_dir.display());
    check(
        &test,
        &base,
        &[
            ("password=hunter2", "wrong_password"),
            ("user=nobody_here password=hunter2", "wrong_password"),
            ("password=''", "no_password"),
            ("user=closed password=hunter2", "no_such_role"),
            ("dbname=nowhere", "no_such_database"),
            ("dbname=template0", "database_closed"),
            ("dbname=walled user=guest password=hunter2", "database_closed"),
            ("target_session_attrs=read-only", "unreachable"),
            (&format!("port={dead}"), "unreachable"),
            ("host=/no/such/folder", "unreachable"),
            ("host=a..b", "unknown_host"),
            (&socket, "wrong_identity"),
            // The next server is asked where one is away, and not where one refuses.
            (&format!("host=127.0.0.1,localhost port={dead},{live}"), "tls"),
            (&format!("host=a..b,localhost port={dead},{live}"), "tls"),
            (&format!("host=localhost,a..b port={live} dbname=nowhere"), "no_such_database"),
        ],
    )
    .await;
    let dsn = Dsn::parse(&base, Defaults::default()).unwrap();
    let other = dsn.connect(Some("template1")).await.unwrap();
    let row = other.query_one(
        "ask",
        "select current_database(), \
        current_setting('application_name'), current_setting('statement_timeout')",
        &[],
    );
    let row = row.await.unwrap();
    let seen: [&str; 3] = [row.get(0), row.get(1), row.get(2)];
    assert_eq!(seen, ["template1", "pgkeep", "1min"]);
    assert_eq!(other.transport().to_string(), "TLSv1.3, certificate not verified");
    let fault = dsn.connect(Some("nowhere")).await.unwrap_err().fault();
    assert!(fault.message.contains(&format!("localhost:{live}/nowhere as postgres")), "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_come_from_the_text_the_caller_and_the_pass_file() {
    let test = TestCluster::start().await;
    let port = test.cluster().port;
    let password = test.password().expose();
    let quoted = password.replace('\\', r"\\");
    let lines = format!("# one\n127.0.0.1:*:*:*:hunter2\nlocalhost:{port}:*:postgres:{quoted}\n");
    let good = write(test.dir(), "good", &lines, 0o600);
    let open = write(test.dir(), "open", &lines, 0o640);
    let latin = write(test.dir(), "latin", b"\xff", 0o600);
    let missing = test.dir().join("missing");
    let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let uri = format!("postgresql://postgres:{encoded}@localhost:{port}/postgres?sslmode=require");
    let bare = format!("host=localhost port={port} user=postgres");
    let in_text = format!("{bare} passfile={}", good.display());
    let folder = test.dir().to_owned();
    for (text, from_caller, passfile, expected) in [
        (uri.as_str(), None, None, "tls"),
        (&uri, Some("hunter2"), Some(&open), "tls"),
        (&bare, Some(password.as_str()), None, "tls"),
        (&bare, Some(password), Some(&open), "tls"),
        (&bare, Some("hunter2"), Some(&good), "wrong_password"),
        (&bare, None, Some(&good), "tls"),
        (&in_text, None, Some(&open), "tls"),
        (&format!("{bare} host=127.0.0.1"), None, Some(&good), "wrong_password"),
        (&format!("{bare} user=guest"), None, Some(&good), "no_password"),
        (&bare, None, Some(&open), "connection_string"),
        (&bare, None, Some(&latin), "connection_string"),
        (&bare, None, Some(&folder), "connection_string"),
        (&bare, None, Some(&missing), "no_password"),
        (&bare, None, None, "no_password"),
    ] {
        let defaults = Defaults {
            password: from_caller.map(|text| Secret::new(text.to_owned())),
            passfile: passfile.cloned(),
            ..Defaults::default()
        };
        let result = attempt(&test, text, defaults).await;
        assert_eq!(outcome(&result), expected, "{result:?}");
        if let (Err(fault), Some(true)) = (&result, passfile.map(|path| *path == open)) {
            assert!(fault.message.contains("can be read by others (mode 0640)"), "{fault:?}");
        }
    }
    // Nobody asks for a password here, so that the pass file does not matter.
    let socket = format!("{bare} host={}", test.cluster().socket_dir.display());
    let defaults = Defaults { passfile: Some(open), ..Defaults::default() };
    assert_eq!(outcome(&attempt(&test, &socket, defaults).await), "socket");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_are_shown_where_they_are_named() {
    let test = TestCluster::start().await;
    let rule = ClientCertificateRule { database: "all".into(), role: "postgres".into() };
    let wanted = ClientCertificates { ca_pem: test.ca().pem(), rules: vec![rule] };
    let policy = Policy { client_certificates: Some(wanted), ..Policy::default() };
    let connection = test.connect().await;
    let _ = test.cluster().apply_policy(&connection, &policy).await.unwrap();
    let issue = |ca: &TestCa, role: &str| {
        let issued = ca.client(role);
        let chain = write(test.dir(), &format!("{role}.pem"), &issued.chain_pem, 0o644);
        let key = write(test.dir(), &format!("{role}.key"), issued.key_pem.expose(), 0o600);
        format!("sslcert={} sslkey={}", chain.display(), key.display())
    };
    let (ours, other) = (issue(test.ca(), "postgres"), issue(test.ca(), "somebody"));
    let stranger = issue(&TestCa::new(), "stranger");
    let _ = write(test.dir(), "open.key", b"", 0o644);
    let open = format!("{ours} sslkey={}", test.dir().join("open.key").display());
    let key = test.dir().join("postgres.key");
    let mixed = format!("{ours} sslkey={}", test.dir().join("somebody.key").display());
    check(
        &test,
        &words(&test, test.cluster().port),
        &[
            ("sslmode=require", "no_access_rule"),
            (&format!("sslmode=require {ours}"), "tls"),
            // PostgreSQL calls this so where it asks for both.
            (&format!("sslmode=require {other}"), "wrong_password"),
            (&format!("sslmode=require {stranger}"), "tls_handshake"),
            (&format!("sslmode=require {ours} sslrootcert=/dev/null"), "connection_string"),
            (&format!("sslmode=require {ours} sslrootcert={}", key.display()), "connection_string"),
            // Plain is tried after it, but the rules are against that.
            (&format!("sslmode=prefer {stranger}"), "tls_handshake"),
            (&format!("sslmode=require {mixed}"), "connection_string"),
            (&format!("sslmode=require {open}"), "connection_string"),
            ("sslmode=require sslcert=/no/such sslkey=/no/such", "connection_string"),
        ],
    )
    .await;
    only_rule(&test, "hostssl all all all cert").await;
    check(
        &test,
        &format!("host=localhost port={} user=postgres sslmode=require", test.cluster().port),
        &[("", "no_access_rule"), (&ours, "tls"), (&other, "wrong_identity")],
    )
    .await;
    only_rule(&test, "host all all all scram-sha-256").await;
    let base = words(&test, test.cluster().port);
    check(&test, &base, &[(&format!("sslmode=prefer {stranger}"), "plain")]).await;
}
