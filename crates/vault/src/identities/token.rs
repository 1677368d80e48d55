//! Tokens of identities: issued here, checked here, and the keys that sign them.

use std::collections::HashMap;
use std::sync::Arc;

use base::Secret;
use crypto::{Curve, KeySpec, PublicParts, VaultKey, sha256};
use parking_lot::RwLock;
use serde_json::{Value, json};

use super::jwt::{self, Claims};
use super::{ManagedIdentity, find};
use crate::core::Planned;
use crate::keyvault::admin_lock;
use crate::keyvault::model::{Context, Principal};
use crate::keyvault::{KeyVaults, base64url_encode};
use crate::ledger::Draft;
use crate::store::Address;
use crate::world::{World, kind};
use crate::{Caller, Error};

/// How long a token is good for.
const LIFE_SECONDS: i64 = 15 * 60;
/// No token of ours is good for longer, whatever it says.
const LIFE_MAX_SECONDS: i64 = 60 * 60;
/// Clocks differ.
const LEEWAY_SECONDS: i64 = 60;
/// A key signs for so long, and is published for twice as long.
const KEY_SECONDS: i64 = 30 * 24 * 3600;
/// So many tokens are remembered as checked.
const CACHE_MAX: usize = 1024;

/// A token for whoever asked.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token itself.
    pub access_token: Secret<String>,
    /// Unix seconds.
    pub expires_on: i64,
    /// What it is good for, as it stands in the token.
    pub resource: String,
    /// Whose it is.
    pub client_id: String,
}

/// A key that signs tokens.
pub(crate) struct TokenKey {
    pub(crate) key: VaultKey,
    pub(crate) created: i64,
}

impl TokenKey {
    /// Reads `created (8 bytes, big-endian) ‖ key`.
    pub(crate) fn read(_kid: &str, plain: &Secret<Vec<u8>>) -> Option<Self> {
        let (created, sealable) = plain.expose().split_first_chunk::<8>()?;
        let key = VaultKey::from_sealable(sealable).ok()?;
        Some(Self { key, created: i64::from_be_bytes(*created) })
    }

    fn to_plain(&self) -> Result<Secret<Vec<u8>>, Error> {
        let failed = |source| Error::Crypto { doing: "seal a key of tokens", source };
        let sealable = self.key.to_sealable().map_err(failed)?;
        let mut plain = Secret::new(Vec::with_capacity(8 + sealable.expose().len()));
        plain.expose_mut().extend_from_slice(&self.created.to_be_bytes());
        plain.expose_mut().extend_from_slice(sealable.expose());
        Ok(plain)
    }
}

/// Tokens whose signature was checked, by their hash: checking one costs as much as using an
/// elliptic key. Times, issuer and audience are looked at again each time.
#[derive(Default)]
pub(crate) struct TokenCache {
    checked: RwLock<HashMap<[u8; 32], Arc<Claims>>>,
}

impl TokenCache {
    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.checked.write().clear();
    }

    fn find(&self, hash: &[u8; 32]) -> Option<Arc<Claims>> {
        self.checked.read().get(hash).cloned()
    }

    fn keep(&self, hash: [u8; 32], claims: Arc<Claims>, now: i64) {
        let mut checked = self.checked.write();
        if checked.len() >= CACHE_MAX {
            checked.retain(|_, claims| claims.exp > now);
        }
        if checked.len() >= CACHE_MAX {
            checked.clear();
        }
        checked.insert(hash, claims);
    }
}

impl KeyVaults {
    /// Makes a token for an identity that has proved to be it. `audience` must be the resource of
    /// these key vaults; a slash at its end is let pass.
    pub fn issue_token(
        &self,
        identity: &ManagedIdentity,
        audience: &str,
        context: &Context,
    ) -> Result<IssuedToken, Error> {
        let core = &self.core;
        let claim = crate::audit::Claim {
            object_id: Some(identity.object_id.clone()),
            upn: Some(identity.name.clone()),
            appid: Some(identity.client_id.clone()),
            ..crate::audit::Claim::default()
        };
        let mut event =
            core.request_event("Authentication", crate::sealing::SERVICE_RESOURCE, context, claim);
        event.id = identity.resource_id();
        let outcome = self.token_for(identity, audience).map(Planned::read);
        core.finish(event, outcome)
    }

    /// Records that a request for a token was refused before it was known for which identity, and
    /// gives the refusal back. `uid` is the caller's OS user, where the kernel has named it.
    pub fn token_refused(
        &self,
        uid: Option<u32>,
        audience: &str,
        context: &Context,
        error: Error,
    ) -> Error {
        let core = &self.core;
        let claim = crate::audit::Claim { uid, ..crate::audit::Claim::default() };
        let resource = crate::sealing::SERVICE_RESOURCE;
        let mut event = core.request_event("Authentication", resource, context, claim);
        event.id = audience.chars().take(128).collect();
        match core.finish::<(), Error>(event, Err(error)) {
            Err(error) => error,
            Ok(()) => unreachable!("because a refusal is no answer"),
        }
    }

    fn token_for(&self, asked: &ManagedIdentity, audience: &str) -> Result<IssuedToken, Error> {
        self.ensure_token_key()?;
        let resource = self.resource();
        if !audience.trim_end_matches('/').eq_ignore_ascii_case(&resource) {
            let shown: String = audience.chars().take(128).collect();
            let message = format!("tokens are made for {resource} only, not for \"{shown}\"");
            return Err(Error::BadRequest(message));
        }
        let world = self.core.world()?;
        // It may have been disabled since it was found.
        let identity = find(&world, &asked.object_id)?;
        if !identity.enabled {
            return Err(Error::Forbidden(format!(
                "the identity \"{}\" is disabled",
                identity.name
            )));
        }
        let (kid, key) = newest(&world)
            .ok_or_else(|| Error::NotFound("there is no key for tokens".to_owned()))?;
        let now = self.core.now();
        let claims = Claims {
            aud: resource.clone(),
            iss: resource.clone(),
            iat: now,
            nbf: now,
            exp: now + LIFE_SECONDS,
            oid: identity.object_id.clone(),
            sub: identity.object_id.clone(),
            appid: identity.client_id.clone(),
            tid: identity.tenant_id.clone(),
            ver: "1.0".to_owned(),
            idtyp: "app".to_owned(),
            xms_mirid: identity.resource_id(),
            uti: self.core.random_hex::<16>(),
        };
        let access_token = jwt::sign(&key.key, kid, &claims)
            .map_err(|source| Error::Crypto { doing: "sign a token", source })?;
        Ok(IssuedToken {
            access_token,
            expires_on: claims.exp,
            resource,
            client_id: identity.client_id.clone(),
        })
    }

    /// Who a bearer token says is asking. Whether that identity is there, and what it may do, is
    /// looked up by each call. `audience` is the resource that the edge serves.
    pub fn authenticate(&self, bearer: &str, audience: &str) -> Principal {
        match self.checked_claims(bearer, audience) {
            Ok(claims) => Principal::Identity { object_id: claims.oid.clone() },
            Err(why) => Principal::Anonymous { why: why.to_owned() },
        }
    }

    fn checked_claims(&self, token: &str, audience: &str) -> Result<Arc<Claims>, &'static str> {
        if token.is_empty() {
            return Err("there is no token");
        }
        if token.len() > jwt::TOKEN_MAX_BYTES {
            return Err("the token is too long");
        }
        let now = self.core.now();
        let world = self.core.world().map_err(|_| "the vault is sealed")?;
        let hash = sha256(token.as_bytes());
        let claims = match self.core.tokens.find(&hash) {
            Some(claims) => claims,
            None => {
                let claims = jwt::verify(token, |kid| world.token_keys.get(kid).cloned())?;
                let claims = Arc::new(claims);
                self.core.tokens.keep(hash, Arc::clone(&claims), now);
                claims
            }
        };
        if claims.iss != self.resource() {
            return Err("the token has another issuer");
        }
        if claims.aud != audience.trim_end_matches('/') {
            return Err("the token is for another audience");
        }
        if now < claims.nbf.saturating_sub(LEEWAY_SECONDS) {
            return Err("the token is not valid yet");
        }
        if now >= claims.exp.saturating_add(LEEWAY_SECONDS) {
            return Err("the token has expired");
        }
        if claims.exp.saturating_sub(claims.nbf) > LIFE_MAX_SECONDS {
            return Err("the token is valid for too long");
        }
        Ok(claims)
    }

    /// The public keys of tokens as a JSON Web Key Set (RFC 7517). Empty while sealed.
    pub fn published_keys(&self) -> Value {
        let keys: Vec<Value> = match self.core.world() {
            Err(_) => Vec::new(),
            Ok(world) => world
                .token_keys
                .iter()
                .filter_map(|(kid, key)| match key.key.public() {
                    PublicParts::Ec { curve, x, y } => Some(json!({
                        "kty": "EC", "use": "sig", "alg": "ES256", "kid": kid,
                        "crv": curve.name(),
                        "x": base64url_encode(&x), "y": base64url_encode(&y),
                    })),
                    _ => None,
                })
                .collect(),
        };
        json!({ "keys": keys })
    }

    /// Replaces the key that signs tokens; tokens of the one before stay good.
    pub fn token_key_rotate(&self, caller: Caller<'_>) -> Result<String, Error> {
        self.core.local(caller, "TokenKeyRotate", crate::sealing::SERVICE_RESOURCE, "", || {
            self.core.policy.as_operator(caller)?;
            Ok(Planned::read(()))
        })?;
        self.new_token_key(true).map(|kid| kid.unwrap_or_default())
    }

    /// Makes the first key when it is needed.
    fn ensure_token_key(&self) -> Result<(), Error> {
        if newest(&*self.core.world()?).is_none() {
            self.new_token_key(false)?;
        }
        Ok(())
    }

    /// Replaces a key that has signed for long enough.
    pub(crate) fn rotate_token_key_if_due(&self) -> Result<bool, Error> {
        let now = self.core.now();
        let old = |created: i64| now - created >= KEY_SECONDS;
        if !newest(&*self.core.world()?).is_some_and(|(_, key)| old(key.created)) {
            return Ok(false);
        }
        Ok(self.new_token_key(true)?.is_some())
    }

    /// Makes a key and drops those that no living token was signed with. Without `force` only
    /// where there is none.
    fn new_token_key(&self, force: bool) -> Result<Option<String>, Error> {
        let core = &self.core;
        let failed = |source| Error::Crypto { doing: "make a key of tokens", source };
        let key = VaultKey::generate(&KeySpec::Ec(Curve::P256)).map_err(failed)?;
        let _gate = core.gate.read();
        let _name = core.lock_name(admin_lock());
        let key = Arc::new(TokenKey { key, created: core.now() });
        let kid = core.random_hex::<16>();
        let mut event = core.event("TokenKeyPut", crate::sealing::SERVICE_RESOURCE);
        event.caller_address = "scheduler".to_owned();
        event.id.clone_from(&kid);
        let planned = {
            let world = core.world()?;
            if !force && newest(&world).is_some() {
                return Ok(None);
            }
            let dead: Vec<String> = world
                .token_keys
                .iter()
                .filter(|(_, known)| key.created - known.created >= 2 * KEY_SECONDS)
                .map(|(kid, _)| kid.clone())
                .collect();
            let address = |kid: &str| Address::new(kind::TOKEN_KEY, kid, "");
            let mut drafts = vec![Draft::put(address(&kid), &world.system, key.to_plain()?)];
            drafts.extend(dead.iter().map(|kid| Draft::Remove(address(kid))));
            let id = kid.clone();
            Planned::change(Some(kid), drafts, move |world| {
                world.token_keys.insert(id, key);
                for kid in &dead {
                    world.token_keys.remove(kid);
                }
            })
        };
        let made = core.finish::<_, Error>(event, Ok(planned))?;
        core.tokens.clear();
        Ok(made)
    }
}

fn newest(world: &World) -> Option<(&String, &Arc<TokenKey>)> {
    world.token_keys.iter().max_by_key(|(kid, key)| (key.created, *kid))
}
