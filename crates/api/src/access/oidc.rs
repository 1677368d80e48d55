//! Sign-in at a provider of OpenID Connect: authorization code with PKCE (RFC 7636), state and
//! nonce bound to the browser by a cookie, groups of the ID token turned into roles.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};

use base::{ExitCode, Fault, Secret};
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope as Wish, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _,
};
pub use openidconnect::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::principal::{Assignment, Kind, Principal};
use super::service::{Access, hash_of};
use super::settings::{Oidc, is_safe_address};
use super::sign_in::SignedIn;
use super::store::Hash;

/// How a provider is reached. Redirects are not followed, answers have a limit and a deadline.
pub trait Door: Send + Sync {
    /// Sends one request; `ca_pem` names certificates to trust beside the machine's.
    fn send(&self, request: HttpRequest, ca_pem: Option<String>) -> Sending;
}

/// An answer that is on its way.
pub type Sending = Pin<Box<dyn Future<Output = Result<HttpResponse, DoorError>> + Send>>;

/// Why a provider was not reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DoorError(pub String);

/// Reaches nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDoor;

impl Door for NoDoor {
    fn send(&self, _: HttpRequest, _: Option<String>) -> Sending {
        Box::pin(async { Err(DoorError("providers cannot be reached from here".to_owned())) })
    }
}

/// A sign-in that has begun. Its secrets stay here; the browser has a cookie that names it.
pub(super) struct Pending {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    until: Timestamp,
}

const PENDING_FOR: SignedDuration = SignedDuration::from_mins(10);
const PENDING_MAX: usize = 1000;
/// Groups of one person that are looked at.
const GROUPS_MAX: usize = 1000;

/// Where a browser has to go, and the cookie that binds it to its way.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) address: String,
    pub(super) cookie: Secret<String>,
}

/// What the provider sends a browser back with.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Returned {
    pub(super) code: Option<String>,
    pub(super) state: Option<String>,
    pub(super) error: Option<String>,
    /// RFC 9207.
    pub(super) iss: Option<String>,
}

/// All claims that are not standard.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Claims(HashMap<String, Value>);

impl AdditionalClaims for Claims {}

type Fields = IdTokenFields<
    Claims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Client = openidconnect::Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

fn failed(what: &str, e: &(dyn std::error::Error + 'static)) -> Fault {
    // What the provider says may quote what it was sent, so it goes to the log without detail.
    tracing::warn!(error = e.to_string(), "{what}");
    Fault::new("oidc_failed", what).hint("the log of the plane says more").exit(ExitCode::Forbidden)
}

fn refused(message: &str) -> Fault {
    Fault::new("oidc_refused", message).exit(ExitCode::Forbidden)
}

impl Access {
    /// Begins a sign-in at the provider.
    pub(super) async fn oidc_begin(&self) -> Result<Started, Fault> {
        let settings = self.settings();
        let Some(oidc) = &settings.oidc else {
            return Err(Fault::new("not_found", "no provider is set up").exit(ExitCode::NotFound));
        };
        // Whoever asks makes the plane ask the provider.
        if self.guesses.take(self.now()).is_err() {
            return Err(Fault::new("too_many_requests", "too many sign-ins begin here")
                .exit(ExitCode::Forbidden));
        }
        let client = self.client(oidc).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        for scope in &oidc.scopes {
            request = request.add_scope(Wish::new(scope.clone()));
        }
        let (address, state, nonce) = request.set_pkce_challenge(challenge).url();
        let cookie = self.secret();
        let now = self.now();
        let until = now.checked_add(PENDING_FOR).unwrap_or(now);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|_, pending| pending.until > now);
        if pending.len() >= PENDING_MAX {
            return Err(Fault::new("too_many_requests", "too many sign-ins have begun here")
                .exit(ExitCode::Forbidden));
        }
        pending.insert(hash_of(&cookie), Pending { state, nonce, verifier, until });
        Ok(Started { address: address.into(), cookie: Secret::new(cookie) })
    }

    /// Ends a sign-in at the provider.
    pub(super) async fn oidc_end(
        self: &Arc<Self>,
        cookie: &str,
        returned: Returned,
        old: Option<Hash>,
    ) -> Result<SignedIn, Fault> {
        let settings = self.settings();
        let oidc = settings.oidc.as_ref().ok_or_else(|| refused("no provider is set up"))?;
        let pending = {
            let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            all.remove(&hash_of(cookie)).filter(|pending| pending.until > self.now())
        };
        let pending = pending.ok_or_else(|| refused("this sign-in did not begin here"))?;
        let state = returned.state.unwrap_or_default();
        if !crypto::constant_time_eq(state.as_bytes(), pending.state.secret().as_bytes()) {
            return Err(refused("this sign-in did not begin here"));
        }
        if returned.iss.is_some_and(|iss| iss != oidc.issuer) {
            return Err(refused("another provider answered"));
        }
        if returned.error.is_some() {
            return Err(refused("the provider refused the sign-in"));
        }
        let code = returned.code.ok_or_else(|| refused("the provider sent no code"))?;
        let principal = self.exchange(oidc, code, pending).await?;
        self.begin(principal, old).await
    }

    async fn client(&self, oidc: &Oidc) -> Result<Client, Fault> {
        let broken = |e: &dyn std::fmt::Display| {
            Fault::new("oidc_failed", "the provider's settings cannot be used")
                .detail(e.to_string())
        };
        let issuer = IssuerUrl::new(oidc.issuer.clone()).map_err(|e| broken(&e))?;
        let send = self.sender(oidc);
        let metadata = CoreProviderMetadata::discover_async(issuer, &send)
            .await
            .map_err(|e| failed("the provider does not say how to sign in", &e))?;
        let back = format!("{}/api/v1/sign-in/oidc/callback", self.origin);
        let secret = oidc.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.0.clone()));
        Ok(Client::from_provider_metadata(metadata, ClientId::new(oidc.client_id.clone()), secret)
            .set_redirect_uri(RedirectUrl::new(back).map_err(|e| broken(&e))?))
    }

    async fn exchange(
        &self,
        oidc: &Oidc,
        code: String,
        pending: Pending,
    ) -> Result<Principal, Fault> {
        let client = self.client(oidc).await?;
        let send = self.sender(oidc);
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|e| failed("the provider has no token endpoint", &e))?
            .set_pkce_verifier(pending.verifier)
            .request_async(&send)
            .await
            .map_err(|e| failed("the provider did not take its code back", &e))?;
        let token = tokens.id_token().ok_or_else(|| refused("the provider sent no ID token"))?;
        let verifier = client.id_token_verifier();
        let claims = token
            .claims(&verifier, &pending.nonce)
            .map_err(|e| failed("the provider's ID token is not good", &e))?;
        let claim = claims.additional_claims().0.get(&oidc.groups_claim);
        let assignments = roles_of(oidc, claim);
        if assignments.is_empty() {
            return Err(refused("none of your groups has a role here"));
        }
        let known_as = claims.preferred_username().map(|name| name.as_str());
        let name = principal_name(known_as, claims.subject().as_str());
        Ok(Principal { name, kind: Kind::Oidc, assignments })
    }

    /// Sends what stays within https, or on this machine.
    fn sender(&self, oidc: &Oidc) -> impl Fn(HttpRequest) -> Sending + Send + Sync + use<> {
        let (door, ca_pem) = (Arc::clone(&self.door), oidc.ca_pem.clone());
        move |request| {
            if is_safe_address(&request.uri().to_string()) {
                return door.send(request, ca_pem.clone());
            }
            let why = "an endpoint of the provider is not https";
            Box::pin(async move { Err(DoorError(why.to_owned())) })
        }
    }
}

/// What the groups of a claim are given; a claim is a text or a list of texts.
fn roles_of(oidc: &Oidc, claim: Option<&Value>) -> Vec<Assignment> {
    let groups: Vec<&str> = match claim {
        Some(Value::String(group)) => vec![group],
        Some(Value::Array(all)) => all.iter().take(GROUPS_MAX).filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let given = oidc.groups.iter().filter(|given| groups.contains(&given.group.as_str()));
    let mut roles: Vec<Assignment> = given
        .map(|given| Assignment { role: given.role.clone(), scope: given.scope.clone() })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// `oidc:NAME/SUBJECT`: a name to read, and a subject because names are given anew.
fn principal_name(known_as: Option<&str>, subject: &str) -> String {
    let clean = |text: &str| -> String {
        let plain = |c: char| c.is_ascii_graphic() && c != '/';
        text.chars().map(|c| if plain(c) { c } else { '_' }).take(100).collect()
    };
    // A subject has 255 ASCII characters at most (OpenID Connect Core, 2); two that differ must
    // stay apart, whatever is left out.
    let short = match subject.len() <= 64 && clean(subject) == subject {
        true => subject.to_owned(),
        false => {
            let hash = crypto::sha256(subject.as_bytes());
            hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
        }
    };
    match known_as {
        Some(name) => format!("oidc:{}/{short}", clean(name)),
        None => format!("oidc:{short}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::settings::GroupRole;
    use serde_json::json;

    #[test]
    fn groups_become_roles() {
        let gives = |group: &str, role: &str| GroupRole {
            group: group.to_owned(),
            role: role.to_owned(),
            scope: crate::access::Scope::All,
        };
        let oidc = Oidc {
            label: String::new(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret: None,
            groups_claim: "groups".to_owned(),
            scopes: Vec::new(),
            groups: vec![gives("dba", "owner"), gives("all", "reader"), gives("x", "reader")],
            ca_pem: None,
        };
        let roles = |claim: Value| -> Vec<String> {
            roles_of(&oidc, Some(&claim)).into_iter().map(|given| given.role).collect()
        };
        assert_eq!(roles(json!(["all", "x"])), ["reader"]);
        assert_eq!(roles(json!(["dba", "all", 7])), ["owner", "reader"]);
        assert_eq!(roles(json!("dba")), ["owner"]);
        for none in [json!([]), json!(null), json!({ "dba": true }), json!("db"), json!(["DBA"])] {
            assert!(roles(none.clone()).is_empty(), "{none}");
        }
        assert!(roles_of(&oidc, None).is_empty());
    }

    #[test]
    fn names_cannot_pass_for_others() {
        assert_eq!(principal_name(Some("anna"), "1"), "oidc:anna/1");
        assert_eq!(principal_name(None, "1"), "oidc:1");
        assert_eq!(principal_name(Some("an/na\n"), "1"), "oidc:an_na_/1");
        assert_ne!(principal_name(None, "a/1"), principal_name(Some("a"), "1"));
        let long = |end: char| principal_name(None, &format!("{}{end}", "a".repeat(250)));
        assert_ne!(long('b'), long('c'));
    }
}
