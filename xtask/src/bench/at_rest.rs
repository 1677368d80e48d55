//! `cargo xtask bench at-rest`: the price of encryption, paired with no encryption and gocryptfs.
//!
//! Every run measures each engine once, one server at a time, and the order turns from run to
//! run; ratios are taken within a run, so that a slow minute of the machine falls on all engines.

use std::path::Path;

use super::pgbench::{Size, Workload};
use super::{machine, table};
use crate::args::{Accepts, Args};
use crate::cluster::{Account, Engine, EngineKind, Server, Settings, WorkDir};
use crate::deps::{self, Need};
use crate::failure::{Doing, Failure, Outcome};
use crate::{build, document, proc, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--runs", "--seconds", "--scale", "--clients", "--dir", "--engines", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";

/// The same for every engine. Shared buffers stay small, so that the data does not fit in them.
const SETTINGS: Settings = &[
    ("shared_buffers", "128MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "5min"),
    ("max_connections", "100"),
];

/// Every figure, in the order of the runs.
#[derive(Debug, Default)]
pub(super) struct Samples {
    rows: Vec<(EngineKind, Workload, f64)>,
}

impl Samples {
    /// Adds a figure.
    pub(super) fn add(&mut self, kind: EngineKind, workload: Workload, figure: f64) {
        self.rows.push((kind, workload, figure));
    }

    /// The engines that have figures, plain first.
    pub(super) fn kinds(&self) -> Vec<EngineKind> {
        [EngineKind::Plain, EngineKind::Pgkeep, EngineKind::Gocryptfs]
            .into_iter()
            .filter(|kind| self.rows.iter().any(|row| row.0 == *kind))
            .collect()
    }

    /// The figures of one engine and workload.
    pub(super) fn of(&self, kind: EngineKind, workload: Workload) -> Vec<f64> {
        let wanted = self.rows.iter().filter(|row| row.0 == kind && row.1 == workload);
        wanted.map(|row| row.2).collect()
    }

    /// How much faster one engine was than another, run by run.
    pub(super) fn ratios(&self, of: EngineKind, to: EngineKind, workload: Workload) -> Vec<f64> {
        let pairs = self.of(of, workload).into_iter().zip(self.of(to, workload));
        pairs.map(|(ours, other)| workload.ratio(ours, other)).collect()
    }
}

/// One engine with its cluster.
struct Bed {
    kind: EngineKind,
    engine: Engine,
    sockets: std::path::PathBuf,
    server: Option<Server>,
}

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 5u32, 1..=100)?;
    let size = Size {
        scale: args.number("--scale", 50, 1..=10_000)?,
        clients: args.number("--clients", 8, 1..=90)?,
        seconds: args.number("--seconds", 20, 1..=3600)?,
    };
    let kinds = engines(args.value("--engines").unwrap_or("plain,pgkeep,gocryptfs"))?;
    let mut needs = deps::PRODUCT.to_vec();
    if kinds.contains(&EngineKind::Gocryptfs) {
        needs.push(Need::Gocryptfs);
    }
    deps::ensure(&needs, args.assume_yes())?;
    let binary = match (kinds.contains(&EngineKind::Pgkeep), args.path("--binary")) {
        (true, Some(path)) => Some(path),
        (true, None) => Some(build::release()?),
        (false, _) => None,
    };
    if let Some(busy) = machine::busy() {
        say::note(&format!("{busy}: do not quote these figures"));
    }
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "bench", &account)?;
    let program = binary.map(|path| work.program(&path)).transpose()?;
    let mut beds = kinds
        .iter()
        .map(|kind| Bed::make(*kind, &work, &account, program.as_deref()))
        .collect::<Outcome<Vec<Bed>>>()?;
    let mut samples = Samples::default();
    for run in 0..n_runs {
        for step in 0..beds.len() {
            let at = (run as usize + step) % beds.len();
            beds[at].measure(run, &account, size, &mut samples)?;
        }
    }
    let version = beds[0].server.as_ref().map_or(Ok(String::new()), Server::version)?;
    let section = section(&samples, &version, n_runs, size, work.path());
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "at-rest", &section)?;
    say::note(&format!("wrote {DOCUMENT}"));
    Ok(())
}

fn engines(list: &str) -> Outcome<Vec<EngineKind>> {
    let kinds: Vec<EngineKind> = list.split(',').map(EngineKind::parse).collect::<Outcome<_>>()?;
    let is_double = |at: usize| kinds[..at].contains(&kinds[at]);
    if (0..kinds.len()).any(is_double) {
        return Err(Failure::usage("an engine is named twice"));
    }
    Ok(kinds)
}

impl Bed {
    fn make(
        kind: EngineKind,
        work: &WorkDir,
        account: &Account,
        program: Option<&Path>,
    ) -> Outcome<Self> {
        let engine = Engine::make(kind, work, account, program)?;
        let sockets = work.folder(&format!("{}-run", kind.name()), account)?;
        Ok(Self { kind, engine, sockets, server: None })
    }

    /// Mounts, starts, measures every workload, stops and unmounts.
    fn measure(
        &mut self,
        run: u32,
        account: &Account,
        size: Size,
        samples: &mut Samples,
    ) -> Outcome {
        drop_caches()?;
        let mount = self.engine.mount()?;
        if self.server.is_none() {
            let made = Server::init(account, mount.dir(), &self.sockets, SETTINGS)?;
            self.server = Some(made);
        }
        let server = self.server.as_mut().expect("because it was just made");
        server.start()?;
        for workload in Workload::ALL.iter().copied() {
            let figure = workload.measure(server, size)?;
            let (kind, name) = (self.kind.name(), workload.name());
            say::note(&format!(
                "run {}: {kind:<9} {name}: {figure:.1} {}",
                run + 1,
                workload.unit()
            ));
            samples.add(self.kind, workload, figure);
        }
        server.stop()?;
        mount.unmount().map(drop)
    }
}

/// An equal start for every engine, where we may: an ordinary user leaves the caches alone.
fn drop_caches() -> Outcome {
    proc::run(&mut std::process::Command::new("sync"))?;
    if deps::is_root() {
        std::fs::write("/proc/sys/vm/drop_caches", "3\n")
            .doing(|| "drop the page cache".to_owned())?;
    }
    Ok(())
}

fn section(samples: &Samples, version: &str, n_runs: u32, size: Size, disk: &Path) -> String {
    let Size { scale, clients, seconds } = size;
    format!(
        "{}\n`cargo xtask bench at-rest --runs {n_runs} --seconds {seconds} --scale {scale} \
         --clients {clients}`; medians of {n_runs} runs, ratios paired within a run, with their \
         range in brackets; above 1 is faster.\n\n\
         {}; PostgreSQL {version}, shared_buffers 128MB, max_wal_size 2GB, data checksums, \
         fsync and full_page_writes on, unix socket without TLS; page cache {} before each \
         engine's turn{}.\n",
        table::render(samples),
        machine::describe(disk),
        if deps::is_root() { "dropped" } else { "left alone" },
        if deps::is_root() {
            "; write-back limits of pgkeep's mount raised, as `up` does"
        } else {
            ""
        },
    )
}
