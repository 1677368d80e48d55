//! One answer for each operation of the plane's own socket: what the supervisor asks at the start.
//! Everybody else asks the API.

use std::sync::Arc;

use base::{ExitCode, Fault, ServerName};
use serde_json::{Map, Value, json};

use super::Plane;
use super::collect::{show, show_all};
use super::create::{self, Wish};
use super::peers::Say;
use super::store::ServerRow;
use crate::rpc::Request;

/// Does what `request` asks.
pub(super) async fn answer(plane: Arc<Plane>, request: Request) -> Result<Value, Fault> {
    match request.op.as_str() {
        "status" => status(&plane).await,
        "server-names" => {
            let names = plane.store.servers()?.into_iter().map(|row| json!(row.name));
            Ok(Value::Array(names.collect()))
        }
        "server-create" => server_create(&plane, &request).await,
        "server-show" => Ok(show(&plane, &find(&plane, &name(&request)?)?).await),
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
        owners_key: Map::new(),
    };
    create::create(plane, wish, &said(request)).await
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

fn name(request: &Request) -> Result<ServerName, Fault> {
    request.text("name")?.parse().map_err(|e: base::NameError| {
        Fault::new("bad_request", e.to_string()).exit(ExitCode::Usage)
    })
}

/// A server that must be there.
pub(super) fn find(plane: &Plane, name: &ServerName) -> Result<ServerRow, Fault> {
    plane.store.server(name)?.ok_or_else(|| {
        Fault::new("not_found", format!("there is no server \"{name}\""))
            .hint("pgkeep server list")
            .exit(ExitCode::NotFound)
    })
}
