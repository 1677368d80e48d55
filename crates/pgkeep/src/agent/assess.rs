//! The security baseline from inside: `baseline-collect` reads what checks ask for,
//! `baseline-fix-…` mend what they found.
//!
//! The agent is PostgreSQL's own OS user and, over the local socket, its superuser: nothing is
//! hidden from it. It reads, and makes what it is told; verdicts of an assessment are the plane's.

use std::path::PathBuf;
use std::sync::Arc;

use base::{Clock as _, ExitCode, Fault, ServerState, SystemClock};
use baseline::fix::{FixRecord, Fixer, Plan};
use baseline::{
    Connect, Connecting, Declared, Feeds, Host, Library, LogSource, Place, Profile, Sources,
};
use pg::Connection;
use serde_json::{Value, json};
use server::{Layout, Server};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::handler::bad;
use crate::fixes::{self, Fixes};
use crate::rpc::{Progress, Reply, Request};

/// The database that is entered first.
const FIRST: &str = "postgres";
/// The folder of imported feeds, below the home.
const FEEDS: &str = "baseline/feeds";
/// The folder of records of fixes, below that of the server.
const FIXES: &str = "fixes";

/// What the operations are called.
pub(super) const OPS: [&str; 6] = [
    "baseline-collect",
    "baseline-fix-plan",
    "baseline-fix-apply",
    "baseline-fix-undo",
    "baseline-fix-prove",
    "baseline-fixes",
];

/// Does one thing at a time.
pub(super) struct Assessor {
    server: Server,
    layout: Layout,
    feeds: PathBuf,
    turn: Mutex<()>,
}

/// What is wanted.
struct Wish {
    op: String,
    /// All where there are none.
    checks: Vec<String>,
    asked: Vec<String>,
    declared: Declared,
    profile: Option<Profile>,
    /// For whom a fix is made.
    by: String,
    /// The hash of the plan that was seen, or the name of a fix.
    named: Option<String>,
}

impl Assessor {
    pub(super) fn new(server: Server, layout: Layout, home: &std::path::Path) -> Arc<Self> {
        Arc::new(Self { server, layout, feeds: home.join(FEEDS), turn: Mutex::default() })
    }

    /// `baseline-collect {checks?, asked?}` with a declaration in JSON beside it answers `{hash}`
    /// with the bundle; the others answer JSON beside null: `baseline-fix-plan {checks: [one],
    /// asked?, profile?}` a plan with its hash, `baseline-fix-apply` the same with `{by, plan?}` a
    /// record, `baseline-fix-undo {fix_id}` and `baseline-fix-prove {fix_id}` too,
    /// `baseline-fixes` all records.
    pub(super) async fn answer(&self, request: Request) -> Result<Reply, Fault> {
        let records = Fixes::at(self.layout.dir().join(FIXES));
        if request.op == "baseline-fixes" {
            let told: Result<Vec<Value>, Fault> = records.list()?.iter().map(fixes::told).collect();
            return beside(&json!(told?));
        }
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
            feeds: self.feeds()?,
            log: LogSource::default(),
        };
        let progress = request.progress.clone();
        // It computes, too: not on the threads that watch the server.
        let work = move || Handle::current().block_on(act(&target, &wish, &records, &progress));
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
            Err(Fault::from_error("internal", "the server was not assessed", &e))
        })
    }

    /// Those that are part of the program, and imported ones where they can be read: older feeds
    /// say less, never more.
    fn feeds(&self) -> Result<Feeds, Fault> {
        let shipped = Feeds::shipped().map_err(|error| error.fault())?;
        match shipped.clone().with(&self.feeds, SystemClock.now()) {
            Ok(feeds) => Ok(feeds),
            Err(error) => {
                let fault = error.fault();
                tracing::warn!(fault.message, fault.detail, "imported feeds are not read");
                Ok(shipped)
            }
        }
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
    let text = |name: &str| request.args.get(name).and_then(Value::as_str);
    let profile = match text("profile") {
        None => None,
        Some(word) => {
            let known = Profile::ALL.into_iter().find(|profile| profile.name() == word);
            Some(known.ok_or_else(|| bad("there is no such profile"))?)
        }
    };
    Ok(Wish {
        op: request.op.clone(),
        checks: words("checks")?,
        asked: words("asked")?,
        declared,
        profile,
        by: text("by").unwrap_or("pgkeep").to_owned(),
        named: text("fix_id").or_else(|| text("plan")).map(str::to_owned),
    })
}

async fn act(
    target: &Inside,
    wish: &Wish,
    records: &Fixes,
    progress: &Progress,
) -> Result<Reply, Fault> {
    let library = Library::shipped().map_err(|error| error.fault())?;
    let say = |message: &str| progress.say(message);
    if wish.op == "baseline-collect" {
        return collect(target, &library, wish, &say).await;
    }
    let fixer = Fixer {
        target,
        library: &library,
        declared: &wish.declared,
        asked: &wish.asked,
        sources: target.sources(),
        profile: wish.profile,
        clock: &SystemClock,
        keep: records,
        progress: &say,
    };
    match wish.op.as_str() {
        "baseline-fix-plan" => beside(&planned(&plan(&fixer, wish).await?)?),
        "baseline-fix-apply" => {
            let plan = plan(&fixer, wish).await?;
            if wish.named.as_ref().is_some_and(|seen| fixes::plan_hash(&plan).as_ref() != Ok(seen))
            {
                return Err(Fault::new("plan_changed", "the fix is not what the preview showed")
                    .detail("something has changed since")
                    .hint("look at the preview again")
                    .exit(ExitCode::Conflict));
            }
            if !plan.is_needed() {
                return beside(&planned(&plan)?);
            }
            let record = fixer.apply(&plan, &wish.by).await.map_err(|error| error.fault())?;
            told(&record)
        }
        "baseline-fix-undo" => {
            let mut record = named(records, wish)?;
            fixer.undo(&mut record).await.map_err(|error| error.fault())?;
            told(&record)
        }
        "baseline-fix-prove" => {
            let mut record = named(records, wish)?;
            fixer.prove(&mut record).await.map_err(|error| error.fault())?;
            told(&record)
        }
        _ => Err(bad("that is no operation of the baseline")),
    }
}

async fn collect(
    target: &Inside,
    library: &Library,
    wish: &Wish,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Reply, Fault> {
    let checks = library.chosen(&wish.checks).map_err(|error| error.fault())?;
    let request = baseline::Request {
        checks: &checks,
        declared: &wish.declared,
        asked: &wish.asked,
        sources: target.sources(),
        // Drawn by the portal, and read by no check.
        tables: if wish.checks.is_empty() { &["RoleEdges"] } else { &[] },
    };
    let bundle = baseline::collect(target, library, &request, &SystemClock, say).await;
    let bundle = bundle.map_err(|error| error.fault())?;
    let bytes = bundle.to_json().map_err(|error| error.fault())?;
    let hash = bundle.hash().map_err(|error| error.fault())?;
    Ok(Reply::with(json!({ "hash": hash }), bytes))
}

async fn plan(fixer: &Fixer<'_>, wish: &Wish) -> Result<Plan, Fault> {
    let [check] = wish.checks.as_slice() else { return Err(bad("one check is mended at a time")) };
    fixer.plan(check).await.map_err(|error| error.fault())
}

fn planned(plan: &Plan) -> Result<Value, Fault> {
    let mut told = serde_json::to_value(plan)
        .map_err(|e| Fault::from_error("internal", "a plan is no JSON", &e))?;
    told["fix_id"] = Value::Null;
    told["state"] = json!(if plan.is_needed() { "planned" } else { "unchanged" });
    told["plan_hash"] = json!(fixes::plan_hash(plan)?);
    Ok(told)
}

fn named(records: &Fixes, wish: &Wish) -> Result<FixRecord, Fault> {
    records.read(wish.named.as_deref().unwrap_or_default())
}

fn told(record: &FixRecord) -> Result<Reply, Fault> {
    beside(&fixes::told(record)?)
}

/// What may be longer than a line.
fn beside(value: &Value) -> Result<Reply, Fault> {
    Ok(Reply::with(Value::Null, value.to_string().into_bytes()))
}

/// The server over its local socket.
struct Inside {
    name: String,
    folder: PathBuf,
    port: u16,
    host: Host,
    feeds: Feeds,
    log: LogSource,
}

impl Inside {
    fn sources(&self) -> Sources<'_> {
        let (host, feeds, log) = (Some(&self.host), Some(&self.feeds), Some(&self.log));
        Sources { host, feeds, log, wire: true }
    }
}

impl Connect for Inside {
    fn connect<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a> {
        Box::pin(Connection::local(&self.folder, self.port, database.unwrap_or(FIRST)))
    }

    fn label(&self) -> String {
        self.name.clone()
    }

    fn place(&self) -> Option<Place> {
        Some(Place { host: "localhost".to_owned(), port: self.port })
    }
}
