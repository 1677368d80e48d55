//! `cargo xtask fuzz`: libFuzzer on the query language's front end, and every published query cut
//! after every token.
//!
//! The targets live in `fuzz/`, outside the workspace. Coverage comes from LLVM's own pass, which
//! a stable compiler has too, so no nightly one is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::{Accepts, Args};
use crate::failure::{Doing, Failure, Outcome};
use crate::{document, proc, repo, say};

const ACCEPTS: Accepts = Accepts { switches: &["--no-write"], values: &["--seconds"], n_words: 3 };
const DOCUMENT: &str = "docs/conformance.md";
/// Each target runs so long unless told otherwise.
const SECONDS: u64 = 600;
/// One input may take so long, in seconds, and hold so much memory, in MiB.
const INPUT_SECONDS: u32 = 10;
const INPUT_MIB: u32 = 4096;
const TARGETS: [&str; 2] = ["kql_parse", "kql_bind"];
const TRUNCATE: &str = "kql_truncate";
/// What makes the compiler count edges for libFuzzer.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 --cfg fuzzing";

pub(crate) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let seconds = args.number("--seconds", SECONDS, 1..=86_400)?;
    let mut wanted: Vec<&str> = args.words().iter().map(String::as_str).collect();
    if wanted.is_empty() {
        wanted = TARGETS.iter().copied().chain([TRUNCATE]).collect();
    }
    if let Some(unknown) = wanted.iter().find(|name| !TARGETS.contains(name) && **name != TRUNCATE)
    {
        return Err(Failure::usage(format!("unknown target \"{unknown}\"")));
    }
    let mut lines = String::new();
    for name in wanted {
        say::step(name);
        let line = if name == TRUNCATE { truncate()? } else { fuzz(name, seconds)? };
        say::line(&line);
        lines += &format!("- `{name}`: {line}\n");
    }
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "kql-fuzz", &lines)
}

fn fuzz(name: &str, seconds: u64) -> Outcome<String> {
    let folder = repo::root().join("fuzz");
    let target = repo::target_dir().join("fuzz");
    let words = ["build", "--release", "--bin", name, "--target", &host()?];
    let mut build = proc::cargo(&folder, &words);
    build.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", COVERAGE);
    proc::run(&mut build)?;
    let program = target.join(host()?).join("release").join(name);
    let corpus = target.join("corpus").join(name);
    let seeds = seeds(&folder, &target)?;
    std::fs::create_dir_all(&corpus).doing(|| format!("make \"{}\"", corpus.display()))?;
    let mut command = Command::new(program);
    command.current_dir(&target).arg(&corpus).arg(seeds);
    command.arg(format!("-dict={}", folder.join("kql.dict").display()));
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-timeout={INPUT_SECONDS}"));
    command.arg(format!("-rss_limit_mb={INPUT_MIB}"));
    command.args(["-max_len=4096", "-print_final_stats=1", "-verbosity=0"]);
    say::note(&format!("{seconds} s"));
    let output = proc::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(Failure::gate(format!("{name} found an input that fails"))
            .detail(proc::tail(&said, 40))
            .hint(format!("the input lies in \"{}\"", target.display())));
    }
    let executed = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .map_or("an unknown number of", str::trim);
    Ok(format!("{executed} inputs in {seconds} s, no panic, no hang"))
}

/// Our own samples, and one file for each published query where they are at hand.
fn seeds(folder: &Path, target: &Path) -> Outcome<PathBuf> {
    let to = target.join("seeds");
    std::fs::create_dir_all(&to).doing(|| format!("make \"{}\"", to.display()))?;
    let own = folder.join("seeds");
    let listed = std::fs::read_dir(&own).doing(|| format!("list \"{}\"", own.display()))?;
    for entry in listed.flatten() {
        let copy = to.join(entry.file_name());
        std::fs::copy(entry.path(), &copy).doing(|| format!("write \"{}\"", copy.display()))?;
    }
    Ok(to)
}

fn truncate() -> Outcome<String> {
    let corpus = crate::conform::kql_corpus()?;
    let example = example()?;
    let mut command = Command::new(example);
    command.arg("truncate").arg(corpus.join("table-schemas.json"));
    command.arg(corpus.join("rules-dev.jsonl"));
    let output = proc::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(
            Failure::gate("a cut query panicked or took too long").detail(proc::tail(&said, 20))
        );
    }
    let n = said.lines().find_map(|line| line.strip_prefix("cut\t")).unwrap_or("?");
    Ok(format!("{n} cut queries, no panic, none took 2 s"))
}

/// The program that runs the front end over a file of queries, built for speed.
pub(crate) fn example() -> Outcome<PathBuf> {
    let words = ["build", "--release", "--locked", "--package", "kql", "--example", "corpus"];
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    Ok(repo::target_dir().join("release/examples/corpus"))
}

fn host() -> Outcome<String> {
    let said = proc::capture(Command::new("rustc").arg("-vV"))?;
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("rustc does not say what it compiles for"))
}
