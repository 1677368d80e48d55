//! The log lake end to end: what PostgreSQL writes is asked for, files are taken in, and whoever is
//! killed in between, each event is there once.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::installation::{Installation, assert_code, said};

/// Asks `condition` until it holds; a machine under load gets its time.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn rows(it: &Installation, query: &str) -> Vec<Vec<Value>> {
    let answer = it.json(&["logs", "query", query]);
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| row.as_array().unwrap().clone()).collect()
}

/// The number that a query gives; none where the lake cannot be asked right now.
pub(crate) fn number(it: &Installation, query: &str) -> Option<u64> {
    let output = it.run(&["logs", "query", query, "-o", "tsv"]);
    String::from_utf8(output.stdout).unwrap().trim().parse().ok()
}

pub(crate) fn dsn(it: &Installation) -> String {
    it.json(&["server", "show", "-n", "demo"])["dsn"].as_str().unwrap().to_owned()
}

pub(crate) fn psql(dsn: &str, sql: &str) -> bool {
    let output = Command::new("psql").args([dsn, "-XAtqc", sql]).output().unwrap();
    // Shown where a test fails.
    print!("{}", said(&output));
    output.status.success()
}

fn pid_of(it: &Installation, process: &str) -> Option<u32> {
    let home = it.home();
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut pids = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let words = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&words).replace('\0', " ");
        let is_it = line.contains(&format!(" {process} serve ")) && line.contains(home.to_str()?);
        is_it.then_some(pid)
    });
    pids.next()
}

fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
}

#[test]
fn what_a_server_writes_is_asked_for() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let dsn = dsn(&it);
    assert!(psql(&dsn, "create table \"shop.orders\" (id int); select 1"));
    assert!(!psql(&dsn, "select * from nowhere"));
    eventually("the failed statement is in the lake", || {
        number(&it, "PGSQLServerLogs | where SqlErrorCode == '42P01' | count") == Some(1)
    });
    let failed = rows(
        &it,
        "PgkeepStatements | where StatementKind == 'failed' \
         | project RoleName, DatabaseName, Statement, LogicalServerName",
    );
    assert_eq!(
        failed,
        [["postgres", "postgres", "select * from nowhere", "demo"].map(Value::from)]
    );
    // pgaudit sees changes of definitions without being told to, where it is installed.
    let audit = Path::new("/usr/lib/postgresql/15/lib/pgaudit.so").exists();
    let ddl = "PgkeepAudit | where Class == 'DDL' and Statement has 'orders' | count";
    assert_eq!(number(&it, ddl), Some(u64::from(audit)));
    let came = "PgkeepConnections | where EventType == 'Authorized' and ApplicationName == 'psql' \
                | summarize n = count() by EventResult";
    assert_eq!(rows(&it, came).len(), 1, "who came is there");

    let connectors = it.json(&["logs", "connectors"]);
    let server =
        connectors.as_array().unwrap().iter().find(|c| c["name"] == "server/demo").unwrap();
    assert_eq!(
        (server["health"].as_str(), server["n_dead_letters"].as_u64()),
        (Some("ok"), Some(0))
    );
    // One that is too long for the lake is a dead letter, and holds up nothing behind it.
    assert!(psql(&dsn, "do $$ begin raise log '%', repeat('x', 1500000); end $$"));
    assert!(psql(&dsn, "do $$ begin raise log 'ö behind the long one'; end $$"));
    eventually("what is behind a long line is in the lake", || {
        number(&it, "PGSQLServerLogs | where Message == 'ö behind the long one' | count") == Some(1)
    });
    let long = "PgkeepDeadLetters | where Source startswith 'server/demo' \
                | project Reason, RawIsWhole, RawBytes > 1000000";
    assert_eq!(
        rows(&it, long),
        [[Value::from("too-long"), Value::from(false), Value::from(true)]],
        "the long line"
    );
    // What stands in the log is there once and once only, also after a restart.
    let lines =
        |it: &Installation| number(it, "PGSQLServerLogs | where ProcessId > 0 | count").unwrap();
    let before = lines(&it);
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.up(), 0);
    eventually("the lines of the shutdown come at the next start", || {
        number(&it, "PGSQLServerLogs | where Message has 'database system is shut down' | count")
            == Some(1)
    });
    assert!(lines(&it) > before);
    let twice = "PgkeepConnections | summarize n = count() by SessionId, LineNumber, EventType \
                 | where n > 1 | count";
    assert_eq!(number(&it, twice), Some(0));
    // The functions of ASIM see the same.
    let logons = "_Im_Authentication(eventtype_in = dynamic(['Logon'])) \
                  | where TargetUsername == 'postgres' | summarize n = count() by EventResult";
    assert_eq!(rows(&it, logons)[0][0], "Success");
    assert_code(&it.run(&["down"]), 0);
}

#[test]
fn files_are_taken_in_once() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let lines: String = (0..5000)
        .map(|n| {
            format!(
                "{{\"TimeGenerated\":\"2026-01-01T00:00:{:02}Z\",\"N\":{n},\"Shop\":\"s{}\"}}\n",
                n % 60,
                n % 7
            )
        })
        .collect();
    let jsonl = file("orders.jsonl", &lines);
    let ingested = it.json(&["logs", "ingest", "--table", "Shop_CL", &jsonl]);
    assert_eq!(ingested["rows"]["Shop_CL"], 5000);
    // Again: nothing is doubled. Said so, it is.
    let again = it.json(&["logs", "ingest", "--table", "Shop_CL", &jsonl]);
    assert_eq!(
        (&again["rows"], &again["skipped_bytes"]),
        (&serde_json::json!({}), &lines.len().into())
    );
    let sum = "Shop_CL | summarize n = count(), s = sum(N), d = dcount(Shop) | project n, s, d";
    assert_eq!(rows(&it, sum), [[5000, 12_497_500, 7].map(Value::from)]);
    it.json(&["logs", "ingest", "--again", "--table", "Shop_CL", &jsonl]);
    assert_eq!(number(&it, "Shop_CL | count"), Some(10_000));

    // What does not fit is a dead letter or said, and holds up nothing.
    let csv = file("more.csv", "N,Shop,Colour\n1,a,red\nno number,b,green\n3,\"c\nd\",blue\n");
    let ingested = it.json(&["logs", "ingest", "--table", "Shop_CL", &csv]);
    assert_eq!(
        (&ingested["rows"]["Shop_CL"], &ingested["dropped"]["Colour"]),
        (&3.into(), &3.into())
    );
    assert_eq!(ingested["n_dead_letters"], 1);
    assert_eq!(
        rows(&it, "Shop_CL | where Shop has 'd' and N == 3 | project Shop, isnull(N)"),
        [[Value::from("c\nd"), Value::from(false)]]
    );
    let log = file(
        "old.json",
        "{\"timestamp\":\"2026-01-02 03:04:05.678 UTC\",\"pid\":7,\"error_severity\":\"LOG\",\
         \"message\":\"hello\"}\nrubbish\n",
    );
    let ingested = it.json(&["logs", "ingest", "--format", "postgresql-jsonlog", &log]);
    assert_eq!(
        (&ingested["rows"]["PGSQLServerLogs"], &ingested["n_dead_letters"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        rows(&it, "PgkeepDeadLetters | where Raw == 'rubbish' | project Parser, Reason"),
        [["postgresql-jsonlog", "syntax"].map(Value::from)]
    );

    // Bytes that are no text, a run of zeros, half a line: each is kept as far as it can be, and
    // what stands around them is there.
    let mut broken = Vec::new();
    for n in 0..3 {
        let line = "{\"timestamp\":\"2026-01-03 00:00:00 UTC\",\"pid\":8,\"message\":\"good\"}\n";
        broken.extend_from_slice(line.as_bytes());
        let bad: &[u8] = [&b"{\"message\":\"\xff\xfe\"}\n"[..], &[0; 600], b"{\"timesta"][n];
        broken.extend_from_slice(bad);
    }
    let path = dir.path().join("broken.json");
    std::fs::write(&path, broken).unwrap();
    let path = path.to_str().unwrap();
    let ingested = it.json(&["logs", "ingest", "--format", "postgresql-jsonlog", path]);
    assert_eq!(ingested["rows"]["PGSQLServerLogs"], 3);
    let why = "PgkeepDeadLetters | where Parser == 'postgresql-jsonlog' and Raw != 'rubbish' \
               | summarize by Reason | order by Reason asc";
    let why: Vec<Value> = rows(&it, why).into_iter().map(|mut row| row.remove(0)).collect();
    assert_eq!(why, ["encoding", "incomplete", "nul"].map(Value::from));

    // Queries within a span of time, shapes, failures.
    let span = [
        "logs",
        "query",
        "--timespan",
        "2026-01-02/P1D",
        "PGSQLServerLogs | project Message",
        "-o",
        "csv",
    ];
    let output = it.run(&span);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "Message\r\nhello\r\n");
    let wrong = it.run(&["logs", "query", "PGSQLServerLogs | where Nowhere == 1"]);
    assert_code(&wrong, 2);
    assert!(said(&wrong).contains("Nowhere"), "{}", said(&wrong));
    assert_code(&it.run(&["logs", "query", "--timespan", "yesterday", "print 1"]), 2);
    assert_code(&it.run(&["logs", "ingest", "--table", "Shop_CL", "/nowhere.csv"]), 3);
    let cut = it.json(&["logs", "query", "--max-rows", "10", "Shop_CL"]);
    assert_eq!((cut["rows"].as_array().unwrap().len(), &cut["truncated"]), (10, &true.into()));
    let long = it.run(&[
        "logs",
        "query",
        "--timeout",
        "1",
        "range a from 1 to 1000000000 step 1 | where hash_sha256(tostring(a)) == 'x'",
    ]);
    assert_ne!(long.status.code(), Some(0), "{}", said(&long));

    // Events go where they are told to, and only then.
    let erase = ["logs", "erase", "--table", "Shop_CL", "--where", "N < 100"];
    let asked = it.run(&erase);
    assert_code(&asked, 2);
    assert!(said(&asked).contains("202 rows"), "{}", said(&asked));
    let gone = it.json(&[&erase[..], &["--yes", "--at-once"]].concat());
    assert_eq!(gone["n_rows"], 202);
    assert_eq!(number(&it, "Shop_CL | where N < 100 | count"), Some(0));
    assert_eq!(number(&it, "Shop_CL | where N >= 100 | count"), Some(9800));
    let keep = ["logs", "retention", "--table", "Shop_CL", "--days", "365"];
    assert_eq!(it.json(&keep)["changed"], "changed");
    assert_eq!(it.json(&keep)["changed"], "unchanged");

    // The tables say what they hold; the gallery runs.
    let tables = it.json(&["logs", "tables"]);
    let shop = tables.as_array().unwrap().iter().find(|t| t["name"] == "Shop_CL").unwrap();
    let types: BTreeMap<&str, &str> = shop["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["name"].as_str().unwrap(), c["type"].as_str().unwrap()))
        .collect();
    assert_eq!(shop["retention_days"], 365);
    assert_eq!((types["N"], types["Shop"], types["TimeGenerated"]), ("long", "string", "datetime"));
    let gallery = it.json(&["logs", "queries"]);
    for kept in gallery.as_array().unwrap() {
        let output = it.run(&["logs", "query", kept["query"].as_str().unwrap(), "-o", "json"]);
        assert_code(&output, 0);
    }
    let tail = it.run(&[
        "logs",
        "tail",
        "--once",
        "--since",
        "P9999D",
        "Shop_CL | where Shop == 'b'",
        "-o",
        "json",
    ]);
    assert_eq!(serde_json::from_slice::<Value>(&tail.stdout).unwrap()["Shop"], "b");
    assert_code(&it.run(&["down"]), 0);
}

/// Plane and agent are killed while PostgreSQL writes: what it has written is there once.
#[test]
fn whoever_is_killed_each_event_is_there_once() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let dsn = dsn(&it);
    let (mut acknowledged, mut next, mut n_kills) = (Vec::new(), 0_u32, 0);
    let begun = Instant::now();
    while n_kills < 6 {
        assert!(begun.elapsed() < Duration::from_secs(300), "{n_kills} kills, {next} events");
        let batch = next..next + 200;
        next = batch.end;
        let sql = format!(
            "do $$ begin for n in {}..{} loop raise log 'event % of the test', n; end loop; \
             end $$",
            batch.start,
            batch.end - 1
        );
        if !psql(&dsn, &sql) {
            eventually("the server is back", || psql(&dsn, "select 1"));
            continue;
        }
        acknowledged.extend(batch);
        let process = if n_kills % 3 == 2 { "agent" } else { "plane" };
        if let Some(pid) = pid_of(&it, process) {
            kill(pid);
            n_kills += 1;
        }
    }
    eventually("the server is back", || psql(&dsn, "select 1"));
    let mark = "do $$ begin raise log 'the last event'; end $$";
    eventually("the last event is written", || psql(&dsn, mark));
    eventually("the last event is in the lake", || {
        let last = "PGSQLServerLogs | where Message == 'the last event' | count";
        number(&it, last).is_some_and(|n| n > 0)
    });
    let all = "PGSQLServerLogs | where ErrorLevel == 'LOG' \
               | parse Message with 'event ' n:int ' of the test' | where isnotnull(n) \
               | summarize times = count() by n";
    let times: BTreeMap<u64, u64> = rows(&it, all)
        .iter()
        .map(|row| (row[0].as_u64().unwrap(), row[1].as_u64().unwrap()))
        .collect();
    let lost: Vec<u32> =
        acknowledged.iter().copied().filter(|n| !times.contains_key(&u64::from(*n))).collect();
    assert_eq!(lost, [0; 0], "of {} acknowledged", acknowledged.len());
    assert!(times.values().all(|n| *n == 1), "none twice");
    assert!(acknowledged.len() >= 1000, "{} acknowledged", acknowledged.len());
    assert_code(&it.run(&["down"]), 0);
}
