//! `cargo xtask bench kql`: ten security queries over twenty million rows in Parquet, on pgkeep's
//! query engine and on DuckDB.
//!
//! Both read the same file with the same number of threads and stay running. They take turns,
//! and who goes first turns too. What they answer is compared before any time counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine;
use super::side::{self, Side};
use crate::args::{Accepts, Args};
use crate::failure::{Doing as _, Failure, Outcome};
use crate::packages::Environment;
use crate::stats::Spread;
use crate::{document, proc, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--runs", "--rows", "--threads", "--dir", "--only", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
/// Numbers that count distinct values may be off by so much from the exact ones.
const SKETCH_TOLERANCE: f64 = 0.05;

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 5u32, 1..=100)?;
    let n_rows = args.number("--rows", 20_000_000u64, 1..=2_000_000_000)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = args.number("--threads", cores, 1..=1024)?;
    if let Some(warning) = machine::busy() {
        say::note(&warning);
    }
    let queries = repo::root().join("bench").join("kql");
    let names = names(&queries, args.value("--only"))?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build()?,
    };
    let python = Environment::make("kql-bench", &queries.join("requirements.txt"))?;
    let folder = args.path("--dir").unwrap_or_else(|| repo::target_dir().join("bench-kql"));
    let data = rows(&binary, &folder, n_rows)?;
    let mut lake = Side::start(Command::new(&binary).arg("serve").arg(&data).arg(&queries))?;
    let mut duckdb = Side::start(
        Command::new(python.python())
            .arg(queries.join("duckdb_serve.py"))
            .args([&data, &queries])
            .arg(n_threads.to_string()),
    )?;
    for name in &names {
        same(name, &queries, &mut lake, &mut duckdb)?;
    }
    let mut all: Vec<Measured> = names.iter().map(|name| Measured::new(name)).collect();
    for run in 0..n_runs {
        for (at, measured) in all.iter_mut().enumerate() {
            let lake_first = (run as usize + at).is_multiple_of(2);
            let before = if lake_first { lake.ask(&measured.name)?.ms } else { 0.0 };
            let other = duckdb.ask(&measured.name)?.ms;
            let ours = if lake_first { before } else { lake.ask(&measured.name)?.ms };
            measured.lake_ms.push(ours);
            measured.duckdb_ms.push(other);
            measured.ratios.push(ours / other);
        }
        let geometric = geometric(all.iter().filter_map(|m| m.ratios.last().copied()));
        say::note(&format!("run {}: geometric mean {geometric:.2}", run + 1));
    }
    let mut section = report(&all, n_runs, n_rows, n_threads, &data);
    section.push_str(&front_end()?);
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "kql", &section)
}

/// How long the public rules take to be parsed and bound, where they are at hand.
fn front_end() -> Outcome<String> {
    let Ok(corpus) = crate::conform::kql_corpus() else {
        say::note("the public rules are not at hand: parsing and binding are not measured");
        return Ok("\n\nParsing and binding: not measured, no public rules at hand.".to_owned());
    };
    let mut command = Command::new(crate::fuzz::example()?);
    command.arg("time").arg(corpus.join("table-schemas.json"));
    let said = proc::capture(command.arg(corpus.join("rules-dev.jsonl")))?;
    let field = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        let odd = || Failure::new(format!("the front end does not say {name}"));
        line.map(str::trim).ok_or_else(odd)
    };
    Ok(format!(
        "\n\nParsing and binding of {} public rules, one core, the fastest of five: median {} µs, \
         95 in 100 within {} µs, the slowest {} µs.",
        field("queries\t")?,
        field("median_us\t")?,
        field("p95_us\t")?,
        field("max_us\t")?,
    ))
}

/// Names of the queries, in their order.
pub(super) fn names(folder: &Path, only: Option<&str>) -> Outcome<Vec<String>> {
    let entries = std::fs::read_dir(folder).doing(|| format!("read \"{}\"", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".kql").map(str::to_owned))
        .filter(|name| only.is_none_or(|only| name.contains(only)))
        .collect();
    names.sort();
    if names.is_empty() {
        return Err(Failure::new("there is no such query"));
    }
    Ok(names)
}

pub(super) fn build() -> Outcome<PathBuf> {
    say::step("building the lake's side (release)");
    let words = ["build", "--release", "--locked", "--package", "lake", "--example", "kql_bench"];
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    Ok(repo::target_dir().join("release").join("examples").join("kql_bench"))
}

/// The folder with the rows, made if it is not there.
pub(super) fn rows(binary: &Path, folder: &Path, n_rows: u64) -> Outcome<PathBuf> {
    let data = folder.join(format!("rows-{n_rows}"));
    if !data.join("events.parquet").exists() {
        say::step(&format!("making {n_rows} rows"));
        proc::run(Command::new(binary).arg("generate").arg(&data).arg(n_rows.to_string()))?;
    }
    Ok(data)
}

/// An error where the two answers differ.
fn same(name: &str, queries: &Path, lake: &mut Side, duckdb: &mut Side) -> Outcome {
    let (ours, mut theirs) = (lake.ask(name)?, duckdb.ask(name)?);
    let check = format!("{name}.check");
    let mut tolerance = 1e-9;
    if queries.join(format!("{check}.sql")).exists() {
        theirs = duckdb.ask(&check)?;
        tolerance = SKETCH_TOLERANCE;
    }
    side::same(name, ("pgkeep", &ours.rows), ("DuckDB", &theirs.rows), tolerance)
}

struct Measured {
    name: String,
    lake_ms: Vec<f64>,
    duckdb_ms: Vec<f64>,
    ratios: Vec<f64>,
}

impl Measured {
    fn new(name: &str) -> Self {
        let (lake_ms, duckdb_ms, ratios) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), lake_ms, duckdb_ms, ratios }
    }
}

pub(super) fn geometric(ratios: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = ratios.map(f64::ln).collect();
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let n = logs.len().max(1) as f64;
    (logs.iter().sum::<f64>() / n).exp()
}

fn report(all: &[Measured], n_runs: u32, n_rows: u64, n_threads: usize, data: &Path) -> String {
    let mut text = "| query | DuckDB | pgkeep | pgkeep to DuckDB |\n|---|---|---|---|\n".to_owned();
    let figure = |ms: &[f64]| Spread::of(ms).map_or_else(String::new, Spread::figure);
    for measured in all {
        let name = measured.name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let ratio = Spread::of(&measured.ratios).map_or_else(String::new, Spread::ratio);
        text.push_str(&format!(
            "| {} | {} ms | {} ms | {ratio} |\n",
            name.replace('_', " "),
            figure(&measured.duckdb_ms),
            figure(&measured.lake_ms),
        ));
    }
    let each: Vec<f64> = (0..n_runs as usize)
        .map(|run| geometric(all.iter().filter_map(|m| m.ratios.get(run).copied())))
        .collect();
    let mean = Spread::of(&each).map_or_else(String::new, Spread::ratio);
    text.push_str(&format!("| **geometric mean** | | | **{mean}** |\n\n"));
    text.push_str(&format!(
        "`cargo xtask bench kql --rows {n_rows} --runs {n_runs} --threads {n_threads}`; medians of \
         {n_runs} runs after one to warm up, ratios paired within a run, with their range in \
         brackets; below 1 pgkeep is faster. Rows of both are equal, counts of distinct values \
         within 5 % of the exact ones.\n\n{}.",
        machine::describe(data)
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::geometric;

    #[test]
    fn the_mean_is_geometric() {
        assert!((geometric([0.5, 2.0].into_iter()) - 1.0).abs() < 1e-12);
    }
}
