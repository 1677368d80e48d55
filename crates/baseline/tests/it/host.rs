//! The host belongs to the server that is asked, or nothing is said of it.

use std::fs;

use base::SystemClock;
use baseline::{Bundle, Declared, Host, Request, State, collect};

use crate::content::library;
use crate::ground::Ground;

async fn evidence(ground: &Ground, host: &Host, ids: &[&str]) -> Bundle {
    let library = library();
    let checks: Vec<_> = ids.iter().map(|id| library.check(id).expect("it is there")).collect();
    let (reader, declared) = (ground.reader("postgres"), Declared::default());
    let mut request = Request::of(&checks, &declared);
    request.sources.host = Some(host);
    let bundle = collect(&reader, &library, &request, &SystemClock, &|_| ()).await;
    bundle.expect("the cluster can be read")
}

/// The reason why a table was not read.
fn reason(bundle: &Bundle, table: &str) -> String {
    let table = &bundle.tables[table];
    assert_eq!(table.state, State::Unread);
    table.gaps[0].reason.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_data_directory_is_not_read() {
    let ground = Ground::start().await;
    let host = ground.host();
    let bundle = evidence(&ground, &host, &["FILE-01"]).await;
    assert_eq!(bundle.tables["ServerFiles"].state, State::Read);

    // A folder that is no data directory, a copy of this one that does not run, and one that runs
    // with another port.
    let (folder, _) = ground.place();
    let copy = folder.join("copy");
    fs::create_dir_all(copy.join("global")).expect("a folder of ours");
    let at = |path: &str| Host::at(folder.join("root"), folder.join(path));
    let bundle = evidence(&ground, &at("nothing"), &["FILE-01"]).await;
    assert_eq!(reason(&bundle, "ServerFiles"), "not-found");
    let control = host.pgdata().join("global/pg_control");
    fs::copy(control, copy.join("global/pg_control")).expect("it can be copied");
    let bundle = evidence(&ground, &at("copy"), &["FILE-01"]).await;
    assert_eq!(reason(&bundle, "ServerFiles"), "other-server");
    let text = fs::read_to_string(host.pgdata().join("postmaster.pid")).expect("it runs");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[3] = "1";
    fs::write(copy.join("postmaster.pid"), lines.join("\n")).expect("it can be written");
    let bundle = evidence(&ground, &at("copy"), &["FILE-01"]).await;
    assert_eq!(reason(&bundle, "ServerFiles"), "other-server");
    fs::write(copy.join("postmaster.pid"), &text).expect("it can be written");
    fs::write(copy.join("global/pg_control"), [7; 8]).expect("it can be written");
    let bundle = evidence(&ground, &at("copy"), &["FILE-01"]).await;
    assert_eq!(reason(&bundle, "ServerFiles"), "other-server");
}

/// On the machine as it is nothing is planted: what is read holds no secret of the examples', and
/// each table says either rows or what it lacks.
#[tokio::test(flavor = "multi_thread")]
async fn the_machine_of_the_test_is_read() {
    let ground = Ground::start().await;
    let host = Host::here(ground.host().pgdata());
    let library = library();
    let ids: Vec<&str> = library
        .checks()
        .filter(|check| check.topic == "files" || ["LOG-29", "PATCH-14"].contains(&&*check.id))
        .map(|check| check.id.as_str())
        .collect();
    let bundle = evidence(&ground, &host, &ids).await;
    for (name, table) in &bundle.tables {
        let says = !table.rows.is_empty() || !table.gaps.is_empty();
        assert!(says || name == "RoleSettings", "{name} is empty and lacks nothing");
        if table.state == State::Unread {
            assert!(!table.gaps.is_empty(), "{name} is unread for no reason");
        }
    }
}
