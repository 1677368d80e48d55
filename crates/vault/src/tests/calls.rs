//! The operations of the keys API, one by one.

use std::collections::BTreeMap;

use super::*;
use crate::keyvault::model::{
    Attributes, ImportParameters, KeyItem, Page, PageRequest, UpdateParameters, Verification,
};

fn versions(house: &House, key: &str) -> Vec<KeyItem> {
    let op = Op::ListVersions { name: key.to_owned(), page: PageRequest::default() };
    match house.does(op).unwrap() {
        Reply::Keys(page) => page.items,
        other => panic!("{other:?}"),
    }
}

fn page_of(reply: Reply) -> Page<KeyItem> {
    match reply {
        Reply::Keys(page) => page,
        other => panic!("{other:?}"),
    }
}

fn update(key: &str, attributes: Attributes) -> Op {
    let parameters = UpdateParameters { attributes: Some(attributes), ..Default::default() };
    Op::Update { name: key.to_owned(), version: None, parameters }
}

fn enabled(enabled: bool) -> Attributes {
    Attributes { enabled: Some(enabled), ..Attributes::default() }
}

fn wrap(key: &str, version: Option<&str>) -> Op {
    let parameters = operation("RSA-OAEP-256", &[9; 32]);
    Op::WrapKey { name: key.to_owned(), version: version.map(str::to_owned), parameters }
}

fn unwrap(key: &str, version: Option<&str>, value: &[u8]) -> Op {
    let parameters = operation("RSA-OAEP-256", value);
    Op::UnwrapKey { name: key.to_owned(), version: version.map(str::to_owned), parameters }
}

fn version_of(kid: &str) -> String {
    kid.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn a_key_is_shown_as_azure_shows_it() {
    let house = House::new();
    let bundle = house.bundle(create("My-Key", "RSA"));
    let kid = bundle.key.kid.clone().unwrap();
    let version = version_of(&kid);
    assert_eq!(kid, format!("https://v-1.vault.localhost:8443/keys/My-Key/{version}"));
    assert_eq!(version.len(), 32);
    let value = serde_json::to_value(&bundle).unwrap();
    let ops = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];
    assert_eq!(value["key"]["key_ops"], serde_json::json!(ops));
    assert_eq!(value["key"]["kty"], "RSA");
    assert_eq!(value["key"]["e"], "AQAB");
    assert!(value["key"].get("d").is_none());
    assert_eq!(
        value["attributes"],
        serde_json::json!({
            "enabled": true, "created": START, "updated": START,
            "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
            "exportable": false, "hsmPlatform": "0", "key_size": 2048,
        })
    );
    assert_eq!(house.bundle(get("my-KEY")), bundle, "whatever the case, empty version or full");
    for version in ["", &version, &version.to_uppercase()] {
        let op = Op::Get { name: "my-key".to_owned(), version: Some(version.to_owned()) };
        assert_eq!(house.bundle(op), bundle);
    }
    let ec = house.ec("ec");
    assert_eq!(ec.key.key_ops.unwrap(), ["sign", "verify"]);
    assert_eq!((ec.key.crv.as_deref(), ec.attributes.key_size), (Some("P-256"), None));
}

#[test]
fn every_type_and_size_works_and_survives_a_restart() {
    let house = House::new();
    let cases = [
        ("RSA", Some(3072), None, "PS384", 48),
        ("EC", None, Some("P-384"), "ES384", 48),
        ("EC", None, Some("P-521"), "ES512", 64),
        ("EC", None, Some("P-256K"), "ES256K", 32),
        ("oct", Some(128), None, "", 0),
        ("oct", None, None, "", 0),
    ];
    let mut made = Vec::new();
    for (index, (kty, size, crv, alg, n)) in cases.into_iter().enumerate() {
        let key = format!("k{index}");
        let parameters = KeyParameters {
            kty: kty.to_owned(),
            key_size: size,
            crv: crv.map(str::to_owned),
            ..KeyParameters::default()
        };
        house.bundle(Op::Create { name: key.clone(), parameters });
        if kty == "oct" {
            let parameters = operation("CKM_AES_KEY_WRAP", &[3; 32]);
            let op = Op::WrapKey { name: key.clone(), version: None, parameters };
            made.push((key, String::new(), 0, house.result(op).value));
        } else {
            let parameters = operation(alg, &vec![3; n]);
            let op = Op::Sign { name: key.clone(), version: None, parameters };
            made.push((key, alg.to_owned(), n, house.result(op).value));
        }
    }
    let House { folder, vault, kv } = house;
    drop((vault, kv));
    let vault = folder.open();
    let kv = vault.key_vaults();
    let house = House { folder, vault, kv };
    for (key, alg, n, value) in made {
        if alg.is_empty() {
            let parameters = operation("CKM_AES_KEY_WRAP", value.expose());
            let op = Op::UnwrapKey { name: key, version: None, parameters };
            assert_eq!(house.result(op).value.expose(), &[3; 32]);
        } else {
            let signature = value.expose().clone();
            let parameters = Verification { alg, digest: vec![3; n], signature };
            let op = Op::Verify { name: key, version: None, parameters };
            assert!(matches!(house.does(op), Ok(Reply::Verified(true))));
        }
    }
}

#[test]
fn what_cannot_be_made_is_refused() {
    let house = House::new();
    let with = |change: &dyn Fn(&mut KeyParameters)| {
        let mut parameters = KeyParameters { kty: "EC".to_owned(), ..KeyParameters::default() };
        change(&mut parameters);
        house.refused(Op::Create { name: "k".to_owned(), parameters }, 400, None)
    };
    for kty in ["", "rsa", "RSA-HSM", "oct-HSM", "AKP"] {
        with(&|p| p.kty = kty.to_owned());
    }
    for size in [0, 512, 1024, 2047, 8192, u32::MAX] {
        with(&|p| (p.kty, p.key_size) = ("RSA".to_owned(), Some(size)));
    }
    with(&|p| (p.kty, p.public_exponent) = ("RSA".to_owned(), Some(4)));
    with(&|p| p.crv = Some("P-224".to_owned()));
    with(&|p| p.key_ops = Some(vec!["fly".to_owned()]));
    with(&|p| p.key_ops = Some(vec!["export".to_owned()]));
    with(&|p| p.release_policy = Some(serde_json::json!({})));
    let attributes = |change: &dyn Fn(&mut Attributes)| {
        let mut attributes = Attributes::default();
        change(&mut attributes);
        with(&move |p| p.attributes = Some(attributes.clone()));
    };
    attributes(&|a| a.exportable = Some(true));
    attributes(&|a| (a.nbf, a.exp) = (Some(10), Some(10)));
    attributes(&|a| a.exp = Some(-1));
    attributes(&|a| a.nbf = Some(i64::MAX));
    let tags = |tags: BTreeMap<String, String>| with(&|p| p.tags = Some(tags.clone()));
    tags((0..16).map(|n| (n.to_string(), String::new())).collect());
    tags(BTreeMap::from([("a".to_owned(), "x".repeat(257))]));
    tags(BTreeMap::from([("x".repeat(257), String::new())]));
    for bad in ["", "a_b", "a/b", "ä", &"a".repeat(128)] {
        house.refused(create(bad, "EC"), 400, None);
    }
    house.refused(get("k"), 404, None);
    for count in [0, 129] {
        house.refused(Op::Random { count }, 400, None);
    }
}

#[test]
fn a_name_that_is_there_gets_a_new_version() {
    let house = House::new();
    let first = house.bundle(create("k", "RSA"));
    let wrapped = house.result(wrap("k", None));
    assert_eq!(Some(&wrapped.kid), first.key.kid.as_ref());
    let second = house.bundle(create("K", "RSA"));
    assert_eq!(versions(&house, "k").len(), 2);
    assert!(second.key.kid.unwrap().contains("/keys/k/"), "the first writing of the name stays");
    let old = version_of(&wrapped.kid);
    let opened = house.result(unwrap("k", Some(&old), wrapped.value.expose()));
    assert_eq!(opened.value.expose(), &[9; 32]);
    house.refused(unwrap("k", None, wrapped.value.expose()), 400, None);
    house.refused(unwrap("k", Some(&"0".repeat(32)), wrapped.value.expose()), 404, None);
}

#[test]
fn an_imported_key_is_the_same_key() {
    let house = House::new();
    let jwk = serde_json::json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    });
    let import = |jwk: serde_json::Value| {
        let body = serde_json::json!({ "key": jwk, "unknown": 1 });
        let parameters: ImportParameters = serde_json::from_value(body).unwrap();
        Op::Import { name: "imported".to_owned(), parameters }
    };
    let bundle = house.bundle(import(jwk.clone()));
    assert_eq!(bundle.key.x.as_deref(), jwk["x"].as_str());
    assert!(house.does(sign("imported")).is_ok());
    let changed = |name: &str, value: serde_json::Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        house.refused(import(jwk), 400, None)
    };
    changed("d", "AAAA".into());
    changed("d", "no base64!".into());
    changed("d", serde_json::Value::Null);
    changed("x", "AAAA".into());
    changed("kty", "RSA".into());
    changed("kty", "EC-HSM".into());
    changed("crv", "P-384".into());
    assert_eq!(versions(&house, "imported").len(), 1);
    let bytes = all_bytes(house.folder.dir.path());
    let d = b"jpsQnnGQmL-YBIffH1136cspYG6";
    assert!(!bytes.windows(d.len()).any(|window| window == d));
}

#[test]
fn key_ops_hold() {
    let house = House::new();
    let parameters = KeyParameters {
        kty: "RSA".to_owned(),
        key_ops: Some(vec!["wrapKey".to_owned(), "wrapKey".to_owned()]),
        ..KeyParameters::default()
    };
    let bundle = house.bundle(Op::Create { name: "k".to_owned(), parameters });
    assert_eq!(bundle.key.key_ops.unwrap(), ["wrapKey"]);
    let wrapped = house.result(wrap("k", None));
    let inner = Some("KeyOperationForbidden");
    house.refused(unwrap("k", None, wrapped.value.expose()), 403, inner);
    let parameters =
        UpdateParameters { key_ops: Some(vec!["unwrapKey".to_owned()]), ..Default::default() };
    house.bundle(Op::Update { name: "k".to_owned(), version: None, parameters });
    assert!(house.does(unwrap("k", None, wrapped.value.expose())).is_ok());
    house.refused(wrap("k", None), 403, inner);
}

#[test]
fn a_disabled_key_does_nothing_but_can_be_read() {
    let house = House::new();
    house.bundle(create("k", "RSA"));
    let wrapped = house.result(wrap("k", None));
    let bundle = house.bundle(update("k", enabled(false)));
    assert_eq!(bundle.attributes.enabled, Some(false));
    assert_eq!(house.bundle(get("k")).attributes.enabled, Some(false));
    for op in [wrap("k", None), unwrap("k", None, wrapped.value.expose())] {
        house.refused(op, 403, Some("KeyDisabled"));
    }
    house.bundle(update("k", enabled(true)));
    assert!(house.does(unwrap("k", None, wrapped.value.expose())).is_ok());
}

#[test]
fn outside_its_dates_a_key_only_opens() {
    let house = House::new();
    house.bundle(create("k", "RSA"));
    let wrapped = house.result(wrap("k", None));
    let signature = {
        let parameters = operation("RS256", &[7; 32]);
        let op = Op::Sign { name: "k".to_owned(), version: None, parameters };
        house.result(op).value.expose().clone()
    };
    let dates = Attributes {
        nbf: Some(START + 10 * DAY),
        exp: Some(START + 20 * DAY),
        ..Attributes::default()
    };
    house.bundle(update("k", dates));
    let wraps = |at: i64| {
        house.clock().set(at);
        assert!(house.does(unwrap("k", None, wrapped.value.expose())).is_ok(), "{at}");
        let parameters = Verification {
            alg: "RS256".to_owned(),
            digest: vec![7; 32],
            signature: signature.clone(),
        };
        let op = Op::Verify { name: "k".to_owned(), version: None, parameters };
        assert!(matches!(house.does(op), Ok(Reply::Verified(true))), "{at}");
        house.does(wrap("k", None)).map(|_| ()).map_err(|refusal| refusal.inner_code.unwrap())
    };
    assert_eq!(wraps(START), Err("KeyNotYetValid"));
    assert_eq!(wraps(START + 10 * DAY - 301), Err("KeyNotYetValid"));
    assert_eq!(wraps(START + 10 * DAY - 300), Ok(()));
    assert_eq!(wraps(START + 20 * DAY + 299), Ok(()));
    assert_eq!(wraps(START + 20 * DAY + 300), Err("KeyExpired"));
    // The dates of an update must fit those that stay.
    let exp = Attributes { exp: Some(START + 5 * DAY), ..Attributes::default() };
    house.refused(update("k", exp), 400, None);
}

#[test]
fn a_deleted_key_waits_and_comes_back_or_goes() {
    let house = House::new();
    let bundle = house.ec("k");
    house.ec("k");
    let Ok(Reply::Deleted(deleted)) = house.does(Op::Delete { name: "K".to_owned() }) else {
        panic!("because it was there");
    };
    let base = "https://v-1.vault.localhost:8443";
    assert_eq!(deleted.recovery_id, format!("{base}/deletedkeys/k"));
    assert_eq!(deleted.scheduled_purge_date, deleted.deleted_date + 90 * DAY);
    for op in [get("k"), sign("k"), update("k", enabled(true)), Op::Delete { name: "k".into() }] {
        house.refused(op, 404, None);
    }
    house.refused(create("k", "EC"), 409, Some("ObjectIsDeletedButRecoverable"));
    let page = PageRequest::default;
    let Ok(Reply::DeletedKeys(listed)) = house.does(Op::ListDeleted { page: page() }) else {
        panic!("because it may be listed");
    };
    assert_eq!(listed.items[0].recovery_id, deleted.recovery_id);
    assert!(page_of(house.does(Op::List { page: page() }).unwrap()).items.is_empty());
    house.bundle(Op::Recover { name: "k".to_owned() });
    house.refused(Op::Recover { name: "k".to_owned() }, 404, None);
    assert_eq!(versions(&house, "k").len(), 2);
    assert_eq!(version_of(&versions(&house, "k")[0].kid), version_of(&bundle.key.kid.unwrap()));
    house.refused(Op::Purge { name: "k".to_owned() }, 404, None);
    house.does(Op::Delete { name: "k".to_owned() }).unwrap();
    assert!(matches!(house.does(Op::Purge { name: "k".to_owned() }), Ok(Reply::Nothing)));
    assert_eq!(house.folder.heard().last().unwrap(), "KeyPurge 204");
    house.refused(Op::GetDeleted { name: "k".to_owned() }, 404, None);
    house.ec("k");
    assert_eq!(versions(&house, "k").len(), 1, "nothing of the old key is left");
}

#[test]
fn purge_protection_cannot_be_undone() {
    let house = House::with(&NewVault {
        name: "v-1".to_owned(),
        retention_days: Some(7),
        purge_protection: false,
    });
    let level = |house: &House| house.ec("k").attributes.recovery_level.unwrap();
    assert_eq!(level(&house), "CustomizedRecoverable+Purgeable");
    assert_eq!(house.kv.vault_protect(OPERATOR, "v-1").unwrap(), Changed::Changed);
    assert_eq!(house.kv.vault_protect(OPERATOR, "v-1").unwrap(), Changed::Unchanged);
    assert_eq!(level(&house), "CustomizedRecoverable");
    house.does(Op::Delete { name: "k".to_owned() }).unwrap();
    house.refused(Op::Purge { name: "k".to_owned() }, 403, Some("PurgeProtected"));
    house.clock().advance(7 * DAY);
    assert!(matches!(house.does(Op::Purge { name: "k".to_owned() }), Ok(Reply::Nothing)));
    let again =
        NewVault { name: "v-1".to_owned(), retention_days: Some(7), purge_protection: false };
    assert!(matches!(house.kv.vault_create(OPERATOR, &again), Err(Error::Conflict(_))));
}

#[test]
fn pages_are_stable_and_their_tokens_are_checked() {
    let house = House::new();
    for n in 0..30 {
        house.ec(&format!("k{n:02}"));
    }
    let list = |max_results: Option<u32>, after: Option<String>| {
        house.does(Op::List { page: PageRequest { max_results, after } }).map(page_of)
    };
    let first = list(None, None).unwrap();
    assert_eq!(first.items.len(), 25);
    assert!(first.items[0].kid.ends_with("/keys/k00"), "without a version");
    let token = first.next.unwrap();
    // What comes and goes meanwhile moves nothing.
    house.does(Op::Delete { name: "k03".to_owned() }).unwrap();
    house.does(Op::Delete { name: "k24".to_owned() }).unwrap();
    house.ec("k01a");
    let second = list(None, Some(token.clone())).unwrap();
    assert_eq!(second.items.len(), 5);
    assert!(second.items[0].kid.ends_with("/k25"));
    assert_eq!(second.next, None);
    assert_eq!(list(Some(5), Some(token.clone())).unwrap().next, None, "exactly full");
    for bad in ["", "x", "AAAA", &format!("{token}A"), &token[..8], &"A".repeat(600)] {
        let refusal = expect_refusal(list(None, Some(bad.to_owned())), 400, None);
        assert_eq!(refusal.code, "BadParameter", "{bad}");
    }
    let other = PageRequest { max_results: None, after: Some(token) };
    house.refused(Op::ListDeleted { page: other }, 400, None);
    for n in [0, 26, u32::MAX] {
        expect_refusal(list(Some(n), None), 400, None);
    }
    for _ in 0..3 {
        house.ec("k00");
    }
    let page = PageRequest { max_results: Some(3), after: None };
    let op = Op::ListVersions { name: "k00".to_owned(), page };
    let versions = page_of(house.does(op).unwrap());
    let page = PageRequest { max_results: Some(3), after: versions.next };
    let op = Op::ListVersions { name: "k00".to_owned(), page };
    let rest = page_of(house.does(op).unwrap());
    assert_eq!((versions.items.len(), rest.items.len(), rest.next), (3, 1, None));
    let op = Op::ListVersions { name: "nobody".to_owned(), page: PageRequest::default() };
    let none = page_of(house.does(op).unwrap());
    assert_eq!((none.items.len(), none.next), (0, None));
}

#[test]
fn a_backup_comes_back_with_its_versions_here_only() {
    let house = House::new();
    house.bundle(create("k", "RSA"));
    let wrapped = house.result(wrap("k", None));
    house.bundle(create("k", "RSA"));
    let before = versions(&house, "k");
    let Ok(Reply::Backup(blob)) = house.does(Op::Backup { name: "k".to_owned() }) else {
        panic!("because it is there");
    };
    let restore = || Op::Restore { blob: blob.clone() };
    house.refused(restore(), 409, Some("ObjectAlreadyExists"));
    house.does(Op::Delete { name: "k".to_owned() }).unwrap();
    house.refused(restore(), 409, Some("ObjectIsDeletedButRecoverable"));
    house.does(Op::Purge { name: "k".to_owned() }).unwrap();
    let mut damaged = blob.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    for blob in [Vec::new(), b"x".to_vec(), damaged] {
        house.refused(Op::Restore { blob }, 400, None);
    }
    house.bundle(restore());
    assert_eq!(versions(&house, "k"), before);
    let old = version_of(&wrapped.kid);
    assert!(house.does(unwrap("k", Some(&old), wrapped.value.expose())).is_ok());
    let elsewhere = House::new();
    elsewhere.refused(restore(), 400, None);
}

#[test]
fn algorithms_must_fit() {
    let house = House::new();
    house.bundle(create("rsa", "RSA"));
    house.ec("ec");
    let encrypt = |key: &str, alg: &str, value: &[u8]| {
        let parameters = operation(alg, value);
        Op::Encrypt { name: key.to_owned(), version: None, parameters }
    };
    let decrypt = |key: &str, alg: &str, value: &[u8]| {
        let parameters = operation(alg, value);
        Op::Decrypt { name: key.to_owned(), version: None, parameters }
    };
    for alg in ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"] {
        let made = house.result(encrypt("rsa", alg, b"text"));
        let back = house.result(decrypt("rsa", alg, made.value.expose()));
        assert_eq!(back.value.expose(), b"text");
        house.refused(decrypt("rsa", "RSA-OAEP", b"x"), 400, None);
    }
    house.refused(encrypt("rsa", "A256GCM", b"text"), 400, None);
    house.refused(encrypt("rsa", "none", b"text"), 400, None);
    house.refused(encrypt("rsa", "RSA-OAEP-256", &[0; 191]), 400, None);
    house.refused(encrypt("rsa", "RSA-OAEP-256", &vec![0; 70_000]), 400, None);
    house.refused(encrypt("ec", "RSA-OAEP", b"text"), 403, Some("KeyOperationForbidden"));
    let sign = |alg: &str, n: usize| {
        let parameters = operation(alg, &vec![1; n]);
        Op::Sign { name: "ec".to_owned(), version: None, parameters }
    };
    assert_eq!(house.result(sign("ES256", 32)).value.expose().len(), 64);
    house.refused(sign("ES256", 31), 400, None);
    house.refused(sign("ES384", 48), 400, None);
    house.refused(sign("RS256", 32), 400, None);
}
