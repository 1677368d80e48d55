//! One answer for each operation of the vault's socket; the table is in [`crate::rpc`].

use base::{ExitCode, Fault, Secret, ServerName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vault::{KeyInfo, State, Subject};
use zeroize::Zeroizing;

use super::faults::fault;
use super::token::PKCS11;
use super::{Vaultd, admin, tokens};
use crate::rpc::Request;

/// Does what `request` asks. Blocks.
pub(super) fn answer(vaultd: &Vaultd, request: &Request) -> Result<Value, Fault> {
    let vault = &vaultd.vault;
    let caller = admin::caller(request);
    match request.op.as_str() {
        "status" => Ok(status(vaultd)),
        "seal-check" => {
            if ![0, vaultd.operator_uid].contains(&request.uid) {
                let message = "only an operator may have the seal's token asked";
                return Err(Fault::new("forbidden", message).exit(ExitCode::Forbidden));
            }
            Ok(Value::Array(vaultd.token.checks()))
        }
        "identity-find" => tokens::find(vaultd, request),
        "token" => tokens::issue(vaultd, request),
        "ca" => Ok(json!({ "pem": vault.ca_pem().map_err(fault)? })),
        "key-create" => {
            let (server, uid) = (server(request)?, request.number("uid")?);
            let (key, changed) = vault.key_create(caller, &server, uid).map_err(fault)?;
            Ok(json!({
                "key_id": key.name, "key_version": key.version.to_string(), "changed": changed,
            }))
        }
        "release" => {
            let changed = vault.release(caller, &server(request)?).map_err(fault)?;
            Ok(json!({ "changed": changed }))
        }
        "wrap" => {
            let key = Secret::new(bytes(request, "plaintext")?);
            let wrapped = vault.wrap(caller, &server(request)?, &key).map_err(fault)?;
            Ok(json!({
                "wrapped": STANDARD.encode(&wrapped.bytes),
                "key_id": wrapped.key.name,
                "key_version": wrapped.key.version.to_string(),
                "algorithm": "RSA-OAEP-256",
            }))
        }
        "unwrap" => {
            let wrapped = bytes(request, "wrapped")?;
            let key = vault.unwrap(caller, &server(request)?, &wrapped).map_err(fault)?;
            Ok(json!({ "plaintext": STANDARD.encode(key.expose()) }))
        }
        "certificate-sign" => {
            let subject = match request.args.get("service").and_then(Value::as_str) {
                Some("plane") => Subject::Plane,
                Some(_) => return Err(bad("the only service is \"plane\"")),
                None => Subject::Server(server(request)?),
            };
            let csr = request.text("csr")?;
            let signed = vault.certificate_sign(caller, &subject, csr).map_err(fault)?;
            Ok(json!({
                "chain": signed.chain_pem,
                "ca": signed.ca_pem,
                "not_after": signed.not_after.to_string(),
                "left_out": signed.left_out,
            }))
        }
        "seal" => {
            let changed = vault.seal(caller).map_err(fault)?;
            Ok(json!({ "state": State::Sealed, "changed": changed }))
        }
        _ => admin::answer(vaultd, request),
    }
}

fn status(vaultd: &Vaultd) -> Value {
    let seal = vaultd.vault.seal_status();
    let key = vaultd.vault.key_info().ok().map(|KeyInfo { name, version, kty }| {
        json!({ "name": name, "version": version.to_string(), "kty": kty })
    });
    let shares = seal.shares.map(|(given, needed)| json!({ "given": given, "needed": needed }));
    let mut status = json!({
        "state": seal.state,
        "reason": seal.reason,
        "seal_key": seal.seal.as_deref().filter(|name| *name == PKCS11)
            .and_then(|_| vaultd.token.describe()),
        "seal": seal.seal,
        "shares": shares,
        "warnings": seal.warnings,
        "key": key,
    });
    if let (Some(status), Value::Object(edge)) = (status.as_object_mut(), vaultd.edge.status()) {
        status.extend(edge);
    }
    status
}

fn server(request: &Request) -> Result<ServerName, Fault> {
    request.text("server")?.parse().map_err(|e: base::NameError| bad(&e.to_string()))
}

fn bytes(request: &Request, name: &str) -> Result<Vec<u8>, Fault> {
    let text = request.text(name)?;
    // Decoded into a buffer of its final size: no copies of a key are left behind.
    let mut buffer = Zeroizing::new(vec![0; text.len() / 4 * 3 + 3]);
    let n = STANDARD
        .decode_slice(text, &mut buffer)
        .map_err(|_| bad(&format!("the argument \"{name}\" must be base64")))?;
    Ok(buffer[..n].to_vec())
}

fn bad(message: &str) -> Fault {
    Fault::new("bad_request", message).exit(ExitCode::Usage)
}
