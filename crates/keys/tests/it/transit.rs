//! Transit engine: the contract against a responder that plays the documented answers of
//! OpenBao's HTTP API, with real authenticated encryption behind them. No real server was asked.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use base::Random as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::OsRandom;
use keys::transit::TransitKey;
use keys::{Cause, KeyError, KeyProvider, Outage, Trust, WireOptions};
use parking_lot::Mutex;
use serde_json::json;

use crate::contract::{self, Rig, cause, outage, secret};
use crate::http::{Authority, Request, Response, Server};

const TOKEN: &str = "s.test-token";

#[derive(Default)]
struct State {
    keys: Mutex<Vec<[u8; 32]>>,
    oldest: Mutex<usize>,
    fault: Mutex<Option<Response>>,
}

struct FakeTransit {
    state: Arc<State>,
    authority: Authority,
    server: Server,
    folder: tempfile::TempDir,
}

fn errors(status: u16, words: &[&str]) -> Response {
    Response::json(status, &json!({ "errors": words }))
}

/// `plain XOR key` behind a checksum: enough to tell whole from damaged.
fn seal(key: &[u8; 32], plain: &[u8]) -> Vec<u8> {
    let sum = crypto::sha256(&[&key[..], plain].concat());
    let mut out = sum.to_vec();
    out.extend(plain.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
    out
}

fn open(key: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    let (sum, rest) = sealed.split_at_checked(32)?;
    let plain: Vec<u8> = rest.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
    (crypto::sha256(&[&key[..], &plain].concat()) == sum).then_some(plain)
}

impl State {
    fn add_version(&self) {
        let mut key = [0; 32];
        OsRandom.fill(&mut key);
        self.keys.lock().push(key);
    }

    fn answer(&self, request: &Request) -> Response {
        if let Some(fault) = self.fault.lock().as_ref() {
            return fault.clone();
        }
        assert_eq!(request.header("x-vault-namespace"), Some("team"));
        if request.header("x-vault-token") != Some(TOKEN) {
            return errors(403, &["permission denied", "invalid token"]);
        }
        let keys = self.keys.lock();
        match (request.method.as_str(), request.path()) {
            ("GET", "/v1/my/transit/keys/data-key") => {
                let versions: serde_json::Map<String, serde_json::Value> =
                    (1..=keys.len()).map(|n| (n.to_string(), json!(1_700_000_000))).collect();
                let data = json!({
                    "name": "data-key", "type": "aes256-gcm96", "latest_version": keys.len(),
                    "min_decryption_version": *self.oldest.lock(), "deletion_allowed": false,
                    "keys": versions,
                });
                Response::json(200, &json!({ "data": data }))
            }
            ("GET", _) => errors(404, &[]),
            ("POST", "/v1/my/transit/encrypt/data-key") => {
                let body = request.json();
                let plain = STANDARD.decode(body["plaintext"].as_str().unwrap()).unwrap();
                let n = body["key_version"].as_u64().unwrap() as usize;
                let sealed = STANDARD.encode(seal(&keys[n - 1], &plain));
                let data = json!({"ciphertext": format!("vault:v{n}:{sealed}"), "key_version": n});
                Response::json(200, &json!({ "data": data }))
            }
            ("POST", "/v1/my/transit/decrypt/data-key") => {
                let body = request.json();
                let text = body["ciphertext"].as_str().unwrap();
                let (n, sealed) = text["vault:v".len()..].split_once(':').unwrap();
                let n: usize = n.parse().unwrap();
                if n < *self.oldest.lock() {
                    let words = "ciphertext or signature version is disallowed by policy (too old)";
                    return errors(400, &[words]);
                }
                let plain = STANDARD.decode(sealed).ok().and_then(|s| open(&keys[n - 1], &s));
                match plain {
                    Some(plain) => {
                        let data = json!({ "plaintext": STANDARD.encode(plain) });
                        Response::json(200, &json!({ "data": data }))
                    }
                    None => errors(400, &["cipher: message authentication failed"]),
                }
            }
            _ => errors(400, &["encryption key not found"]),
        }
    }
}

impl FakeTransit {
    async fn start() -> Self {
        let (state, authority) = (Arc::new(State::default()), Authority::new());
        state.add_version();
        let handler = Arc::clone(&state);
        let server =
            Server::https(&authority, &["bao.localhost"], move |r| handler.answer(&r)).await;
        let fake = Self { state, authority, server, folder: tempfile::tempdir().unwrap() };
        fake.write_token(TOKEN);
        fake
    }

    fn write_token(&self, token: &str) -> PathBuf {
        let path = self.folder.path().join("token");
        std::fs::write(&path, token).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    fn key_at(&self, port: u16, rest: &str) -> TransitKey {
        let uri = format!("transit+https://bao.localhost:{port}/my/transit/keys/{rest}");
        let options =
            WireOptions { trust: Trust::Only(self.authority.pem()), ..Default::default() };
        let token = self.folder.path().join("token");
        TransitKey::new(uri.parse().unwrap(), token, Some("team".to_owned()), options).unwrap()
    }

    fn key(&self, rest: &str) -> TransitKey {
        self.key_at(self.server.port(), rest)
    }
}

impl Rig for FakeTransit {
    fn provider(&self) -> Box<dyn KeyProvider> {
        Box::new(self.key("data-key"))
    }

    fn unknown(&self) -> Box<dyn KeyProvider> {
        Box::new(self.key("none"))
    }

    fn silent(&self) -> Box<dyn KeyProvider> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Box::new(self.key_at(free.port(), "data-key"))
    }

    fn rotate(&self) {
        self.state.add_version();
    }

    fn disable(&self, version: &str) -> bool {
        *self.state.oldest.lock() = version.parse::<usize>().unwrap() + 1;
        true
    }

    fn expire(&self, _: &str) -> bool {
        false
    }
}

#[tokio::test]
async fn transit_keeps_the_contract() {
    contract::holds(&FakeTransit::start().await).await;
}

#[tokio::test]
async fn a_renewed_token_is_read_and_a_bad_one_denied() {
    let fake = FakeTransit::start().await;
    let key = fake.key("data-key/1");
    fake.state.add_version();
    assert_eq!(key.wrap(&secret(&[1; 32])).await.unwrap().version, "1");
    fake.write_token("s.revoked");
    assert_eq!(cause(key.newest().await), Cause::IdentityUnknown);
    fake.write_token("two\nlines");
    let result = key.newest().await;
    assert!(matches!(result, Err(KeyError::Configuration { .. })), "{result:?}");
    fake.write_token(TOKEN);
    key.newest().await.unwrap();
}

#[tokio::test]
async fn answers_have_their_class() {
    let fake = FakeTransit::start().await;
    let key = fake.key("data-key");
    for (response, expected) in [
        (errors(503, &["Vault is sealed"]), Outage::Sealed),
        (errors(500, &["internal error"]), Outage::ServerFailure),
        (errors(429, &["rate limit"]), Outage::Throttled),
        (Response::text(404, "<html>"), Outage::NotAVault),
        (Response::text(403, "<html>"), Outage::NotAVault),
        (Response::text(200, "{}"), Outage::NotAVault),
    ] {
        *fake.state.fault.lock() = Some(response);
        assert_eq!(outage(key.newest().await), expected);
    }
    *fake.state.fault.lock() = Some(errors(403, &["permission denied"]));
    assert_eq!(cause(key.newest().await), Cause::Forbidden);
}
