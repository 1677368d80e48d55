//! What operators do on the vault's socket: key vaults and their keys, roles, identities, seals.
//!
//! Crate `vault` decides who is an operator and records what was asked; here requests are only
//! read and answers written down. Doing something twice answers `unchanged`.
//!
//! The plane asks with `acting`, the name of its own user for whom it asks. It may then do all of
//! this but `vault-rekey`, and of keys neither import, backup nor restore.
//!
//! | op | args → answer |
//! |---|---|
//! | `keyvault-create` | `{name, retention_days?, purge_protection?}` → as `keyvault-show` |
//! | `keyvault-show`, `keyvault-update` | `{name}` → `{name, uri, ca_file, retention_days, …}` |
//! | `keyvault-list` | → a list of these |
//! | `key` | `{vault, op, name?, version?, body?, after?}` → see [`keys`] |
//! | `role-assignment-create` | `{vault, key?, role, assignee}` → `{id, role, role_id, …}` |
//! | `role-assignment-delete` | the same, or `{id}` → `{changed, …}` |
//! | `role-assignment-list` | `{vault?}` → a list |
//! | `identity-create`, `identity-update` | `{name, uids?, units?, servers?, no_process?}` |
//! | `identity-update` too | `{name, enabled?, rotate_header?}` |
//! | `identity-show`, `identity-delete` | `{name}` |
//! | `identity-list` | → a list |
//! | `identity-env` | `{name}` → the variables of the Azure SDKs; one is a secret |
//! | `audit-list` | `{vault?, after?, limit?}` → `{records, next}`, newest first |
//! | `audit-read` | `{after}` → `{lines: [{text, end, intact}], more}`; the plane, for itself |
//! | `vault-rekey` | `{seal, passphrase?, shares?, threshold?, name?}` → `{seal, shares, …}` |
//! | `unseal` | `{passphrase?, share?, forget_shares?}` → `{state, changed, shares}` |

mod identities;
mod keys;

use base::{Changed, ExitCode, Fault, Secret};
use jiff::Timestamp;
use serde_json::{Value, json};
use vault::{Caller, NewSeal, NewVault, Role, RoleAssignment, State, Unlock, VaultInfo};

use super::Vaultd;
use super::faults::fault;
use super::token::PKCS11;
use crate::rpc::Request;

/// Does what `request` asks. Blocks.
pub(super) fn answer(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    match request.op.as_str() {
        "keyvault-create" => create(vaultd, request),
        "keyvault-show" => show(vaultd, request),
        "keyvault-list" => list(vaultd, request),
        "keyvault-update" => update(vaultd, request),
        "key" => keys::answer(vaultd, request),
        "role-assignment-create" => assign(vaultd, request),
        "role-assignment-delete" => unassign(vaultd, request),
        "role-assignment-list" => assignments(vaultd, request),
        "audit-list" => audit(vaultd, request),
        "audit-read" => audit_read(vaultd, request),
        "vault-rekey" => rekey(vaultd, request),
        "unseal" => unseal(vaultd, request),
        _ => identities::answer(vaultd, request),
    }
}

fn create(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let new = NewVault {
        name: request.text("name")?.to_owned(),
        retention_days: optional_number(request, "retention_days")?,
        purge_protection: request.flag("purge_protection"),
    };
    let created = vaultd.vault.key_vaults().vault_create(caller(request), &new);
    let (info, changed) = created.map_err(|error| match error {
        vault::Error::Conflict(_) => fault(error).hint(
            "pgkeep keyvault show says which; only purge protection can be changed, by pgkeep \
             keyvault update",
        ),
        error => fault(error),
    })?;
    Ok(with(shown(vaultd, &info), changed))
}

fn show(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let info = vaultd.vault.key_vaults().vault_show(caller(request), request.text("name")?);
    info.map(|info| shown(vaultd, &info)).map_err(no_vault)
}

fn list(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let all = vaultd.vault.key_vaults().vault_list(caller(request)).map_err(fault)?;
    Ok(all.iter().map(|info| shown(vaultd, info)).collect())
}

fn update(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    if !request.flag("purge_protection") {
        return Err(bad("the argument \"purge_protection\" can only be true"));
    }
    let (vaults, name) = (vaultd.vault.key_vaults(), request.text("name")?);
    let changed = vaults.vault_protect(caller(request), name).map_err(no_vault)?;
    let info = vaults.vault_show(caller(request), name).map_err(no_vault)?;
    Ok(with(shown(vaultd, &info), changed))
}

fn shown(vaultd: &Vaultd, info: &VaultInfo) -> Value {
    json!({
        "name": info.name,
        "uri": vaultd.places.vault_uri(&info.name),
        "ca_file": vaultd.places.ca_file,
        "retention_days": info.retention_days,
        "purge_protection": info.purge_protection,
        "created_at": moment(info.created),
    })
}

fn assign(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let (role, assignee) = (role(request)?, request.text("assignee")?);
    let (vault, key) = (request.text("vault")?, optional_text(request, "key")?);
    let vaults = vaultd.vault.key_vaults();
    let (assignment, changed) =
        vaults.role_assign(caller(request), vault, key, role, assignee).map_err(fault)?;
    Ok(with(assigned(&assignment), changed))
}

fn unassign(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let vaults = vaultd.vault.key_vaults();
    let caller = caller(request);
    if let Some(id) = optional_text(request, "id")? {
        let changed = vaults.role_unassign(caller, id).map_err(fault)?;
        return Ok(json!({ "id": id, "changed": changed }));
    }
    let (role, name) = (role(request)?, request.text("vault")?);
    let (key, assignee) = (optional_text(request, "key")?, request.text("assignee")?);
    // Roles name identities by their object id.
    let found = vaults.identity_named(assignee);
    let holder = found.as_ref().map_or(assignee, |identity| identity.object_id.as_str());
    let changed = vaults.role_unassign_from(caller, name, key, role, holder).map_err(fault)?;
    if changed == Changed::Unchanged {
        // A misspelt name must not look like a role that was taken away.
        let _ = found.map_err(no_identity)?;
        let _ = vaults.vault_show(caller, name).map_err(no_vault)?;
    }
    let said = json!({ "vault": name, "key": key, "role": role.name(), "assignee": assignee });
    Ok(with(said, changed))
}

fn assignments(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let (vaults, name) = (vaultd.vault.key_vaults(), optional_text(request, "vault")?);
    if let Some(name) = name {
        let _ = vaults.vault_show(caller(request), name).map_err(no_vault)?;
    }
    let all = vaults.role_list(caller(request), name).map_err(fault)?;
    Ok(all.iter().map(assigned).collect())
}

fn assigned(assignment: &RoleAssignment) -> Value {
    json!({
        "id": assignment.id,
        "vault": assignment.vault,
        "key": assignment.key,
        "role": assignment.role.name(),
        "role_id": assignment.role.id(),
        "assignee": assignment.assignee,
        "object_id": assignment.object_id,
        "created_at": moment(assignment.created),
    })
}

fn role(request: &Request) -> Result<Role, Fault> {
    let text = request.text("role")?;
    Role::parse(text).ok_or_else(|| {
        let shown: String = text.chars().take(60).collect();
        let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
        bad(&format!("there is no role \"{shown}\"")).hint(format!("one of: {}", names.join(", ")))
    })
}

/// So many lines of the audit stay below the limit of an answer, however long each is.
const AUDIT_MAX: u32 = 100;

fn audit(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let (vault, after) = (optional_text(request, "vault")?, optional_text(request, "after")?);
    let limit = optional_number(request, "limit")?.unwrap_or(AUDIT_MAX).min(AUDIT_MAX);
    let vaults = vaultd.vault.key_vaults();
    let page = vaults.audit_list(caller(request), vault, after, limit as usize);
    let page = page.map_err(no_vault)?;
    Ok(json!({ "records": page.records, "next": page.next }))
}

/// The audit as it stands in its files, from `after` on. Bounded by bytes: below the limit of an
/// answer even when every second character is escaped.
fn audit_read(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let after = request.args.get("after").and_then(Value::as_u64);
    let after = after.ok_or_else(|| bad("the argument \"after\" must be a number"))?;
    let read = vaultd.vault.key_vaults().audit_read(caller(request), after).map_err(fault)?;
    let lines = read.lines.into_iter();
    let lines =
        lines.map(|line| json!({ "text": line.text, "end": line.end, "intact": line.intact }));
    Ok(json!({ "lines": lines.collect::<Vec<_>>(), "more": read.more }))
}

const NO_SEAL: &str = "the new seal cannot be made; the old one stays";

fn rekey(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let byte = |name| {
        let n = request.number(name)?;
        u8::try_from(n).map_err(|_| bad(&format!("the argument \"{name}\" is at most 255")))
    };
    let seal = match request.text("seal")? {
        "file" => NewSeal::File,
        "passphrase" => NewSeal::Passphrase(secret(request.text("passphrase")?)),
        "shares" => NewSeal::Shares { threshold: byte("threshold")?, n_shares: byte("shares")? },
        "credential" => NewSeal::Credential { name: request.text("name")?.to_owned() },
        PKCS11 => NewSeal::External { name: PKCS11.to_owned() },
        _ => return Err(bad("there is no such seal")),
    };
    let rekeyed = vaultd.vault.rekey(caller(request), &seal);
    let shares = rekeyed.map_err(|error| match error {
        // What the new seal needs is missing; the vault goes on with the old one.
        vault::Error::Sealed(reason) if vaultd.vault.status().0 == State::Unsealed => {
            Fault::new("no_seal", NO_SEAL).detail(reason)
        }
        vault::Error::SealKey { reason, remedy } => {
            Fault::new("no_seal", NO_SEAL).detail(reason).hint(remedy)
        }
        error => fault(error),
    })?;
    let status = vaultd.vault.seal_status();
    // The answer is wiped once it was sent; these are wiped here.
    let shares: Vec<&str> = shares.iter().map(|share| share.expose().as_str()).collect();
    Ok(json!({
        "state": status.state,
        "seal": status.seal,
        "shares": shares,
        "warnings": status.warnings,
    }))
}

fn unseal(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let unlock = match (optional_text(request, "passphrase")?, optional_text(request, "share")?) {
        (Some(text), None) => Unlock::Passphrase(secret(text)),
        (None, Some(text)) => Unlock::Share(secret(text)),
        (None, None) if request.flag("forget_shares") => Unlock::ForgetShares,
        (None, None) => Unlock::Own,
        (Some(_), Some(_)) => return Err(bad("a passphrase or a share, not both")),
    };
    let changed = vaultd.vault.unseal_with(caller(request), &unlock).map_err(fault)?;
    let status = vaultd.vault.seal_status();
    let shares = status.shares.map(|(given, needed)| json!({ "given": given, "needed": needed }));
    Ok(json!({ "state": status.state, "changed": changed, "shares": shares }))
}

/// Who asks, and for whom: `acting` is the plane's user. What is no text acts for nobody, which
/// the vault refuses.
pub(super) fn caller(request: &Request) -> Caller<'_> {
    match request.args.get("acting") {
        None | Some(Value::Null) => Caller::own(request.uid),
        Some(name) => Caller::acting(request.uid, name.as_str().unwrap_or_default()),
    }
}

/// A copy that is wiped; the argument itself is wiped after the request.
fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn with(mut value: Value, changed: Changed) -> Value {
    value["changed"] = json!(changed);
    value
}

/// Unix seconds as RFC 3339.
fn moment(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|moment| moment.to_string())
}

/// A text argument that may be absent or null.
fn optional_text<'r>(request: &'r Request, name: &str) -> Result<Option<&'r str>, Fault> {
    match request.args.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => request.text(name).map(Some),
    }
}

/// A number argument that may be absent or null.
fn optional_number(request: &Request, name: &str) -> Result<Option<u32>, Fault> {
    match request.args.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => request.number(name).map(Some),
    }
}

fn no_vault(error: vault::Error) -> Fault {
    hinted(error, "pgkeep keyvault list")
}

fn no_identity(error: vault::Error) -> Fault {
    hinted(error, "pgkeep identity list")
}

/// Says where to look for the right name of what is not there.
fn hinted(error: vault::Error, hint: &str) -> Fault {
    match error {
        vault::Error::NotFound(_) => fault(error).hint(hint),
        error => fault(error),
    }
}

fn bad(message: &str) -> Fault {
    Fault::new("bad_request", message).exit(ExitCode::Usage)
}
