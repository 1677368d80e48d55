//! A vault of the tests: real shapes, no cryptography. "Wrapping" turns every bit.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use api::keyvault::{KeyVaultBackend, TokenReply, TokenRequest};
use base::Secret;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use vault::keyvault::model::{
    Answer, Attributes, Call, DeletedKeyBundle, DeletedKeyItem, JsonWebKey, KeyBundle, KeyItem, Op,
    Operation, OperationResult, Page, PageRequest, Principal, Refusal, Reply, RotationPolicy, Tags,
};

pub(crate) const TOKEN: &str = "a-token-that-verifies";
pub(crate) const OBJECT_ID: &str = "object-1";
const CREATED: i64 = 1_700_000_000;

/// A call as the audit would see it.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) vault: String,
    pub(crate) principal: Principal,
    pub(crate) op: String,
    pub(crate) context: vault::keyvault::model::Context,
}

#[derive(Default)]
pub(crate) struct Memory {
    keys: Mutex<Keys>,
    pub(crate) recorded: Mutex<Vec<Recorded>>,
    pub(crate) token_requests: Mutex<Vec<TokenRequest>>,
    pub(crate) audiences: Mutex<Vec<String>>,
    pub(crate) sealed: AtomicBool,
    pub(crate) panics: AtomicBool,
    pub(crate) holds: AtomicBool,
    pub(crate) n_held: AtomicU64,
    pub(crate) gate: Gate,
}

/// Holds calls back until it is opened.
pub(crate) struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Gate {
    pub(crate) fn open(&self) {
        self.0.add_permits(10_000);
    }
}

#[derive(Default)]
struct Keys {
    live: BTreeMap<String, Vec<KeyBundle>>,
    deleted: BTreeMap<String, Vec<KeyBundle>>,
    n_versions: u64,
}

impl Memory {
    pub(crate) fn last(&self) -> Recorded {
        self.recorded.lock().unwrap().last().unwrap().clone()
    }
}

fn refusal(status: u16, code: &'static str, inner: Option<&'static str>) -> Refusal {
    Refusal { status, code, message: format!("{code} of the test"), inner_code: inner }
}

fn id(name: &str) -> String {
    format!("https://shop.vault.localhost:8443/keys/{name}")
}

impl KeyVaultBackend for Memory {
    fn call(&self, call: Call) -> Result<Answer, Refusal> {
        let shown = format!("{:?}", call.op);
        let op = shown.split([' ', '{']).next().unwrap_or_default().to_owned();
        let Call { vault, principal, op: asked, context } = call;
        self.recorded.lock().unwrap().push(Recorded { vault, principal, op, context });
        assert!(!self.panics.load(Ordering::SeqCst), "the backend panics on purpose");
        if self.holds.load(Ordering::SeqCst) {
            self.n_held.fetch_add(1, Ordering::SeqCst);
            let handle = tokio::runtime::Builder::new_current_thread().build().unwrap();
            handle.block_on(async { self.gate.0.acquire().await.unwrap().forget() });
        }
        let reply = self.keys.lock().unwrap().act(asked)?;
        Ok(Answer { reply, assignment_id: Some("assignment-1".into()) })
    }

    fn authenticate(&self, bearer: &str, audience: &str) -> Principal {
        self.audiences.lock().unwrap().push(audience.to_owned());
        match bearer {
            TOKEN => Principal::Identity { object_id: OBJECT_ID.into() },
            _ => Principal::Anonymous { why: "signature of the test".into() },
        }
    }

    fn unavailable(&self) -> Option<Refusal> {
        self.sealed.load(Ordering::SeqCst).then(|| refusal(503, "VaultSealed", None))
    }

    /// As the real one, it knows nothing while it is sealed.
    fn vault_exists(&self, name: &str) -> bool {
        name == "shop" && !self.sealed.load(Ordering::SeqCst)
    }

    fn jwks(&self) -> Value {
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "1", "x": "AQ", "y": "Ag" }] })
    }

    fn token(&self, request: TokenRequest) -> Result<TokenReply, Refusal> {
        let resource = request.resource.clone();
        let known = match &request.proof {
            api::keyvault::Proof::Header(secret) => secret.expose() == "open sesame",
            api::keyvault::Proof::Peer(_) => true,
        };
        self.token_requests.lock().unwrap().push(request);
        match known {
            true => Ok(TokenReply {
                access_token: Secret::new("e30.e30.c2ln".to_owned()),
                expires_on: CREATED,
                resource,
                client_id: "client-1".into(),
            }),
            false => Err(refusal(401, "Unauthorized", None)),
        }
    }
}

impl Keys {
    fn act(&mut self, op: Op) -> Result<Reply, Refusal> {
        Ok(match op {
            Op::Unrecognised { refusal } => return Err(refusal),
            Op::Create { name, parameters } => {
                if !["RSA", "EC", "oct"].contains(&parameters.kty.as_str()) {
                    return Err(refusal(400, "BadParameter", None));
                }
                self.add(name, parameters.kty, parameters.tags, parameters.attributes)?
            }
            Op::Import { name, parameters } => {
                self.add(name, parameters.key.kty, parameters.tags, parameters.attributes)?
            }
            Op::Get { name, version } => Reply::Key(Box::new(self.find(&name, version)?.clone())),
            Op::Update { name, version, parameters } => {
                let found = self.find_mut(&name, version)?;
                if parameters.tags.is_some() {
                    found.tags = parameters.tags;
                }
                Reply::Key(Box::new(found.clone()))
            }
            Op::List { page } => {
                let newest = self.live.iter().map(|(name, versions)| {
                    let newest = versions.last().unwrap();
                    KeyItem { kid: id(name), ..item(newest) }
                });
                Reply::Keys(cut(newest.collect(), &page)?)
            }
            Op::ListVersions { name, page } => {
                let versions = self.live.get(&name).map(|versions| versions.iter().map(item));
                Reply::Keys(cut(versions.into_iter().flatten().collect(), &page)?)
            }
            Op::ListDeleted { page } => {
                let deleted = self.deleted.iter().map(|(name, versions)| DeletedKeyItem {
                    item: KeyItem { kid: id(name), ..item(versions.last().unwrap()) },
                    recovery_id: id(name).replace("/keys/", "/deletedkeys/"),
                    deleted_date: CREATED,
                    scheduled_purge_date: CREATED + 90 * 86_400,
                });
                Reply::DeletedKeys(cut(deleted.collect(), &page)?)
            }
            Op::Delete { name } => {
                let versions = self.live.remove(&name).ok_or_else(missing)?;
                self.deleted.insert(name.clone(), versions);
                self.deleted(&name)?
            }
            Op::GetDeleted { name } => self.deleted(&name)?,
            Op::Recover { name } => {
                let versions = self.deleted.remove(&name).ok_or_else(missing)?;
                let newest = versions.last().unwrap().clone();
                self.live.insert(name, versions);
                Reply::Key(Box::new(newest))
            }
            Op::Purge { name } => {
                self.deleted.remove(&name).ok_or_else(missing)?;
                Reply::Nothing
            }
            Op::Backup { name } => Reply::Backup(name.into_bytes()),
            Op::Restore { blob } => {
                let name = String::from_utf8(blob).ok();
                let name = name.ok_or_else(|| refusal(400, "BadParameter", None))?;
                self.add(name.chars().take(127).collect(), "RSA".into(), None, None)?
            }
            Op::Rotate { name } => {
                let kty = self.find(&name, None)?.key.kty.clone();
                self.add(name, kty, None, None)?
            }
            Op::GetRotationPolicy { name } => {
                self.find(&name, None)?;
                Reply::Policy(RotationPolicy::default())
            }
            Op::SetRotationPolicy { name, policy } => {
                self.find(&name, None)?;
                if policy.lifetime_actions.iter().any(|action| action.action.kind.len() != 6) {
                    return Err(refusal(400, "BadParameter", None));
                }
                let mut policy = policy;
                for action in &mut policy.lifetime_actions {
                    action.action.kind = "Rotate".into();
                }
                Reply::Policy(policy)
            }
            Op::Encrypt { name, version, parameters }
            | Op::Decrypt { name, version, parameters }
            | Op::WrapKey { name, version, parameters }
            | Op::UnwrapKey { name, version, parameters }
            | Op::Sign { name, version, parameters } => self.turn(&name, version, parameters)?,
            Op::Verify { name, version, parameters } => {
                self.find(&name, version)?;
                Reply::Verified(parameters.digest == parameters.signature)
            }
            Op::Random { count } => Reply::Random(Secret::new(vec![7; count as usize])),
        })
    }

    fn add(
        &mut self,
        name: String,
        kty: String,
        tags: Option<Tags>,
        attributes: Option<Attributes>,
    ) -> Result<Reply, Refusal> {
        if self.deleted.contains_key(&name) {
            return Err(refusal(409, "Conflict", Some("ObjectIsDeletedButRecoverable")));
        }
        self.n_versions += 1;
        let kid = format!("{}/{:032x}", id(&name), self.n_versions);
        let key = JsonWebKey { kid: Some(kid), kty, ..JsonWebKey::default() };
        let given = attributes.unwrap_or_default();
        let attributes = Attributes {
            enabled: Some(given.enabled.unwrap_or(true)),
            created: Some(CREATED),
            updated: Some(CREATED),
            recovery_level: Some("Recoverable+Purgeable".into()),
            nbf: given.nbf,
            exp: given.exp,
            ..Attributes::default()
        };
        let bundle = KeyBundle { key, attributes, tags, managed: None };
        self.live.entry(name).or_default().push(bundle.clone());
        Ok(Reply::Key(Box::new(bundle)))
    }

    fn find(&self, name: &str, version: Option<String>) -> Result<&KeyBundle, Refusal> {
        let versions = self.live.get(name).ok_or_else(missing)?;
        match version {
            None => versions.last().ok_or_else(missing),
            Some(version) => versions.iter().find(|b| is(b, &version)).ok_or_else(missing),
        }
    }

    fn find_mut(&mut self, name: &str, version: Option<String>) -> Result<&mut KeyBundle, Refusal> {
        let versions = self.live.get_mut(name).ok_or_else(missing)?;
        match version {
            None => versions.last_mut().ok_or_else(missing),
            Some(version) => versions.iter_mut().find(|b| is(b, &version)).ok_or_else(missing),
        }
    }

    fn deleted(&self, name: &str) -> Result<Reply, Refusal> {
        let versions = self.deleted.get(name).ok_or_else(missing)?;
        Ok(Reply::Deleted(Box::new(DeletedKeyBundle {
            bundle: versions.last().unwrap().clone(),
            recovery_id: id(name).replace("/keys/", "/deletedkeys/"),
            deleted_date: CREATED,
            scheduled_purge_date: CREATED + 90 * 86_400,
        })))
    }

    fn turn(
        &self,
        name: &str,
        version: Option<String>,
        parameters: Operation,
    ) -> Result<Reply, Refusal> {
        let kid = self.find(name, version)?.key.kid.clone().unwrap();
        if parameters.alg.len() > 24 || parameters.alg.contains(' ') {
            return Err(refusal(400, "BadParameter", None));
        }
        let Operation { value, iv, aad, tag, .. } = parameters;
        let value = Secret::new(value.expose().iter().map(|byte| !byte).collect());
        Ok(Reply::Result(OperationResult { kid, value, iv, tag, aad }))
    }
}

fn missing() -> Refusal {
    refusal(404, "KeyNotFound", None)
}

fn is(bundle: &KeyBundle, version: &str) -> bool {
    bundle.key.kid.as_ref().is_some_and(|kid| kid.ends_with(version))
}

fn item(bundle: &KeyBundle) -> KeyItem {
    KeyItem {
        kid: bundle.key.kid.clone().unwrap(),
        attributes: bundle.attributes.clone(),
        tags: bundle.tags.clone(),
        managed: None,
    }
}

/// Skip tokens of the test hold what a URI must not: they come back decoded.
fn cut<T: Clone>(items: Vec<T>, page: &PageRequest) -> Result<Page<T>, Refusal> {
    let start = match &page.after {
        None => 0,
        Some(token) => {
            let number = token.strip_prefix("from &=+/ ").and_then(|n| n.parse().ok());
            number.ok_or_else(|| refusal(400, "BadParameter", None))?
        }
    };
    let size = page.max_results.unwrap_or(25) as usize;
    let rest: &[T] = items.get(start..).unwrap_or_default();
    let next = (rest.len() > size).then(|| format!("from &=+/ {}", start + size));
    Ok(Page { items: rest.iter().take(size).cloned().collect(), next })
}
