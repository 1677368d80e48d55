//! Every operation for every role; denial is the default and holds at once.

use super::*;
use crate::keyvault::model::{PageRequest, RotationPolicy, UpdateParameters, Verification};

/// Every operation that needs no preparation, on key `k` (living) and `d` (deleted).
fn every_op() -> Vec<(&'static str, Op)> {
    let key = || "k".to_owned();
    let use_it = || operation("RSA-OAEP-256", &[1; 32]);
    let page = PageRequest::default;
    vec![
        ("read", get("k")),
        ("read", Op::List { page: page() }),
        ("read", Op::ListVersions { name: key(), page: page() }),
        ("read", Op::GetDeleted { name: "d".to_owned() }),
        ("read", Op::ListDeleted { page: page() }),
        ("create", create("k", "EC")),
        ("update", {
            let parameters = UpdateParameters::default();
            Op::Update { name: key(), version: None, parameters }
        }),
        ("delete", Op::Delete { name: key() }),
        ("recover", Op::Recover { name: "d".to_owned() }),
        ("purge", Op::Purge { name: "d".to_owned() }),
        ("backup", Op::Backup { name: key() }),
        ("restore", Op::Restore { blob: b"x".to_vec() }),
        ("rotate", Op::Rotate { name: key() }),
        ("policy-read", Op::GetRotationPolicy { name: key() }),
        ("policy-write", {
            Op::SetRotationPolicy { name: key(), policy: RotationPolicy::default() }
        }),
        ("encrypt", Op::Encrypt { name: key(), version: None, parameters: use_it() }),
        ("decrypt", Op::Decrypt { name: key(), version: None, parameters: use_it() }),
        ("wrap", Op::WrapKey { name: key(), version: None, parameters: use_it() }),
        ("unwrap", Op::UnwrapKey { name: key(), version: None, parameters: use_it() }),
        ("sign", Op::Sign { name: key(), version: None, parameters: operation("ES256", &[1; 32]) }),
        ("verify", {
            let parameters = Verification {
                alg: "ES256".to_owned(),
                digest: vec![1; 32],
                signature: vec![1; 64],
            };
            Op::Verify { name: key(), version: None, parameters }
        }),
        ("random", Op::Random { count: 4 }),
    ]
}

fn allowed(role: Option<Role>, action: &str) -> bool {
    let words: &[&str] = match role {
        Some(Role::Administrator | Role::CryptoOfficer) => return true,
        Some(Role::CryptoUser) => {
            &["read", "update", "backup", "encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"]
        }
        Some(Role::CryptoServiceEncryptionUser) => &["read", "wrap", "unwrap"],
        Some(Role::Reader) => &["read", "policy-read"],
        _ => &[],
    };
    words.contains(&action)
}

#[test]
fn each_role_allows_what_azure_says_and_no_more() {
    let house = House::new();
    house.ec("k");
    house.ec("d");
    house.does(Op::Delete { name: "d".to_owned() }).unwrap();
    let mut roles: Vec<Option<Role>> = Role::ALL.into_iter().map(Some).collect();
    roles.push(None);
    let (mut n_allowed, mut n_denied) = (0, 0);
    for (index, role) in roles.into_iter().enumerate() {
        let who = match role {
            Some(role) => house.identity(&format!("i{index}"), role),
            None => {
                let (identity, _) =
                    house.kv.identity_create(OPERATOR, "none", &Attestation::default()).unwrap();
                identity.principal()
            }
        };
        for (action, op) in every_op() {
            let shown = format!("{role:?} {op:?}");
            let outcome = house.ask(&who, op);
            let denied = matches!(&outcome, Err(r) if r.inner_code == Some("ForbiddenByRbac"));
            assert_eq!(!denied, allowed(role, action), "{shown}: {outcome:?}");
            if let Ok(answer) = &outcome {
                assert!(answer.assignment_id.is_some(), "{shown}");
            }
            if denied {
                n_denied += 1
            } else {
                n_allowed += 1
            }
            // Put back what was allowed to change.
            let _ = house.does(Op::Recover { name: "k".to_owned() });
            if house.does(Op::GetDeleted { name: "d".to_owned() }).is_err() {
                house.ec("d");
                house.does(Op::Delete { name: "d".to_owned() }).unwrap();
            }
        }
    }
    assert!(n_allowed > 60 && n_denied > 100, "{n_allowed} allowed, {n_denied} denied");
}

#[test]
fn a_role_for_one_key_stops_there() {
    let house = House::new();
    house.ec("k");
    house.ec("other");
    let (identity, _) = house.kv.identity_create(OPERATOR, "one", &Attestation::default()).unwrap();
    let who = identity.principal();
    let _ = house.kv.role_assign(OPERATOR, "v-1", Some("K"), Role::CryptoOfficer, "one").unwrap();
    assert!(house.ask(&who, sign("k")).is_ok());
    assert!(house.ask(&who, sign("K")).is_ok(), "names are the same whatever their case");
    for op in [sign("other"), Op::List { page: PageRequest::default() }, Op::Random { count: 1 }] {
        expect_refusal(house.ask(&who, op), 403, Some("ForbiddenByRbac"));
    }
    let mut elsewhere = call(&who, sign("k"));
    let second = NewVault { name: "v-2".to_owned(), ..NewVault::default() };
    let _ = house.kv.vault_create(OPERATOR, &second).unwrap();
    elsewhere.vault = "v-2".to_owned();
    expect_refusal(house.kv.call(elsewhere), 403, Some("ForbiddenByRbac"));
    // A vault that is not there looks like one where one has no role.
    let mut nowhere = call(&who, sign("k"));
    nowhere.vault = "v-3".to_owned();
    expect_refusal(house.kv.call(nowhere), 403, Some("ForbiddenByRbac"));
    let mut nowhere = call(&operator(), sign("k"));
    nowhere.vault = "v-3".to_owned();
    expect_refusal(house.kv.call(nowhere), 404, None);
}

#[test]
fn the_next_call_is_refused() {
    let house = House::new();
    house.ec("k");
    let admin = &house.kv;
    let allowed = |who: &Principal| house.ask(who, sign("k")).is_ok();
    // A role taken away by its id, and by what it says.
    let who = house.identity("i", Role::CryptoUser);
    let role = admin.role_list(OPERATOR, Some("v-1")).unwrap().remove(0);
    let answer = house.ask(&who, sign("k")).unwrap();
    assert_eq!(answer.assignment_id.as_ref(), Some(&role.id));
    assert_eq!(admin.role_unassign(OPERATOR, &role.id).unwrap(), Changed::Changed);
    assert_eq!(admin.role_unassign(OPERATOR, &role.id).unwrap(), Changed::Unchanged);
    assert!(!allowed(&who));
    let (_, changed) = admin.role_assign(OPERATOR, "v-1", None, Role::CryptoUser, "i").unwrap();
    assert_eq!(changed, Changed::Changed);
    let (_, changed) = admin.role_assign(OPERATOR, "v-1", None, Role::CryptoUser, "i").unwrap();
    assert_eq!(changed, Changed::Unchanged);
    assert!(allowed(&who));
    let _ = admin.role_unassign_from(OPERATOR, "v-1", None, Role::CryptoUser, "i").unwrap();
    assert!(!allowed(&who));
    // An identity that is disabled, and one that is deleted: a new one of its name is another.
    let _ = admin.role_assign(OPERATOR, "v-1", None, Role::CryptoUser, "i").unwrap();
    assert!(allowed(&who));
    let _ = admin.identity_enable(OPERATOR, "i", false).unwrap();
    assert!(!allowed(&who));
    let _ = admin.identity_enable(OPERATOR, "i", true).unwrap();
    assert!(allowed(&who));
    assert_eq!(admin.identity_delete(OPERATOR, "i").unwrap(), Changed::Changed);
    assert_eq!(admin.identity_delete(OPERATOR, "i").unwrap(), Changed::Unchanged);
    assert!(!allowed(&who));
    let again = admin.identity_create(OPERATOR, "i", &Attestation::default()).unwrap().0;
    assert_ne!(again.principal(), who);
    assert!(admin.role_list(OPERATOR, None).unwrap().is_empty());
    assert!(!allowed(&again.principal()));
}

#[test]
fn nobody_and_strangers_get_nothing() {
    let house = House::new();
    house.ec("k");
    let nobody = Principal::Anonymous { why: "the token has expired".to_owned() };
    let refusal = expect_refusal(house.ask(&nobody, get("k")), 401, None);
    assert!(refusal.message.starts_with("AKV10000"));
    let stranger = Principal::Local { uid: AGENT.uid };
    expect_refusal(house.ask(&stranger, get("k")), 403, Some("ForbiddenByRbac"));
    let line = house.folder.audit().into_iter().rev().nth(1).unwrap();
    assert_eq!(line["properties"]["details"]["authentication"], "the token has expired");
    let unknown = Op::Unrecognised {
        refusal: Refusal {
            status: 405,
            code: "MethodNotAllowed",
            message: "no".to_owned(),
            inner_code: None,
        },
    };
    expect_refusal(house.ask(&nobody, unknown), 405, None);
    assert_eq!(house.folder.heard().last().unwrap(), "Authentication 405");
}

#[test]
fn administration_is_for_operators_and_heard() {
    let house = House::new();
    let kv = &house.kv;
    let new = NewVault { name: "other".to_owned(), ..NewVault::default() };
    for caller in [AGENT, PLANE] {
        expect_forbidden(kv.vault_create(caller, &new));
        expect_forbidden(kv.vault_list(caller));
        expect_forbidden(kv.role_assign(caller, "v-1", None, Role::Reader, "i"));
        expect_forbidden(kv.identity_create(caller, "i", &Attestation::default()));
        expect_forbidden(kv.identity_env(caller, "i"));
    }
    let denied = house.folder.heard().iter().filter(|line| line.ends_with(" 403")).count();
    assert_eq!(denied, 10);
    for bad in ["ab", "1ab", "a--b", "ab-", "a_b", "system", "service", &"a".repeat(25)] {
        let new = NewVault { name: bad.to_owned(), ..NewVault::default() };
        let outcome = kv.vault_create(OPERATOR, &new);
        assert!(matches!(outcome, Err(Error::BadRequest(_))), "{bad}: {outcome:?}");
    }
    for days in [0, 6, 91] {
        let new = NewVault { retention_days: Some(days), ..new.clone() };
        assert!(matches!(kv.vault_create(OPERATOR, &new), Err(Error::BadRequest(_))), "{days}");
    }
    let none = kv.role_assign(OPERATOR, "v-1", None, Role::Reader, "nobody");
    assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
    let other = NewVault { name: "V-1".to_owned(), retention_days: Some(7), ..new };
    assert!(matches!(kv.vault_create(OPERATOR, &other), Err(Error::Conflict(_))));
}
