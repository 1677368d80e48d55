//! The store of access in a real file: what goes in comes back, what is gone takes along the rest.

use api::access::principal::{Assignment, Kind, Scope};
use api::access::store::{AccessStore as _, Act, ActFilter, Session, Token, User};
use jiff::{Span, Timestamp};

use crate::plane::store::SqliteStore;

fn open() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("plane.db")).unwrap();
    (dir, store)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn reader() -> Vec<Assignment> {
    vec![Assignment { role: "reader".to_owned(), scope: Scope::Server("demo".to_owned()) }]
}

fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        enabled: true,
        password: None,
        assignments: reader(),
        created_at: at(0),
        password_set_at: None,
        signed_in_at: None,
        version: 1,
    }
}

fn session(name: &str, n: u8) -> Session {
    Session {
        hash: [n; 32],
        name: name.to_owned(),
        kind: Kind::User,
        assignments: Vec::new(),
        created_at: at(i64::from(n)),
        seen_at: at(i64::from(n)),
    }
}

fn token(id: &str, made_by: &str) -> Token {
    Token {
        id: id.to_owned(),
        name: "backup".to_owned(),
        hash: [7; 32],
        assignments: reader(),
        made_by: made_by.to_owned(),
        maker: Kind::User,
        created_at: at(1),
        expires_at: at(100),
        used_at: None,
    }
}

#[test]
fn an_account_changes_only_as_it_was_seen() {
    let (_dir, store) = open();
    assert!(store.add_user(&user("anna")).unwrap());
    assert!(!store.add_user(&user("anna")).unwrap(), "the name is taken");
    store.add_session(&session("anna", 1), at(0), at(0)).unwrap();
    let mut anna = store.user("anna").unwrap().unwrap();
    assert_eq!(anna, user("anna"));
    anna.enabled = false;
    assert!(store.set_user(&anna, false).unwrap());
    assert!(!store.set_user(&anna, true).unwrap(), "somebody was faster");
    assert!(store.session(&[1; 32]).unwrap().is_some());
    anna.version = 2;
    assert!(store.set_user(&anna, true).unwrap());
    assert!(store.session(&[1; 32]).unwrap().is_none(), "ended with the change");
    store.note_sign_in("anna", at(9)).unwrap();
    let anna = store.user("anna").unwrap().unwrap();
    assert_eq!((anna.enabled, anna.version, anna.signed_in_at), (false, 3, Some(at(9))));
}

#[test]
fn an_account_takes_along_what_hangs_on_it() {
    let (_dir, store) = open();
    store.add_user(&user("anna")).unwrap();
    store.add_session(&session("anna", 1), at(0), at(0)).unwrap();
    store.add_session(&session("bert", 2), at(0), at(0)).unwrap();
    store.add_token(&token("t1", "anna")).unwrap();
    store.add_token(&token("t2", "bert")).unwrap();
    store.add_link(&[3; 32], "anna", at(100), at(0)).unwrap();
    assert!(store.remove_user("anna").unwrap());
    assert!(!store.remove_user("anna").unwrap());
    assert!(store.session(&[1; 32]).unwrap().is_none());
    assert!(store.session(&[2; 32]).unwrap().is_some());
    let left: Vec<_> = store.tokens().unwrap().into_iter().map(|token| token.id).collect();
    assert_eq!(left, ["t2"]);
    assert_eq!(store.take_link(&[3; 32], at(1)).unwrap(), None);
}

#[test]
fn sessions_and_tokens_come_back_as_they_went() {
    let (_dir, store) = open();
    store.add_session(&session("anna", 5), at(0), at(0)).unwrap();
    store.note_session(&[5; 32], at(50)).unwrap();
    let expected = Session { seen_at: at(50), ..session("anna", 5) };
    assert_eq!(store.session(&[5; 32]).unwrap(), Some(expected));
    store.add_session(&session("bert", 200), at(0), at(51)).unwrap();
    assert!(store.session(&[5; 32]).unwrap().is_none(), "idle for too long");
    store.remove_sessions(Kind::Oidc).unwrap();
    assert!(store.remove_session(&[200; 32]).unwrap());
    store.add_token(&token("t1", "anna")).unwrap();
    store.note_token("t1", at(60)).unwrap();
    let expected = Token { used_at: Some(at(60)), ..token("t1", "anna") };
    assert_eq!(store.token("t1").unwrap(), Some(expected));
    assert!(store.remove_token("t1").unwrap());
    assert!(store.token("t1").unwrap().is_none());
}

#[test]
fn a_link_is_good_once_and_not_for_ever() {
    let (_dir, store) = open();
    store.add_link(&[1; 32], "admin", at(10), at(0)).unwrap();
    store.add_link(&[2; 32], "admin", at(20), at(0)).unwrap();
    assert_eq!(store.take_link(&[1; 32], at(9)).unwrap().as_deref(), Some("admin"));
    assert_eq!(store.take_link(&[1; 32], at(9)).unwrap(), None);
    assert_eq!(store.take_link(&[2; 32], at(20)).unwrap(), None, "too late");
    assert_eq!(store.take_link(&[9; 32], at(0)).unwrap(), None);
}

#[test]
fn failures_count_before_they_are_known() {
    let (_dir, store) = open();
    let lock = |n: u32| (n >= 3).then(|| at(100));
    for n in 0..3 {
        let before = store.count_failure("anna", at(1), &lock).unwrap();
        assert_eq!((before.n, before.locked_until), (n, None));
    }
    let locked = store.count_failure("anna", at(2), &lock).unwrap();
    assert_eq!((locked.n, locked.locked_until), (3, Some(at(100))));
    assert_eq!(store.count_failure("anna", at(101), &lock).unwrap().n, 3, "not while locked");
    store.clear_failures("anna").unwrap();
    assert_eq!(store.count_failure("anna", at(102), &lock).unwrap().n, 0);
}

#[test]
fn knocking_does_not_push_out_what_was_done() {
    let (_dir, store) = open();
    let act = |principal: &str| Act {
        at: at(1),
        principal: principal.to_owned(),
        kind: (!principal.is_empty()).then_some(Kind::User),
        operation: "server_stop".to_owned(),
        target: "/api/v1/servers/demo/stop".to_owned(),
        status: 403,
        request_id: "r".to_owned(),
    };
    store.note_act(&act("anna")).unwrap();
    for _ in 0..5_200 {
        store.note_act(&act("")).unwrap();
    }
    let all = ActFilter { limit: 10_000, ..ActFilter::default() };
    let acts = store.acts(&all).unwrap();
    assert!((5_000..5_100).contains(&acts.len()), "{}", acts.len());
    assert_eq!(acts.last().unwrap().1, act("anna"));
    let of_anna = ActFilter { principal: Some("anna".to_owned()), ..all.clone() };
    assert_eq!(store.acts(&of_anna).unwrap().len(), 1);
    let older = ActFilter { before: Some(acts[9].0), limit: 2, ..all };
    let ids: Vec<_> = store.acts(&older).unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [acts[10].0, acts[11].0]);
}

#[test]
fn a_store_of_the_version_before_is_taken_along() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plane.db");
    drop(SqliteStore::open(&path).unwrap());
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch("DROP TABLE access_user; PRAGMA user_version = 1").unwrap();
    drop(old);
    let store = SqliteStore::open(&path).unwrap();
    assert!(store.add_user(&user("anna")).unwrap());
    let later = at(1).checked_add(Span::new().hours(1)).unwrap();
    store.set_setting("sign-in", &later.to_string()).unwrap();
    assert_eq!(store.setting("sign-in").unwrap(), Some(later.to_string()));
}
