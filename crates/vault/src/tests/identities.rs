//! Who gets which key, and that each attempt is heard.

use super::*;

#[test]
fn a_key_opens_for_its_server_and_user_only() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    let wrapped = wrapped(&mut vault);
    let mut unwrap = |caller, server: &str| vault.unwrap(caller, &name(server), &wrapped.bytes);
    assert_eq!(unwrap(AGENT, "a").unwrap().expose(), data_key(7).expose());
    expect_forbidden(unwrap(OTHER_AGENT, "a"));
    expect_forbidden(unwrap(OTHER_AGENT, "b"));
    expect_forbidden(unwrap(AGENT, "b"));
    expect_forbidden(unwrap(AGENT, "nobody"));
    expect_forbidden(unwrap(PLANE, "a"));
    expect_forbidden(unwrap(OPERATOR, "a"));
}

#[test]
fn servers_of_one_user_do_not_share_keys() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    let _ = vault.key_create(PLANE, &name("c"), AGENT.uid).unwrap();
    let wrapped = wrapped(&mut vault);
    expect_forbidden(vault.unwrap(AGENT, &name("c"), &wrapped.bytes));
    let mut damaged = wrapped.bytes;
    damaged[100] ^= 1;
    expect_forbidden(vault.unwrap(AGENT, &name("a"), &damaged));
    expect_forbidden(vault.unwrap(AGENT, &name("a"), &[]));
}

#[test]
fn only_data_keys_are_wrapped() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    for length in [0, 31, 33, 64, 1000] {
        let outcome = vault.wrap(AGENT, &name("a"), &Secret::new(vec![1; length]));
        assert!(matches!(outcome, Err(Error::BadRequest(_))), "{length}");
    }
}

#[test]
fn identities_are_made_and_released_by_the_plane() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    expect_forbidden(vault.key_create(AGENT, &name("x"), AGENT.uid));
    expect_forbidden(vault.release(AGENT, &name("b")));
    let (_, again) = vault.key_create(PLANE, &name("a"), AGENT.uid).unwrap();
    assert_eq!(again, Changed::Unchanged);
    let taken = vault.key_create(PLANE, &name("a"), OTHER_AGENT.uid);
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let wrapped = wrapped(&mut vault);
    assert_eq!(vault.release(PLANE, &name("a")).unwrap(), Changed::Changed);
    assert_eq!(vault.release(OPERATOR, &name("a")).unwrap(), Changed::Unchanged);
    expect_forbidden(vault.unwrap(AGENT, &name("a"), &wrapped.bytes));
}

#[test]
fn each_attempt_is_heard_with_its_outcome() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    let wrapped = wrapped(&mut vault);
    let _ = vault.unwrap(OTHER_AGENT, &name("a"), &wrapped.bytes);
    let _ = vault.seal(OPERATOR).unwrap();
    let _ = vault.unwrap(AGENT, &name("a"), &wrapped.bytes);
    let lines = folder.heard.lines.lock().unwrap().clone();
    assert_eq!(
        lines,
        [
            "980 initialize vault ok",
            "990 key-create a ok",
            "990 key-create b ok",
            "101 wrap a ok",
            "102 unwrap a forbidden",
            "1000 seal vault ok",
            "101 unwrap a vault_sealed",
        ]
    );
}

#[test]
fn what_cannot_be_audited_is_refused() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    let wrapped = wrapped(&mut vault);
    *folder.heard.broken.lock().unwrap() = true;
    let outcome = vault.unwrap(AGENT, &name("a"), &wrapped.bytes);
    assert!(matches!(outcome, Err(Error::Audit(_))), "{outcome:?}");
}

#[test]
fn an_audit_file_takes_whole_lines_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    std::fs::write(&path, "{\"half\":").unwrap();
    let mut file = crate::AuditFile::open(&path).unwrap();
    let at = Still.now();
    let entry = AuditEntry { at, uid: 1, op: "wrap", subject: "a", outcome: "ok" };
    file.record(&entry).unwrap();
    file.record(&entry).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "{\"half\":");
    let line: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(line["op"], "wrap");
    assert_eq!(line["at"], "2027-01-15T08:00:00Z");
}
