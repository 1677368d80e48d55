//! Server parameters: listed, set, refused, taken back.

use base::{Changed, ExitCode};
use pg::{Error, StopMode, parameter, parameters};
use testkit::TestCluster;

#[tokio::test(flavor = "multi_thread")]
async fn dynamic_and_static_parameters_are_set_and_reset() {
    let mut test = TestCluster::start().await;
    let connection = test.connect().await;
    let cluster = test.cluster();

    let set = cluster.set_parameter(&connection, "Work_Mem", "64MB").await.unwrap();
    assert_eq!((set.name.as_str(), set.value.as_str()), ("work_mem", "65536"));
    assert_eq!((set.changed, set.needs_restart), (Changed::Changed, false));
    let again = cluster.set_parameter(&connection, "work_mem", "64MB").await.unwrap();
    assert_eq!(again.changed, Changed::Unchanged);
    let fresh = test.connect().await;
    let row = fresh.query_one("show", "select current_setting('work_mem')", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "64MB");

    let set = cluster.set_parameter(&connection, "max_connections", "77").await.unwrap();
    assert!(set.needs_restart);
    assert!(parameter(cluster, &connection, "max_connections").await.unwrap().pending_restart);

    // Our own session has another value; what a new session gets is what counts.
    let set = cluster.set_parameter(&connection, "statement_timeout", "5min").await.unwrap();
    assert_eq!((set.value.as_str(), set.changed), ("300000", Changed::Changed));
    let set = cluster.reset_parameter(&connection, "statement_timeout").await.unwrap();
    assert_eq!((set.value.as_str(), set.changed), ("0", Changed::Changed));
    let set = cluster.reset_parameter(&connection, "statement_timeout").await.unwrap();
    assert_eq!(set.changed, Changed::Unchanged);

    let set = cluster
        .set_parameter(&connection, "shared_preload_libraries", "pgaudit,pg_stat_statements")
        .await
        .unwrap();
    assert!(set.needs_restart);

    drop((connection, fresh));
    test.stop(StopMode::Fast).await;
    test.restart().await;
    let connection = test.connect().await;
    let found = parameter(test.cluster(), &connection, "max_connections").await.unwrap();
    assert_eq!((found.value.as_str(), found.pending_restart), ("77", false));
    let sql = "create extension pg_stat_statements; select * from pg_stat_statements limit 1";
    connection.batch("use the preloaded library", sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_values_names_and_guard_rails_are_refused_and_leave_nothing() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    let cluster = test.cluster();
    let auto = cluster.data_dir.join("postgresql.auto.conf");
    let before = std::fs::read(&auto).unwrap();

    let error = cluster.set_parameter(&connection, "work_mem", "a lot").await.unwrap_err();
    let fault = error.fault();
    assert!(matches!(error, Error::Rejected { .. }));
    assert!(fault.message.contains("invalid value"), "{}", fault.message);
    let error = cluster.set_parameter(&connection, "max_connections", "-3").await.unwrap_err();
    assert!(error.to_string().contains("outside the valid range"), "{error}");

    let fault = cluster.set_parameter(&connection, "wrok_mem", "1MB").await.unwrap_err().fault();
    assert_eq!(fault.exit, ExitCode::NotFound);
    assert_eq!(fault.hint.as_deref(), Some("did you mean work_mem?"));
    let quote = cluster.set_parameter(&connection, "x\"; drop table t; --", "1").await;
    assert!(matches!(quote, Err(Error::UnknownParameter { .. })));

    let error = cluster.set_parameter(&connection, "block_size", "4096").await.unwrap_err();
    assert!(matches!(error, Error::FixedParameter { .. }));
    for (name, value) in [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("ssl", "off"),
        ("log_directory", "/var/log/postgresql"),
        ("ssl_min_protocol_version", "TLSv1.1"),
        ("shared_preload_libraries", "pgaudit, no_such_library"),
    ] {
        let fault = cluster.set_parameter(&connection, name, value).await.unwrap_err().fault();
        assert_eq!((fault.code.as_str(), fault.exit), ("guard_rail", ExitCode::Forbidden));
        assert!(fault.detail.is_some() && fault.hint.is_some(), "{name}");
    }
    assert_eq!(std::fs::read(&auto).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_in_a_value_stays_in_the_value() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    let value = r"it's \' ; alter system set fsync = off; --";
    let set = test.cluster().set_parameter(&connection, "log_line_prefix", value).await.unwrap();
    assert_eq!(set.value, value);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_holds_postgres_own_and_ours() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    let all = parameters(test.cluster(), &connection).await.unwrap();
    assert!(all.len() > 300);
    assert!(all.is_sorted_by(|one, other| one.name <= other.name));
    let find = |name: &str| all.iter().find(|found| found.name == name).expect("it is listed");
    assert_eq!(find("require_secure_transport").value, "on");
    assert_eq!(find("application_name").value, "");
    assert_eq!(find("statement_timeout").value, "0");
    assert_eq!(find("ssl_min_protocol_version").value, "TLSv1.2");
    assert!(find("ssl_min_protocol_version").dynamic);
    assert!(!find("shared_buffers").dynamic);
    assert!(find("wal_level").allowed_values.iter().any(|word| word == "logical"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_says_what_would_come_and_changes_nothing() {
    let test = TestCluster::start().await;
    let (cluster, connection) = (test.cluster(), test.connect().await);
    for (name, value, changed, restart) in [
        ("work_mem", "8MB", Changed::Changed, false),
        ("max_connections", "50", Changed::Changed, true),
        ("require_secure_transport", "on", Changed::Unchanged, false),
    ] {
        let would = cluster.try_parameter(&connection, name, Some(value)).await.unwrap();
        assert_eq!((would.changed, would.needs_restart), (changed, restart), "{would:?}");
    }
    let before = parameters(cluster, &connection).await.unwrap();
    for (name, value) in [
        ("work_mem", "1kB"),
        ("work_mem", "much"),
        ("max_connections", "0"),
        ("wal_level", "none"),
        ("fsync", "off"),
        ("fsync_", "on"),
        ("server_version", "1"),
        ("log_directory", "/tmp"),
        ("listen_addresses", "192.0.2.1"),
        ("search_path", "a\nb"),
    ] {
        let outcome = cluster.try_parameter(&connection, name, Some(value)).await;
        assert!(outcome.is_err(), "{name} = {value}: {outcome:?}");
    }
    let reset = cluster.try_parameter(&connection, "work_mem", None).await.unwrap();
    assert_eq!(reset.changed, Changed::Unchanged);
    assert_eq!(before, parameters(cluster, &connection).await.unwrap());
    let auto = std::fs::read_to_string(cluster.data_dir.join("postgresql.auto.conf")).unwrap();
    assert!(!auto.contains("work_mem") && !auto.contains("max_connections"), "{auto}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_parameter_says_when_it_takes_effect_and_what_pgkeep_allows() {
    let test = TestCluster::start().await;
    let (cluster, connection) = (test.cluster(), test.connect().await);
    let of = async |name| parameter(cluster, &connection, name).await.unwrap();
    assert_eq!(of("shared_buffers").await.effect, pg::Effect::Restart);
    assert_eq!(of("log_connections").await.effect, pg::Effect::NewSessions);
    assert_eq!(of("work_mem").await.effect, pg::Effect::Immediate);
    assert_eq!(of("block_size").await.effect, pg::Effect::Never);
    let fsync = of("fsync").await;
    assert!(fsync.read_only && fsync.guard.unwrap().contains("crash"));
    assert!(of("work_mem").await.guard.is_none());
    let ciphers = of("ssl_ciphers").await;
    assert!(!ciphers.read_only && ciphers.guard.is_some());
}
