//! Fills a bundle from a server: every table that the chosen checks read, each once.
//!
//! Nothing is written. Each statement runs in a read-only transaction of its own with a limit of
//! time; what fails is a gap with its reason, never an empty table.

pub(crate) mod host;
mod log;
mod sql;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use base::Clock;
use kql::value::{Json, TICKS_PER_MILLISECOND, UNIX_EPOCH};
use pg::Connection;

use crate::bundle::{Bundle, Gap, State, TableEvidence};
use crate::check::Check;
use crate::declared::{Declared, TABLE as DECLARED};
use crate::derive;
use crate::error::{Error, Result};
use crate::evidence::{DATABASE, Evidence, Scope};
use crate::feed::{self, Feeds};
use crate::library::Library;
use crate::provider::{self, Provider};
pub use host::Host;
pub use log::LogSource;
use sql::Answer;

/// The source of tables that are computed from others.
const DERIVED: &str = "derived";
/// The source of tables that are read from the server's host.
const HOST: &str = "host";
/// The source of tables of what is known of PostgreSQL's vulnerabilities and versions.
const FEED: &str = "feed";
/// The source of tables that are read from the server's log.
const LOG: &str = "log";
/// The source of tables that are asked from outside, through the network.
const WIRE: &str = "wire";
/// The reason of a table that nobody asked for.
const NOT_ASKED: &str = "not-asked";
/// Databases that are visited.
const DATABASES_MAX: usize = 1000;

/// A connection that is being made.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = pg::Result<Connection>> + Send + 'a>>;

/// How the server that is assessed is reached.
pub trait Connect: Sync {
    /// Connects to a database, or to the one that was named when the target was.
    fn connect<'a>(&'a self, database: Option<&'a str>) -> Connecting<'a>;

    /// What it is called, without any secret.
    fn label(&self) -> String;

    /// Where it listens on the network; none where it is reached through a socket, or where more
    /// than one place is named.
    fn place(&self) -> Option<Place>;
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address
    pub host: String,
    /// The port
    pub port: u16,
}

impl Wanted<'_> {
    fn is_read(&self) -> bool {
        self.table.state != State::Unread
    }
}

/// A table that is to be read.
struct Wanted<'a> {
    key: String,
    evidence: &'a Evidence,
    table: TableEvidence,
}

/// What is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Whose evidence
    pub checks: &'a [&'a Check],
    /// What is meant to be so
    pub declared: &'a Declared,
    /// Evidence that costs more than a look, by its word: `password-guesses`
    pub asked: &'a [String],
    /// What is read besides SQL
    pub sources: Sources<'a>,
    /// Tables that are read though no check asks for them
    pub tables: &'a [&'a str],
}

/// What else can be read than SQL; whatever is absent makes its tables unread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// The server's host
    pub host: Option<&'a Host>,
    /// What is known of vulnerabilities and versions
    pub feeds: Option<&'a Feeds>,
    /// The server's log
    pub log: Option<&'a LogSource>,
    /// Whether it is asked from outside, by connections that do not sign in
    pub wire: bool,
}

impl<'a> Request<'a> {
    /// By SQL alone.
    pub fn of(checks: &'a [&'a Check], declared: &'a Declared) -> Self {
        Self { checks, declared, asked: &[], sources: Sources::default(), tables: &[] }
    }
}

/// Collects what checks read. `progress` hears what is being done.
///
/// # Errors
/// The server cannot be reached at all, or the content is not sound.
pub async fn collect(
    target: &dyn Connect,
    library: &Library,
    request: &Request<'_>,
    clock: &dyn Clock,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Bundle> {
    progress("connecting");
    let first = target.connect(None).await?;
    let about = sql::about(&first).await?;
    let began = clock.now();
    let at = began.to_string();
    let mut bundle = Bundle::empty(at, target.label(), about.role.clone(), about.major);
    let rows = request.declared.rows();
    let said = rows.rows.iter().map(|row| row.iter().map(kql::value::Value::to_json).collect());
    bundle.declared = TableEvidence::whole(Declared::schema(), said.collect(), "declaration");

    let service = provider::of(&first).await?;
    let mut wanted = wanted(library, request, about.major)?;
    progress("reading the cluster");
    for table in wanted.iter_mut().filter(|w| w.evidence.scope == Scope::Cluster && w.is_read()) {
        let Some(sql) = table.evidence.sql(about.major) else { continue };
        let answer = sql::read(&first, sql, &table.table.columns, table.evidence).await;
        put(table, None, answer);
    }
    let by_database: Vec<usize> = (0..wanted.len())
        .filter(|i| wanted[*i].evidence.scope == Scope::Database && wanted[*i].is_read())
        .collect();
    if !by_database.is_empty() {
        let names = databases(&first, service.as_ref(), &mut bundle).await?;
        visit(target, &first, &about, &mut wanted, &by_database, names, progress).await?;
    }
    let of_source = |source: &str| -> Vec<(String, Vec<String>)> {
        let is_asked = |w: &&Wanted<'_>| w.table.gaps.iter().all(|gap| gap.reason != NOT_ASKED);
        let all = wanted.iter().filter(|w| w.evidence.source.as_deref() == Some(source));
        let all = all.filter(is_asked);
        all.map(|wanted| (wanted.key.clone(), wanted.evidence.from.clone())).collect()
    };
    let (hosts, derived) = (of_source(HOST), of_source(DERIVED));
    let names = |source| of_source(source).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let (fed, logs, wires) = (names(FEED), names(LOG), names(WIRE));
    let mut tables: BTreeMap<_, _> =
        wanted.into_iter().map(|wanted| (wanted.key, wanted.table)).collect();
    // What is declared names files of the host, too.
    tables.insert(DECLARED.to_owned(), bundle.declared.clone());
    let identity = match request.sources.host {
        Some(_) if !hosts.is_empty() => {
            progress("reading the host");
            Some(sql::identity(&first).await)
        }
        _ => None,
    };
    let access = host::access(request.sources.host, identity);
    for (name, from) in hosts {
        let started = Instant::now();
        let mut table = host::read(&access, &name, &from, &tables, about.major);
        table.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tables.insert(name, table);
    }
    for name in fed {
        let columns = tables.get(&name).map(|table| table.columns.clone()).unwrap_or_default();
        let table = feed::read(request.sources.feeds, &name, columns, began);
        tables.insert(name, table);
    }
    if !wires.is_empty() {
        progress("asking from outside");
        let asked = request.sources.wire.then(|| target.place());
        let (connection, major, nonce) = (&first, about.major, clock.now().as_nanosecond());
        let probing = wire::Asked { place: asked, connection, major, nonce };
        wire::fill(&probing, &wires, &mut tables).await;
    }
    if !logs.is_empty() {
        progress("reading the log");
        let asked = log::Asked {
            source: request.sources.log,
            host: request.sources.host,
            connection: &first,
            major: about.major,
            began: ticks(began.as_millisecond()),
            now: ticks(clock.now().as_millisecond()),
        };
        log::fill(&asked, &logs, &mut tables).await;
    }
    tables.remove(DECLARED);
    for (name, from) in derived {
        progress(&format!("computing {name}"));
        let table = derive::derive(&name, &from, &tables, about.major);
        tables.insert(name, table);
    }
    for gap in tables.values_mut().flat_map(|table| &mut table.gaps) {
        gap.cure = gap.cure.take().map(|cure| cure.replace("{role}", &about.quoted_role));
        if let Some(service) = &service {
            service.claim(gap);
        }
    }
    bundle.tables = tables;
    Ok(bundle)
}

/// Milliseconds since 1970 in ticks.
fn ticks(ms: i64) -> i64 {
    UNIX_EPOCH.saturating_add(ms.saturating_mul(TICKS_PER_MILLISECOND))
}

/// The databases that are visited: all but those of a service's operator, which the bundle names.
async fn databases(
    first: &Connection,
    service: Option<&Provider>,
    bundle: &mut Bundle,
) -> Result<Vec<String>> {
    let all = sql::databases(first).await?;
    let is_theirs = |name: &String| service.is_some_and(|service| service.owns(name));
    let (theirs, ours) = all.into_iter().partition(is_theirs);
    bundle.provider = service.map(|service| service.said(theirs));
    Ok(ours)
}

/// Reads the tables of the scope `database` in each database.
async fn visit(
    target: &dyn Connect,
    first: &Connection,
    about: &sql::About,
    wanted: &mut [Wanted<'_>],
    which: &[usize],
    mut databases: Vec<String>,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    if databases.len() > DATABASES_MAX {
        let message = format!("only the first {DATABASES_MAX} of {} databases", databases.len());
        which.iter().for_each(|i| lack(&mut wanted[*i], gap(None, "limit", &message)));
        databases.truncate(DATABASES_MAX);
    }
    for (at, name) in databases.iter().enumerate() {
        progress(&format!("reading database {} of {}, {name}", at + 1, databases.len()));
        let other;
        let connection = if *name == about.database {
            first
        } else {
            match target.connect(Some(name)).await {
                Ok(connection) => {
                    other = connection;
                    &other
                }
                Err(error) => {
                    let gap = sql::gap_of(&error, Some(name), None);
                    which.iter().for_each(|i| lack(&mut wanted[*i], gap.clone()));
                    continue;
                }
            }
        };
        for i in which {
            let table = &mut wanted[*i];
            let Some(sql) = table.evidence.sql(about.major) else { continue };
            let columns = &table.table.columns[1..];
            let answer = sql::read(connection, sql, columns, table.evidence).await;
            put(table, Some(name), answer);
        }
    }
    for i in which {
        let table = &mut wanted[*i].table;
        if table.state == State::Partial && table.rows.is_empty() {
            table.state = State::Unread;
        }
    }
    Ok(())
}

fn lack(wanted: &mut Wanted<'_>, gap: Gap) {
    wanted.table.state = State::Partial;
    wanted.table.gaps.push(gap);
}

fn gap(database: Option<&str>, reason: &str, message: &str) -> Gap {
    let database = database.map(str::to_owned);
    Gap { database, reason: reason.to_owned(), message: message.to_owned(), cure: None }
}

/// Puts what a query gave into its table.
fn put(wanted: &mut Wanted<'_>, database: Option<&str>, answer: Answer) {
    let table = &mut wanted.table;
    table.took_ms += answer.took_ms;
    match answer.rows {
        Ok(rows) => {
            let prefix = database.map(|name| Json::String(name.into()));
            table.rows.extend(rows.into_iter().map(|row| {
                let mut whole: Vec<Json> = prefix.iter().cloned().collect();
                whole.extend(row);
                whole
            }));
            if let Some(message) = answer.cut {
                lack(wanted, gap(database, "limit", &message));
            }
        }
        Err(mut gap) => {
            gap.database = database.map(str::to_owned);
            table.state = if database.is_some() { State::Partial } else { State::Unread };
            table.gaps.push(gap);
        }
    }
}

/// The tables that checks read, with their names in the bundle.
fn wanted<'a>(library: &'a Library, request: &Request<'a>, major: u32) -> Result<Vec<Wanted<'a>>> {
    let mut keys = BTreeSet::new();
    let mut own: BTreeMap<String, &Evidence> = BTreeMap::new();
    for check in request.checks {
        if check.majors.is_some_and(|majors| !majors.hold(major)) {
            continue;
        }
        let read = library
            .tables_read(check)
            .map_err(|what| Error::Content { file: format!("checks/{}", check.id), what })?;
        for name in read.iter().filter(|name| *name != DECLARED).cloned() {
            match check.evidence.iter().find(|own| own.name == name) {
                Some(found) => {
                    own.insert(format!("{}/{name}", check.id), &found.evidence);
                }
                None => {
                    keys.insert(name);
                }
            }
        }
    }
    keys.extend(request.tables.iter().map(|name| (*name).to_owned()));
    let mut open: Vec<String> = keys.iter().cloned().collect();
    while let Some(name) = open.pop() {
        let from = library.evidence(&name).map(|evidence| &evidence.from);
        for name in from.into_iter().flatten() {
            if keys.insert(name.clone()) {
                open.push(name.clone());
            }
        }
    }
    let shared = keys.into_iter().filter_map(|key| {
        let evidence = library.evidence(&key)?;
        Some((key, evidence))
    });
    let all = shared.chain(own);
    all.map(|(key, evidence)| {
        let odd = |what: String| Error::Content { file: format!("evidence {key}"), what };
        let schema = evidence.schema().map_err(odd)?;
        let is_asked = |word: &String| request.asked.contains(word);
        let unasked = evidence.asked.as_ref().filter(|word| !is_asked(word));
        let table = match (evidence.sql(major), &evidence.source) {
            (Some(sql), _) if unasked.is_some() => {
                let mut gap = gap(None, NOT_ASKED, "it is read only where it is asked for");
                gap.cure = unasked.map(|word| format!("--with {word}"));
                TableEvidence::unread(schema, gap, sql.trim())
            }
            (Some(sql), _) => TableEvidence::whole(schema, Vec::new(), sql.trim()),
            (None, Some(source)) => {
                let gap = match unasked {
                    Some(word) => {
                        let mut gap = gap(None, NOT_ASKED, "it is read only where it is asked for");
                        gap.cure = Some(format!("--with {word}"));
                        gap
                    }
                    None => gap(None, "no-collector", &format!("nothing reads {source}")),
                };
                TableEvidence::unread(schema, gap, source.as_str())
            }
            (None, None) => {
                let message = format!("there is no query for PostgreSQL {major}");
                TableEvidence::unread(schema, gap(None, "version", &message), "")
            }
        };
        debug_assert!(evidence.scope == Scope::Cluster || table.columns[0].name == DATABASE);
        Ok(Wanted { key, evidence, table })
    })
    .collect()
}
