//! What is said of pg_hba.conf against PostgreSQL itself: connections are tried, up to the server's
//! first answer, which says what it asks for or that it refuses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use baseline::{Answer, Bundle, Example, Simulated, simulate};
use kql::value::Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, UnixStream};

use crate::ground::Ground;

/// What the server says first.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// What it asks for, by the name of the method
    Asks(&'static str),
    Rejects,
    NoEntry,
    Other(String),
}

const FILES: &[&str] = &[
    "\
local all ann trust
host all all 127.0.0.0/30 scram-sha-256
host all all 127.0.0.0/8 password",
    "\
host shop,ann +staff 127.0.0.1/32 trust
host all +staff all reject
host all all all password",
    "\
host sameuser all all trust
host samerole all all password
host postgres boss ::1/128 reject
host postgres all all scram-sha-256
local sameuser all trust
local all all reject",
    "\
hostssl all all all trust
hostnossl all bob 127.0.0.4/30 password
host all all 127.0.0.6/31 reject
host all ghost all trust
host replication all all password",
    "\
local replication all trust
local all +boss reject
local all all password
host all,replication +boss 127.0.0.0 255.0.0.0 trust
host all boss all scram-sha-256",
    "\
host all all 127.0.0.2/32 reject
host all all 127.0.0.3/32 password
hostnogssenc all ann,bob 127.0.0.0/29 trust
hostgssenc all all all reject
host nowhere all all trust
host shop all ::/0 scram-sha-256
host all all ::/0 reject",
];
const ROLES: &[&str] = &["ann", "bob", "boss", "staff", "shop", "ghost"];
/// The empty one is physical replication.
const DATABASES: &[&str] = &["shop", "ann", "postgres", "staff", "nowhere", ""];

async fn first_answer(
    stream: &mut (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin),
    role: &str,
    database: &str,
) -> std::io::Result<Said> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    let replication = [("replication", "true")];
    let of_database = [("database", database)];
    let base = if database.is_empty() { replication } else { of_database };
    for (name, value) in [("user", role)].into_iter().chain(base) {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).expect("it is short");
    stream.write_all(&[&length.to_be_bytes(), body.as_slice()].concat()).await?;
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await?;
    let mut rest = vec![0; usize::try_from(length).expect("it fits") - 4];
    stream.read_exact(&mut rest).await?;
    if kind == b'R' {
        return Ok(match rest[..4] {
            [0, 0, 0, 0] => Said::Asks("trust"),
            [0, 0, 0, 3] => Said::Asks("password"),
            [0, 0, 0, 10] => Said::Asks("scram-sha-256"),
            _ => Said::Other(format!("{rest:?}")),
        });
    }
    let text = String::from_utf8_lossy(&rest).into_owned();
    Ok(if text.contains("pg_hba.conf rejects") {
        Said::Rejects
    } else if text.contains("no pg_hba.conf entry") {
        Said::NoEntry
    } else {
        Said::Other(text)
    })
}

async fn ask(ground: &Ground, role: &str, database: &str, from: Option<IpAddr>) -> Said {
    let (dir, port) = ground.place();
    let said = match from {
        None => {
            let path = dir.join(format!(".s.PGSQL.{port}"));
            let mut stream = UnixStream::connect(path).await.expect("the socket is there");
            first_answer(&mut stream, role, database).await
        }
        Some(from) => {
            let (socket, to) = match from {
                IpAddr::V4(_) => (TcpSocket::new_v4(), IpAddr::V4(Ipv4Addr::LOCALHOST)),
                IpAddr::V6(_) => (TcpSocket::new_v6(), IpAddr::V6(Ipv6Addr::LOCALHOST)),
            };
            let socket = socket.expect("a socket");
            socket.bind((from, 0).into()).expect("an address of this host");
            let mut stream = socket.connect((to, port).into()).await.expect("the port is open");
            first_answer(&mut stream, role, database).await
        }
    };
    said.unwrap_or_else(|error| Said::Other(error.to_string()))
}

/// What was predicted, as the server would say it.
fn predicted(simulated: &Simulated) -> Said {
    match (simulated.outcome, simulated.method.as_deref()) {
        (Answer::Allow, Some("trust")) => Said::Asks("trust"),
        (Answer::Allow, Some("password")) => Said::Asks("password"),
        (Answer::Allow, Some("scram-sha-256")) => Said::Asks("scram-sha-256"),
        (Answer::Reject, _) => Said::Rejects,
        (Answer::NoEntry, _) => Said::NoEntry,
        other => Said::Other(format!("{other:?}")),
    }
}

/// The lines of `HbaReach` that decide a connection without TLS.
fn rows(bundle: &Bundle, role: &str, database: &str, from: Option<IpAddr>) -> Vec<i64> {
    let table = &bundle.tables["HbaReach"];
    let at =
        |name: &str| table.columns.iter().position(|column| column.name == name).expect("a column");
    let [line, transport, roles, databases, addresses] =
        ["line", "transport", "roles", "databases", "addresses"].map(at);
    let holds = |cell: &Json, is: &dyn Fn(&str) -> bool| match cell {
        Json::Array(all) => all.iter().any(|item| matches!(item, Json::String(s) if is(s))),
        Json::String(text) => is(text),
        _ => false,
    };
    let database = if database.is_empty() { "(replication)" } else { database };
    let found = table.rows.iter().filter(|row| {
        holds(&row[roles], &|name| name == role)
            && holds(&row[databases], &|name| name == database)
            && match from {
                None => holds(&row[transport], &|name| name == "local"),
                Some(from) => {
                    holds(&row[transport], &|name| name == "cleartext")
                        && holds(&row[addresses], &|net| is_within(from, net))
                }
            }
    });
    let number = |row: &Vec<Json>| match row[line] {
        Json::Long(n) => n,
        _ => 0,
    };
    found.map(number).collect()
}

fn is_within(address: IpAddr, net: &str) -> bool {
    let (net, bits) = net.split_once('/').expect("a prefix");
    let bits: u32 = bits.parse().expect("a length");
    match (address, net.parse().expect("an address")) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros() >= bits,
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros() >= bits,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_answers_as_predicted() {
    let mut ground = Ground::start().await;
    let example: Example = toml::from_str(
        r#"
        verdict = "pass"
        set = { listen_addresses = "127.0.0.1,::1" }
        sql = ["CREATE ROLE staff", "CREATE ROLE ann LOGIN", "CREATE ROLE bob LOGIN",
               "CREATE ROLE boss LOGIN SUPERUSER", "CREATE ROLE shop LOGIN",
               "GRANT staff TO boss, ann", "GRANT boss TO bob",
               "CREATE DATABASE shop", "CREATE DATABASE staff"]
        "#,
    )
    .expect("an example");
    ground.make(&example).await.expect("it can be made");
    let mut froms = vec![None];
    froms.extend([1, 2, 3, 6].map(|low| Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, low)))));
    match tokio::net::TcpStream::connect((Ipv6Addr::LOCALHOST, ground.place().1)).await {
        Ok(_) => froms.push(Some(IpAddr::V6(Ipv6Addr::LOCALHOST))),
        Err(error) => println!("this host has no IPv6 on loopback, so it is not tried: {error}"),
    }
    let (mut wrong, mut n_tried) = (Vec::new(), 0);
    for (n, text) in FILES.iter().enumerate() {
        // The first line says that the server has taken the file up.
        let marker = format!("marker{n}");
        ground.hba(&format!("local none {marker} reject\n{text}")).await.expect("a reload");
        testkit::eventually(Duration::from_secs(20), || async {
            (ask(&ground, &marker, "none", None).await == Said::Rejects).then_some(())
        })
        .await;
        let bundle = ground.evidence("AUTH-06").await;
        for role in ROLES {
            for database in DATABASES {
                for from in &froms {
                    let base = (!database.is_empty()).then_some(*database);
                    let simulated = simulate(&bundle, role, base, *from, false);
                    let simulated = simulated.expect("the evidence is whole");
                    let said = ask(&ground, role, database, *from).await;
                    n_tried += 1;
                    let lines = rows(&bundle, role, database, *from);
                    // Rows name what exists.
                    let exists = *role != "ghost" && !["ann", "nowhere"].contains(database);
                    let of_rows = !exists || lines == Vec::from_iter(simulated.line);
                    if said != predicted(&simulated) || !of_rows {
                        wrong.push(format!(
                            "file {n}: {role} to {database:?} from {from:?}: {said:?}, not \
                             {simulated:?}, rows {lines:?}"
                        ));
                    }
                }
            }
        }
    }
    println!("{n_tried} connections tried");
    assert!(wrong.is_empty(), "{} of {n_tried}:\n{}", wrong.len(), wrong.join("\n"));
}

const WITH_TLS: &str = "\
hostssl all ann 127.0.0.1/32 trust
hostnossl all bob 127.0.0.1/32 trust
hostssl shop boss all trust
host all boss 127.0.0.0/8 reject
host shop all 127.0.0.0/8 password
hostnossl all all all reject";

/// What `psql` is told, with TLS or without; the server's first answer does not say it in the
/// clear.
fn psql(program: &std::path::Path, words: &[(&str, &str)]) -> Said {
    let all: Vec<String> = words.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let output = std::process::Command::new(program)
        .args(["--no-psqlrc", "--no-password", "--command=select 1", "--dbname"])
        .arg(all.join(" "))
        .env_clear()
        .output()
        .expect("psql starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Said::Asks("trust")
    } else if told.contains("no password supplied") {
        Said::Asks("password")
    } else if told.contains("pg_hba.conf rejects") {
        Said::Rejects
    } else if told.contains("no pg_hba.conf entry") {
        Said::NoEntry
    } else {
        Said::Other(told)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_answers_as_predicted_over_tls() {
    let mut ground = Ground::start().await;
    let issued = testkit::TestCa::new().server(testkit::KeyKind::Ecdsa);
    ground.keep("server.crt", issued.chain_pem.as_bytes());
    ground.keep("server.key", issued.key_pem.expose());
    let example: Example = toml::from_str(
        r#"
        verdict = "pass"
        set = { listen_addresses = "127.0.0.1", ssl = "on" }
        sql = ["CREATE ROLE ann LOGIN", "CREATE ROLE bob LOGIN", "CREATE ROLE boss LOGIN SUPERUSER",
               "CREATE DATABASE shop"]
        "#,
    )
    .expect("an example");
    ground.make(&example).await.expect("it can be made");
    ground.hba(&format!("local none marker reject\n{WITH_TLS}")).await.expect("a reload");
    testkit::eventually(Duration::from_secs(20), || async {
        (ask(&ground, "marker", "none", None).await == Said::Rejects).then_some(())
    })
    .await;
    let bundle = ground.evidence("AUTH-06").await;
    let binaries = pg::Binaries::find(None).await.expect("PostgreSQL is installed");
    let program = binaries.bin_dir.join("psql");
    let port = ground.place().1.to_string();
    let from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut wrong = Vec::new();
    for (role, database) in
        ["ann", "bob", "boss"].iter().flat_map(|r| [(r, "shop"), (r, "example")])
    {
        for (tls, mode) in [(true, "require"), (false, "disable")] {
            let simulated = simulate(&bundle, role, Some(database), from, tls);
            let wanted = predicted(&simulated.expect("the evidence is whole"));
            let words = [
                ("host", "127.0.0.1"),
                ("port", &port),
                ("user", role),
                ("dbname", database),
                ("sslmode", mode),
            ];
            let said = psql(&program, &words);
            if said != wanted {
                wrong.push(format!("{role} to {database}, {mode}: {said:?}, not {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
