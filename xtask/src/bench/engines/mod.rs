//! `cargo xtask bench engines`: the queries of `bench kql` on DataFusion in one process, on
//! `datafusion-distributed` with three workers and on `ballista` with three executors; with
//! `--kills`, what becomes of a query when one of the three is killed.
//!
//! All read the same file through the same SQL with DataFusion of one version, so that a
//! difference is the engine's. They take turns in a rotating order, and what they answer is
//! compared before any time counts, with DuckDB's answers too. On a machine with fewer cores
//! than workers three cannot be faster than one process: the figure is what the division costs.

mod cluster;
mod kills;

use std::path::PathBuf;
use std::process::Command;

use super::side::{Side, same};
use super::{kql, machine};
use crate::args::{Accepts, Args};
use crate::failure::{Doing as _, Outcome};
use crate::packages::Environment;
use crate::stats::Spread;
use crate::{document, proc, repo, say};
use cluster::{Cluster, Kind, Setup, Use};

const ACCEPTS: Accepts = Accepts {
    switches: &["--no-write"],
    values: &["--runs", "--rows", "--threads", "--partitions", "--dir", "--only", "--kills"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
/// Sums of doubles depend on the order in which they are added.
const TOLERANCE: f64 = 1e-9;
/// Estimates of how many distinct values there are may be off by so much.
const SKETCH_TOLERANCE: f64 = 0.05;

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 5u32, 1..=100)?;
    let n_rows = args.number("--rows", 20_000_000u64, 1..=2_000_000_000)?;
    let n_kills = args.number("--kills", 0u32, 0..=1000)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = args.number("--threads", cores, 1..=1024)?;
    let n_partitions = args.number("--partitions", 3usize, 2..=1024)?;
    let queries = repo::root().join("bench").join("engines").join("queries");
    let names = kql::names(&repo::root().join("bench").join("kql"), args.value("--only"))?;
    let engines = build()?;
    let folder = args.path("--dir").unwrap_or_else(|| repo::target_dir().join("bench-kql"));
    let data = kql::rows(&engines, &folder, n_rows)?;
    let setup = Setup::new(engines, data, queries, n_threads, n_partitions)?;
    if let Some(warning) = machine::busy() {
        say::note(&warning);
    }
    let (place, mut section) = if n_kills > 0 {
        ("engines-kills", kills::measure(&setup, &names, n_kills, n_rows)?)
    } else {
        ("engines", measure(&setup, &names, n_runs, n_rows)?)
    };
    section.push_str(&format!("\n\n{}.", machine::describe(&setup.data)));
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), place, &section)
}

/// Builds the programs that are compared.
fn build() -> Outcome<PathBuf> {
    say::step("building the engines (release)");
    let folder = repo::root().join("bench").join("engines");
    let mut cargo = proc::cargo(&folder, &["build", "--release", "--locked"]);
    proc::run(cargo.env("CARGO_TARGET_DIR", repo::target_dir()))?;
    Ok(repo::target_dir().join("release").join("pgkeep-engines"))
}

/// The sides of the comparison, in the order of their columns.
const KINDS: [Kind; 3] = [Kind::Alone, Kind::Distributed, Kind::Ballista];

fn measure(setup: &Setup, names: &[String], n_runs: u32, n_rows: u64) -> Outcome<String> {
    let mut sides = Vec::new();
    for kind in KINDS {
        sides.push(Cluster::start(setup, kind)?);
    }
    let (mut all, mut unanswered) = (Vec::new(), Vec::new());
    say::step("comparing the answers");
    let mut duckdb = duckdb(setup)?;
    for name in names {
        // Counts of distinct values are estimates, also between engines: they are held to the exact
        // ones.
        let check = format!("{name}.check");
        let sketch = kql_folder().join(format!("{check}.sql")).exists();
        let (asked, tolerance) =
            if sketch { (&check, SKETCH_TOLERANCE) } else { (name, TOLERANCE) };
        let expected = sides[0].ask(name)?;
        let mut all_answer = true;
        for at in 1..sides.len() {
            match sides[at].ask(name) {
                Ok(answer) => {
                    let rows = (KINDS[at].name(), &answer.rows[..]);
                    same(name, ("one process", &expected.rows), rows, tolerance)?;
                }
                Err(failure) => {
                    let why = failure.detail.unwrap_or(failure.message);
                    say::note(&format!("{}: {why}", KINDS[at].name()));
                    unanswered.push(format!("\n- {name}, {}: {why}", KINDS[at].name()));
                    all_answer = false;
                }
            }
        }
        if !all_answer {
            continue;
        }
        let theirs = duckdb.ask(asked)?.rows;
        same(name, ("one process", &expected.rows), ("DuckDB", &theirs), tolerance)?;
        let (ms, cpu_ms) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
        all.push(Measured { name: name.clone(), ms, cpu_ms });
    }
    drop(duckdb);
    let before = sides.iter().map(Cluster::used).collect::<Outcome<Vec<Use>>>()?;
    for run in 0..n_runs as usize {
        for (at, measured) in all.iter_mut().enumerate() {
            for turn in 0..sides.len() {
                let who = (run + at + turn) % sides.len();
                let before = sides[who].used()?.cpu_ms;
                measured.ms[who].push(sides[who].ask(&measured.name)?.ms);
                measured.cpu_ms[who].push(sides[who].used()?.cpu_ms - before);
            }
        }
        let mean = |of, to| geometric_of(&all, run, of, to);
        say::note(&format!(
            "run {} of {n_runs}: to one process {:.2} and {:.2}, ballista to distributed {:.2}",
            run + 1,
            mean(1, 0),
            mean(2, 0),
            mean(2, 1)
        ));
    }
    let after = sides.iter().map(Cluster::used).collect::<Outcome<Vec<Use>>>()?;
    let mut text = times(&all, n_runs as usize);
    text.push_str(&format!(
        "\n`cargo xtask bench engines --rows {n_rows} --runs {n_runs} --threads {} --partitions \
         {}`; one process with {} threads; three workers and three executors with one thread \
         each, all on this machine with coordinator, scheduler and client; medians of {n_runs} \
         runs after one to warm up, ratios paired within a run, with their range in brackets; \
         below 1 the first one is faster. All answers are equal (sums of doubles to nine digits), \
         and equal to DuckDB's (estimates of distinct values within 5 % of its exact counts).",
        setup.n_threads, setup.n_partitions, setup.n_threads
    ));
    text.push_str(&costs(&before, &after, n_runs)?);
    if !unanswered.is_empty() {
        text.push_str("\n\nNot answered by all, and left out:\n");
        unanswered.iter().for_each(|line| text.push_str(line));
    }
    Ok(text)
}

fn kql_folder() -> PathBuf {
    repo::root().join("bench").join("kql")
}

/// DuckDB over the same file, with the queries that these are translated from.
fn duckdb(setup: &Setup) -> Outcome<Side> {
    let queries = kql_folder();
    let python = Environment::make("kql-bench", &queries.join("requirements.txt"))?;
    let mut command = Command::new(python.python());
    command.arg(queries.join("duckdb_serve.py")).args([&setup.data, &queries]);
    Side::start(command.arg(setup.n_threads.to_string()))
}

struct Measured {
    name: String,
    /// In the order of [`KINDS`]
    ms: [Vec<f64>; 3],
    /// Processor time of all processes of a side, in ticks of 10 ms
    cpu_ms: [Vec<f64>; 3],
}

impl Measured {
    fn figure(&self, of: usize) -> String {
        Spread::of(&self.ms[of]).map_or_else(String::new, Spread::figure)
    }
}

/// The times of one side to those of another, paired.
fn ratio(times: &[Vec<f64>; 3], of: usize, to: usize) -> String {
    let ratios: Vec<f64> = times[of].iter().zip(&times[to]).map(|(a, b)| a / b).collect();
    Spread::of(&ratios).map_or_else(String::new, Spread::ratio)
}

/// The geometric mean of all queries' ratios within one run.
fn geometric_of(all: &[Measured], run: usize, of: usize, to: usize) -> f64 {
    kql::geometric(all.iter().map(|measured| measured.ms[of][run] / measured.ms[to][run]))
}

fn times(all: &[Measured], n_runs: usize) -> String {
    let mut text = "| query | one process | distributed | ballista | distributed to one process \
                    | ballista to one process | ballista to distributed \
                    | processor time, distributed to one process | the same, ballista |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for measured in all {
        let name = measured.name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let (ms, cpu_ms) = (&measured.ms, &measured.cpu_ms);
        text.push_str(&format!(
            "| {} | {} ms | {} ms | {} ms | {} | {} | {} | {} | {} |\n",
            name.replace('_', " "),
            measured.figure(0),
            measured.figure(1),
            measured.figure(2),
            ratio(ms, 1, 0),
            ratio(ms, 2, 0),
            ratio(ms, 2, 1),
            ratio(cpu_ms, 1, 0),
            ratio(cpu_ms, 2, 0),
        ));
    }
    let mean = |of, to| {
        let each: Vec<f64> = (0..n_runs).map(|run| geometric_of(all, run, of, to)).collect();
        Spread::of(&each).map_or_else(String::new, Spread::ratio)
    };
    text.push_str(&format!(
        "| **geometric mean** | | | | **{}** | **{}** | **{}** | | |\n",
        mean(1, 0),
        mean(2, 0),
        mean(2, 1)
    ));
    text
}

/// Memory, processor time and packages of each side.
fn costs(before: &[Use], after: &[Use], n_runs: u32) -> Outcome<String> {
    let mut text = "\n\n| | processes | most memory, all | most memory, one | processor time of a \
                    run | packages | beyond DataFusion's |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    let datafusion = packages(Kind::Alone)?;
    for ((kind, before), after) in KINDS.iter().zip(before).zip(after) {
        let tree = packages(*kind)?;
        let n_more = tree.iter().filter(|package| !datafusion.contains(package)).count();
        text.push_str(&format!(
            "| {} | {} | {} MB | {} MB | {:.1} s | {} | {n_more} |\n",
            kind.name(),
            after.n_processes,
            after.peak_kib / 1024,
            after.peak_of_one_kib / 1024,
            (after.cpu_ms - before.cpu_ms) / 1000.0 / f64::from(n_runs),
            tree.len(),
        ));
    }
    text.push_str(
        "\nMemory is the sum of what each process held at most (VmHWM), the program's own pages \
         counted in each; processor time is that of all processes for the ten queries once; \
         packages are those of `cargo tree -e normal`, with features as all three need them \
         together.",
    );
    Ok(text)
}

/// The packages that a side is made of.
fn packages(kind: Kind) -> Outcome<Vec<String>> {
    let folder = repo::root().join("bench").join("engines");
    let mut cargo = proc::cargo(&folder, &["tree", "--locked", "-e", "normal", "--prefix", "none"]);
    for package in kind.packages() {
        cargo.args(["-p", package]);
    }
    let said = proc::capture(&mut cargo)?;
    let mut packages: Vec<String> = said
        .lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .filter(|package| !package.is_empty())
        .collect();
    packages.sort();
    packages.dedup();
    Ok(packages)
}

/// What is known about a process from the kernel.
fn proc_file(pid: u32, name: &str) -> Outcome<String> {
    let path = format!("/proc/{pid}/{name}");
    std::fs::read_to_string(&path).doing(|| format!("read \"{path}\""))
}
