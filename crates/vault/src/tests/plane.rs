//! What the plane may do for its users, and that it may do nothing else.

use super::*;
use crate::keyvault::model::{
    ImportParameters, PageRequest, RotationPolicy, UpdateParameters, Verification,
};
use crate::{NewSeal, Unlock};

/// The plane's own uid and an operator's: a call for somebody is the same from both, because
/// without root they are one.
const FOR_ANNA: [Caller<'static>; 2] =
    [Caller::acting(PLANE.uid, "anna"), Caller::acting(OPERATOR.uid, "anna")];

fn anna(uid: u32) -> Principal {
    Principal::Plane { uid, acting: "anna".to_owned() }
}

#[test]
fn the_plane_administers_for_its_users_and_the_audit_names_them() {
    let house = House::new();
    for (n, caller) in FOR_ANNA.into_iter().enumerate() {
        let (vault, identity) = (format!("p-{n}"), format!("id-{n}"));
        let new = NewVault { name: vault.clone(), ..NewVault::default() };
        assert_eq!(house.kv.vault_create(caller, &new).unwrap().1, Changed::Changed);
        assert!(house.kv.vault_list(caller).unwrap().iter().any(|info| info.name == vault));
        let _ = house.kv.identity_create(caller, &identity, &Attestation::default()).unwrap();
        let (role, _) =
            house.kv.role_assign(caller, &vault, None, Role::Reader, &identity).unwrap();
        assert_eq!(house.kv.role_unassign(caller, &role.id).unwrap(), Changed::Changed);
        assert_eq!(house.kv.identity_delete(caller, &identity).unwrap(), Changed::Changed);
        assert_eq!(house.vault.seal(caller).unwrap(), Changed::Changed);
        assert_eq!(house.vault.unseal_with(caller, &Unlock::Own).unwrap(), Changed::Changed);
    }
    house.ask(&anna(PLANE.uid), create("k", "EC")).unwrap();
    house.ask(&anna(PLANE.uid), Op::Rotate { name: "k".to_owned() }).unwrap();
    let heard = house.folder.audit();
    for operation in ["VaultPut", "RoleAssignmentPut", "VaultSeal", "KeyCreate", "KeyRotate"] {
        let line = heard
            .iter()
            .find(|line| {
                line["operationName"] == operation && !line["identity"]["claim"]["acting"].is_null()
            })
            .unwrap_or_else(|| panic!("{operation} names nobody"));
        assert_eq!(line["identity"]["claim"]["acting"], "anna", "{line}");
        assert!(line["identity"]["claim"]["uid"].is_u64(), "{line}");
    }
}

#[test]
fn the_plane_uses_no_key_and_carries_none_in_or_out() {
    let house = House::new();
    house.ec("k");
    let name = || "k".to_owned();
    let use_it = || operation("RSA-OAEP-256", &[1; 32]);
    let verification =
        || Verification { alg: "ES256".to_owned(), digest: vec![1; 32], signature: vec![1; 64] };
    let import = || {
        let jwk = serde_json::json!({ "key": { "kty": "RSA" } });
        serde_json::from_value::<ImportParameters>(jwk).unwrap()
    };
    for uid in [PLANE.uid, OPERATOR.uid] {
        let refused: Vec<Op> = vec![
            Op::Import { name: "new".to_owned(), parameters: import() },
            Op::Backup { name: name() },
            Op::Restore { blob: b"x".to_vec() },
            Op::Encrypt { name: name(), version: None, parameters: use_it() },
            Op::Decrypt { name: name(), version: None, parameters: use_it() },
            Op::WrapKey { name: name(), version: None, parameters: use_it() },
            Op::UnwrapKey { name: name(), version: None, parameters: use_it() },
            Op::Sign { name: name(), version: None, parameters: operation("ES256", &[1; 32]) },
            Op::Verify { name: name(), version: None, parameters: verification() },
            Op::Random { count: 4 },
        ];
        for op in refused {
            let shown = format!("{op:?}");
            let outcome = house.ask(&anna(uid), op);
            let denied = matches!(&outcome, Err(r) if r.inner_code == Some("ForbiddenByRbac"));
            assert!(denied, "{shown}: {outcome:?}");
        }
        let page = PageRequest::default;
        let update = UpdateParameters::default;
        for op in [
            get("k"),
            Op::List { page: page() },
            Op::ListVersions { name: name(), page: page() },
            Op::ListDeleted { page: page() },
            Op::Update { name: name(), version: None, parameters: update() },
            Op::GetRotationPolicy { name: name() },
            Op::SetRotationPolicy { name: name(), policy: RotationPolicy::default() },
            Op::Delete { name: name() },
            Op::GetDeleted { name: name() },
            Op::Recover { name: name() },
        ] {
            let shown = format!("{op:?}");
            let outcome = house.ask(&anna(uid), op);
            let denied = matches!(&outcome, Err(r) if r.inner_code == Some("ForbiddenByRbac"));
            assert!(!denied, "{shown}: {outcome:?}");
        }
    }
}

#[test]
fn whoever_acts_for_others_gets_no_data_key_and_no_new_seal() {
    let house = House::new();
    let data_key = Secret::new(vec![7; 32]);
    let _ = house.vault.key_create(PLANE, &name("a"), AGENT.uid).unwrap();
    let wrapped = house.vault.wrap(AGENT, &name("a"), &data_key).unwrap();
    let posing = Caller::acting(AGENT.uid, "anna");
    let forbidden = |outcome: Result<(), Error>| {
        assert!(matches!(outcome, Err(Error::Forbidden(_))), "{outcome:?}");
    };
    forbidden(house.vault.unwrap(posing, &name("a"), &wrapped.bytes).map(drop));
    forbidden(house.vault.wrap(posing, &name("a"), &data_key).map(drop));
    for caller in FOR_ANNA {
        forbidden(house.vault.rekey(caller, &NewSeal::File).map(drop));
        forbidden(house.kv.token_key_rotate(caller).map(drop));
        forbidden(house.vault.unwrap(caller, &name("a"), &wrapped.bytes).map(drop));
    }
}

#[test]
fn nobody_else_acts_for_anybody_and_nobody_acts_for_nobody() {
    let house = House::new();
    let long = "x".repeat(129);
    for caller in [
        Caller::acting(AGENT.uid, "anna"),
        Caller::acting(PLANE.uid, ""),
        Caller::acting(PLANE.uid, &long),
        Caller::acting(OPERATOR.uid, "a\nb"),
        PLANE,
    ] {
        let outcome = house.kv.vault_list(caller);
        assert!(matches!(outcome, Err(Error::Forbidden(_))), "{caller:?}: {outcome:?}");
    }
    let stranger = house.ask(&anna(AGENT.uid), get("k"));
    expect_refusal(stranger, 403, Some("ForbiddenByRbac"));
}

#[test]
fn the_audit_is_read_newest_first_in_pages_and_one_vault_at_a_time() {
    let house = House::new();
    let second = NewVault { name: "v-2".to_owned(), ..NewVault::default() };
    let _ = house.kv.vault_create(OPERATOR, &second).unwrap();
    // Several files, so that pages cross from one to the next.
    house.kv.rotate_audit_at(2_000);
    for n in 0..30 {
        house.ec(&format!("k{n}"));
    }
    let anna = Caller::acting(PLANE.uid, "anna");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = house.kv.audit_list(anna, Some("V-1"), after.as_deref(), 7).unwrap();
        assert!(page.records.len() <= 7);
        seen.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert!(seen.iter().all(|r| r["intact"] == true), "{seen:?}");
    assert!(seen.iter().all(|r| r["resourceId"].as_str().unwrap().ends_with("/vaults/v-1")));
    let numbers: Vec<u64> = seen.iter().map(|r| r["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
    let created = seen.iter().filter(|r| r["operationName"] == "KeyCreate").count();
    assert_eq!(created, 30);
    // One that is read is recorded too, and names the reader.
    let newest = house.kv.audit_list(anna, Some("v-1"), None, 1).unwrap().records;
    assert_eq!(newest[0]["operationName"], "AuditEventList");
    assert_eq!(newest[0]["identity"]["claim"]["acting"], "anna");
    let of_other = house.kv.audit_list(anna, Some("v-2"), None, 200).unwrap();
    assert_eq!(of_other.records.len(), 1, "{of_other:?}");
    for bad in ["", "x", "1", "1.7", "1.99999999", "-1.0"] {
        let outcome = house.kv.audit_list(anna, None, Some(bad), 5);
        assert!(matches!(outcome, Err(Error::BadRequest(_))), "{bad}: {outcome:?}");
    }
    assert!(matches!(house.kv.audit_list(AGENT, None, None, 5), Err(Error::Forbidden(_))));
    let missing = house.kv.audit_list(anna, Some("nowhere"), None, 5);
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
}

#[test]
fn the_audit_is_followed_line_by_line_and_only_by_the_plane() {
    let house = House::new();
    house.kv.rotate_audit_at(2_000);
    for n in 0..30 {
        house.ec(&format!("k{n}"));
    }
    let (mut lines, mut after) = (Vec::new(), 0);
    loop {
        let part = house.kv.audit_read(PLANE, after).unwrap();
        after = part.lines.last().map_or(after, |line| line.end);
        lines.extend(part.lines);
        if !part.more {
            break;
        }
    }
    // As they stand in the files, each once; to read them adds nothing.
    let written = house.folder.audit();
    let read = lines.iter().map(|line| serde_json::from_str(&line.text).unwrap());
    assert_eq!(read.collect::<Vec<Value>>(), written);
    assert!(lines.iter().all(|line| line.intact));
    assert!(lines.is_sorted_by(|a, b| a.end < b.end));
    assert_eq!(house.kv.audit_read(PLANE, after).unwrap(), crate::AuditLines::default());
    // From the middle on.
    let part = house.kv.audit_read(PLANE, lines[7].end).unwrap();
    assert_eq!(part.lines[0], lines[8]);
    let none = house.kv.audit_read(PLANE, after + 1);
    assert!(matches!(none, Err(Error::Conflict(_))), "{none:?}");
    let none = house.kv.audit_read(PLANE, 999 << 32);
    assert!(matches!(none, Err(Error::Conflict(_))), "{none:?}");
    for caller in [AGENT, OPERATOR, Caller::acting(PLANE.uid, "anna")] {
        let refused = house.kv.audit_read(caller, 0);
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    let refused = house.kv.audit_read(PLANE, after).unwrap().lines;
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().all(|line| line.text.contains("AuditEventRead")));
}

#[test]
fn a_changed_line_of_the_audit_is_said_to_be_changed() {
    let house = House::new();
    house.ec("k");
    let file = std::fs::read_dir(house.folder.path("audit")).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    std::fs::write(file.path(), text.replace("\"KeyCreate\"", "\"KeyDelete\"")).unwrap();
    let records = house.kv.audit_list(OPERATOR, Some("v-1"), None, 200).unwrap().records;
    let changed: Vec<&Value> = records.iter().filter(|r| r["intact"] == false).collect();
    assert_eq!(changed.len(), 1, "{records:?}");
    assert_eq!(changed[0]["operationName"], "KeyDelete");
}
