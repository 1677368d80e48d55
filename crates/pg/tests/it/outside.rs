//! What leads out of the mount is found.

use pg::OutsideKind;
use testkit::{TestCluster, temp_dir};

#[tokio::test(flavor = "multi_thread")]
async fn tablespaces_links_and_archives_outside_are_found() {
    let elsewhere = temp_dir();
    let mut test = TestCluster::start().await;
    let mount = test.dir().join("mnt");
    let connection = test.connect().await;
    let found = test.cluster().find_outside_mount(&connection, &mount).await.unwrap();
    assert_eq!(found, []);

    let inside = mount.join("space");
    std::fs::create_dir(&inside).unwrap();
    let user = testkit::server_user();
    std::os::unix::fs::chown(&inside, Some(user.uid), Some(user.gid)).unwrap();
    for (name, path) in [("near", inside.as_path()), ("far", elsewhere.path())] {
        let sql = format!("create tablespace {name} location '{}'", path.display());
        connection.batch("make a tablespace", &sql).await.unwrap();
    }
    let sql = "alter system set temp_tablespaces = 'far'";
    connection.batch("use it", sql).await.unwrap();
    for (name, value) in [("archive_command", "/bin/true %p"), ("archive_mode", "on")] {
        let _ = test.cluster().set_parameter(&connection, name, value).await.unwrap();
    }
    drop(connection);
    test.stop(pg::StopMode::Fast).await;
    let wal = test.cluster().data_dir.join("pg_wal");
    let moved = elsewhere.path().join("wal");
    copy(&wal, &moved);
    std::fs::remove_dir_all(&wal).unwrap();
    std::os::unix::fs::symlink(&moved, &wal).unwrap();
    test.restart().await;

    let connection = test.connect().await;
    let found = test.cluster().find_outside_mount(&connection, &mount).await.unwrap();
    let kinds: Vec<_> = found.iter().map(|one| (one.kind, one.name.as_str())).collect();
    for expected in [
        (OutsideKind::Tablespace, "far"),
        (OutsideKind::TemporaryFiles, "temp_tablespaces"),
        (OutsideKind::Archive, "archive_command"),
        (OutsideKind::SymbolicLink, "pg_wal"),
    ] {
        assert!(kinds.contains(&expected), "{expected:?} in {kinds:?}");
    }
    assert!(!kinds.iter().any(|(_, name)| *name == "near"));
}

/// Copies a folder of files, for the server's user.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    let user = testkit::server_user();
    let give = |path: &std::path::Path| {
        std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).expect("it can be copied");
    };
    std::fs::create_dir(to).expect("it can be copied");
    give(to);
    for entry in std::fs::read_dir(from).expect("it can be copied") {
        let entry = entry.expect("it can be copied");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("it can be copied");
            give(&target);
        }
    }
}
