//! The log lake of a real installation: what comes in by itself, and what clients send.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::installation::{Installation, assert_code, free_port};
use crate::softhsm::configure;

/// The rows of a query, each a list of cells.
#[track_caller]
pub(crate) fn rows(it: &Installation, query: &str) -> Vec<Value> {
    let answer = it.json(&["logs", "query", query]);
    answer["rows"].as_array().unwrap().clone()
}

/// Asks until there are so many rows.
#[track_caller]
pub(crate) fn wait_for(it: &Installation, query: &str, n: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = rows(it, query);
        if found.len() >= n {
            return found;
        }
        assert!(Instant::now() < deadline, "{query}: {found:?}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Process id of the plane.
fn plane_pid(it: &Installation) -> u32 {
    let home = it.home().display().to_string();
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let is_plane = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(&home) && line.contains(" plane serve")
    };
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_plane).last().unwrap()
}

#[test]
fn what_pgkeep_does_can_be_asked_once_each() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    // Each of them: the plane's activity, the vault's audit, the states of servers.
    let components = "PgkeepActivity | summarize n = count() by Component | sort by Component asc";
    let found = wait_for(&it, components, 3);
    let names: Vec<&str> = found.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(names, ["agent", "plane", "vault"]);
    // An act is there within two seconds and some for a machine under load.
    let output =
        it.run(&["server", "parameter", "set", "-s", "demo", "-n", "work_mem", "-v", "8MB"]);
    assert_code(&output, 0);
    let begun = Instant::now();
    let act = "PgkeepActivity | where Component == 'plane' and Operation == 'parameter_set'";
    let found = wait_for(&it, &format!("{act} | project Actor, ServerName, Result"), 1);
    assert_eq!((&found[0][1], &found[0][2]), (&"demo".into(), &"Success".into()));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // Whatever dies, each record is there once.
    for _ in 0..3 {
        let pid = killed(plane_pid(&it));
        let deadline = Instant::now() + Duration::from_secs(60);
        while it.run(&["logs", "tables"]).status.code() != Some(0) || plane_pid(&it) == pid {
            assert!(Instant::now() < deadline, "the plane does not come back");
            std::thread::park_timeout(Duration::from_millis(100));
        }
        assert_code(&it.run(&["keyvault", "list"]), 0);
    }
    let listed = "PgkeepActivity | where Component == 'vault' and Operation == 'VaultList'";
    let _ = wait_for(&it, listed, 3);
    let twice = "PgkeepActivity | where Component in ('vault', 'plane')
        | summarize n = count() by Component, Sequence | where n > 1";
    assert_eq!(rows(&it, twice), [] as [Value; 0]);
    let gaps = "PgkeepActivity | where Component == 'vault'
        | summarize n = count(), last = max(Sequence) | where n != last";
    assert_eq!(rows(&it, gaps), [] as [Value; 0]);
    let own = it.json(&["logs", "connectors"]);
    let own = own.as_array().unwrap().iter().filter(|source| source["kind"] == "pgkeep");
    let names: Vec<&str> = own.map(|source| source["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pgkeep/plane", "pgkeep/servers", "pgkeep/vault"]);
}

#[test]
fn servers_are_sampled() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let of_demo = "where LogicalServerName == 'demo' and _ResourceId == '/servers/demo'";
    for (table, column) in [
        ("PGSQLPgStatActivitySessions", "BackendType == 'client backend'"),
        ("PGSQLDbTransactionsStats", "DatabaseName == 'postgres' and RemainingTransactionIds > 0"),
        ("PgkeepSettings", "Name == 'server_version' and isnotempty(Setting)"),
    ] {
        let query = format!("{table} | {of_demo} and {column} and TimeGenerated > ago(1h)");
        assert!(!wait_for(&it, &query, 1).is_empty(), "{table}");
    }
    let dead = rows(&it, "PgkeepDeadLetters | where Source startswith 'server/demo/samples'");
    assert_eq!(dead, [] as [Value; 0]);
}

/// An installation that listens to syslog; the ports for UDP, TCP and TLS.
fn listening() -> (Installation, [u16; 3]) {
    let it = Installation::new();
    std::fs::create_dir(it.home()).unwrap();
    let ports = [(); 3].map(|()| free_port());
    let lines = ["udp", "tcp", "tls"].iter().zip(ports);
    let lines = lines.map(|(name, port)| format!("{name} = \"127.0.0.1:{port}\"\n"));
    configure(&it, &format!("[logs.syslog]\n{}", lines.collect::<String>()));
    (it, ports)
}

/// `logger` of util-linux: a client that many machines have.
fn logger(port: u16, args: &[&str], message: &str) {
    let port = port.to_string();
    let mut command = Command::new("logger");
    command.args(["-n", "127.0.0.1", "-P", &port, "-t", "it", "--id=77"]).args(args).arg(message);
    assert_code(&command.output().unwrap(), 0);
}

#[test]
fn syslog_is_heard_over_udp_tcp_and_tls() {
    let (it, [udp, tcp, tls]) = listening();
    assert_code(&it.up(), 0);
    let n = |query: &str, n: usize| wait_for(&it, query, n);
    // Each is tried until the listener stands: a datagram before that is lost.
    let deadline = Instant::now() + Duration::from_secs(60);
    while rows(&it, "Syslog | where SyslogMessage has 'udpready'").is_empty() {
        assert!(Instant::now() < deadline);
        logger(udp, &["-d", "--rfc3164"], "udpready");
    }
    logger(udp, &["-d", "--rfc5424", "-p", "auth.err"], "over UDP ünd new");
    logger(tcp, &["-T", "--rfc5424", "--octet-count"], "counted over TCP");
    logger(tcp, &["-T", "--rfc3164", "-p", "local3.notice"], "lined over TCP");
    let cef = "CEF:0|acme|wall|1|100|blocked|7|src=192.0.2.9 dst=192.0.2.1";
    logger(tcp, &["-T", "--rfc5424", "--octet-count"], cef);
    let found = n(
        "Syslog | where SyslogMessage has 'over' and Facility == 'auth'
        | project SyslogMessage, SeverityLevel, ProcessName, HostIP, Type",
        1,
    );
    let expected = ["over UDP ünd new", "err", "it", "127.0.0.1", "Syslog"];
    assert_eq!(found[0], serde_json::json!(expected));
    let found = n(
        "Syslog | where SyslogMessage endswith 'over TCP'
        | project SyslogMessage, Facility, SeverityLevel | sort by SyslogMessage asc",
        2,
    );
    assert_eq!(found[0], serde_json::json!(["counted over TCP", "user", "notice"]));
    assert_eq!(found[1], serde_json::json!(["lined over TCP", "local3", "notice"]));
    let found = n("CommonSecurityLog | project DeviceVendor, Activity, SourceIP", 1);
    assert_eq!(found[0], serde_json::json!(["acme", "blocked", "192.0.2.9"]));

    // TLS with the authority of the installation, and with nobody else's.
    let address = format!("127.0.0.1:{tls}");
    let ca = it.home().join("ca.pem");
    let mut sent = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-quiet", "-no_ign_eof", "-verify_return_error"])
        .args(["-verify_ip", "127.0.0.1", "-CAfile"])
        .arg(&ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let message = "<165>1 2026-11-27T13:59:05Z box it 7 - - sealed over TLS";
    let framed = format!("{} {message}", message.len());
    sent.stdin.take().unwrap().write_all(framed.as_bytes()).unwrap();
    assert!(sent.wait().unwrap().success());
    let found = n("Syslog | where SyslogMessage == 'sealed over TLS' | project TimeGenerated", 1);
    assert_eq!(found[0][0], "2026-11-27T13:59:05.0000000Z");

    // What is no syslog is kept as what it is, and said of its source.
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", tcp)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\n").unwrap();
    drop(stream);
    let _ = n("PgkeepDeadLetters | where Source == 'syslog/127.0.0.1'", 1);
    let sources = it.json(&["logs", "connectors"]);
    let mut sources = sources.as_array().unwrap().iter();
    let known = sources.find(|source| source["name"] == "syslog/127.0.0.1").unwrap();
    assert_eq!((&known["kind"], &known["n_dead_letters"]), (&"syslog".into(), &1.into()));
}

/// Kills a process the hard way; answers its id.
fn killed(pid: u32) -> u32 {
    let id = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    pid
}
