//! Managed identities, as operators make and change them.

use base::{Changed, Fault};
use serde_json::{Value, json};
use vault::{Attestation, ManagedIdentity};

use super::super::Vaultd;
use super::super::faults::fault;
use super::{bad, caller, moment, no_identity, with};
use crate::rpc::Request;

/// Answers the operations on identities.
pub(super) fn answer(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let vaults = vaultd.vault.key_vaults();
    let (caller, name) = (caller(request), || request.text("name"));
    match request.op.as_str() {
        "identity-create" => {
            let rules = attestation(vaultd, request)?.unwrap_or_else(|| servers(vaultd));
            let created = vaults.identity_create(caller, name()?, &rules);
            let (identity, changed) = created.map_err(|error| match error {
                vault::Error::Conflict(_) => {
                    fault(error).hint("change the rules: pgkeep identity update")
                }
                error => fault(error),
            })?;
            Ok(with(shown(&identity), changed))
        }
        "identity-show" => {
            vaults.identity_show(caller, name()?).map(|it| shown(&it)).map_err(no_identity)
        }
        "identity-list" => {
            let all = vaults.identity_list(caller).map_err(fault)?;
            Ok(all.iter().map(shown).collect())
        }
        "identity-update" => update(vaultd, request),
        "identity-delete" => {
            let changed = vaults.identity_delete(caller, name()?).map_err(fault)?;
            Ok(json!({ "name": name()?, "changed": changed }))
        }
        "identity-env" => {
            let (identity, secret) = vaults.identity_env(caller, name()?).map_err(no_identity)?;
            Ok(json!({
                "IDENTITY_ENDPOINT": vaultd.places.identity_endpoint(),
                "IDENTITY_HEADER": secret.expose(),
                "AZURE_CLIENT_ID": identity.client_id,
            }))
        }
        _ => Err(request.unknown()),
    }
}

fn update(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let (vaults, caller) = (vaultd.vault.key_vaults(), caller(request));
    let name = request.text("name")?;
    let mut changes = Vec::new();
    if let Some(rules) = attestation(vaultd, request)? {
        changes.push(vaults.identity_attest(caller, name, &rules).map_err(no_identity)?);
    }
    match request.args.get("enabled") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(on)) => {
            changes.push(vaults.identity_enable(caller, name, *on).map_err(no_identity)?);
        }
        Some(_) => return Err(bad("the argument \"enabled\" must be true or false")),
    }
    if request.flag("rotate_header") {
        changes.push(vaults.identity_header_rotate(caller, name).map_err(no_identity)?);
    }
    if changes.is_empty() {
        return Err(bad("nothing to change was named"));
    }
    let changed = match changes.contains(&Changed::Changed) {
        true => Changed::Changed,
        false => Changed::Unchanged,
    };
    let identity = vaults.identity_show(caller, name).map_err(no_identity)?;
    Ok(with(shown(&identity), changed))
}

/// The rules that were named: `uids`, `units`, `servers`, or `no_process`; `None` without any.
fn attestation(vaultd: &Vaultd, request: &Request) -> Result<Option<Attestation>, Fault> {
    let list = |name: &str| match request.args.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(_) => Err(bad(&format!("the argument \"{name}\" must be a list"))),
    };
    let rules = json!({ "uids": list("uids")?, "units": list("units")? });
    let mut rules: Attestation = serde_json::from_value(rules)
        .map_err(|_| bad("a rule of the identity is not understood"))?;
    if request.flag("servers") {
        rules.uids.push(vaultd.agent_uid);
    }
    rules.uids.sort_unstable();
    rules.uids.dedup();
    let none = rules == Attestation::default();
    match (none, request.flag("no_process")) {
        (true, false) => Ok(None),
        (false, true) => Err(bad("\"no_process\" goes with no other rule")),
        (true, true) | (false, false) => Ok(Some(rules)),
    }
}

/// Whoever runs the servers of this home: their customer-managed keys need it.
fn servers(vaultd: &Vaultd) -> Attestation {
    Attestation { uids: vec![vaultd.agent_uid], units: Vec::new() }
}

fn shown(identity: &ManagedIdentity) -> Value {
    json!({
        "name": identity.name,
        "client_id": identity.client_id,
        "object_id": identity.object_id,
        "tenant_id": identity.tenant_id,
        "resource_id": identity.resource_id(),
        "enabled": identity.enabled,
        "uids": identity.attestation.uids,
        "units": identity.attestation.units,
        "created_at": moment(identity.created),
    })
}
