//! Identities for the processes on the vault's own socket: an agent that is a server's identity
//! finds it by name and gets its tokens. OS user and systemd unit of the caller are the kernel's
//! word, as on the identity endpoint's socket.

use base::{ExitCode, Fault, Random as _};
use crypto::OsRandom;
use serde_json::{Value, json};
use vault::keyvault::model::Context;
use vault::{ManagedIdentity, Peer};

use super::Vaultd;
use super::faults::fault;
use crate::rpc::Request;

/// Answers `identity-find {identity}`.
pub(super) fn find(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let identity = of_caller(vaultd, request)?;
    Ok(json!({
        "name": identity.name,
        "client_id": identity.client_id,
        "object_id": identity.object_id,
        "tenant_id": identity.tenant_id,
        "resource": vaultd.places.resource(),
        "socket": vaultd.places.identity_socket,
    }))
}

/// Answers `token {identity, resource}`.
pub(super) fn issue(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let resource = request.text("resource")?;
    let mut id = [0; 16];
    OsRandom.fill(&mut id);
    let context = Context {
        request_id: hex::encode(id),
        caller_address: format!("unix:{}", request.uid),
        client_info: "pgkeep".to_owned(),
        ..Context::default()
    };
    let identity = of_caller(vaultd, request).inspect_err(|fault| {
        if fault.exit == ExitCode::Forbidden {
            let error = vault::Error::Forbidden(fault.message.clone());
            let vaults = vaultd.vault.key_vaults();
            // The caller hears why it was refused, whatever the audit says.
            let _ = vaults.token_refused(Some(request.uid), resource, &context, error);
        }
    })?;
    let token =
        vaultd.vault.key_vaults().issue_token(&identity, resource, &context).map_err(fault)?;
    Ok(json!({
        "access_token": token.access_token.expose(),
        "expires_on": token.expires_on,
        "resource": token.resource,
        "client_id": token.client_id,
    }))
}

/// The named identity, if the caller's OS user is it. The same words whether it is unknown,
/// disabled or another's: a caller learns nothing.
fn of_caller(vaultd: &Vaultd, request: &Request) -> Result<ManagedIdentity, Fault> {
    let name = request.text("identity")?;
    let asks = request.process.peer();
    let peer = Peer { pid: asks.pid, uid: asks.uid, gid: asks.gid, unit: asks.unit };
    match vaultd.vault.key_vaults().identity_named(name) {
        Ok(identity) if identity.enabled && identity.attestation.admits(&peer) => Ok(identity),
        Ok(_) | Err(vault::Error::NotFound(_)) => {
            let shown: String = name.chars().take(64).collect();
            let message = format!("OS user {} is no identity \"{shown}\"", request.uid);
            Err(Fault::new("forbidden", message)
                .hint(format!(
                    "let it be one: pgkeep identity create -n NAME --uid {}",
                    request.uid
                ))
                .exit(ExitCode::Forbidden))
        }
        Err(error) => Err(fault(error)),
    }
}
