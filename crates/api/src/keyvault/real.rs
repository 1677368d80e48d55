//! The vault of this workspace behind the edge.

use base::Secret;
use serde_json::Value;
use vault::keyvault::model::{Answer, Call, Context, Principal, Refusal};
use vault::{Selector, State, Vault};

use super::{IdentitySelector, KeyVaultBackend, Proof, TokenReply, TokenRequest};

impl KeyVaultBackend for Vault {
    fn call(&self, call: Call) -> Result<Answer, Refusal> {
        self.key_vaults().call(call)
    }

    fn authenticate(&self, bearer: &str, audience: &str) -> Principal {
        self.key_vaults().authenticate(bearer, audience)
    }

    fn unavailable(&self) -> Option<Refusal> {
        let (state, reason) = self.status();
        match state {
            State::Unsealed => None,
            _ => Some(Refusal::from(vault::Error::Sealed(reason))),
        }
    }

    fn vault_exists(&self, name: &str) -> bool {
        self.key_vaults().vault_exists(name)
    }

    fn jwks(&self) -> Value {
        self.key_vaults().published_keys()
    }

    fn token(&self, request: TokenRequest) -> Result<TokenReply, Refusal> {
        let selector = selector(request.selector);
        let vaults = self.key_vaults();
        let context = Context {
            request_id: request.request_id,
            caller_address: request.caller_address,
            client_info: request.client_info,
            ..Context::default()
        };
        let (uid, found) = match &request.proof {
            Proof::Header(secret) => (None, vaults.identity_of_header(secret.expose(), &selector)),
            Proof::Peer(peer) => {
                let peer = vault::Peer {
                    pid: peer.pid,
                    uid: peer.uid,
                    gid: peer.gid,
                    unit: peer.unit.clone(),
                };
                (Some(peer.uid), vaults.identity_of_peer(&peer, &selector))
            }
        };
        let identity =
            found.map_err(|error| vaults.token_refused(uid, &request.resource, &context, error))?;
        let mut issued = vaults.issue_token(&identity, &request.resource, &context)?;
        Ok(TokenReply {
            access_token: Secret::new(std::mem::take(issued.access_token.expose_mut())),
            expires_on: issued.expires_on,
            resource: issued.resource,
            client_id: issued.client_id,
        })
    }
}

fn selector(given: Option<IdentitySelector>) -> Selector {
    let mut selector = Selector::default();
    match given {
        None => {}
        Some(IdentitySelector::ClientId(id)) => selector.client_id = Some(id),
        Some(IdentitySelector::ObjectId(id)) => selector.object_id = Some(id),
        Some(IdentitySelector::ResourceId(id)) => selector.resource_id = Some(id),
    }
    selector
}
