//! `cargo xtask crash logs`: kill -9 of plane and agent while PostgreSQL writes its log.
//!
//! Events are numbered and counted only when the statement that wrote them was answered.
//! Afterwards each of them must be in the lake, and no number may be there twice.

use std::time::Duration;

use crate::args::{Accepts, Args};
use crate::cluster::{Account, WorkDir};
use crate::failure::{Failure, Outcome};
use crate::logs_home::LogsHome;
use crate::rng::{self, Rng};
use crate::{build, deps, document, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--kills", "--seed", "--dir", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
/// Events of one statement.
const BATCH: u64 = 200;
/// A killed process is back within this time.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_kills = args.number("--kills", 50u32, 1..=10_000)?;
    let seed = match args.value("--seed") {
        Some(_) => args.number("--seed", 0u64, 0..=u64::MAX)?,
        None => rng::fresh_seed()?,
    };
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "crash-logs", &account)?;
    let program = work.program(&binary)?;
    say::step(&format!("crash logs: {n_kills} kills, seed {seed}"));
    let home = LogsHome::start(&program, work.path())?;
    let (acknowledged, n_agents) = torture(&home, n_kills, &mut Rng::new(seed))?;
    home.sql("do $$ begin raise log 'the last event'; end $$")?;
    home.wait("PGSQLServerLogs | where Message == 'the last event' | count", "1", PATIENCE)?;
    let verdict = verdict(&home, &acknowledged)?;
    home.stop()?;
    let section = format!(
        "{} acknowledged events, {n_kills} kills with -9 ({n_agents} of them of the agent, the \
         others of the plane; seed {seed}): {} lost, {} twice.\n",
        acknowledged.iter().map(|(from, to)| to - from).sum::<u64>(),
        verdict.n_lost,
        verdict.n_twice
    );
    say::line(&section);
    if verdict.n_lost + verdict.n_twice > 0 {
        return Err(Failure::gate("events were lost or doubled").detail(verdict.examples));
    }
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "crash-logs", &section)
}

/// Ranges of events whose statements were answered, and how many kills were the agent's.
fn torture(home: &LogsHome, n_kills: u32, rng: &mut Rng) -> Outcome<(Vec<(u64, u64)>, u32)> {
    let (mut acknowledged, mut next, mut n_done, mut n_agents) = (Vec::new(), 0, 0, 0);
    while n_done < n_kills {
        let (from, to) = (next, next + BATCH);
        next = to;
        let sql = format!(
            "do $$ begin for n in {from}..{} loop raise log 'event % of the crash', n; end loop; \
             end $$",
            to - 1
        );
        if home.sql(&sql).is_err() {
            back(home)?;
            continue;
        }
        acknowledged.push((from, to));
        std::thread::sleep(Duration::from_millis(rng.next() % 700));
        let agent = rng.next().is_multiple_of(4);
        let process = if agent { "agent" } else { "plane" };
        // One that is not back yet cannot be killed.
        if home.signal(process, "-9").is_ok() {
            n_done += 1;
            n_agents += u32::from(agent);
            if n_done % 10 == 0 {
                say::note(&format!("{n_done} kills, {next} events"));
            }
        }
    }
    back(home)?;
    Ok((acknowledged, n_agents))
}

/// Waits until server and lake answer.
fn back(home: &LogsHome) -> Outcome {
    crate::cluster::wait_until("the server", PATIENCE, || Ok(home.sql("select 1").is_ok()))?;
    crate::cluster::wait_until("the lake", PATIENCE, || Ok(home.ask("print 1").is_ok()))
}

struct Verdict {
    n_lost: u64,
    n_twice: u64,
    examples: String,
}

fn verdict(home: &LogsHome, acknowledged: &[(u64, u64)]) -> Outcome<Verdict> {
    let query = "PGSQLServerLogs | where ErrorLevel == 'LOG' \
                 | parse Message with 'event ' n:long ' of the crash' | where isnotnull(n) \
                 | summarize times = count() by n";
    let text = home.pgkeep(&["logs", "query", "--max-rows", "500000", query, "-o", "tsv"])?;
    let mut times = std::collections::BTreeMap::new();
    for line in text.lines() {
        let numbers = line
            .split_once('\t')
            .and_then(|(n, times)| Some((n.parse::<u64>().ok()?, times.parse::<u64>().ok()?)));
        let (n, n_times) =
            numbers.ok_or_else(|| Failure::new("the lake gives no numbers").detail(line))?;
        times.insert(n, n_times);
    }
    let all = acknowledged.iter().flat_map(|(from, to)| *from..*to);
    let lost: Vec<u64> = all.filter(|n| !times.contains_key(n)).collect();
    let twice: Vec<u64> = times.iter().filter(|(_, t)| **t > 1).map(|(n, _)| *n).collect();
    let first = |numbers: &[u64]| format!("{:?}", &numbers[..numbers.len().min(10)]);
    Ok(Verdict {
        n_lost: lost.len() as u64,
        n_twice: twice.len() as u64,
        examples: format!("lost: {}; twice: {}", first(&lost), first(&twice)),
    })
}
