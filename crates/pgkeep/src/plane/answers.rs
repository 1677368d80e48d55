//! One answer for each operation of the plane's own socket: what the supervisor asks at the start.
//! Everybody else asks the API.

use std::sync::Arc;

use base::{ExitCode, Fault, ServerName};
use serde_json::{Map, Value, json};

use super::collect::{show, show_all};
use super::create::{self, Wish};
use super::peers::Say;
use super::store::ServerRow;
use super::{Plane, logs};
use crate::rpc::Request;

/// Does what `request` asks.
pub(super) async fn answer(plane: Arc<Plane>, request: Request) -> Result<Value, Fault> {
    // Agents send events, and nothing else.
    let own = rustix::process::geteuid().as_raw();
    let is_agent = request.uid == plane.agent_uid && ![0, own].contains(&request.uid);
    let is_event = ["ship", "sample"].contains(&request.op.as_str());
    if is_agent && !is_event && request.uid != plane.starter_uid {
        return Err(Fault::new("forbidden", "an agent may not ask this").exit(ExitCode::Forbidden));
    }
    match request.op.as_str() {
        "ship" => ship(&plane, request).await,
        "sample" => sample(&plane, request).await,
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

/// A piece of a server's log, which is what comes with the call: `{server, stream, parser,
/// timezone?, offset, ends, missing, lag}`; answers `{position}`, where to go on.
async fn ship(plane: &Arc<Plane>, mut request: Request) -> Result<Value, Fault> {
    let logs = plane.logs()?;
    let data = std::mem::take(&mut request.attached);
    let server = name_of(request.text("server")?)?;
    find(plane, &server)?;
    let number = |name: &str| {
        request.args.get(name).and_then(Value::as_u64).ok_or_else(|| {
            Fault::new("bad_request", format!("the argument \"{name}\" must be a number"))
                .exit(ExitCode::Usage)
        })
    };
    let stream = request.text("stream")?;
    if !(1..=64).contains(&stream.len()) || !stream.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Fault::new("bad_request", "the stream is not understood").exit(ExitCode::Usage));
    }
    let shipment = logs::Shipment {
        source: format!("server/{server}/{stream}"),
        parser: request.text("parser")?.to_owned(),
        timezone: request.args.get("timezone").and_then(Value::as_str).map(str::to_owned),
        offset: number("offset")?,
        lag: number("lag")?,
        missing: number("missing")?,
        ends: request.flag("ends"),
        server: server.to_string(),
        data,
    };
    request.args.take();
    let shipped = tokio::task::spawn_blocking(move || logs.ship(&shipment)).await;
    let position = shipped
        .unwrap_or_else(|e| Err(Fault::from_error("internal", "events were not taken in", &e)))?;
    Ok(json!({ "position": position }))
}

/// A sample of a server: `{server, table, rows}`, rows as lines of JSON; answers `{n_rows,
/// n_dead_letters}`.
async fn sample(plane: &Arc<Plane>, mut request: Request) -> Result<Value, Fault> {
    let logs = plane.logs()?;
    let server = name_of(request.text("server")?)?;
    find(plane, &server)?;
    let (table, rows) = (request.text("table")?.to_owned(), request.text("rows")?.to_owned());
    request.args.take();
    let work = move || logs.sample(server.as_str(), &table, &rows);
    let (n_rows, n_dead_letters) = tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Fault::from_error("internal", "a sample was not taken in", &e)))?;
    Ok(json!({ "n_rows": n_rows, "n_dead_letters": n_dead_letters }))
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
    name_of(request.text("name")?)
}

fn name_of(text: &str) -> Result<ServerName, Fault> {
    text.parse().map_err(|e: base::NameError| {
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
