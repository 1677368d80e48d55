//! `cargo xtask bench workers`: the queries of `bench kql` over twenty million rows on three
//! workers, on one, and in one process, and what becomes of a query when a worker is killed.
//!
//! All read the same file. They take turns in a rotating order, and what they answer is compared
//! before any time counts. On a machine with fewer cores than threads three workers cannot be
//! faster than one: the figure is what the division costs.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::side::{Side, same};
use super::{kql, machine};
use crate::args::{Accepts, Args};
use crate::failure::{Doing as _, Failure, Outcome};
use crate::stats::Spread;
use crate::{document, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--no-write"],
    values: &["--runs", "--rows", "--threads", "--dir", "--only", "--binary", "--kills"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
/// Sums of doubles depend on the order in which they are added.
const TOLERANCE: f64 = 1e-9;

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 5u32, 1..=100)?;
    let n_rows = args.number("--rows", 20_000_000u64, 1..=2_000_000_000)?;
    let n_kills = args.number("--kills", 20u32, 0..=1000)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_threads = args.number("--threads", cores, 1..=1024)?;
    if let Some(warning) = machine::busy() {
        say::note(&warning);
    }
    let queries = repo::root().join("bench").join("kql");
    let names = kql::names(&queries, args.value("--only"))?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => kql::build()?,
    };
    let folder = args.path("--dir").unwrap_or_else(|| repo::target_dir().join("bench-kql"));
    let data = kql::rows(&binary, &folder, n_rows)?;
    // A short path: sockets have little room.
    let sockets = std::env::temp_dir().join(format!("pgk-bench-{}", std::process::id()));
    std::fs::create_dir(&sockets).doing(|| format!("make {}", sockets.display()))?;
    let bench = Bench { binary, data, queries, sockets, n_threads };

    let one = bench.workers("one", 1)?;
    let three = bench.workers("three", 3)?;
    let mut sides = [bench.side(&[])?, bench.side(&one)?, bench.side(&three)?];
    let mut all = Vec::new();
    for name in &names {
        let answers = [sides[0].ask(name)?, sides[1].ask(name)?, sides[2].ask(name)?];
        for other in &answers[1..] {
            same(name, ("alone", &answers[0].rows), ("workers", &other.rows), TOLERANCE)?;
        }
        all.push(Measured { name: name.clone(), ms: [const { Vec::new() }; 3] });
    }
    for run in 0..n_runs as usize {
        for (at, measured) in all.iter_mut().enumerate() {
            for turn in 0..sides.len() {
                let who = (run + at + turn) % sides.len();
                measured.ms[who].push(sides[who].ask(&measured.name)?.ms);
            }
        }
        say::note(&format!("run {} of {n_runs}", run + 1));
    }
    drop(sides);
    drop((one, three));
    let mut section = report(&all, n_runs, n_rows, n_threads, n_kills);
    section.push_str(&killed(&bench, &all, n_kills)?);
    section.push_str(&format!("\n\n{}.", machine::describe(&bench.data)));
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "workers", &section)
}

struct Bench {
    binary: PathBuf,
    data: PathBuf,
    queries: PathBuf,
    sockets: PathBuf,
    n_threads: usize,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Of no use to anybody, and a folder of the system's for such.
        let _ = std::fs::remove_dir_all(&self.sockets);
    }
}

/// A worker's process.
struct Worker {
    child: Child,
    socket: PathBuf,
}

impl Bench {
    fn workers(&self, name: &str, n: usize) -> Outcome<Vec<Worker>> {
        (0..n).map(|at| self.worker(self.sockets.join(format!("{name}-{at}.sock")))).collect()
    }

    /// Starts one and waits until it takes connections.
    fn worker(&self, socket: PathBuf) -> Outcome<Worker> {
        if socket.exists() {
            std::fs::remove_file(&socket).doing(|| format!("remove {}", socket.display()))?;
        }
        let mut command = Command::new(&self.binary);
        command.arg("worker").arg(&socket).arg(self.n_threads.to_string());
        let child = command.spawn().doing(|| "start a worker".to_owned())?;
        let worker = Worker { child, socket };
        let deadline = Instant::now() + Duration::from_secs(30);
        while UnixStream::connect(&worker.socket).is_err() {
            if Instant::now() > deadline {
                return Err(Failure::new("a worker does not listen"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(worker)
    }

    fn side(&self, workers: &[Worker]) -> Outcome<Side> {
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg(&self.data).arg(&self.queries);
        command.args(workers.iter().map(|w| format!("unix://{}", w.socket.display())));
        Side::start(&mut command)
    }
}

impl Worker {
    fn kill(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

struct Measured {
    name: String,
    /// In one process, on one worker, on three
    ms: [Vec<f64>; 3],
}

impl Measured {
    /// The times of one side to those of another, paired.
    fn ratio(&self, of: usize, to: usize) -> String {
        let ratios: Vec<f64> = self.ms[of].iter().zip(&self.ms[to]).map(|(a, b)| a / b).collect();
        Spread::of(&ratios).map_or_else(String::new, Spread::ratio)
    }
}

/// Kills one of three workers in the middle of each query in turn; what is answered must be right.
fn killed(bench: &Bench, all: &[Measured], n_kills: u32) -> Outcome<String> {
    let mut workers = bench.workers("killed", 3)?;
    let mut side = bench.side(&workers)?;
    let (mut n_right, mut errors, mut ratios) = (0, Vec::new(), Vec::new());
    for (kill, measured) in (0..n_kills as usize).zip(all.iter().cycle()) {
        let expected = side.ask(&measured.name)?;
        let victim = kill % workers.len();
        let pid = workers[victim].child.id();
        // Anywhere within the query, by the time that it just took.
        let part = f64::from(u32::try_from(kill % 9).unwrap_or(0) + 1) / 10.0;
        let after = Duration::from_secs_f64(expected.ms * part / 1000.0);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(after);
            Command::new("kill").args(["-9", &pid.to_string()]).status()
        });
        let answer = side.ask(&measured.name);
        killer
            .join()
            .map_err(|_| Failure::new("the killing thread failed"))?
            .doing(|| "kill a worker".to_owned())?;
        match answer {
            Ok(answer) => {
                let before = ("before", &expected.rows[..]);
                same(&measured.name, before, ("killed", &answer.rows), TOLERANCE)?;
                n_right += 1;
                ratios.push(answer.ms / expected.ms);
            }
            Err(failure) => {
                errors.push(failure.to_string());
                side = bench.side(&workers)?;
            }
        }
        workers[victim].kill();
        workers[victim] = bench.worker(workers[victim].socket.clone())?;
        // Who was silent is asked again after ten seconds.
        std::thread::sleep(Duration::from_secs(11));
    }
    if n_kills == 0 {
        return Ok("\n\nWhat becomes of a query whose worker is killed: not run.".to_owned());
    }
    let spread = Spread::of(&ratios).map_or_else(String::new, Spread::ratio);
    let mut text = format!(
        "\n\n`kill -9` of one of three workers within a query, {n_kills} times, each query and \
         each worker in turn: {n_right} right answers in {spread} of the time without a kill, \
         {} errors, no wrong answer.",
        errors.len()
    );
    for error in errors {
        text.push_str(&format!("\n- {error}"));
    }
    Ok(text)
}

fn report(all: &[Measured], n_runs: u32, n_rows: u64, n_threads: usize, n_kills: u32) -> String {
    let mut text = "| query | one process | one worker | three workers | three to one worker \
                    | three to one process |\n|---|---|---|---|---|---|\n"
        .to_owned();
    let figure = |ms: &[f64]| Spread::of(ms).map_or_else(String::new, Spread::figure);
    for measured in all {
        let name = measured.name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let [alone, one, three] = &measured.ms;
        text.push_str(&format!(
            "| {} | {} ms | {} ms | {} ms | {} | {} |\n",
            name.replace('_', " "),
            figure(alone),
            figure(one),
            figure(three),
            measured.ratio(2, 1),
            measured.ratio(2, 0),
        ));
    }
    text.push_str(&format!(
        "\n`cargo xtask bench workers --rows {n_rows} --runs {n_runs} --threads {n_threads} \
         --kills {n_kills}`; {n_threads} threads a process, all on this machine; medians of \
         {n_runs} runs after one to warm up, ratios paired within a run, with their range in \
         brackets. One worker alone is given nothing: what it would read the caller reads itself. \
         All answers are equal (sums of doubles to nine digits)."
    ));
    text
}
