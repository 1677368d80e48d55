//! The seal: first start, restart, missing and wrong keys, interrupted first start, tampering.

use rusqlite::Connection;

use super::*;
use crate::{SealKey, SealSource};

#[test]
fn is_made_once_and_opens_again() {
    let folder = Folder::new();
    assert_eq!(folder.open().status().0, State::Uninitialized);
    let vault = folder.filled();
    assert_eq!(vault.initialize(OWN).unwrap(), Changed::Unchanged);
    let wrapped = wrapped(&vault);
    let ca = vault.ca_pem().unwrap();
    drop(vault);
    let vault = folder.open();
    assert_eq!(vault.status(), (State::Unsealed, String::new()));
    assert_eq!(vault.ca_pem().unwrap(), ca);
    let key = vault.unwrap(AGENT, &name("a"), &wrapped.bytes).unwrap();
    assert_eq!(key.expose(), data_key(7).expose());
}

#[test]
fn no_key_lies_in_clear() {
    let folder = Folder::new();
    let vault = folder.filled();
    wrapped(&vault);
    drop(vault);
    let bytes = all_bytes(folder.dir.path());
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(&[7; 32]), "the data key");
    // What every PKCS #8 RSA key begins with: the algorithm's identifier.
    assert!(!holds(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]), "the RSA key");
    assert!(holds(b"server"), "the search finds what is there");
}

#[test]
fn stays_sealed_until_unsealed() {
    let folder = Folder::new();
    let vault = folder.filled();
    expect_forbidden(vault.seal(AGENT));
    expect_forbidden(vault.seal(PLANE));
    assert_eq!(vault.seal(OPERATOR).unwrap(), Changed::Changed);
    assert_eq!(vault.seal(OPERATOR).unwrap(), Changed::Unchanged);
    drop(vault);
    let vault = folder.open();
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
    let vault = folder.open();
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
    let vault = folder.open();
    assert_eq!(vault.status().0, State::Uninitialized);
    assert_eq!(vault.initialize(OWN).unwrap(), Changed::Changed);
    drop(vault);
    assert_eq!(folder.open().status().0, State::Unsealed);
}

/// Changes the store behind the vault's back.
fn tamper(folder: &Folder, sql: &str) {
    let connection = Connection::open(folder.path("vault.db")).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn changed_records_are_noticed() {
    let kinds = [
        ("service", "service/"),
        ("server", "server/"),
        ("domain", "domain/"),
        ("book", "book/"),
        ("root", "does not open"),
    ];
    for (kind, word) in kinds {
        let folder = Folder::new();
        drop(folder.filled());
        let connection = Connection::open(folder.path("vault.db")).unwrap();
        let read = "SELECT name, body FROM record WHERE kind = ?1 ORDER BY name LIMIT 1";
        let (name, mut body): (String, Vec<u8>) =
            connection.query_row(read, [kind], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let last = body.len() - 1;
        body[last] ^= 1;
        let write = "UPDATE record SET body = ?3 WHERE kind = ?1 AND name = ?2";
        connection.execute(write, rusqlite::params![kind, name, body]).unwrap();
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
        "UPDATE record SET body = (SELECT body FROM record WHERE kind = 'server' AND name = 'b')
          WHERE kind = 'server' AND name = 'a'",
    );
    expect_sealed(&folder.open(), "server/a");
}

#[test]
fn records_that_are_missing_added_or_put_back_are_noticed() {
    for sql in [
        "DELETE FROM record WHERE kind = 'server' AND name = 'b'",
        "DELETE FROM record WHERE kind = 'outbox'",
        "UPDATE record SET generation = generation + 1 WHERE kind = 'server' AND name = 'b'",
        "INSERT INTO record SELECT kind, 'c', version, generation, body FROM record
          WHERE kind = 'server' AND name = 'b'",
        "UPDATE record SET version = '2' WHERE kind = 'service'",
    ] {
        let folder = Folder::new();
        drop(folder.filled());
        tamper(&folder, sql);
        expect_sealed(&folder.open(), "put back or cut");
    }
    // An older body of the same record, with its own generation.
    let folder = Folder::new();
    let vault = folder.filled();
    let kv = vault.key_vaults();
    let (identity, _) = kv.identity_create(OPERATOR, "i", &Attestation::default()).unwrap();
    drop((vault, kv));
    let old: (i64, Vec<u8>) = {
        let connection = Connection::open(folder.path("vault.db")).unwrap();
        let read = "SELECT generation, body FROM record WHERE kind = 'identity'";
        connection.query_row(read, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    let vault = folder.open();
    let _ = vault.key_vaults().identity_enable(OPERATOR, &identity.name, false).unwrap();
    drop(vault);
    let connection = Connection::open(folder.path("vault.db")).unwrap();
    let write = "UPDATE record SET generation = ?1, body = ?2 WHERE kind = 'identity'";
    assert_eq!(connection.execute(write, rusqlite::params![old.0, old.1]).unwrap(), 1);
    drop(connection);
    expect_sealed(&folder.open(), "put back or cut");
}

#[test]
fn an_older_copy_of_the_store_is_noticed() {
    let folder = Folder::new();
    drop(folder.filled());
    let (db, counter) = (folder.path("vault.db"), folder.path("vault.counter"));
    let (old_db, old_counter) = (std::fs::read(&db).unwrap(), std::fs::read(&counter).unwrap());
    let vault = folder.open();
    let _ = vault.release(PLANE, &name("b")).unwrap();
    let _ = vault.release(PLANE, &name("a")).unwrap();
    drop(vault);
    let (new_db, new_counter) = (std::fs::read(&db).unwrap(), std::fs::read(&counter).unwrap());
    std::fs::write(&db, &old_db).unwrap();
    expect_sealed(&folder.open(), "counter");
    // The counter put back as well: the audit still knows.
    std::fs::write(&counter, &old_counter).unwrap();
    expect_sealed(&folder.open(), "audit");
    // The counter alone, or none.
    std::fs::write(&db, &new_db).unwrap();
    expect_sealed(&folder.open(), "counter");
    std::fs::remove_file(&counter).unwrap();
    expect_sealed(&folder.open(), "counter");
    std::fs::write(&counter, new_counter).unwrap();
    assert_eq!(folder.open().status().0, State::Unsealed);
}

#[test]
fn one_process_has_the_store() {
    let folder = Folder::new();
    let vault = folder.filled();
    assert!(SqliteStore::open(&folder.path("vault.db")).is_err());
    drop(vault);
    assert!(SqliteStore::open(&folder.path("vault.db")).is_ok());
}
