//! Who gets which server's key, and that each attempt is heard.

use super::*;

#[test]
fn a_key_opens_for_its_server_and_user_only() {
    let folder = Folder::new();
    let vault = folder.filled();
    let wrapped = wrapped(&vault);
    let unwrap = |caller, server: &str| vault.unwrap(caller, &name(server), &wrapped.bytes);
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
    let vault = folder.filled();
    let _ = vault.key_create(PLANE, &name("c"), AGENT.uid).unwrap();
    let wrapped = wrapped(&vault);
    expect_forbidden(vault.unwrap(AGENT, &name("c"), &wrapped.bytes));
    let mut damaged = wrapped.bytes;
    damaged[100] ^= 1;
    expect_forbidden(vault.unwrap(AGENT, &name("a"), &damaged));
    expect_forbidden(vault.unwrap(AGENT, &name("a"), &[]));
}

#[test]
fn only_data_keys_are_wrapped() {
    let folder = Folder::new();
    let vault = folder.filled();
    for length in [0, 31, 33, 64, 1000] {
        let outcome = vault.wrap(AGENT, &name("a"), &Secret::new(vec![1; length]));
        assert!(matches!(outcome, Err(Error::BadRequest(_))), "{length}");
    }
}

#[test]
fn identities_are_made_and_released_by_the_plane() {
    let folder = Folder::new();
    let vault = folder.filled();
    expect_forbidden(vault.key_create(AGENT, &name("x"), AGENT.uid));
    expect_forbidden(vault.release(AGENT, &name("b")));
    let (_, again) = vault.key_create(PLANE, &name("a"), AGENT.uid).unwrap();
    assert_eq!(again, Changed::Unchanged);
    let taken = vault.key_create(PLANE, &name("a"), OTHER_AGENT.uid);
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let wrapped = wrapped(&vault);
    assert_eq!(vault.release(PLANE, &name("a")).unwrap(), Changed::Changed);
    assert_eq!(vault.release(OPERATOR, &name("a")).unwrap(), Changed::Unchanged);
    expect_forbidden(vault.unwrap(AGENT, &name("a"), &wrapped.bytes));
    drop(vault);
    expect_forbidden(folder.open().unwrap(AGENT, &name("a"), &wrapped.bytes));
}

#[test]
fn each_attempt_is_heard_with_its_outcome() {
    let folder = Folder::new();
    let vault = folder.filled();
    let wrapped = wrapped(&vault);
    let _ = vault.unwrap(OTHER_AGENT, &name("a"), &wrapped.bytes);
    let _ = vault.seal(OPERATOR).unwrap();
    let _ = vault.unwrap(AGENT, &name("a"), &wrapped.bytes);
    assert_eq!(
        folder.heard(),
        [
            "VaultInitialize 200",
            "ServerKeyCreate 200",
            "ServerKeyCreate 200",
            "ServerKeyWrap 200",
            "ServerKeyUnwrap 403",
            "VaultSeal 200",
            "ServerKeyUnwrap 503",
        ]
    );
    let line = &folder.audit()[4];
    assert_eq!(line["identity"]["claim"]["uid"], OTHER_AGENT.uid);
    assert_eq!(line["callerIpAddress"], "unix:102");
    assert_eq!(line["properties"]["id"], "a");
}
