//! AWS KMS: the contract against a responder that plays the documented answers, with a checksum
//! for the service's encryption. The real service was not asked.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keys::aws::{AwsKey, AwsOptions};
use keys::{Cause, KeyProvider, Outage, Trust, WireOptions};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::contract::{self, Rig, cause, outage};
use crate::http::{Authority, Request, Response, Server};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333";

struct Key {
    id: String,
    state: &'static str,
    valid_to: Option<i64>,
}

#[derive(Default)]
struct State {
    keys: Mutex<Vec<Key>>,
    fault: Mutex<Option<Response>>,
}

struct FakeAws {
    state: Arc<State>,
    authority: Authority,
    server: Server,
    folder: tempfile::TempDir,
}

fn exception(code: &str, message: &str) -> Response {
    let body = json!({"__type": code, "message": message});
    Response::json(400, &body).with("x-amzn-RequestId", "1")
}

fn mask(id: &str, bytes: &[u8]) -> Vec<u8> {
    let key = crypto::sha256(id.as_bytes());
    bytes.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect()
}

impl State {
    fn add(&self) {
        let mut keys = self.keys.lock();
        let id = format!("1234abcd-12ab-34cd-56ef-{:012x}", keys.len() + 1);
        keys.push(Key { id, state: "Enabled", valid_to: None });
    }

    fn answer(&self, request: &Request) -> Response {
        if let Some(fault) = self.fault.lock().as_ref() {
            return fault.clone();
        }
        let signed = request.header("authorization").unwrap_or_default();
        assert!(signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signed}");
        let body = request.json();
        let name = body["KeyId"].as_str().unwrap();
        let keys = self.keys.lock();
        let key = match name.strip_prefix(ARN).unwrap().split_once('/').unwrap() {
            (":alias", "data-key") => keys.last(),
            (":key", id) => keys.iter().find(|key| key.id == id),
            _ => None,
        };
        let Some(key) = key else {
            return exception("NotFoundException", &format!("Alias {name} is not found."));
        };
        let arn = format!("{ARN}:key/{}", key.id);
        let operation = request.header("x-amz-target").unwrap();
        if operation == "TrentService.DescribeKey" {
            let mut data = json!({
                "Arn": arn, "KeyId": key.id, "Enabled": key.state == "Enabled",
                "KeyState": key.state, "CreationDate": 1_700_000_000.5,
            });
            if let Some(valid_to) = key.valid_to {
                data["ValidTo"] = json!(valid_to);
            }
            return Response::json(200, &json!({ "KeyMetadata": data }));
        }
        assert_eq!(body["EncryptionContext"], json!({"purpose": "pgkeep data key"}));
        if key.state != "Enabled" {
            return exception("DisabledException", &format!("{arn} is disabled."));
        }
        let bytes = |name: &str| STANDARD.decode(body[name].as_str().unwrap()).unwrap();
        let answer = |name: &str, value: &[u8]| {
            let mut answer = json!({"KeyId": arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"});
            answer[name] = Value::String(STANDARD.encode(value));
            Response::json(200, &answer)
        };
        match operation {
            "TrentService.Encrypt" => {
                let plain = bytes("Plaintext");
                let sum = crypto::sha256(&[key.id.as_bytes(), &plain].concat());
                answer("CiphertextBlob", &[&sum[..], &mask(&key.id, &plain)].concat())
            }
            "TrentService.Decrypt" => {
                let sealed = bytes("CiphertextBlob");
                let opened = sealed.split_at_checked(32).and_then(|(sum, rest)| {
                    let plain = mask(&key.id, rest);
                    let same = crypto::sha256(&[key.id.as_bytes(), &plain].concat()) == sum;
                    same.then_some(plain)
                });
                match opened {
                    Some(plain) => answer("Plaintext", &plain),
                    None => exception("InvalidCiphertextException", ""),
                }
            }
            other => panic!("{other}"),
        }
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Key)) {
        change(self.keys.lock().iter_mut().find(|key| key.id == id).unwrap());
    }
}

impl FakeAws {
    async fn start() -> Self {
        let (state, authority) = (Arc::new(State::default()), Authority::new());
        state.add();
        let handler = Arc::clone(&state);
        let server =
            Server::https(&authority, &["kms.localhost"], move |r| handler.answer(&r)).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let text = "[default]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=example\n";
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        Self { state, authority, server, folder }
    }

    fn key_at(&self, port: u16, name: &str) -> AwsKey {
        let wire = WireOptions { trust: Trust::Only(self.authority.pem()), ..Default::default() };
        let options = AwsOptions {
            credentials_file: self.folder.path().join("credentials"),
            profile: "default".to_owned(),
            endpoint: Some(format!("https://kms.localhost:{port}")),
            wire,
        };
        AwsKey::new(format!("{ARN}:{name}").parse().unwrap(), options).unwrap()
    }

    fn key(&self, name: &str) -> AwsKey {
        self.key_at(self.server.port(), name)
    }
}

impl Rig for FakeAws {
    fn provider(&self) -> Box<dyn KeyProvider> {
        Box::new(self.key("alias/data-key"))
    }

    fn unknown(&self) -> Box<dyn KeyProvider> {
        Box::new(self.key("alias/none"))
    }

    fn silent(&self) -> Box<dyn KeyProvider> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Box::new(self.key_at(free.port(), "alias/data-key"))
    }

    fn rotate(&self) {
        self.state.add();
    }

    fn disable(&self, version: &str) -> bool {
        self.state.change(version, |key| key.state = "Disabled");
        true
    }

    fn expire(&self, version: &str) -> bool {
        self.state.change(version, |key| key.valid_to = Some(1_600_000_000));
        true
    }
}

#[tokio::test]
async fn aws_keeps_the_contract() {
    contract::holds(&FakeAws::start().await).await;
}

#[tokio::test]
async fn answers_have_their_class() {
    let fake = FakeAws::start().await;
    let key = fake.key("alias/data-key");
    for (code, words, expected) in [
        ("AccessDeniedException", "User is not authorized", Cause::Forbidden),
        ("UnrecognizedClientException", "The security token is invalid", Cause::IdentityUnknown),
        ("InvalidSignatureException", "Signature expired", Cause::IdentityUnknown),
        ("KMSInvalidStateException", "it is pending deletion.", Cause::NotFound),
        ("KMSInvalidStateException", "it is pending import.", Cause::Disabled),
    ] {
        *fake.state.fault.lock() = Some(exception(code, words));
        let result = key.newest().await;
        assert_eq!(result.as_ref().unwrap_err().status(), Some(400));
        assert_eq!(cause(result), expected, "{code}");
    }
    for (response, expected) in [
        (exception("ThrottlingException", "Rate exceeded"), Outage::Throttled),
        (Response::text(503, "<html>"), Outage::ServerFailure),
        (Response::text(404, "<html>"), Outage::NotAVault),
        (Response::text(200, "{}"), Outage::NotAVault),
        (Response::text(200, "<html>"), Outage::NotAVault),
    ] {
        *fake.state.fault.lock() = Some(response);
        assert_eq!(outage(key.newest().await), expected);
    }
}
