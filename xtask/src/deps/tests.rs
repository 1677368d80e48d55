//! The judgement of a machine, on made-up machines.

use std::path::PathBuf;

use super::host::Host;
use super::{Need, PRODUCT, apt, list};

/// A folder that looks like a machine and goes away with the value.
struct Machine(PathBuf);

impl Machine {
    fn with(name: &str, files: &[&str]) -> Self {
        let root = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        for file in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::create_dir_all(&root).unwrap();
        Self(root)
    }

    fn host(&self) -> Host {
        Host::at(&self.0)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_empty_machine_lacks_everything() {
    let machine = Machine::with("empty", &[]);
    assert!(!machine.host().is_debian);
    assert!(PRODUCT.iter().all(|need| !machine.host().has(*need)));
}

#[test]
fn a_full_machine_lacks_nothing() {
    let machine = Machine::with(
        "full",
        &[
            "usr/bin/apt-get",
            "usr/lib/postgresql/16/bin/initdb",
            "usr/lib/postgresql/16/bin/postgres",
            "usr/share/postgresql/16/extension/amcheck.control",
            "usr/share/postgresql/16/extension/pgaudit.control",
            "usr/bin/fusermount3",
            "usr/bin/pgbackrest",
            "usr/bin/node",
            "usr/bin/npm",
            "usr/lib/x86_64-linux-gnu/libnss_myhostname.so.2",
        ],
    );
    let host = machine.host();
    assert_eq!(host.major, Some(16));
    assert!(host.is_debian);
    assert!(PRODUCT.iter().all(|need| host.has(*need)));
    assert!(!host.has(Need::Acl));
}

#[test]
fn finds_a_library_wherever_it_lies() {
    for place in ["usr/lib/aarch64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib64", "usr/lib"] {
        let file = format!("{place}/libnss_myhostname.so.2");
        let machine = Machine::with(&format!("nss-{}", place.replace('/', "-")), &[&file]);
        assert!(machine.host().has(Need::MyHostname), "{place}");
        assert!(!machine.host().has(Need::SoftHsm), "{place}");
    }
}

#[test]
fn the_audit_extension_must_fit_the_server() {
    let machine = Machine::with(
        "audit",
        &[
            "usr/lib/postgresql/17/bin/initdb",
            "usr/lib/postgresql/17/bin/postgres",
            "usr/share/postgresql/16/extension/pgaudit.control",
        ],
    );
    assert!(machine.host().has(Need::Postgres));
    assert!(!machine.host().has(Need::PgAudit));
    assert_eq!(Need::PgAudit.packages(17), ["postgresql-17-pgaudit"]);
}

#[test]
fn an_unsupported_server_does_not_count() {
    let machine = Machine::with(
        "old",
        &["usr/lib/postgresql/12/bin/initdb", "usr/lib/postgresql/12/bin/postgres"],
    );
    assert_eq!(machine.host().major, None);
}

#[test]
fn reads_the_candidate() {
    assert_eq!(apt::major_in("postgresql\n  Depends: postgresql-15\n"), Some(15));
    assert_eq!(apt::major_in("postgresql\n  Suggests: postgresql-doc\n"), None);
    assert_eq!(apt::major_in("  Depends: postgresql-99\n"), None);
}

#[test]
fn the_list_says_what_for() {
    let text = list(&[Need::Fuse, Need::Node], 15);
    assert!(text.starts_with("fuse3 (mounts"), "{text}");
    assert!(text.contains("nodejs and npm"), "{text}");
}
