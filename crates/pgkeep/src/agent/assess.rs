//! `baseline-collect`: what the checks of the security baseline read, from inside.
//!
//! The agent is PostgreSQL's own OS user and, over the local socket, its superuser: nothing is
//! hidden from it. It reads and judges nothing; the plane does that from the bundle.

use std::path::PathBuf;
use std::sync::Arc;

use base::{ExitCode, Fault, ServerState, SystemClock};
use baseline::{Connect, Connecting, Declared, Host, Library, Sources};
use pg::Connection;
use serde_json::{Value, json};
use server::{Layout, Server};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::handler::bad;
use crate::rpc::{Progress, Reply, Request};

/// The database that is entered first.
const FIRST: &str = "postgres";

/// Collects, once at a time.
pub(super) struct Collector {
    server: Server,
    layout: Layout,
    turn: Mutex<()>,
}

/// What is to be collected.
struct Wish {
    /// All where there are none.
    checks: Vec<String>,
    asked: Vec<String>,
    declared: Declared,
}

impl Collector {
    pub(super) fn new(server: Server, layout: Layout) -> Arc<Self> {
        Arc::new(Self { server, layout, turn: Mutex::default() })
    }

    /// `{checks?, asked?}` with a declaration in JSON beside it; answers `{hash}` with the bundle.
    pub(super) async fn answer(&self, request: Request) -> Result<Reply, Fault> {
        let wish = wish(&request)?;
        let Ok(_turn) = self.turn.try_lock() else {
            return Err(Fault::new("assessed_now", "this server is being assessed already")
                .hint("wait until that has ended")
                .exit(ExitCode::Conflict));
        };
        let show = self.server.show()?;
        if show.state.state != ServerState::Ready {
            let state = show.state.state;
            return Err(Fault::new("server_down", format!("the server is {state}, not Ready"))
                .hint(format!("pgkeep server start -n {}", self.layout.name()))
                .exit(ExitCode::Conflict));
        }
        let target = Inside {
            name: self.layout.name().to_string(),
            folder: self.layout.socket_dir(),
            port: show.port,
            host: Host::here(self.layout.pgdata()),
        };
        let progress = request.progress.clone();
        // It computes, too: not on the threads that watch the server.
        let work = move || Handle::current().block_on(collect(&target, &wish, &progress));
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
            Err(Fault::from_error("internal", "the evidence was not collected", &e))
        })
    }
}

fn wish(request: &Request) -> Result<Wish, Fault> {
    let words = |name: &str| -> Result<Vec<String>, Fault> {
        let given = request.args.get(name).cloned().unwrap_or_default();
        let given: Option<Vec<String>> = serde_json::from_value(given)
            .map_err(|e| bad("a list of words is not understood").detail(e.to_string()))?;
        Ok(given.unwrap_or_default())
    };
    let declared = match request.attached.as_slice() {
        [] => Declared::default(),
        text => {
            let text = std::str::from_utf8(text).map_err(|_| bad("a declaration is UTF-8"))?;
            Declared::parse(text).map_err(|error| error.fault())?
        }
    };
    Ok(Wish { checks: words("checks")?, asked: words("asked")?, declared })
}

async fn collect(target: &Inside, wish: &Wish, progress: &Progress) -> Result<Reply, Fault> {
    let library = Library::shipped().map_err(|error| error.fault())?;
    let checks = library.chosen(&wish.checks).map_err(|error| error.fault())?;
    let request = baseline::Request {
        checks: &checks,
        declared: &wish.declared,
        asked: &wish.asked,
        sources: Sources { host: Some(&target.host) },
    };
    let say = |message: &str| progress.say(message);
    let bundle = baseline::collect(target, &library, &request, &SystemClock, &say).await;
    let bundle = bundle.map_err(|error| error.fault())?;
    let bytes = bundle.to_json().map_err(|error| error.fault())?;
    let hash: Value = json!(bundle.hash().map_err(|error| error.fault())?);
    Ok(Reply::with(json!({ "hash": hash }), bytes))
}

/// The server over its local socket.
struct Inside {
    name: String,
    folder: PathBuf,
    port: u16,
    host: Host,
}

impl Connect for Inside {
    fn connect<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        Box::pin(Connection::local(&self.folder, self.port, database.unwrap_or(FIRST)))
    }

    fn label(&self) -> String {
        self.name.clone()
    }
}
