//! One answer for each operation of the agent's socket; the table is in [`crate::rpc`].

use std::path::PathBuf;
use std::sync::Arc;

use base::{ExitCode, Fault, Secret};
use serde_json::{Value, json};
use server::{Command, CreateSpec, History, OwnCertificate, Server};
use tokio::sync::Notify;

use super::key_args;
use crate::rpc::{self, Request};

/// Entries of the journal that one answer holds; with the longest texts it stays below the limit
/// of a line.
const HISTORY_MAX: u32 = 200;

/// Does what `request` asks. `over` is told when the agent shall end.
pub(super) async fn answer(
    server: Server,
    over: Arc<Notify>,
    journal: PathBuf,
    mut request: Request,
) -> Result<Value, Fault> {
    if request.op == "show" {
        let show = server.show()?;
        return serde_json::to_value(show)
            .map_err(|e| Fault::from_error("answer", "could not write the answer", &e));
    }
    if request.op == "history" {
        return history(journal, &request).await;
    }
    let ends = request.op == "shutdown";
    let command = command(&server, &request);
    // A certificate's key came with the arguments.
    rpc::scrub(&mut request.args);
    if matches!(command, Ok(Command::KeyChange(_))) {
        // Right after a start nobody may have looked at the key yet, and a key that nobody has
        // seen is not changed. That it cannot be looked at is said by the change itself.
        let _ = server.run(Command::KeyCheck, Arc::new(|_: &str| {})).await;
    }
    let progress = request.progress.clone();
    let outcome = server.run(command?, Arc::new(move |said: &str| progress.say(said))).await;
    if ends {
        over.notify_one();
    }
    outcome
}

/// The newest entries of the server's journal, newest first; `kinds` names which are wanted.
async fn history(journal: PathBuf, request: &Request) -> Result<Value, Fault> {
    let limit = match request.args.get("limit") {
        None | Some(Value::Null) => HISTORY_MAX,
        Some(_) => request.number("limit")?.min(HISTORY_MAX),
    };
    let kinds: Option<Vec<String>> =
        serde_json::from_value(request.args.get("kinds").cloned().unwrap_or(Value::Null))
            .map_err(|e| bad("the kinds are not understood").detail(e.to_string()))?;
    let read = move || -> Result<Value, Fault> {
        let entries = History::open(&journal)?.entries()?;
        let all = entries.iter().rev().filter_map(|entry| serde_json::to_value(entry).ok());
        let wanted = all.filter(|entry| {
            let kind = entry["kind"].as_str().unwrap_or_default();
            kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|wanted| wanted == kind))
        });
        Ok(wanted.take(limit as usize).collect())
    };
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|e| Err(Fault::from_error("internal", "the journal was not read", &e)))
}

fn command(server: &Server, request: &Request) -> Result<Command, Fault> {
    Ok(match request.op.as_str() {
        "create" => {
            let port = u16::try_from(request.number("port")?).ok().filter(|port| *port > 0);
            let port = port.ok_or_else(|| bad("the port must be from 1 to 65535"))?;
            Command::Create(CreateSpec { port, customer_key: key_args::for_new(request)? })
        }
        "start" => Command::Start,
        "stop" => Command::Stop,
        "restart" => Command::Restart,
        "delete" if request.flag("yes") => Command::Delete,
        "delete" => {
            return Err(
                bad("deleting a server removes all its data").hint("say that you mean it: --yes")
            );
        }
        "parameter-list" => Command::ParameterList,
        "parameter-show" => Command::ParameterShow { name: request.text("name")?.to_owned() },
        "parameter-set" => Command::ParameterSet {
            name: request.text("name")?.to_owned(),
            value: Some(request.text("value")?.to_owned()),
        },
        "parameter-reset" => {
            Command::ParameterSet { name: request.text("name")?.to_owned(), value: None }
        }
        "parameter-try" => Command::ParameterTry {
            name: request.text("name")?.to_owned(),
            value: match request.args.get("value") {
                None | Some(Value::Null) => None,
                Some(_) => Some(request.text("value")?.to_owned()),
            },
        },
        "networking-show" => Command::NetworkingShow,
        "networking-preview" => Command::NetworkingPreview(networking(request)?),
        "networking-set" => Command::NetworkingSet(networking(request)?),
        "storage-proof" => Command::StorageProof,
        "certificate-rotate" => Command::CertificateRotate,
        "certificate-set" => Command::CertificateSet(OwnCertificate {
            chain_pem: request.text("chain")?.to_owned(),
            key_pem: Secret::new(request.text("key")?.to_owned()),
            ca_pem: request.text("ca")?.to_owned(),
            host: host(request)?,
        }),
        "client-certificates" => Command::ClientCertificates(client_certificates(request)?),
        "storage-verify" => Command::StorageVerify { stop: request.flag("stop") },
        "key-change" => Command::KeyChange(key_args::change(server, request)?),
        "key-check" => Command::KeyCheck,
        "shutdown" => Command::Shutdown,
        _ => return Err(request.unknown()),
    })
}

/// The host name of an own certificate; it becomes part of the connection string.
fn host(request: &Request) -> Result<String, Fault> {
    let host = match request.args.get("host") {
        None | Some(Value::Null) => "localhost",
        Some(_) => request.text("host")?,
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if (1..=253).contains(&host.len()) && host.bytes().all(plain) {
        return Ok(host.to_owned());
    }
    Err(bad("the host must be a DNS name").detail(json!(host).to_string()))
}

/// `{"rules", "require_secure_transport", "min_tls_version", "max_tls_version",
/// "listen_addresses"}`; what is absent stays.
fn networking(request: &Request) -> Result<pg::NetworkingChange, Fault> {
    let wanted = match &request.args {
        Value::Null => Value::Object(serde_json::Map::new()),
        wanted => wanted.clone(),
    };
    serde_json::from_value(wanted)
        .map_err(|e| bad("the change of the networking is not understood").detail(e.to_string()))
}

/// `{"client_certificates": {"ca_pem", "rules": [{"database", "role"}]}}`; without: none any more.
fn client_certificates(request: &Request) -> Result<Option<pg::ClientCertificates>, Fault> {
    let wanted = request.args.get("client_certificates").cloned().unwrap_or(Value::Null);
    serde_json::from_value(wanted)
        .map_err(|e| bad("the client certificates are not understood").detail(e.to_string()))
}

pub(super) fn bad(message: &str) -> Fault {
    Fault::new("bad_request", message).exit(ExitCode::Usage)
}
