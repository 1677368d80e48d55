//! Certificates over the agent's socket: rotated, the owner's own, asked of clients.

use serde_json::{Value, json};
use testkit::{KeyKind, TestCa};

use super::installation::{Installation, psql};

#[test]
fn certificates_rotate_can_be_the_owners_own_and_can_be_asked_of_clients() {
    let pk = Installation::up();
    let fingerprint = |show: &Value| show["tls"]["fingerprint"].as_str().unwrap().to_owned();
    let first = fingerprint(&pk.show());
    pk.check(0, &["server", "certificate", "rotate", "-s", "demo"]);
    let second = fingerprint(&pk.show());
    assert_ne!(first, second);

    let ca = TestCa::new();
    let set = |issued: &testkit::Issued, ca: &str| {
        let key = String::from_utf8(issued.key_pem.expose().clone()).unwrap();
        let args = json!({ "chain": issued.chain_pem, "key": key, "ca": ca });
        pk.agent("certificate-set", &args)
    };
    for (bad, ca_pem) in
        [(ca.expired_server(), ca.pem()), (ca.server(KeyKind::Ecdsa), TestCa::new().pem())]
    {
        let error = set(&bad, &ca_pem).unwrap_err();
        assert_eq!(error["code"], "certificate_not_taken", "{error}");
        assert_eq!(fingerprint(&pk.show()), second);
        assert_eq!(pk.rows("select 1"), "1");
    }
    let shown = set(&ca.server(KeyKind::Ecdsa), &ca.pem()).unwrap();
    assert_eq!((&shown["state"], &shown["tls"]["source"]), (&"Ready".into(), &"own".into()));
    assert_eq!(pk.rows("select 1"), "1", "the connection string follows the certificate");
    pk.check(0, &["server", "restart", "-n", "demo"]);
    assert_eq!(pk.show()["tls"]["source"], "own");
    pk.check(0, &["server", "certificate", "rotate", "-s", "demo"]);
    assert_eq!(pk.show()["tls"]["source"], "internal");
    assert_eq!(pk.rows("select 1"), "1");

    pk.rows("create role clerk login password 'x'");
    let wanted = json!({ "ca_pem": ca.pem(), "rules": [{ "database": "all", "role": "clerk" }] });
    pk.agent("client-certificates", &json!({ "client_certificates": wanted })).unwrap();
    let dsn = pk.show()["dsn"].as_str().unwrap().to_owned();
    let clerk = dsn.replacen("postgres@", "clerk:x@", 1);
    let refused = psql(&clerk, "select 1");
    assert!(refused.err.contains("certificate"), "{}", refused.err);
    assert_eq!(pk.rows("select 1"), "1");
    pk.agent("client-certificates", &json!({})).unwrap();
    assert_eq!(psql(&clerk, "select 1").out.trim(), "1");
}
