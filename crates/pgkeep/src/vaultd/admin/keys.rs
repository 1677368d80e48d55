//! `key {vault, op, name?, version?, body?, after?}`: the keys API for operators, without HTTP.
//! Bodies and answers are those of the REST API; a page names the next one as `next`.

use base::{Fault, Random as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::OsRandom;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vault::keyvault::model::{Call, Context, Op, Page, PageRequest, Principal, Reply};

use super::super::Vaultd;
use super::super::faults::refused;
use super::{bad, caller, optional_number, optional_text};
use crate::rpc::Request;

/// Answers `key`.
pub(super) fn answer(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let vault = request.text("vault")?;
    let call = Call {
        vault: vault.to_owned(),
        principal: principal(request),
        op: op(request)?,
        context: context(vaultd, request, vault)?,
    };
    let answer =
        vaultd.vault.key_vaults().call(call).map_err(|refusal| helped(refused(refusal)))?;
    reply(&answer.reply)
}

fn principal(request: &Request) -> Principal {
    let caller = caller(request);
    match caller.acting {
        None => Principal::Local { uid: caller.uid },
        Some(name) => Principal::Plane { uid: caller.uid, acting: name.to_owned() },
    }
}

fn op(request: &Request) -> Result<Op, Fault> {
    let name = || request.text("name").map(str::to_owned);
    let version = || optional_text(request, "version").map(|text| text.map(str::to_owned));
    let page = || {
        let after = optional_text(request, "after")?.map(str::to_owned);
        let max_results = optional_number(request, "limit")?;
        Ok::<_, Fault>(PageRequest { max_results, after })
    };
    Ok(match request.text("op")? {
        "create" => Op::Create { name: name()?, parameters: body(request)? },
        "import" => Op::Import { name: name()?, parameters: body(request)? },
        "get" => Op::Get { name: name()?, version: version()? },
        "list" => Op::List { page: page()? },
        "list-versions" => Op::ListVersions { name: name()?, page: page()? },
        "update" => Op::Update { name: name()?, version: version()?, parameters: body(request)? },
        "delete" => Op::Delete { name: name()? },
        "get-deleted" => Op::GetDeleted { name: name()? },
        "list-deleted" => Op::ListDeleted { page: page()? },
        "recover" => Op::Recover { name: name()? },
        "purge" => Op::Purge { name: name()? },
        "backup" => Op::Backup { name: name()? },
        "restore" => Op::Restore { blob: blob(request)? },
        "rotate" => Op::Rotate { name: name()? },
        "policy-get" => Op::GetRotationPolicy { name: name()? },
        "policy-set" => Op::SetRotationPolicy { name: name()?, policy: body(request)? },
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(bad(&format!("there is no operation \"{shown}\" on keys")));
        }
    })
}

/// Reads the body. What serde says of a bad one may quote it, and it may hold a private key.
fn body<'r, T: Deserialize<'r>>(request: &'r Request) -> Result<T, Fault> {
    let body = request.args.get("body").filter(|body| body.is_object());
    let body = body.ok_or_else(|| bad("the argument \"body\" must be an object"))?;
    T::deserialize(body)
        .map_err(|_| bad("a property of the body is missing, of the wrong type or out of range"))
}

fn blob(request: &Request) -> Result<Vec<u8>, Fault> {
    let text = request.args.get("body").and_then(|body| body.get("value")).and_then(Value::as_str);
    let text = text.ok_or_else(|| bad("the body must be {\"value\": …}"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| bad("the backup is not base64url"))
}

fn context(vaultd: &Vaultd, request: &Request, vault: &str) -> Result<Context, Fault> {
    let mut id = [0; 16];
    OsRandom.fill(&mut id);
    let mut uri = format!("{}keys", vaultd.places.vault_uri(vault));
    for part in ["name", "version"] {
        if let Some(text) = optional_text(request, part)? {
            uri = format!("{uri}/{text}");
        }
    }
    Ok(Context {
        request_id: hex::encode(id),
        client_request_id: None,
        api_version: String::new(),
        caller_address: format!("unix:{}", request.uid),
        client_info: concat!("pgkeep/", env!("CARGO_PKG_VERSION")).to_owned(),
        request_uri: uri.chars().take(1024).collect(),
    })
}

fn reply(reply: &Reply) -> Result<Value, Fault> {
    match reply {
        Reply::Key(bundle) => plain(bundle),
        Reply::Deleted(bundle) => plain(bundle),
        Reply::Keys(page) => listing(page),
        Reply::DeletedKeys(page) => listing(page),
        Reply::Backup(blob) => Ok(json!({ "value": URL_SAFE_NO_PAD.encode(blob) })),
        Reply::Policy(policy) => plain(policy),
        Reply::Nothing => Ok(Value::Null),
        // `op` asks for none of these.
        Reply::Result(_) | Reply::Verified(_) | Reply::Random(_) => {
            Err(Fault::new("internal", "the vault answered what was not asked"))
        }
    }
}

fn listing<T: Serialize>(page: &Page<T>) -> Result<Value, Fault> {
    Ok(json!({ "value": plain(&page.items)?, "next": page.next }))
}

fn plain(value: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value)
        .map_err(|e| Fault::from_error("internal", "could not write the answer", &e))
}

/// Says what helps against the refusals that a person meets. Azure's longer messages have lines:
/// the first one says it all.
fn helped(mut fault: Fault) -> Fault {
    let mut lines = fault.message.lines().map(str::trim).filter(|line| !line.is_empty());
    if let Some(first) = lines.next().map(str::to_owned) {
        let rest: Vec<&str> = lines.collect();
        if !rest.is_empty() {
            fault.detail = Some(rest.join("\n"));
        }
        fault.message = first;
    }
    let hint = match fault.code.as_str() {
        "VaultNotFound" => "pgkeep keyvault list, or make it: pgkeep keyvault create -n NAME",
        "KeyNotFound" => "pgkeep keyvault key list, or list-deleted",
        "ObjectIsDeletedButRecoverable" => "pgkeep keyvault key recover, or purge",
        "ObjectAlreadyExists" => "delete and purge it first",
        "ForbiddenByRbac" => "use the account that ran pgkeep up",
        "KeyDisabled" => "pgkeep keyvault key set-attributes --enabled true",
        _ => return fault,
    };
    match fault.hint {
        Some(_) => fault,
        None => fault.hint(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_many_lines_becomes_message_and_detail() {
        let message = "Caller is not authorized.\r\nCaller: uid=7\r\nAction: 'x'\r\n";
        let fault = helped(Fault::new("ForbiddenByRbac", message));
        assert_eq!(fault.message, "Caller is not authorized.");
        assert_eq!(fault.detail.as_deref(), Some("Caller: uid=7\nAction: 'x'"));
        assert!(fault.hint.is_some());
        let short = Fault::new("BadParameter", "The key is malformed.");
        assert_eq!(helped(short.clone()), short);
    }
}
