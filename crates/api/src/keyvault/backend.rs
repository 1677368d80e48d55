//! What the edge needs of a key vault. The binary puts the real one behind it, tests their own.

use base::Secret;
use vault::keyvault::model::{Answer, Call, Principal, Refusal};

/// A key vault as the edge sees it. Every method may block: the edge calls from its own workers.
///
/// `call` writes the audit record before it returns, also of refusals; the edge relies on that.
pub trait KeyVaultBackend: Send + Sync + 'static {
    /// Authorises, acts, records, answers.
    fn call(&self, call: Call) -> Result<Answer, Refusal>;
    /// Says whose token this is; [`Principal::Anonymous`] when it does not verify.
    fn authenticate(&self, bearer: &str, audience: &str) -> Principal;
    /// The refusal for everybody while nothing can be told, for example because it is sealed.
    ///
    /// Asked before and after the two questions below: what a sealed vault does not know must
    /// never look like a vault that is gone or a token that is bad, as callers take those for
    /// final.
    fn unavailable(&self) -> Option<Refusal>;
    /// Whether there is a vault of that name (in lower case).
    fn vault_exists(&self, name: &str) -> bool;
    /// Public halves of the keys that sign tokens, as a JWK set (RFC 7517 §5).
    fn jwks(&self) -> serde_json::Value;
    /// Issues a token to an identity that proves itself.
    fn token(&self, request: TokenRequest) -> Result<TokenReply, Refusal>;
}

/// A request for a token of a managed identity.
#[derive(Debug)]
pub struct TokenRequest {
    /// Made by the edge, also told to the caller.
    pub request_id: String,
    /// Whom the token is for, for example `https://vault.localhost:8443`.
    pub resource: String,
    /// Which identity is meant; `None` when only the proof says so.
    pub selector: Option<IdentitySelector>,
    /// What the caller proves itself with.
    pub proof: Proof,
    /// Address of the peer, or `unix:UID`.
    pub caller_address: String,
    /// `User-Agent`, cut at 256 characters.
    pub client_info: String,
}

/// Names an identity in a request for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySelector {
    /// `client_id`.
    ClientId(String),
    /// `object_id` or `principal_id`.
    ObjectId(String),
    /// `mi_res_id` or `msi_res_id`.
    ResourceId(String),
}

/// What a caller proves itself with.
#[derive(Debug)]
pub enum Proof {
    /// The value of `X-IDENTITY-HEADER`, sent over loopback TCP; to be compared in constant time.
    Header(Secret<String>),
    /// What the kernel says of the process at the other end of the unix socket.
    Peer(Peer),
}

/// A process at the other end of a unix socket, as it was when it connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process id; `None` when it lives in a pid namespace that cannot be seen from here.
    pub pid: Option<u32>,
    /// Its effective user id.
    pub uid: u32,
    /// Its effective group id.
    pub gid: u32,
    /// The unit of the system's service manager that it runs in, for example `shop.service`.
    /// `None` when there is none, or none that could be established beyond doubt.
    pub unit: Option<String>,
}

/// A token.
#[derive(Debug)]
pub struct TokenReply {
    /// The token itself.
    pub access_token: Secret<String>,
    /// When it ends, in Unix seconds.
    pub expires_on: i64,
    /// Whom it is for, as asked.
    pub resource: String,
    /// `client_id` of the identity.
    pub client_id: String,
}
