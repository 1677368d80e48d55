//! The arguments of the agent's operations about a key that the owner holds.
//!
//! `{"key", "identity", "policy"}`; `policy` holds any of the fields of [`KeyPolicy`], and what it
//! does not name stays as it is.

use base::Fault;
use keys::KeyUri;
use serde_json::Value;
use server::{CustomerKeySpec, KeyChange, KeyPolicy, KeyReference, Server};

use super::handler::bad;
use crate::rpc::Request;

/// What `create` says of an owner's key; `None`: pgkeep's own vault holds it.
pub(super) fn for_new(request: &Request) -> Result<Option<CustomerKeySpec>, Fault> {
    let policy = policy(request, KeyPolicy::default())?;
    match (key(request)?, identity(request)?) {
        (None, None) if policy.is_none() => Ok(None),
        (Some(key_uri), Some(identity)) => {
            let reference = KeyReference { key_uri, identity };
            Ok(Some(CustomerKeySpec { reference, policy }))
        }
        _ => Err(bad("a key of the owner needs its address and the identity that may use it")
            .hint("name both, --key and --identity, or neither")),
    }
}

/// What `key-change` says.
pub(super) fn change(server: &Server, request: &Request) -> Result<KeyChange, Fault> {
    let now = server.show()?.data_encryption.customer.map(|key| key.policy).unwrap_or_default();
    Ok(KeyChange {
        key_uri: key(request)?,
        identity: identity(request)?,
        policy: policy(request, now)?,
    })
}

/// The address of a key, refused here when no provider understands it.
fn key(request: &Request) -> Result<Option<String>, Fault> {
    let Some(text) = optional(request, "key")? else { return Ok(None) };
    let _: KeyUri = text.parse().map_err(Fault::from)?;
    Ok(Some(text))
}

fn identity(request: &Request) -> Result<Option<String>, Fault> {
    optional(request, "identity")
}

/// `before` with what the request changes in it.
fn policy(request: &Request, before: KeyPolicy) -> Result<Option<KeyPolicy>, Fault> {
    let wanted = match request.args.get("policy") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(wanted)) => wanted,
        Some(_) => return Err(bad("the policy must be an object")),
    };
    let odd =
        |e: serde_json::Error| bad("the policy of the key is not understood").detail(e.to_string());
    let mut whole = serde_json::to_value(before).map_err(odd)?;
    for (name, value) in wanted {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).map(Some).map_err(odd)
}

/// A text argument that may be missing.
fn optional(request: &Request, name: &str) -> Result<Option<String>, Fault> {
    match request.args.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => request.text(name).map(|text| Some(text.to_owned())),
    }
}
