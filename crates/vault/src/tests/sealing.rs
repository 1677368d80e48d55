//! The seal: first start, restart, missing and wrong keys, interrupted first start, tampering.

use rusqlite::Connection;

use super::*;
use crate::{SealKey, SealSource};

#[test]
fn is_made_once_and_opens_again() {
    let folder = Folder::new();
    assert_eq!(folder.open().status().0, State::Uninitialized);
    let mut vault = folder.filled();
    assert_eq!(vault.initialize(OWN).unwrap(), Changed::Unchanged);
    let wrapped = wrapped(&mut vault);
    let ca = vault.ca_pem().unwrap().to_owned();
    drop(vault);
    let mut vault = folder.open();
    assert_eq!(vault.status(), (State::Unsealed, String::new()));
    assert_eq!(vault.ca_pem().unwrap(), ca);
    let key = vault.unwrap(AGENT, &name("a"), &wrapped.bytes).unwrap();
    assert_eq!(key.expose(), data_key(7).expose());
}

#[test]
fn no_key_lies_in_clear() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    wrapped(&mut vault);
    drop(vault);
    let bytes = all_bytes(folder.dir.path());
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(&[7; 32]), "the data key");
    // What every PKCS #8 RSA key begins with: the algorithm's identifier.
    assert!(!holds(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]), "the RSA key");
    assert!(holds(b"identity"), "the search finds what is there");
}

#[test]
fn stays_sealed_until_unsealed() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    expect_forbidden(vault.seal(AGENT));
    expect_forbidden(vault.seal(PLANE));
    assert_eq!(vault.seal(OPERATOR).unwrap(), Changed::Changed);
    assert_eq!(vault.seal(OPERATOR).unwrap(), Changed::Unchanged);
    drop(vault);
    let mut vault = folder.open();
    expect_sealed(&vault, "operator");
    let refused = vault.wrap(AGENT, &name("a"), &data_key(1));
    assert!(matches!(refused, Err(Error::Sealed(_))), "{refused:?}");
    expect_forbidden(vault.unseal(AGENT));
    assert_eq!(vault.unseal(OPERATOR).unwrap(), Changed::Changed);
    assert_eq!(vault.unseal(OPERATOR).unwrap(), Changed::Unchanged);
    drop(vault);
    assert_eq!(folder.open().status().0, State::Unsealed);
}

#[test]
fn a_missing_seal_key_seals_and_nothing_is_made_over_old_data() {
    let folder = Folder::new();
    drop(folder.filled());
    let (key, aside) = (folder.path("seal.key"), folder.path("aside"));
    std::fs::rename(&key, &aside).unwrap();
    let mut vault = folder.open();
    expect_sealed(&vault, "seal.key");
    assert!(matches!(vault.initialize(OWN), Err(Error::Sealed(_))));
    assert!(matches!(vault.unseal(OPERATOR), Err(Error::Sealed(_))));
    assert!(!key.exists(), "no fresh key");
    std::fs::rename(&aside, &key).unwrap();
    assert_eq!(vault.unseal(OPERATOR).unwrap(), Changed::Changed);
}

#[test]
fn a_missing_store_seals() {
    let folder = Folder::new();
    drop(folder.filled());
    std::fs::remove_file(folder.path("vault.db")).unwrap();
    let _ = std::fs::remove_file(folder.path("vault.db-wal"));
    expect_sealed(&folder.open(), "vault.db is missing");
}

#[test]
fn a_wrong_or_loose_seal_key_seals() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    drop(folder.filled());
    let path = folder.path("seal.key");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, [1; 32]).unwrap();
    expect_sealed(&folder.open(), "does not open");
    std::fs::write(&path, &good[..31]).unwrap();
    expect_sealed(&folder.open(), "31 bytes");
    std::fs::write(&path, &good).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    expect_sealed(&folder.open(), "640");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(folder.open().status().0, State::Unsealed);
}

#[test]
fn an_interrupted_first_start_is_taken_up() {
    // Ended after the store was written, before the key was put in use.
    let folder = Folder::new();
    drop(folder.filled());
    std::fs::rename(folder.path("seal.key"), folder.path("seal.key.new")).unwrap();
    assert_eq!(folder.open().status().0, State::Unsealed);
    assert!(folder.path("seal.key").exists());
    // Ended before the store was written.
    let folder = Folder::new();
    let seal = SealFile::new(folder.path("seal.key"));
    seal.write_pending(&SealKey::new([3; 32])).unwrap();
    let mut vault = folder.open();
    assert_eq!(vault.status().0, State::Uninitialized);
    assert_eq!(vault.initialize(OWN).unwrap(), Changed::Changed);
    drop(vault);
    assert_eq!(folder.open().status().0, State::Unsealed);
}

#[test]
fn a_key_in_use_is_never_replaced() {
    let folder = Folder::new();
    drop(folder.filled());
    let before = std::fs::read(folder.path("seal.key")).unwrap();
    let seal = SealFile::new(folder.path("seal.key"));
    seal.write_pending(&SealKey::new([3; 32])).unwrap();
    assert!(seal.commit().is_err());
    assert_eq!(std::fs::read(folder.path("seal.key")).unwrap(), before);
}

/// Changes the store behind the vault's back.
fn tamper(folder: &Folder, sql: &str) {
    let connection = Connection::open(folder.path("vault.db")).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn changed_records_are_noticed() {
    for (kind, word) in [("key", "key/"), ("ca", "ca/"), ("root", "does not open")] {
        let folder = Folder::new();
        drop(folder.filled());
        let connection = Connection::open(folder.path("vault.db")).unwrap();
        let read = "SELECT body FROM record WHERE kind = ?1 ORDER BY name LIMIT 1";
        let mut body: Vec<u8> = connection.query_row(read, [kind], |row| row.get(0)).unwrap();
        body[20] ^= 1;
        let write = "UPDATE record SET body = ?2 WHERE name =
                     (SELECT name FROM record WHERE kind = ?1 ORDER BY name LIMIT 1)";
        connection.execute(write, rusqlite::params![kind, body]).unwrap();
        drop(connection);
        expect_sealed(&folder.open(), word);
    }
}

#[test]
fn records_cannot_stand_in_for_each_other() {
    // The identity of b under the name of a would give b's OS user the key of a.
    let folder = Folder::new();
    drop(folder.filled());
    tamper(
        &folder,
        "UPDATE record SET body = (SELECT body FROM record WHERE kind = 'identity' AND name = 'b')
          WHERE kind = 'identity' AND name = 'a'",
    );
    let outcome = folder.open().wrap(OTHER_AGENT, &name("a"), &data_key(1));
    assert!(matches!(outcome, Err(Error::Tampered(_))), "{outcome:?}");
    // An older record as a newer version.
    let folder = Folder::new();
    drop(folder.filled());
    tamper(&folder, "UPDATE record SET version = 2 WHERE kind = 'key'");
    expect_sealed(&folder.open(), "key/");
}

#[test]
fn one_process_has_the_store() {
    let folder = Folder::new();
    let vault = folder.filled();
    assert!(SqliteStore::open(&folder.path("vault.db")).is_err());
    drop(vault);
    assert!(SqliteStore::open(&folder.path("vault.db")).is_ok());
}
