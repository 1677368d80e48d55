//! One answer for each operation of the plane's socket.

use std::sync::Arc;

use base::{ExitCode, Fault, ServerName};
use serde_json::{Map, Value, json};

use super::Plane;
use super::collect::{show, show_all};
use super::create::{self, Wish};
use super::history;
use super::peers::Say;
use super::store::ServerRow;
use crate::rpc::Request;

/// Does what `request` asks.
pub(super) async fn answer(plane: Arc<Plane>, request: Request) -> Result<Value, Fault> {
    match request.op.as_str() {
        "status" => status(&plane).await,
        "server-list" => {
            let servers = plane.store.servers()?;
            Ok(Value::Array(show_all(&plane, servers).await))
        }
        "server-names" => {
            let names = plane.store.servers()?.into_iter().map(|row| json!(row.name));
            Ok(Value::Array(names.collect()))
        }
        "server-create" => server_create(&plane, &request).await,
        "server-delete" => {
            let row = row(&plane, &request)?;
            create::delete(&plane, &row, None, &said(&request)).await
        }
        "server-show" => Ok(show(&plane, &row(&plane, &request)?).await),
        "server-history" => history::states(&plane, &row(&plane, &request)?).await,
        "server-key-change" | "server-key-check" => key(&plane, &request).await,
        "server-key-history" => history::of_key(&plane, &row(&plane, &request)?).await,
        "server-start" | "server-stop" | "server-restart" => change(&plane, &request).await,
        "parameter-list" | "parameter-show" | "parameter-set" | "certificate-rotate"
        | "storage-verify" => {
            let row = row(&plane, &request)?;
            let _alone = match request.op.as_str() {
                "parameter-set" | "certificate-rotate" | "storage-verify" => {
                    Some(plane.alone(&row.name).await)
                }
                _ => None,
            };
            let args = request.args.clone();
            plane.peers.agent(&row.name, &request.op, args, &said(&request)).await
        }
        "sample-get" => Ok(json!({ "state": plane.store.mark("sample")? })),
        "sample-set" => {
            plane.store.set_mark("sample", request.text("state")?)?;
            Ok(Value::Null)
        }
        _ => Err(request.unknown()),
    }
}

/// The document of `pgkeep status`.
pub(super) async fn status(plane: &Arc<Plane>) -> Result<Value, Fault> {
    let servers = plane.store.servers()?;
    let (vault, servers) =
        tokio::join!(plane.peers.vault("status", Value::Null), show_all(plane, servers));
    let vault = match vault {
        Ok(value) => json!({ "state": value["state"], "reason": value["reason"] }),
        Err(fault) => json!({ "state": "unreachable", "reason": fault.message }),
    };
    let (url, reason) = match plane.page() {
        Ok(url) => (json!(url), String::new()),
        Err(reason) => (Value::Null, reason),
    };
    let brief = |server: Value| {
        let fields = ["name", "state", "state_reason", "state_since", "port", "dsn", "warnings"];
        let mut brief: Value =
            fields.into_iter().map(|f| (f.to_owned(), server[f].clone())).collect();
        if brief["warnings"].is_null() {
            brief["warnings"] = json!([]);
        }
        brief
    };
    Ok(json!({
        "vault": vault,
        "plane": { "url": url, "reason": reason, "version": env!("CARGO_PKG_VERSION") },
        "servers": servers.into_iter().map(brief).collect::<Vec<_>>(),
    }))
}

async fn server_create(plane: &Arc<Plane>, request: &Request) -> Result<Value, Fault> {
    let port = match request.args.get("port") {
        None | Some(Value::Null) => None,
        Some(_) => {
            Some(u16::try_from(request.number("port")?).ok().filter(|port| *port > 0).ok_or_else(
                || {
                    Fault::new("bad_request", "a port is a number from 1 to 65535")
                        .exit(ExitCode::Usage)
                },
            )?)
        }
    };
    let wish = Wish {
        name: name(request)?,
        port,
        port_as_it_is: request.flag("port_as_it_is"),
        acting: None,
        owners_key: owners_key(request),
    };
    create::create(plane, wish, &said(request)).await
}

async fn change(plane: &Arc<Plane>, request: &Request) -> Result<Value, Fault> {
    let row = row(plane, request)?;
    act(plane, &row, request.op.trim_start_matches("server-"), &said(request)).await
}

/// Starts, stops or restarts a server.
pub(super) async fn act(
    plane: &Plane,
    row: &ServerRow,
    op: &str,
    say: Say<'_>,
) -> Result<Value, Fault> {
    let _alone = plane.alone(&row.name).await;
    if op != "stop" {
        plane.peers.supervisor("agent-start", &row.name, say).await?;
    }
    plane.peers.agent(&row.name, op, Value::Null, say).await
}

/// Hands steps on to whoever sent the request.
fn said(request: &Request) -> impl Fn(&str) + Send + Sync + use<> {
    let progress = request.progress.clone();
    move |message: &str| progress.say(message)
}

/// What a request says of an owner's key; the agent judges it.
fn owners_key(request: &Request) -> Map<String, Value> {
    let given = |field: &&str| {
        let value = request.args.get(*field).filter(|value| !value.is_null())?;
        Some(((*field).to_owned(), value.clone()))
    };
    ["key", "identity", "policy"].iter().filter_map(given).collect()
}

/// Changes the owner's key of a server, or looks at it. Needs no other lock than the agent's: a
/// key may be looked at while the server starts.
async fn key(plane: &Arc<Plane>, request: &Request) -> Result<Value, Fault> {
    let row = row(plane, request)?;
    let op = request.op.trim_start_matches("server-");
    let args = Value::Object(owners_key(request));
    plane.peers.agent(&row.name, op, args, &said(request)).await
}

fn name(request: &Request) -> Result<ServerName, Fault> {
    request.text("name")?.parse().map_err(|e: base::NameError| {
        Fault::new("bad_request", e.to_string()).exit(ExitCode::Usage)
    })
}

/// The server that a request is about: `server`, or `name` where that is no parameter's.
fn row(plane: &Plane, request: &Request) -> Result<ServerRow, Fault> {
    let about = if request.args.get("server").is_some() { "server" } else { "name" };
    let name = request.text(about)?.parse().map_err(|e: base::NameError| {
        Fault::new("bad_request", e.to_string()).exit(ExitCode::Usage)
    })?;
    find(plane, &name)
}

/// A server that must be there.
pub(super) fn find(plane: &Plane, name: &ServerName) -> Result<ServerRow, Fault> {
    plane.store.server(name)?.ok_or_else(|| {
        Fault::new("not_found", format!("there is no server \"{name}\""))
            .hint("pgkeep server list")
            .exit(ExitCode::NotFound)
    })
}
