//! A vault that plays Azure Key Vault's documented answers, with a real RSA key behind them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::{Duration, OffsetDateTime};
use base::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::RsaKey;
use jiff::Timestamp;
use keys::azure::{AzureKeyVault, AzureOptions, Identity};
use keys::{KeyProvider, Trust, WireOptions};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::contract::Rig;
use crate::http::{Authority, Request, Response, Server};

/// The first version of every vault: making an RSA key takes long.
static FIRST_KEY: LazyLock<Secret<Vec<u8>>> =
    LazyLock::new(|| RsaKey::generate_3072().unwrap().to_pkcs8().unwrap());

/// What the vault does instead of answering properly.
pub(crate) type Fault = Box<dyn Fn(&Request) -> Option<Response> + Send + Sync>;

struct Version {
    id: String,
    key: RsaKey,
    enabled: bool,
    expires: Option<i64>,
}

/// What lies behind the vault.
#[derive(Default)]
pub(crate) struct State {
    versions: Mutex<Vec<Version>>,
    /// The only token that is good; every token that the credential gives is a new one.
    n_tokens: AtomicUsize,
    pub(crate) seen: Mutex<Vec<Request>>,
    pub(crate) fault: Mutex<Option<Fault>>,
    pub(crate) resource: Mutex<String>,
    pub(crate) base: Mutex<String>,
}

/// A running vault with the key `data-key`.
pub(crate) struct FakeAzure {
    pub(crate) state: Arc<State>,
    pub(crate) authority: Authority,
    pub(crate) server: Server,
}

impl FakeAzure {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(State::default());
        let authority = Authority::new();
        let handler = Arc::clone(&state);
        let names = ["kv.vault.localhost", "other.localhost"];
        let server =
            Server::https(&authority, &names, move |request| handler.answer(request)).await;
        *state.base.lock() = format!("https://kv.vault.localhost:{}", server.port());
        *state.resource.lock() = format!("https://vault.localhost:{}", server.port());
        state.add_version();
        Self { state, authority, server }
    }

    pub(crate) fn options(&self) -> AzureOptions {
        let wire = WireOptions { trust: Trust::Only(self.authority.pem()), ..Default::default() };
        AzureOptions { wire: wire.clone(), sign_in: wire, ..Default::default() }
    }

    pub(crate) fn uri(&self, rest: &str) -> String {
        format!("{}/keys/{rest}", self.state.base.lock())
    }

    pub(crate) fn key(&self, rest: &str) -> AzureKeyVault {
        self.key_as(rest, Identity::Given(Arc::new(Credential(Arc::clone(&self.state)))))
    }

    pub(crate) fn key_as(&self, rest: &str, identity: Identity) -> AzureKeyVault {
        let uri = self.uri(rest).parse().unwrap();
        AzureKeyVault::new(uri, identity, self.options()).unwrap()
    }

    pub(crate) fn fail(
        &self,
        fault: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    ) {
        *self.state.fault.lock() = Some(Box::new(fault));
    }
}

impl State {
    /// The number of tokens that were fetched.
    pub(crate) fn n_tokens(&self) -> usize {
        self.n_tokens.load(Ordering::SeqCst)
    }

    /// The token after the last one.
    pub(crate) fn next_token(&self) -> String {
        format!("token-{}", self.n_tokens.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn add_version(&self) {
        let mut versions = self.versions.lock();
        let key = match versions.is_empty() {
            true => RsaKey::from_pkcs8(FIRST_KEY.expose()).unwrap(),
            false => RsaKey::generate_3072().unwrap(),
        };
        let id = format!("{:032x}", 0xabc + versions.len());
        versions.push(Version { id, key, enabled: true, expires: None });
    }

    fn answer(&self, request: Request) -> Response {
        self.seen.lock().push(request.clone());
        let bearer = request.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        if let Some(fault) = self.fault.lock().as_ref()
            && let Some(response) = fault(&request)
        {
            return response;
        }
        // Only the newest token counts: an old one would show as a refusal.
        if bearer != Some(format!("token-{}", self.n_tokens()).as_str()) {
            return self.challenge();
        }
        let parts: Vec<&str> = request.path().split('/').filter(|part| !part.is_empty()).collect();
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["keys", name]) => self.get(name, None),
            ("GET", ["keys", name, version]) => self.get(name, Some(version)),
            ("POST", ["keys", name, "wrapkey"]) => self.operate(name, None, "wrapkey", &request),
            ("POST", ["keys", name, version, operation]) => {
                self.operate(name, Some(version), operation, &request)
            }
            _ => error(400, "BadParameter", None, "no such operation"),
        }
    }

    pub(crate) fn challenge(&self) -> Response {
        let resource = self.resource.lock().clone();
        error(401, "Unauthorized", None, "AKV10000: Request is missing a Bearer token.").with(
            "WWW-Authenticate",
            format!(r#"Bearer authorization="{resource}/tenant", resource="{resource}""#),
        )
    }

    fn with_version(
        &self,
        name: &str,
        id: Option<&str>,
        work: impl FnOnce(&Version) -> Response,
    ) -> Response {
        let versions = self.versions.lock();
        let found = match id {
            None => versions.last(),
            Some(id) => versions.iter().find(|version| version.id == id),
        };
        match found.filter(|_| name == "data-key") {
            Some(version) => work(version),
            None => error(404, "KeyNotFound", None, "A key with (name/id) was not found"),
        }
    }

    fn kid(&self, version: &Version) -> String {
        format!("{}/keys/data-key/{}", self.base.lock(), version.id)
    }

    fn get(&self, name: &str, id: Option<&str>) -> Response {
        self.with_version(name, id, |version| {
            let mut attributes = json!({
                "enabled": version.enabled, "created": 1_700_000_000, "updated": 1_700_000_001,
                "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
            });
            if let Some(expires) = version.expires {
                attributes["exp"] = json!(expires);
            }
            let key = json!({"kid": self.kid(version), "kty": "RSA"});
            Response::json(200, &json!({"key": key, "attributes": attributes}))
        })
    }

    fn operate(
        &self,
        name: &str,
        id: Option<&str>,
        operation: &str,
        request: &Request,
    ) -> Response {
        self.with_version(name, id, |version| {
            let body = request.json();
            let value = body["value"].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            let (Some(value), Some("RSA-OAEP-256")) = (value, body["alg"].as_str()) else {
                return error(400, "BadParameter", None, "bad value or algorithm");
            };
            if !version.enabled {
                let text = format!("Operation {operation} is not allowed on a disabled key.");
                return error(403, "Forbidden", Some("KeyDisabled"), &text);
            }
            let done = match operation {
                "wrapkey" => version.key.public_key().wrap(&value).ok(),
                // As in Azure, an expired key still unwraps.
                "unwrapkey" => version.key.unwrap(&value).ok().map(|key| key.expose().clone()),
                _ => None,
            };
            match done {
                Some(done) => Response::json(
                    200,
                    &json!({"kid": self.kid(version), "value": URL_SAFE_NO_PAD.encode(done)}),
                ),
                None => error(400, "BadParameter", None, "the parameter is incorrect"),
            }
        })
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Version)) {
        let mut versions = self.versions.lock();
        change(versions.iter_mut().find(|version| version.id == id).unwrap());
    }
}

/// An error in Azure's shape.
pub(crate) fn error(status: u16, code: &str, inner: Option<&str>, message: &str) -> Response {
    let inner = inner.map_or(Value::Null, |code| json!({ "code": code }));
    let body = json!({"error": {"code": code, "message": message, "innererror": inner}});
    Response::json(status, &body)
}

/// Gives the only good token, a new one at each call.
#[derive(Clone)]
struct Credential(Arc<State>);

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}

#[async_trait::async_trait]
impl TokenCredential for Credential {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, [format!("{}/.default", self.0.resource.lock())]);
        let expires = OffsetDateTime::now_utc() + Duration::hours(1);
        Ok(AccessToken::new(self.0.next_token(), expires))
    }
}

impl Rig for FakeAzure {
    fn provider(&self) -> Box<dyn KeyProvider> {
        Box::new(self.key("data-key"))
    }

    fn unknown(&self) -> Box<dyn KeyProvider> {
        Box::new(self.key("no-such-key"))
    }

    fn silent(&self) -> Box<dyn KeyProvider> {
        // A port that nothing listens on: it was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let uri = format!("https://kv.vault.localhost:{}/keys/data-key", free.port());
        let identity = Identity::Given(Arc::new(Credential(Arc::clone(&self.state))));
        Box::new(AzureKeyVault::new(uri.parse().unwrap(), identity, self.options()).unwrap())
    }

    fn rotate(&self) {
        self.state.add_version();
    }

    fn disable(&self, version: &str) -> bool {
        self.state.change(version, |version| version.enabled = false);
        true
    }

    fn expire(&self, version: &str) -> bool {
        let past = Timestamp::now().as_second() - 1;
        self.state.change(version, |version| version.expires = Some(past));
        true
    }
}
