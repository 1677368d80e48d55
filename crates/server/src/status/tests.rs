//! The connection string and the bounded lists of `show`.

use super::*;
use crate::record::tests::sample;

#[test]
fn the_connection_string_verifies_and_holds_no_password() {
    let layout = Layout::new("/srv/pg keep", ServerName::new("demo").unwrap());
    let mut record = sample();
    assert_eq!(
        dsn(&layout, &record),
        "postgresql://postgres@localhost:5432/postgres?sslmode=verify-full\
         &sslrootcert=/srv/pg%20keep/ca.pem&passfile=/srv/pg%20keep/servers/demo/pgpass"
    );
    record.tls.source = TlsSource::Own;
    record.tls.host = "db.example.com".to_owned();
    let own = dsn(&layout, &record);
    assert!(own.contains("@db.example.com:5432/"), "{own}");
    assert!(own.contains("servers/demo/own-ca.pem"), "{own}");
    assert!(own.ends_with("&hostaddr=127.0.0.1"), "{own}");
}

#[test]
fn tampers_are_counted_but_kept_once_a_unit_and_bounded() {
    let mut facts = Facts::default();
    let tamper = |unit| Tamper {
        found_at: Timestamp::UNIX_EPOCH,
        file: "base/1/2".to_owned(),
        unit: Some(unit),
        reason: "code".to_owned(),
    };
    assert!(facts.add_tamper(tamper(1)));
    assert!(!facts.add_tamper(tamper(1)));
    for unit in 0..500 {
        facts.add_tamper(tamper(unit));
    }
    assert_eq!((facts.n_tampers, facts.tampers.len()), (502, MAX_TAMPERS));
    assert!(facts.all_warnings()[0].contains("502"));
}

#[test]
fn warnings_replace_each_other_by_subject() {
    let mut facts = Facts::default();
    assert!(!facts.warn("swap", vec![]));
    assert!(facts.warn("swap", vec!["one".to_owned()]));
    assert!(!facts.warn("swap", vec!["one".to_owned()]));
    assert!(facts.warn("swap", vec!["two".to_owned()]));
    assert_eq!(facts.all_warnings(), ["two"]);
    assert!(facts.warn("swap", vec![]));
    assert!(facts.all_warnings().is_empty());
}

#[test]
fn show_has_the_shape_of_the_contract() {
    let layout = Layout::new("/srv/pgkeep", ServerName::new("demo").unwrap());
    let state = StateRecord {
        state: base::ServerState::Ready,
        reason: String::new(),
        since: Timestamp::UNIX_EPOCH,
    };
    let shown = show(&layout, &sample(), &state, &Facts::default(), true);
    let value = serde_json::to_value(&shown).unwrap();
    for path in [
        "/name",
        "/state",
        "/state_reason",
        "/state_since",
        "/port",
        "/dsn",
        "/data_encryption/mode",
        "/data_encryption/key_uri",
        "/data_encryption/key_version",
        "/data_encryption/identity",
        "/data_encryption/last_validated_at",
        "/storage/engine",
        "/storage/backing_dir",
        "/storage/mount_dir",
        "/tls/require_secure_transport",
        "/tls/min_protocol_version",
    ] {
        assert!(value.pointer(path).is_some(), "{path} is missing");
    }
    assert_eq!(value["state"], "Ready");
    assert_eq!(value["data_encryption"]["mode"], "SystemManaged");
    assert_eq!(serde_json::from_value::<Show>(value).unwrap(), shown);
}
