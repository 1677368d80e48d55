//! The server's log as a collector reads it: through SQL, from the collector's files, from what
//! standard error goes to; and what is said where it cannot be read.

use base::SystemClock;
use baseline::{Bundle, Declared, Example, Host, Library, LogSource, Request, State, collect};
use kql::value::Json;

use crate::content::library;
use crate::ground::{Ground, MONITOR};

/// What reads `LoginHistory` and `LogWindow`.
const CHECK: &str = "TLS-14";

fn example(text: &str) -> Example {
    toml::from_str(&format!("verdict = \"pass\"\n{text}")).expect("an example")
}

async fn read(
    ground: &Ground,
    library: &Library,
    role: &'static str,
    host: Option<&Host>,
    log: Option<&LogSource>,
) -> Bundle {
    let (reader, declared) = (ground.reader(role), Declared::default());
    let checks = [library.check(CHECK).expect("it is there")];
    let mut request = Request::of(&checks, &declared);
    (request.sources.host, request.sources.log) = (host, log);
    let bundle = collect(&reader, library, &request, &SystemClock, &|_| ()).await;
    bundle.expect("the cluster can be read")
}

/// Whether the sign-in of a role is in the bundle.
fn has(bundle: &Bundle, role: &str) -> bool {
    let table = &bundle.tables["LoginHistory"];
    assert_eq!(table.state, State::Read, "{:?}", table.gaps);
    let at = table.columns.iter().position(|column| column.name == "role").expect("a column");
    table.rows.iter().any(|row| row[at] == Json::String(role.into()))
}

/// Why it is not: reason and cure.
fn why(bundle: &Bundle) -> (String, String) {
    let table = &bundle.tables["LoginHistory"];
    assert_eq!((table.state, table.rows.len()), (State::Unread, 0));
    let gap = &table.gaps[0];
    (gap.reason.clone(), gap.cure.clone().unwrap_or_default())
}

/// One value of `LogWindow`.
fn window(bundle: &Bundle, column: &str) -> Json {
    let table = &bundle.tables["LogWindow"];
    let at = table.columns.iter().position(|found| found.name == column).expect("a column");
    table.rows[0][at].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_by_whatever_way_there_is() {
    let library = library();
    let mut ground = Ground::start().await;
    let host = ground.host();
    let log = LogSource::default();

    // Without a collector: what the server's standard error goes to, on the host only.
    let plain = example("set = { log_connections = \"on\" }");
    ground.make(&plain).await.expect("an example");
    let bundle = read(&ground, &library, "postgres", Some(&host), Some(&log)).await;
    assert!(has(&bundle, "postgres"));
    assert!(bundle.tables["LoginHistory"].statement.contains("(files, "));
    let (reason, cure) = why(&read(&ground, &library, "postgres", None, Some(&log)).await);
    assert_eq!((reason.as_str(), cure.contains("--pgdata")), ("no-collector", true));
    let (reason, _) = why(&read(&ground, &library, "postgres", Some(&host), None).await);
    assert_eq!(reason, "no-collector");
    ground.clean(&plain).await.expect("it can be cleaned");

    for destination in ["csvlog", "jsonlog", "stderr"] {
        let collected = example(&format!(
            "set = {{ log_connections = \"on\", logging_collector = \"on\", log_destination = \
             \"{destination}\", log_directory = \"log-{destination}\" }}"
        ));
        ground.make(&collected).await.expect("an example");
        for host in [None, Some(&host)] {
            let bundle = read(&ground, &library, "postgres", host, Some(&log)).await;
            assert!(has(&bundle, "postgres"), "{destination}");
            assert_eq!(window(&bundle, "unread"), Json::Long(0), "{destination}");
            assert_ne!(window(&bundle, "connections_from"), Json::Null, "{destination}");
        }
        if destination == "csvlog" {
            through_sql_by_a_right(&ground, &library).await;
            // A limit makes the time shorter that the log speaks for, and says so.
            let little = LogSource::days(30).at_most(2000);
            let bundle = read(&ground, &library, "postgres", None, Some(&little)).await;
            assert_eq!(window(&bundle, "bytes"), Json::Long(2000));
            assert!(has(&bundle, "postgres"));
        }
        ground.clean(&collected).await.expect("it can be cleaned");
    }
}

/// `pg_monitor` lists the log's files; reading them takes one more right, which is named.
async fn through_sql_by_a_right(ground: &Ground, library: &Library) {
    let log = LogSource::default();
    ground.monitor().await.expect("a role");
    let (reason, cure) = why(&read(ground, library, MONITOR, None, Some(&log)).await);
    assert_eq!(reason, "missing-right");
    let admin = ground.admin("postgres").await;
    admin.batch("give the right", &cure).await.expect("the cure can be taken as it is");
    let bundle = read(ground, library, MONITOR, None, Some(&log)).await;
    assert!(has(&bundle, MONITOR));
}
