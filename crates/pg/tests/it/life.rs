//! initdb, start, stop, and starts that must fail with the right words.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use base::Secret;
use pg::{Cluster, Error, RunAs, StartCause, StopMode};
use testkit::{DEADLINE, TestCluster, eventually, quiet};

async fn failed_start(test: &TestCluster) -> (StartCause, String) {
    match test.cluster().start(&quiet, DEADLINE).await {
        Err(Error::Start { cause, detail }) => (cause, detail),
        Err(other) => panic!("another error: {:?}", other.fault()),
        Ok(postmaster) => {
            postmaster.stop_blocking(DEADLINE);
            panic!("it started");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_cluster_starts_stops_and_has_checksums() {
    let mut test = TestCluster::start().await;
    let connection = test.connect().await;
    let sql = "select current_setting('data_checksums'), current_setting('server_encoding'), \
               current_setting('password_encryption'), current_setting('log_destination'), \
               (select rolpassword like 'SCRAM-SHA-256$%' from pg_authid \
                where rolname = 'postgres')";
    let row = connection.query_one("look around", sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "on");
    assert_eq!(row.get::<_, &str>(1), "UTF8");
    assert_eq!(row.get::<_, &str>(2), "scram-sha-256");
    assert_eq!(row.get::<_, &str>(3), "jsonlog");
    assert!(row.get::<_, bool>(4));
    assert!(test.cluster().guard_rail_violations(&connection).await.unwrap().is_empty());

    let pid = test.postmaster().pid();
    let adopted = test.cluster().running().unwrap().expect("it runs");
    assert_eq!(adopted.pid(), pid);
    drop(connection);
    test.stop(StopMode::Fast).await;
    let _ = adopted.wait().await;
    assert!(test.cluster().running().unwrap().is_none());
    assert!(!test.cluster().data_dir.join("postmaster.pid").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_noticed_and_starts_again() {
    let mut test = TestCluster::start().await;
    let connection = test.connect().await;
    connection.batch("make a table", "create table t as select 1 as n").await.unwrap();
    let first = test.postmaster().clone();
    first.kill(DEADLINE).await.unwrap();
    assert_eq!(first.wait().await.signal, Some(9));
    assert!(test.cluster().data_dir.join("postmaster.pid").exists());
    test.restart().await;
    let connection = test.connect().await;
    let row = connection.query_one("count", "select count(*) from t", &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_pid_file_with_the_number_of_another_program_is_no_obstacle() {
    let mut test = TestCluster::start().await;
    test.stop(StopMode::Fast).await;
    let path = test.cluster().data_dir.join("postmaster.pid");
    fs::write(&path, format!("{}\n/nowhere\n1\n1\n\n\n\nready\n", std::process::id())).unwrap();
    assert!(test.cluster().running().unwrap().is_none());
    test.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_is_refused_and_an_orphan_can_be_stopped() {
    let test = TestCluster::start().await;
    let second = test.cluster().start(&quiet, DEADLINE).await;
    assert!(matches!(second, Err(Error::AlreadyRunning { pid }) if pid == test.postmaster().pid()));
    let orphan = test.cluster().running().unwrap().expect("it runs");
    orphan.stop(StopMode::Fast, DEADLINE).await.unwrap();
    assert_eq!(test.postmaster().wait().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smart_stop_that_has_to_wait_says_so() {
    let mut test = TestCluster::start().await;
    let connection = test.connect().await;
    let stopped = test.postmaster().stop(StopMode::Smart, Duration::from_millis(300)).await;
    assert!(matches!(stopped, Err(Error::Timeout { .. })));
    drop(connection);
    test.stop(StopMode::Fast).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let mut test = TestCluster::initialised().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    test.cluster_mut().port = listener.local_addr().unwrap().port();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::PortTaken, "{detail}");
    // A port that only PostgreSQL itself finds taken: on an address that is not looked at before.
    test.cluster_mut().listen_addresses = "127.0.0.2".to_owned();
    let listener = TcpListener::bind(("127.0.0.2", 0)).unwrap();
    test.cluster_mut().port = listener.local_addr().unwrap().port();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::PortTaken, "{detail}");
    assert!(detail.contains("Address already in use"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_and_bad_settings_are_told_apart() {
    let test = TestCluster::initialised().await;
    let data_dir = test.cluster().data_dir.clone();

    let auto = data_dir.join("postgresql.auto.conf");
    let sound = fs::read(&auto).unwrap();
    fs::write(&auto, "no_such_parameter = 1\n").unwrap();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::BadConfiguration, "{detail}");
    fs::write(&auto, "shared_buffers = '900TB'\n").unwrap();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::BadConfiguration, "{detail}");
    fs::write(&auto, "shared_buffers = '7TB'\nhuge_pages = off\n").unwrap();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::SharedMemory, "{detail}");
    fs::write(&auto, sound).unwrap();

    let pem = data_dir.join("tls/server.pem");
    let sound = fs::read(&pem).unwrap();
    let text = String::from_utf8_lossy(&sound);
    let certificate = &text[..text.find("-----BEGIN PRIVATE").unwrap()];
    fs::write(&pem, certificate).unwrap();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::Tls, "{detail}");
    fs::write(&pem, &sound).unwrap();

    let version = data_dir.join("PG_VERSION");
    let sound = fs::read(&version).unwrap();
    fs::write(&version, "12\n").unwrap();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::WrongVersion, "{detail}");
    fs::write(&version, sound).unwrap();

    let control = data_dir.join("global/pg_control");
    let sound = fs::read(&control).unwrap();
    let mut damaged = sound.clone();
    damaged[40] ^= 0xff;
    fs::write(&control, damaged).unwrap();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::DamagedData, "{detail}");
    fs::write(&control, sound).unwrap();

    let wal = data_dir.join("pg_wal");
    fs::rename(&wal, data_dir.join("elsewhere")).unwrap();
    let (cause, detail) = failed_start(&test).await;
    assert_eq!(cause, StartCause::DamagedData, "{detail}");
    fs::rename(data_dir.join("elsewhere"), &wal).unwrap();

    // Nothing was destroyed on the way.
    let postmaster = test.cluster().start(&quiet, DEADLINE).await.unwrap();
    postmaster.stop(StopMode::Fast, DEADLINE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_rail_that_fell_keeps_the_server_down() {
    let test = TestCluster::initialised().await;
    let auto = test.cluster().data_dir.join("postgresql.auto.conf");
    // Pinned switches win over the file; the floor of TLS is checked after the start.
    fs::write(&auto, "fsync = off\nssl = off\nssl_min_protocol_version = 'TLSv1'\n").unwrap();
    let fault = test.cluster().start(&quiet, DEADLINE).await.unwrap_err().fault();
    assert_eq!(fault.code, "guard_rails");
    let detail = fault.detail.unwrap();
    assert!(detail.contains("ssl_min_protocol_version"), "{detail}");
    assert!(!detail.contains("fsync"), "{detail}");
    assert!(test.cluster().running().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn initdb_spares_what_is_there_and_root_is_refused() {
    let test = TestCluster::initialised().await;
    let again = test.cluster().initdb(&Secret::new("x".to_owned()), &quiet).await;
    assert!(matches!(again, Err(Error::NotEmpty(_))));
    let old = test.cluster();
    let root = RunAs::named("root").unwrap();
    let made = Cluster::new(old.binaries.clone(), &old.data_dir, &old.socket_dir, 5432, root);
    assert!(matches!(made, Err(Error::Root)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_is_left_when_a_test_cluster_is_dropped() {
    let test = TestCluster::start().await;
    let (pid, dir) = (test.postmaster().pid(), test.dir().to_owned());
    drop(test);
    assert!(!dir.exists());
    eventually(DEADLINE, || async {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    })
    .await;
}
