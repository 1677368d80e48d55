//! Makes and removes servers: the steps that concern more than one process.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Arc;

use base::{ExitCode, Fault, ServerName};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Plane;
use super::peers::Say;
use super::store::ServerRow;

/// PostgreSQL's own port, and where the search for a free one begins.
const FIRST_PORT: u16 = 5432;
const PORTS_TRIED: u16 = 200;
/// Each has an agent, a file system and a PostgreSQL: one machine holds no more of them.
const SERVERS_MAX: usize = 100;

/// What a new server shall be.
pub(super) struct Wish {
    pub(super) name: ServerName,
    /// The wanted port; the next free one from 5432 where none is named.
    pub(super) port: Option<u16>,
    /// Take the port even when someone else uses it now: the server will say so itself.
    pub(super) port_as_it_is: bool,
    /// For whom; the vault's audit names it.
    pub(super) acting: Option<String>,
    /// Key, identity and policy of an owner who holds the key; passed on, remembered nowhere.
    pub(super) owners_key: Map<String, Value>,
}

/// Makes a server and waits until it is Ready or says why not. One whose creation was
/// interrupted is taken up again, on the port that it has.
///
/// # Errors
/// Whatever stopped it. A server whose record exists by then stays listed with its state and
/// reason; else nothing is left.
pub(super) async fn create(plane: &Arc<Plane>, wish: Wish, say: Say<'_>) -> Result<Value, Fault> {
    let _alone = plane.alone(&wish.name).await;
    let old = plane.store.server(&wish.name)?;
    let is_new = old.is_none();
    let row = match old {
        Some(row) => row,
        None => {
            let row = reserve(plane, &wish)?;
            say(&format!("server {} gets port {}", row.name, row.port));
            row
        }
    };
    let identity = json!({ "server": row.name, "uid": plane.agent_uid, "acting": wish.acting });
    if let Err(fault) = plane.peers.vault("key-create", identity).await {
        if is_new {
            // Nothing but the reservation is there yet.
            let _ = plane.store.remove_server(&row.name)?;
        }
        return Err(fault);
    }
    match build(plane, &row, wish.owners_key, say).await {
        Ok(()) => plane.peers.look(&row.name).await,
        // Only its agent knows whether the creation of an old one came to its end.
        Err(fault) if fault.code == "exists" => {
            Err(Fault::new("exists", format!("server \"{}\" exists already", row.name))
                .hint(format!("pgkeep server show -n {}", row.name))
                .exit(ExitCode::Conflict))
        }
        Err(fault) => {
            undo_unless_begun(plane, &row, say).await;
            Err(fault)
        }
    }
}

async fn build(
    plane: &Plane,
    row: &ServerRow,
    mut args: Map<String, Value>,
    say: Say<'_>,
) -> Result<(), Fault> {
    let _ = args.insert("port".to_owned(), json!(row.port));
    plane.peers.supervisor("agent-start", &row.name, say).await?;
    plane.peers.agent(&row.name, "create", Value::Object(args), say).await?;
    plane.peers.supervisor("adopt-pgpass", &row.name, say).await?;
    Ok(())
}

/// Takes everything back as long as the agent has not made the server's record.
async fn undo_unless_begun(plane: &Plane, row: &ServerRow, say: Say<'_>) {
    let begun = match plane.peers.look(&row.name).await {
        Ok(_) => true,
        Err(fault) => !matches!(fault.code.as_str(), "not_found" | "not_running"),
    };
    if begun {
        // A password file may be there already; a missing one is no second failure.
        let _ = plane.peers.supervisor("adopt-pgpass", &row.name, say).await;
        return;
    }
    let steps = [
        plane.peers.supervisor("agent-forget", &row.name, say).await,
        plane.peers.vault("release", json!({ "server": row.name })).await,
        plane.store.remove_server(&row.name).map(Value::from),
    ];
    for fault in steps.into_iter().filter_map(Result::err) {
        tracing::error!(server = %row.name, fault.message, fault.detail, "could not clean up");
    }
}

/// Removes a server and all that belongs to it, for `acting`.
pub(super) async fn delete(
    plane: &Arc<Plane>,
    row: &ServerRow,
    acting: Option<&str>,
    say: Say<'_>,
) -> Result<Value, Fault> {
    let _alone = plane.alone(&row.name).await;
    plane.peers.supervisor("agent-start", &row.name, say).await?;
    match plane.peers.agent(&row.name, "delete", json!({ "yes": true }), say).await {
        Ok(_) => {}
        // An earlier delete came so far and no further.
        Err(fault) if fault.code == "not_found" => {}
        Err(fault) => return Err(fault),
    }
    plane.peers.supervisor("agent-forget", &row.name, say).await?;
    plane.peers.vault("release", json!({ "server": row.name, "acting": acting })).await?;
    let removed = plane.store.remove_server(&row.name)?;
    Ok(json!({ "name": row.name, "deleted": removed }))
}

fn reserve(plane: &Plane, wish: &Wish) -> Result<ServerRow, Fault> {
    if plane.store.servers()?.len() >= SERVERS_MAX {
        return Err(Fault::new("too_many", format!("there are {SERVERS_MAX} servers already"))
            .exit(ExitCode::Conflict));
    }
    let row = |port| ServerRow { name: wish.name.clone(), port, created_at: Timestamp::now() };
    if let Some(port) = wish.port {
        if !wish.port_as_it_is && !is_free(port) {
            return Err(Fault::new("port_taken", format!("port {port} is in use"))
                .hint("name another with --port, or leave it out to get the next free one")
                .exit(ExitCode::Conflict));
        }
        let row = row(port);
        if plane.store.add_server(&row)? {
            return Ok(row);
        }
        return Err(Fault::new("port_taken", format!("port {port} belongs to another server"))
            .hint("pgkeep server list")
            .exit(ExitCode::Conflict));
    }
    for port in FIRST_PORT..FIRST_PORT + PORTS_TRIED {
        let row = row(port);
        if is_free(port) && plane.store.add_server(&row)? {
            return Ok(row);
        }
    }
    Err(Fault::new("port_taken", "no free port was found")
        .detail(format!("tried {PORTS_TRIED} from {FIRST_PORT}"))
        .hint("name one with --port")
        .exit(ExitCode::Conflict))
}

/// Whether a server could listen on `port` of this machine now.
pub(crate) fn is_free(port: u16) -> bool {
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    // A machine without IPv6 has no clash there.
    let v6_taken = TcpListener::bind((Ipv6Addr::LOCALHOST, port))
        .is_err_and(|e| e.kind() == std::io::ErrorKind::AddrInUse);
    v4.is_ok() && !v6_taken
}
