//! Every route once, and what resembles one.

use super::*;

const VERSION: &str = "0123456789abcdef0123456789ABCDEF";

fn at(method: &str, path: &str) -> Result<Route, (u16, Option<&'static str>)> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    route(&method, path).map_err(|miss| (miss.refusal.status, miss.allow))
}

#[test]
fn finds_every_operation() {
    let key = || "k".to_owned();
    let version = || Some(VERSION.to_ascii_lowercase());
    for (method, path, expected) in [
        ("GET", "/keys", Route::List),
        ("GET", "/Keys/", Route::List),
        ("POST", "/keys/k/create", Route::Create(key())),
        ("PUT", "/keys/k", Route::Import(key())),
        ("GET", "/keys/k", Route::Get(key(), None)),
        ("GET", "/keys/k/", Route::Get(key(), None)),
        ("GET", "/keys/%6B", Route::Get(key(), None)),
        ("GET", "/keys/k/VERSION", Route::Get(key(), version())),
        ("GET", "/keys/k/versions", Route::ListVersions(key())),
        ("PATCH", "/keys/k/", Route::Update(key(), None)),
        ("PATCH", "/keys/k/VERSION", Route::Update(key(), version())),
        ("DELETE", "/keys/k", Route::Delete(key())),
        ("POST", "/keys/k/backup", Route::Backup(key())),
        ("POST", "/keys/restore", Route::Restore),
        ("GET", "/keys/restore", Route::Get("restore".into(), None)),
        ("POST", "/keys/k/rotate", Route::Rotate(key())),
        ("GET", "/keys/k/rotationPolicy", Route::PolicyGet(key())),
        ("PUT", "/keys/k/rotationpolicy", Route::PolicySet(key())),
        ("POST", "/keys/k/VERSION/encrypt", Route::Crypto(Crypto::Encrypt, key(), version())),
        ("POST", "/keys/k/VERSION/decrypt", Route::Crypto(Crypto::Decrypt, key(), version())),
        ("POST", "/keys/k/VERSION/wrapKey", Route::Crypto(Crypto::Wrap, key(), version())),
        ("POST", "/keys/k/wrapKey", Route::Crypto(Crypto::Wrap, key(), None)),
        ("POST", "/keys/k//wrapkey", Route::Crypto(Crypto::Wrap, key(), None)),
        ("POST", "/keys/k/VERSION/UNWRAPKEY", Route::Crypto(Crypto::Unwrap, key(), version())),
        ("POST", "/keys/k/VERSION/sign", Route::Crypto(Crypto::Sign, key(), version())),
        ("POST", "/keys/k/VERSION/verify/", Route::Crypto(Crypto::Verify, key(), version())),
        ("POST", "/keys/k/VERSION/release", Route::NotOffered("release")),
        ("POST", "/keys/k/release", Route::NotOffered("release")),
        ("POST", "/keys/k/VERSION/secureWrapKey", Route::NotOffered("secureWrapKey")),
        ("GET", "/keys/k/VERSION/attestation", Route::NotOffered("attestation")),
        ("POST", "/rng", Route::Random),
        ("GET", "/deletedkeys", Route::ListDeleted),
        ("GET", "/deletedKeys/k", Route::GetDeleted(key())),
        ("DELETE", "/deletedkeys/k", Route::Purge(key())),
        ("POST", "/deletedkeys/k/recover", Route::Recover(key())),
    ] {
        let path = path.replace("VERSION", VERSION);
        assert_eq!(at(method, &path), Ok(expected), "{method} {path}");
    }
}

#[test]
fn says_what_is_wrong_with_everything_else() {
    let long_name = format!("/keys/{}", "a".repeat(128));
    let long_path = format!("/keys/{}", "a".repeat(4096));
    let version = format!("/keys/k/{VERSION}");
    for (method, path, expected) in [
        ("GET", "/", (404, None)),
        ("GET", "", (404, None)),
        ("GET", "*", (404, None)),
        ("GET", "/secrets/x", (404, None)),
        ("GET", "/keys/k/create", (405, Some("POST"))),
        ("POST", "/keys", (405, Some("GET"))),
        ("POST", "/keys/k", (405, Some("GET, PUT, PATCH, DELETE"))),
        ("OPTIONS", "/keys/k", (405, Some("GET, PUT, PATCH, DELETE"))),
        ("DELETE", &version, (405, Some("GET, PATCH"))),
        ("POST", &version, (405, Some("GET, PATCH"))),
        ("OPTIONS", "/keys/restore", (405, Some("GET, PUT, POST, PATCH, DELETE"))),
        ("GET", "/rng", (405, Some("POST"))),
        ("PUT", "/deletedkeys/k", (405, Some("GET, DELETE"))),
        ("GET", "/deletedkeys/k/recover", (405, Some("POST"))),
        ("GET", "/keys/k/versions/x/y/z/a/b", (404, None)),
        ("POST", "/keys/k/frobnicate", (404, None)),
        ("POST", "/keys/k/v/frobnicate", (404, None)),
        ("GET", "/keys/k/short", (400, None)),
        ("POST", "/keys/k/short/wrapkey", (400, None)),
        ("GET", "/keys/a_b", (400, None)),
        ("GET", "/keys/%ff", (400, None)),
        ("GET", "/keys/a%2Fb", (400, None)),
        ("GET", "/keys/%00", (400, None)),
        ("GET", "//keys", (404, None)),
        ("GET", &long_name, (400, None)),
        ("GET", &long_path, (414, None)),
    ] {
        assert_eq!(at(method, path), Err(expected), "{method} {path}");
    }
}
