//! `cargo xtask crash`: kill -9 under load, restart, and look for every acknowledged row.
//!
//! Writers insert numbered rows and count one only after PostgreSQL acknowledged its commit. Each
//! round kills the file system, PostgreSQL or both at a moment drawn from the seed; afterwards
//! every counted row must be there, no row may have been made up, `pg_amcheck` must be content,
//! and the file system must not have seen tampering. `cargo xtask crash keyvault` does the like to
//! the key vault, `cargo xtask crash logs` to the collector of logs.

mod keyvault;
mod ledger;
mod load;
mod logs;
mod round;

use std::path::PathBuf;
use std::time::Instant;

use crate::args::{Accepts, Args};
use crate::cluster::{Account, Engine, EngineKind, Server, Settings, Tally, WorkDir};
use crate::failure::{Failure, Outcome};
use crate::rng::{self, Rng};
use crate::{build, deps, say};
use ledger::Ledger;
use round::Rig;

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--keep"],
    values: &["--rounds", "--seed", "--writers", "--dir", "--engine", "--binary"],
    n_words: 0,
};

/// Small enough that checkpoints, evictions and WAL recycling happen in every round.
const SETTINGS: Settings = &[
    ("shared_buffers", "16MB"),
    ("max_wal_size", "64MB"),
    ("min_wal_size", "32MB"),
    ("checkpoint_timeout", "30s"),
    ("bgwriter_delay", "10ms"),
    ("autovacuum_naptime", "1s"),
    ("autovacuum_vacuum_threshold", "50"),
    ("max_connections", "30"),
    ("synchronous_commit", "on"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
];

pub(crate) fn run(raw: &[String]) -> Outcome {
    match raw.split_first() {
        Some((what, rest)) if what == "keyvault" => keyvault::run(rest),
        Some((what, rest)) if what == "logs" => logs::run(rest),
        _ => run_storage(raw),
    }
}

fn run_storage(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_rounds = args.number("--rounds", 20u32, 1..=1_000_000)?;
    let n_writers = args.number("--writers", 4usize, 1..=20)?;
    let seed = match args.value("--seed") {
        Some(_) => args.number("--seed", 0u64, 0..=u64::MAX)?,
        None => rng::fresh_seed()?,
    };
    let kind = EngineKind::parse(args.value("--engine").unwrap_or("pgkeep"))?;
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    let binary = binary(&args, kind)?;
    let account = Account::unprivileged()?;
    let mut work = WorkDir::make(args.path("--dir"), "crash", &account)?;
    say::step(&format!(
        "crash: {n_rounds} rounds on {}, {n_writers} writers, as {}, seed {seed}",
        kind.name(),
        account.name()
    ));
    let outcome = rounds(&work, &account, kind, binary, n_rounds, n_writers, seed);
    if outcome.is_err() {
        say::note(&format!("repeat with: cargo xtask crash --rounds {n_rounds} --seed {seed}"));
        if args.has("--keep") {
            work.keep();
        }
    }
    outcome
}

/// The binary under test: built for release, or one that was given.
fn binary(args: &Args, kind: EngineKind) -> Outcome<Option<PathBuf>> {
    match (kind, args.path("--binary")) {
        (EngineKind::Pgkeep, Some(path)) => Ok(Some(path)),
        (EngineKind::Pgkeep, None) => build::release().map(Some),
        _ => Ok(None),
    }
}

fn rounds(
    work: &WorkDir,
    account: &Account,
    kind: EngineKind,
    binary: Option<PathBuf>,
    n_rounds: u32,
    n_writers: usize,
    seed: u64,
) -> Outcome {
    let program = binary.map(|path| work.program(&path)).transpose()?;
    let engine = Engine::make(kind, work, account, program.as_deref())?;
    let sockets = work.folder("sockets", account)?;
    let mount = engine.mount()?;
    let server = Server::init(account, mount.dir(), &sockets, SETTINGS)?;
    let mut rig = Rig::new(engine, mount, server, Ledger::new(n_writers));
    rig.prepare()?;
    let mut rng = Rng::new(seed);
    let started = Instant::now();
    for number in 1..=n_rounds {
        let said = rig.round(number, &mut rng).map_err(|failure| {
            let passed = number - 1;
            let message = format!("round {number} failed: {}", failure.message);
            Failure { message, exit: 6, ..failure }
                .hint(format!("{passed} of {n_rounds} rounds passed; seed {seed}"))
        })?;
        say::note(&format!("round {number:>4}: {said}"));
    }
    let rows = rig.ledger().total();
    let verified = rig.close()?;
    report(n_rounds, rows, seed, started, &verified)
}

fn report(n_rounds: u32, rows: u64, seed: u64, started: Instant, tally: &Tally) -> Outcome {
    say::line(&format!("crash: {n_rounds} of {n_rounds} rounds passed, seed {seed}"));
    say::line(&format!(
        "  {rows} acknowledged rows, 0 lost; {} dirty groups re-read, {} units accepted once, \
         {} tamper events, {} poisoned files; {:.0} s",
        tally.n_groups,
        tally.n_accepted,
        tally.n_tamper,
        tally.n_poisoned,
        started.elapsed().as_secs_f64()
    ));
    if tally.n_tamper > 0 {
        return Err(Failure::gate("the file system took a crash for tampering")
            .detail(tally.trouble.join("\n")));
    }
    Ok(())
}
