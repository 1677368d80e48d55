//! A key of the transit engine of HashiCorp Vault or OpenBao, over its HTTP API.
//!
//! The address is `transit+https://HOST[:PORT]/MOUNT/keys/NAME[/VERSION]`, the token lies in a
//! file that is read at each call (an agent may renew it there). Unlike in Azure a key cannot be
//! disabled; what comes nearest is `min_decryption_version`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use async_trait::async_trait;
use base::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroize;

use crate::provider::{check_key_length, checked_plain};
use crate::uri::MAX_URI_BYTES;
use crate::wire::{self, within};
use crate::{
    Algorithm, Cause, KeyDescription, KeyError, KeyProvider, KeyState, Outage, ProviderKind,
    WireOptions, Wrapped, secret_file, text,
};

/// A key of a transit engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitUri {
    /// Scheme, host and port.
    server: Url,
    mount: String,
    name: String,
    version: Option<String>,
}

impl TransitUri {
    /// The pinned version.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn endpoint(&self, operation: &str) -> Url {
        let mut url = self.server.clone();
        url.set_path(&format!("/v1/{}/{operation}/{}", self.mount, self.name));
        url
    }

    fn kid(&self, version: &str) -> String {
        format!("transit+{}{}/keys/{}/{version}", self.server, self.mount, self.name)
    }
}

impl FromStr for TransitUri {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = |why: &str| {
            KeyError::configuration(format!(
                "the address is not transit+https://HOST/MOUNT/keys/NAME[/VERSION]: {why}"
            ))
        };
        if text.len() > MAX_URI_BYTES {
            return Err(wrong("it is too long"));
        }
        let rest = text
            .strip_prefix("transit+")
            .filter(|rest| rest.starts_with("https://"))
            .ok_or_else(|| wrong("it begins otherwise"))?;
        let mut url = Url::parse(rest).map_err(|error| wrong(&error.to_string()))?;
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            return Err(wrong("it has a user, a query or a fragment"));
        }
        let path: Vec<&str> = url.path().split('/').skip(1).collect();
        let n = path.iter().rposition(|part| *part == "keys").ok_or_else(|| wrong("no /keys/"))?;
        let (mount, name, version) = match &path[n + 1..] {
            [name] => (&path[..n], *name, None),
            [name, version] => (&path[..n], *name, Some(*version)),
            _ => return Err(wrong("its path has another shape")),
        };
        let is_word = |part: &&str| {
            (1..=128).contains(&part.len())
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if mount.is_empty() || !mount.iter().chain([&name]).all(is_word) {
            return Err(wrong("mount and name have letters, digits, \"-\", \"_\" and \".\""));
        }
        if version.is_some_and(|version| !is_version(version)) {
            return Err(wrong("a version is a number from 1"));
        }
        let (mount, name) = (mount.join("/"), name.to_owned());
        let version = version.map(str::to_owned);
        url.set_path("/");
        Ok(Self { server: url, mount, name, version })
    }
}

impl fmt::Display for TransitUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transit+{}{}/keys/{}", self.server, self.mount, self.name)?;
        match &self.version {
            Some(version) => write!(f, "/{version}"),
            None => Ok(()),
        }
    }
}

/// A number from 1, as it is written.
fn is_version(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|n| n > 0 && n.to_string() == text)
}

/// A key of a transit engine, asked for with a token from a file.
#[derive(Debug)]
pub struct TransitKey {
    uri: TransitUri,
    token_file: PathBuf,
    /// Namespace of Vault Enterprise and OpenBao.
    namespace: Option<String>,
    options: WireOptions,
    client: reqwest::Client,
}

/// `{"data":…}` of an answer.
#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct KeyData {
    latest_version: u32,
    #[serde(default)]
    min_decryption_version: u32,
    #[serde(default)]
    soft_deleted: bool,
    deletion_allowed: Option<bool>,
    keys: std::collections::BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: String,
}

/// What was being asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Read,
    Encrypt,
    Decrypt,
}

impl TransitKey {
    /// The key at `uri`. Asks nothing yet.
    pub fn new(
        uri: TransitUri,
        token_file: impl Into<PathBuf>,
        namespace: Option<String>,
        options: WireOptions,
    ) -> Result<Self, KeyError> {
        let client = wire::client(&options)?;
        Ok(Self { uri, token_file: token_file.into(), namespace, options, client })
    }

    async fn call<T: DeserializeOwned>(
        &self,
        operation: Operation,
        mut body: Value,
    ) -> Result<T, KeyError> {
        let token = secret_file::read(&self.token_file, "vault token")?;
        let mut token = reqwest::header::HeaderValue::from_str(token.expose())
            .map_err(|_| KeyError::configuration("the vault token holds odd characters"))?;
        token.set_sensitive(true);
        let request = match operation {
            Operation::Read => self.client.get(self.uri.endpoint("keys")),
            Operation::Encrypt => self.client.post(self.uri.endpoint("encrypt")),
            Operation::Decrypt => self.client.post(self.uri.endpoint("decrypt")),
        };
        let mut request = request.header("X-Vault-Token", token).header("X-Vault-Request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if !body.is_null() {
            request = request.body(body.to_string()).header("Content-Type", "application/json");
            if let Some(Value::String(plain)) = body.get_mut("plaintext") {
                plain.zeroize();
            }
        }
        let answer = request.send().await.map_err(|error| wire::outage(&error))?;
        let status = answer.status().as_u16();
        let bytes = wire::body(answer).await.map_err(|error| wire::outage(&error))?;
        let bytes = Secret::new(bytes);
        if status != 200 {
            return Err(classify(operation, status, bytes.expose()));
        }
        serde_json::from_slice::<Answer<T>>(bytes.expose())
            .map(|answer| answer.data)
            .map_err(|_| KeyError::odd("the answer is not a transit engine's"))
    }

    async fn read(&self, version: Option<&str>) -> Result<KeyState, KeyError> {
        within(self.options.deadline, async {
            let data: KeyData = self.call(Operation::Read, Value::Null).await?;
            let n = match version {
                None => data.latest_version,
                Some(version) => version.parse().unwrap_or(0),
            };
            let Some(entry) = data.keys.get(&n.to_string()) else {
                let words = format!("the key has no version {n}");
                return Err(KeyError::denied(Cause::NotFound, words));
            };
            let version = n.to_string();
            Ok(KeyState {
                kid: self.uri.kid(&version),
                version,
                enabled: n >= data.min_decryption_version && !data.soft_deleted,
                not_before: None,
                expires: None,
                created: created(entry),
                updated: None,
                recoverable: data.deletion_allowed.map(|allowed| !allowed),
            })
        })
        .await
    }
}

/// Unix seconds of symmetric keys, an object with a time of others.
fn created(entry: &Value) -> Option<Timestamp> {
    match entry {
        Value::Number(n) => Timestamp::from_second(n.as_i64()?).ok(),
        other => other.get("creation_time")?.as_str()?.parse().ok(),
    }
}

/// What an answer other than 200 means. The body by which such a vault is known: `{"errors":[…]}`.
fn classify(operation: Operation, status: u16, body: &[u8]) -> KeyError {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<String>,
    }
    let Ok(Body { errors }) = serde_json::from_slice(body) else {
        let outage = match status {
            429 => Outage::Throttled,
            500..=599 => Outage::ServerFailure,
            _ => Outage::NotAVault,
        };
        let message = "no transit engine answered".to_owned();
        return KeyError::Unreachable { outage, status: Some(status), message };
    };
    let said = text::clip(&errors.join("; "));
    let has = |word: &str| said.to_ascii_lowercase().contains(word);
    let denied = |cause| KeyError::Denied {
        cause,
        status: Some(status),
        code: None,
        message: if said.is_empty() { "nothing is there".to_owned() } else { said.clone() },
    };
    let outage =
        |outage| KeyError::Unreachable { outage, status: Some(status), message: said.clone() };
    match status {
        403 if has("invalid token") || has("bad token") => denied(Cause::IdentityUnknown),
        401 => denied(Cause::IdentityUnknown),
        403 => denied(Cause::Forbidden),
        404 => denied(Cause::NotFound),
        400 if has("key not found") => denied(Cause::NotFound),
        400 if has("disallowed by policy") || has("soft deleted") || has("soft-deleted") => {
            denied(Cause::Disabled)
        }
        400 if operation == Operation::Decrypt => KeyError::broken(&said),
        400 => KeyError::configuration(&said),
        429 => outage(Outage::Throttled),
        503 if has("sealed") => outage(Outage::Sealed),
        500..=599 => outage(Outage::ServerFailure),
        _ => outage(Outage::NotAVault),
    }
}

/// The version that a ciphertext names: `vault:vN:…`.
fn version_of(ciphertext: &str) -> Option<&str> {
    let rest = ciphertext.strip_prefix("vault:v")?;
    rest.split_once(':').map(|(version, _)| version).filter(|version| is_version(version))
}

#[async_trait]
impl KeyProvider for TransitKey {
    fn describe(&self) -> KeyDescription {
        KeyDescription {
            provider: ProviderKind::Transit,
            vault: format!("{}{}", self.uri.server, self.uri.mount),
            key: self.uri.name.clone(),
            version: self.uri.version.clone(),
            identity: format!("token in {}", self.token_file.display()),
        }
    }

    async fn newest(&self) -> Result<KeyState, KeyError> {
        self.read(self.uri.version()).await
    }

    async fn state(&self, version: &str) -> Result<KeyState, KeyError> {
        if !is_version(version) {
            return Err(KeyError::configuration(format!("\"{version}\" is no key version")));
        }
        self.read(Some(version)).await
    }

    async fn wrap(&self, key: &Secret<Vec<u8>>) -> Result<Wrapped, KeyError> {
        check_key_length(key)?;
        within(self.options.deadline, async {
            // Encrypting with an unknown name would make a new key of it where the token may
            // create one: the key must be there first.
            let state = self.read(self.uri.version()).await?;
            let mut body = json!({ "plaintext": STANDARD.encode(key.expose()) });
            body["key_version"] = json!(state.version.parse::<u32>().unwrap_or(0));
            let done: Encrypted = self.call(Operation::Encrypt, body).await?;
            if version_of(&done.ciphertext) != Some(&state.version) {
                return Err(KeyError::odd("another version wrapped than was asked to"));
            }
            let wrapped = Wrapped {
                provider: ProviderKind::Transit,
                kid: state.kid,
                version: state.version,
                algorithm: Algorithm::Transit,
                value: done.ciphertext.into_bytes(),
            };
            wrapped
                .must_be_from(ProviderKind::Transit)
                .map_err(|_| KeyError::odd("the wrapped key has an impossible length"))?;
            Ok(wrapped)
        })
        .await
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Secret<Vec<u8>>, KeyError> {
        wrapped.must_be_from(ProviderKind::Transit)?;
        let stored = wrapped.kid.parse::<TransitUri>().ok();
        let is_ours = stored.is_some_and(|stored| {
            stored.server.host_str() == self.uri.server.host_str()
                && (&stored.mount, &stored.name) == (&self.uri.mount, &self.uri.name)
                && stored.version() == Some(&wrapped.version)
        });
        let ciphertext = std::str::from_utf8(&wrapped.value).unwrap_or_default();
        if !is_ours || version_of(ciphertext) != Some(&wrapped.version) {
            return Err(KeyError::broken("another key wrapped it"));
        }
        within(self.options.deadline, async {
            let body = json!({ "ciphertext": ciphertext });
            let mut done: Decrypted = self.call(Operation::Decrypt, body).await?;
            let plain = STANDARD.decode(&done.plaintext).map(Secret::new);
            done.plaintext.zeroize();
            checked_plain(plain.map_err(|_| KeyError::odd("the answer is not base64"))?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        let text = "transit+https://bao.example:8200/team/transit/keys/data-key/3";
        let uri: TransitUri = text.parse().unwrap();
        assert_eq!((uri.mount.as_str(), uri.name()), ("team/transit", "data-key"));
        assert_eq!(uri.version(), Some("3"));
        assert_eq!(uri.to_string(), text);
        let url = uri.endpoint("encrypt");
        assert_eq!(url.as_str(), "https://bao.example:8200/v1/team/transit/encrypt/data-key");
        for bad in [
            "https://h/transit/keys/k",
            "transit+http://h/transit/keys/k",
            "transit+https://h/keys/k",
            "transit+https://h/transit/keys/",
            "transit+https://h/transit/keys/k/0",
            "transit+https://h/transit/keys/k/1/2",
            "transit+https://h/transit/k",
            "transit+https://h/a%2Fb/keys/k",
            "transit+https://u@h/t/keys/k",
            "transit+https://h/t/keys/k?x=1",
        ] {
            assert!(bad.parse::<TransitUri>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ciphertexts_name_their_version() {
        assert_eq!(version_of("vault:v12:AAAA"), Some("12"));
        for bad in ["", "vault:v:A", "vault:v0:A", "vault:v01:A", "vault:v1", "x:v1:A"] {
            assert_eq!(version_of(bad), None, "{bad}");
        }
    }
}
