//! Guard rails by their text alone; the live ones are in `tests/it`.

use std::path::{Path, PathBuf};

use crate::{Binaries, Cluster, RunAs, Version};

fn cluster(major: u32) -> Cluster {
    let binaries = Binaries {
        bin_dir: PathBuf::from("/opt/pg/bin"),
        library_dir: PathBuf::from("/nowhere"),
        version: Version { major, minor: 0 },
        pgaudit: true,
    };
    let user = RunAs { name: "someone".to_owned(), uid: 4711, gid: 4711 };
    Cluster::new(binaries, Path::new("/srv/data"), Path::new("/srv/sock"), 5432, user)
        .expect("a plain location")
}

#[test]
fn refuses_what_takes_a_protection_away() {
    let cases = [
        ("fsync", "off"),
        ("fsync", "0"),
        ("full_page_writes", "false"),
        ("ssl", "off"),
        ("data_directory", "/srv/other"),
        ("log_directory", "/var/log"),
        ("log_directory", "../log"),
        ("log_directory", "/srv/data/../log"),
        ("log_directory", ""),
        ("password_encryption", "md5"),
        ("ssl_min_protocol_version", "TLSv1.1"),
        ("ssl_min_protocol_version", ""),
        ("ssl_max_protocol_version", "TLSv1"),
        ("ssl_ciphers", "ALL"),
        ("ssl_ciphers", ""),
        ("ssl_ciphers", "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA"),
        ("shared_preload_libraries", ""),
        ("shared_preload_libraries", "pgaudit, no_such_library"),
        ("log_destination", "syslog"),
        ("log_destination", "jsonlog, stderr"),
        ("recovery_init_sync_method", "syncfs"),
    ];
    for (name, value) in cases {
        assert!(cluster(15).check_value(name, value).is_err(), "{name} = {value}");
    }
}

#[test]
fn allows_the_rest() {
    let cases = [
        ("fsync", "on"),
        ("fsync", "TRUE"),
        ("log_directory", "log/today"),
        ("log_directory", "/srv/data/log"),
        ("ssl_min_protocol_version", "TLSv1.3"),
        ("ssl_max_protocol_version", ""),
        ("ssl_ciphers", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("work_mem", "64MB"),
        ("password_encryption", "scram-sha-256"),
    ];
    for (name, value) in cases {
        assert!(cluster(15).check_value(name, value).is_ok(), "{name} = {value}");
    }
}

#[test]
fn pins_what_the_version_knows() {
    let names = |major| cluster(major).pinned().into_iter().map(|(n, _)| n).collect::<Vec<_>>();
    assert!(!names(13).contains(&"recovery_init_sync_method"));
    assert!(names(14).contains(&"recovery_init_sync_method"));
    let log = |major| {
        let pinned = cluster(major).pinned();
        pinned.into_iter().find(|(name, _)| *name == "log_destination").map(|(_, value)| value)
    };
    assert_eq!(log(14).as_deref(), Some("csvlog"));
    assert_eq!(log(15).as_deref(), Some("jsonlog"));
}
