//! `cargo xtask bench logs`: the collector and the lake on the log of a real PostgreSQL.
//!
//! The raw log is what the server writes under pgbench with every statement timed and audited.
//! Taking it in is measured with all threads of the plane on core 0 and the sender on core 1,
//! until every row is durable and a query sees it. PostgreSQL's throughput and the collector's CPU
//! are `logs_load`; `--only pgbench` measures them alone, `--only backlog` the CPU of a backlog;
//! both write nothing down.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::logs_load::{backlog, classes, meanwhile};
use super::machine;
use crate::args::{Accepts, Args};
use crate::cluster::{Account, WorkDir};
use crate::failure::{Doing, Failure, Outcome};
use crate::logs_home::LogsHome;
use crate::stats::Spread;
use crate::{build, deps, document, proc, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &[
        "--only",
        "--audit",
        "--runs",
        "--mb",
        "--seconds",
        "--probes",
        "--dir",
        "--binary",
        "--rows",
        "--needles",
        "--term-bench",
    ],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
const PLANE_CORE: &str = "0";
const LOAD_CORE: &str = "1";
/// Whatever waits for the collector waits no longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much and how long.
struct Size {
    n_runs: u32,
    raw_mb: u32,
    seconds: u32,
    n_probes: u32,
    /// One setting of pgaudit instead of all
    audit: Option<String>,
}

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let size = Size {
        n_runs: args.number("--runs", 5u32, 1..=100)?,
        raw_mb: args.number("--mb", 100u32, 1..=10_000)?,
        seconds: args.number("--seconds", 15u32, 1..=600)?,
        n_probes: args.number("--probes", 200u32, 1..=100_000)?,
        audit: args.value("--audit").map(str::to_owned),
    };
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "logs", &account)?;
    let program = work.program(&binary)?;
    match args.value("--only") {
        None => {}
        Some("pgbench") => {
            let home = LogsHome::start(&program, work.path())?;
            let rows = load(&home, &size)?;
            home.stop()?;
            say::line(&rows);
            return Ok(());
        }
        Some("backlog") => {
            let home = LogsHome::start(&program, work.path())?;
            let row = backlog(&home, size.n_runs)?;
            home.stop()?;
            say::line(&row);
            return Ok(());
        }
        Some(other) => {
            let what = format!("--only backlog or pgbench, not \"{other}\"");
            return Err(Failure::usage(what));
        }
    }
    let term_bench = match args.path("--term-bench") {
        Some(path) => path,
        None => term_bench()?,
    };
    let terms = terms(
        &term_bench,
        &work.path().join("terms"),
        args.number("--rows", 5_000_000u64, 1000..=1_000_000_000)?,
        args.number("--needles", 1000u64, 2..=1_000_000)?,
    )?;
    say::note(terms.trim_end());
    let home = LogsHome::start(&program, work.path())?;
    std::thread::sleep(Duration::from_secs(5));
    let empty_mb = home.memory("plane", "VmRSS")? / 1024.0;
    say::note(&format!("the plane with an empty lake: {empty_mb:.0} MB"));
    let delays = probes(&home, "at rest", size.n_probes)?;
    let load = load(&home, &size)?;
    let (raw_bytes, file) = raw_log(&home, &size, work.path())?;
    let (stored_bytes, wal_bytes) = stored(&home)?;
    let rates = ingest(&home, &file, size.n_runs)?;
    let most_mb = home.memory("plane", "VmHWM")? / 1024.0;
    home.stop()?;
    let seen = seen(delays);
    let spread = |numbers: &[f64]| Spread::of(numbers).map_or("-".to_owned(), Spread::ratio);
    let mut section =
        format!("{}\n\n| measure | figure |\n|---|---|\n", machine::describe(work.path()));
    section += &format!(
        "| raw jsonlog, durable and seen by a query, one core for the plane | {} MB/s |\n",
        spread(&rates)
    );
    section += &format!("| event written by PostgreSQL → seen by a query, {seen} |\n");
    section += &format!(
        "| stored bytes to raw bytes ({:.0} MB of jsonlog) | 1/{:.1} in the tables; {:.1} MB of \
         write-ahead log beside them |\n",
        raw_bytes / 1e6,
        raw_bytes / stored_bytes,
        wal_bytes / 1e6
    );
    section += &format!(
        "| memory of the plane | empty lake {empty_mb:.0} MB; most under all of this {most_mb:.0} \
         MB |\n"
    );
    section += &terms;
    section += &load;
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "logs", &section)
}

/// The program that times queries for terms, built for release.
fn term_bench() -> Outcome<PathBuf> {
    let words = ["build", "--release", "--locked", "--package", "lake", "--example", "term_bench"];
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    Ok(repo::target_dir().join("release").join("examples").join("term_bench"))
}

/// A line of the table: `has` with side-cars and without.
fn terms(program: &Path, folder: &Path, n_rows: u64, n_needles: u64) -> Outcome<String> {
    let mut command = Command::new(program);
    command.arg(folder).args([n_rows.to_string(), n_needles.to_string()]);
    let text = proc::capture(&mut command)?;
    let figure = |name: &str| -> Outcome<f64> {
        let rest = text.split_once(&format!("\"{name}\":")).map(|(_, rest)| rest);
        let digits = rest.and_then(|rest| rest.split([',', '}']).next()?.trim().parse().ok());
        digits.ok_or_else(|| Failure::new(format!("no {name} was printed")).detail(&text))
    };
    std::fs::remove_dir_all(folder).doing(|| "remove the tables of terms".to_owned())?;
    if figure("wrong")? > 0.0 {
        return Err(Failure::gate("side-cars change answers").detail(text));
    }
    Ok(format!(
        "| `has` with side-cars to a full scan, {} needles over {} rows in {} files: time of all \
         | {:.1} times faster, same answers; a needle takes {:.1} ms instead of {:.1} ms in the \
         median |\n",
        figure("needles")?,
        figure("rows")?,
        figure("files")?,
        figure("ratio_of_sums")?,
        figure("with_ms")?,
        figure("without_ms")?
    ))
}

/// The lines about PostgreSQL's throughput.
fn load(home: &LogsHome, size: &Size) -> Outcome<String> {
    let classes = classes(home, size.n_runs, size.seconds, size.audit.as_deref())?;
    let mut rows: String = classes.iter().map(|class| class.rows(size.seconds)).collect();
    // The last of them audits most.
    let n_probes = size.n_probes.min(50);
    let delays = meanwhile(home, 600, || probes(home, "under load", n_probes))?;
    rows += &format!("| the same while pgbench runs and writes are audited, {} |\n", seen(delays));
    Ok(rows)
}

fn seen(mut delays: Vec<f64>) -> String {
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    let n = delays.len();
    format!("{n} events | median {:.2} s, p99 {:.2} s, most {:.2} s", at(0.5), at(0.99), at(1.0))
}

/// Seconds from the end of a statement that writes an event until a query sees it.
fn probes(home: &LogsHome, when: &str, n_probes: u32) -> Outcome<Vec<f64>> {
    let mut delays = Vec::new();
    for n in 0..n_probes {
        home.sql(&format!("do $$ begin raise log 'probe {n} {when}'; end $$"))?;
        let written = Instant::now();
        let query = format!("PGSQLServerLogs | where Message == 'probe {n} {when}' | count");
        home.wait(&query, "1", PATIENCE)?;
        delays.push(written.elapsed().as_secs_f64());
        // Not always at the same moment between two looks of the agent.
        std::thread::sleep(Duration::from_millis(u64::from(n * 37 % 250)));
    }
    Ok(delays)
}

pub(super) fn set(home: &LogsHome, name: &str, value: &str) -> Outcome {
    home.pgkeep(&["server", "parameter", "set", "-s", "demo", "-n", name, "-v", value]).map(drop)
}

/// Waits until all that was written so far is in the lake.
pub(super) fn caught_up(home: &LogsHome, what: &str) -> Outcome {
    home.sql(&format!("do $$ begin raise log 'caught up: {what}'; end $$"))?;
    let query = format!("PGSQLServerLogs | where Message == 'caught up: {what}' | count");
    home.wait(&query, "1", PATIENCE)
}

/// Makes the server write, each statement timed and audited; answers how many bytes its log has
/// and a copy of the largest of its files.
fn raw_log(home: &LogsHome, size: &Size, work: &Path) -> Outcome<(f64, PathBuf)> {
    set(home, "pgaudit.log", "all")?;
    set(home, "log_min_duration_statement", "0")?;
    set(home, "log_rotation_size", "1GB")?;
    let files = "select coalesce(sum(size), 0) from pg_ls_logdir() where name like '%.json'";
    let number = |sql: &str| -> Outcome<f64> {
        let text = home.sql(sql)?;
        text.trim().parse().map_err(|_| Failure::new(format!("{sql} gives {text}")))
    };
    while number(files)? < f64::from(size.raw_mb) * 1e6 {
        let mut command = Command::new("/usr/lib/postgresql/15/bin/pgbench");
        command.args(["-c", "4", "-j", "2", "-n", "-T", "5"]).arg(home.dsn());
        proc::capture(command.stderr(Stdio::null()))?;
    }
    set(home, "log_min_duration_statement", "-1")?;
    set(home, "pgaudit.log", "none")?;
    let began = Instant::now();
    caught_up(home, "the raw log")?;
    say::note(&format!("caught up {:.1} s after pgbench", began.elapsed().as_secs_f64()));
    let raw_bytes = number(files)?;
    let largest = "select name from pg_ls_logdir() where name like '%.json' order by size desc \
                   limit 1";
    let name = home.sql(largest)?;
    let inside = home.path().join("servers/demo/mnt/pgdata/log").join(name.trim());
    let copy = work.join("raw.json");
    let out = File::create(&copy).doing(|| "make the copy of the log".to_owned())?;
    // The mount is open to PostgreSQL's user only.
    let owner = proc::capture(Command::new("id").arg("-un"))?;
    let mut cat = match owner.trim() {
        "root" => {
            let mut cat = Command::new("runuser");
            cat.args(["-u", "postgres", "--", "cat"]);
            cat
        }
        _ => Command::new("cat"),
    };
    let status = cat.arg(&inside).stdout(out).status().doing(|| "copy the log".to_owned())?;
    match status.success() {
        true => Ok((raw_bytes, copy)),
        false => Err(Failure::new("the log could not be copied")),
    }
}

/// Bytes of the tables and of the write-ahead log after an orderly stop.
fn stored(home: &LogsHome) -> Outcome<(f64, f64)> {
    home.down()?;
    let lake = home.path().join("plane/lake");
    let size = |folder: &str| -> Outcome<f64> {
        let text = proc::capture(Command::new("du").args(["-sb"]).arg(lake.join(folder)))?;
        let bytes = text.split_whitespace().next().and_then(|n| n.parse().ok());
        bytes.ok_or_else(|| Failure::new("du printed no size").detail(text))
    };
    let sizes = (size("tables")?, size("wal")?);
    home.up()?;
    Ok(sizes)
}

/// Megabytes a second of raw log, one core for the plane.
fn ingest(home: &LogsHome, file: &Path, n_runs: u32) -> Outcome<Vec<f64>> {
    let pid = home.pid("plane")?;
    proc::capture(Command::new("taskset").args(["-a", "-c", "-p", PLANE_CORE, &pid]))?;
    let bytes = std::fs::metadata(file).doing(|| "look at the log".to_owned())?.len() as f64;
    let count = || -> Outcome<f64> {
        let text = home.ask("PGSQLServerLogs | count")?;
        text.parse().map_err(|_| Failure::new(format!("the lake counts {text}")))
    };
    let lines = proc::capture(Command::new("wc").arg("-l").arg(file))?;
    let lines = lines.split_whitespace().next().and_then(|n| n.parse::<f64>().ok());
    let lines = lines.ok_or_else(|| Failure::new("wc printed no number"))?;
    let mut rates = Vec::new();
    for run in 1..=n_runs {
        let before = count()?;
        let mut command = Command::new("taskset");
        let base = home.command();
        command.args(["-c", LOAD_CORE]).arg(base.get_program()).args(base.get_args());
        command.args(["logs", "ingest", "--again", "--format", "postgresql-jsonlog"]).arg(file);
        let began = Instant::now();
        proc::capture(&mut command)?;
        let seen = count()?;
        let rate = bytes / 1e6 / began.elapsed().as_secs_f64();
        // Who came and went since then may add a few.
        if seen < before + lines {
            return Err(Failure::gate(format!("{} rows of {lines} are there", seen - before)));
        }
        say::note(&format!("run {run}: {rate:.1} MB/s"));
        rates.push(rate);
    }
    Ok(rates)
}
