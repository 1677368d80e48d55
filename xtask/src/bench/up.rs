//! `cargo xtask bench up`: from the command to Ready, each time with a fresh home.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::machine;
use crate::args::{Accepts, Args};
use crate::cluster::{self, Account, WorkDir};
use crate::failure::{Doing, Outcome};
use crate::stats::Spread;
use crate::{build, deps, document, proc, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--runs", "--dir", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 5u32, 1..=100)?;
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "up", &account)?;
    let program = work.program(&binary)?;
    let mut rows = String::new();
    for (what, flags) in [("with sample data", &[][..]), ("`--no-sample`", &["--no-sample"][..])] {
        let mut seconds = Vec::new();
        for run in 0..n_runs {
            let took = once(&program, work.path(), flags)?;
            say::note(&format!("run {}: {what}: {took:.1} s", run + 1));
            seconds.push(took);
        }
        if let Some(spread) = Spread::of(&seconds) {
            let Spread { median, min, max } = spread;
            rows += &format!("| {what} | {median:.1} s ({min:.1}–{max:.1}) |\n");
        }
    }
    let section = format!(
        "| `pgkeep up --detach`, fresh home, to Ready | median of {n_runs} (range) |\n|---|---|\n\
         {rows}\n`cargo xtask bench up --runs {n_runs}`; {}.\n",
        machine::describe(work.path())
    );
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "up", &section)
}

/// Starts an installation of its own, stops it, removes it; answers the seconds until Ready.
fn once(program: &Path, work: &Path, flags: &[&str]) -> Outcome<f64> {
    let home = work.join("home");
    let (port, https_port) = cluster::free_ports()?;
    let mut up = Command::new(program);
    up.arg("up").arg("--home").arg(&home).args(["--detach", "--port", &port]);
    up.args(["--https-port", &https_port]).args(flags);
    let started = Instant::now();
    let outcome = proc::capture(&mut up);
    let took = started.elapsed().as_secs_f64();
    // Also what came up half must go down.
    let down = proc::capture(Command::new(program).arg("down").arg("--home").arg(&home));
    outcome?;
    down?;
    std::fs::remove_dir_all(&home).doing(|| "remove the home".to_owned())?;
    Ok(took)
}
