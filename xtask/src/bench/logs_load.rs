//! PostgreSQL's throughput under pgbench with the collector on and off, and what the collector
//! costs meanwhile.
//!
//! Off is the plane stopped (SIGSTOP): PostgreSQL audits and writes its log all the same. Pairs go
//! off, on and on, off in turn. Before each run what came until then is taken in and committed, so
//! that no run pays for another one; a run of more than a minute has its own commits in it. On a
//! machine whose cores are all busy each second of the collector's is one that pgbench does not
//! get: its share of the cores is what the loss cannot fall below, but for the time in which cores
//! stand idle.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::logs::{caught_up, set};
use crate::failure::{Doing, Failure, Outcome};
use crate::logs_home::LogsHome;
use crate::stats::Spread;
use crate::{proc, say};

const PGBENCH: &str = "/usr/lib/postgresql/15/bin/pgbench";
/// The plane is quiet when it takes less of a core.
const QUIET: f64 = 0.1;
/// Whoever waits for it to be quiet goes on after so long.
const QUIET_MAX: Duration = Duration::from_secs(120);
/// So long after rows came they are in files.
const COMMITTED: Duration = Duration::from_secs(70);
/// Fewer events say nothing of what each costs.
const EVENTS_LEAST: f64 = 10_000.0;

/// What one run of pgbench shows.
struct Run {
    tps: f64,
    /// Events that were taken in meanwhile, in millions.
    events_m: f64,
    seconds: f64,
    /// CPU seconds.
    plane: f64,
    agent: f64,
    /// Shares of the time of all cores: idle, and that of the file system's process.
    idle: f64,
    fs: f64,
}

/// The pairs of a setting of pgaudit.
pub(super) struct Class {
    audit: &'static str,
    /// Off and on.
    pairs: Vec<(Run, Run)>,
}

/// Measures all settings, or one of them.
pub(super) fn classes(
    home: &LogsHome,
    n_pairs: u32,
    seconds: u32,
    only: Option<&str>,
) -> Outcome<Vec<Class>> {
    let settings = ["ddl, role", "write, ddl, role"];
    if let Some(odd) = only.filter(|only| !settings.contains(only)) {
        return Err(Failure::usage(format!(
            "--audit \"{}\", not \"{odd}\"",
            settings.join("\" or \"")
        )));
    }
    pgbench(home, &["-i", "-q", "-s", "10"])?;
    if Duration::from_secs(seconds.into()) < COMMITTED {
        say::note("runs of less than 70 s may have no commit in them: --seconds 75");
    }
    let mut all = Vec::new();
    for audit in settings.into_iter().filter(|audit| only.is_none_or(|only| only == *audit)) {
        set(home, "pgaudit.log", audit)?;
        let mut pairs = Vec::new();
        for n in 1..=n_pairs {
            let (off, on) = if n % 2 == 1 {
                let off = run(home, seconds, false)?;
                (off, run(home, seconds, true)?)
            } else {
                let on = run(home, seconds, true)?;
                (run(home, seconds, false)?, on)
            };
            say::note(&format!(
                "{audit}, pair {n}: off {:.0} tps, on {:.0} tps, {:.3}; idle {:.1} and {:.1} %, \
                 collector {:.1} %, {:.1} µs of CPU an event",
                off.tps,
                on.tps,
                on.tps / off.tps,
                100.0 * off.idle,
                100.0 * on.idle,
                100.0 * on.share(),
                (on.plane + on.agent) / on.events_m
            ));
            pairs.push((off, on));
        }
        all.push(Class { audit, pairs });
    }
    Ok(all)
}

/// CPU seconds per million events of taking in a backlog, and of putting it into files a minute
/// later: what stays comparable on a machine that is busy with other things, where throughput does
/// not. Both include what the processes do anyway meanwhile.
pub(super) fn backlog(home: &LogsHome, n_runs: u32) -> Outcome<String> {
    pgbench(home, &["-i", "-q", "-s", "5"])?;
    set(home, "pgaudit.log", "write, ddl, role")?;
    let (mut agent, mut taken, mut put) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=n_runs {
        caught_up(home, &format!("backlog {n}"))?;
        quiet(home)?;
        let events_before = n_events(home)?;
        home.signal("plane", "-STOP")?;
        let load = pgbench(home, &["-c", "4", "-j", "2", "-n", "-t", "2500"]);
        let before = (home.cpu_seconds("plane"), home.cpu_seconds("agent"));
        home.signal("plane", "-CONT")?;
        load?;
        quiet(home)?;
        let there = (home.cpu_seconds("plane")?, home.cpu_seconds("agent")?);
        std::thread::sleep(COMMITTED);
        quiet(home)?;
        let after = home.cpu_seconds("plane")?;
        let events_m = (n_events(home)? - events_before) / 1e6;
        agent.push((there.1 - before.1?) / events_m);
        taken.push((there.0 - before.0?) / events_m);
        put.push((after - there.0) / events_m);
        say::note(&format!("backlog {n}: {:.0} events", events_m * 1e6));
    }
    let of = |all: &[f64]| Spread::of(all).map_or("-".to_owned(), Spread::ratio);
    Ok(format!(
        "| CPU seconds per million events of a backlog, `pgaudit.log = write, ddl, role` | agent \
         {}, plane {} to take them in, {} within the next {} s |\n",
        of(&agent),
        of(&taken),
        of(&put),
        COMMITTED.as_secs()
    ))
}

/// What `work` answers while pgbench runs, for at least so many seconds.
pub(super) fn meanwhile<T>(
    home: &LogsHome,
    seconds: u32,
    work: impl FnOnce() -> Outcome<T>,
) -> Outcome<T> {
    let mut load = Command::new(PGBENCH);
    load.args(["-c", "4", "-j", "2", "-n", "-T", &seconds.to_string()]).arg(home.dsn());
    let load = load.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut load = load.doing(|| "start pgbench".to_owned())?;
    let outcome = work();
    let still_ran = matches!(load.try_wait(), Ok(None));
    let _ = load.kill();
    let _ = load.wait();
    match outcome {
        Ok(_) if !still_ran => Err(Failure::new("pgbench ended before what was measured did")),
        outcome => outcome,
    }
}

fn pgbench(home: &LogsHome, words: &[&str]) -> Outcome<String> {
    let mut command = Command::new(PGBENCH);
    proc::capture(command.args(words).arg(home.dsn()).stderr(Stdio::null()))
}

fn run(home: &LogsHome, seconds: u32, is_on: bool) -> Outcome<Run> {
    caught_up(home, &format!("{:?}", Instant::now()))?;
    std::thread::sleep(COMMITTED);
    quiet(home)?;
    let events_before = n_events(home)?;
    if !is_on {
        home.signal("plane", "-STOP")?;
    }
    let measured = measured(home, seconds);
    if !is_on {
        home.signal("plane", "-CONT")?;
        return measured;
    }
    Ok(Run { events_m: (n_events(home)? - events_before) / 1e6, ..measured? })
}

fn measured(home: &LogsHome, seconds: u32) -> Outcome<Run> {
    let cpu = || -> Outcome<[f64; 3]> {
        Ok([home.cpu_seconds("plane")?, home.cpu_seconds("agent")?, home.cpu_seconds("fs")?])
    };
    let (before, cores_before, began) = (cpu()?, cores()?, Instant::now());
    let text = pgbench(home, &["-c", "4", "-j", "2", "-n", "-T", &seconds.to_string()])?;
    let (after, cores_after) = (cpu()?, cores()?);
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let tps = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let tps = tps.ok_or_else(|| Failure::new("pgbench printed no tps").detail(text))?;
    let all = cores_after.0 - cores_before.0;
    let seconds = began.elapsed().as_secs_f64();
    let n_cores = all / seconds / proc::ticks_per_second()?;
    Ok(Run {
        tps,
        events_m: 0.0,
        seconds: seconds * n_cores,
        plane: after[0] - before[0],
        agent: after[1] - before[1],
        idle: (cores_after.1 - cores_before.1) / all,
        fs: (after[2] - before[2]) / (seconds * n_cores),
    })
}

/// Waits until the plane has put away what it took in, where that comes to an end.
fn quiet(home: &LogsHome) -> Outcome {
    let until = Instant::now() + QUIET_MAX;
    let mut before = home.cpu_seconds("plane")?;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_secs(1));
        let now = home.cpu_seconds("plane")?;
        if now - before < QUIET {
            return Ok(());
        }
        before = now;
    }
    say::note("the plane did not come to rest");
    Ok(())
}

fn n_events(home: &LogsHome) -> Outcome<f64> {
    let text = home.ask("PGSQLServerLogs | count")?;
    text.parse().map_err(|_| Failure::new(format!("the lake counts {text}")))
}

/// Ticks of all cores since the machine started, and those in which they stood idle.
fn cores() -> Outcome<(f64, f64)> {
    let text = std::fs::read_to_string("/proc/stat").doing(|| "read /proc/stat".to_owned())?;
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user (proc(5)).
    match ticks.get(..8) {
        Some(all) => Ok((all.iter().sum(), all[3] + all[4])),
        None => Err(Failure::new("/proc/stat is not understood").detail(line)),
    }
}

impl Run {
    /// The collector's share of the time of all cores.
    fn share(&self) -> f64 {
        (self.plane + self.agent) / self.seconds
    }
}

impl Class {
    /// Its lines of the table.
    pub(super) fn rows(&self, seconds: u32) -> String {
        let of = |figure: &dyn Fn(&(Run, Run)) -> f64| {
            Spread::of(&self.pairs.iter().map(figure).collect::<Vec<_>>())
        };
        let median = |figure: &dyn Fn(&(Run, Run)) -> f64| of(figure).map_or(0.0, |s| s.median);
        let audit = self.audit;
        let mut rows = format!(
            "| pgbench (TPC-B, 4 clients, {seconds} s), collector on to off, {} pairs, \
             `pgaudit.log = {audit}` | {} (off: {:.0} tps) |\n",
            self.pairs.len(),
            of(&|(off, on)| on.tps / off.tps).map_or("-".to_owned(), Spread::ratio),
            median(&|(off, _)| off.tps)
        );
        rows += &format!(
            "| all cores' time meanwhile, `pgaudit.log = {audit}` | collector {:.1} %, the file \
             system's process {:.1} %, idle {:.1} % (collector off: {:.1} % and {:.1} %) |\n",
            100.0 * median(&|(_, on)| on.share()),
            100.0 * median(&|(_, on)| on.fs),
            100.0 * median(&|(_, on)| on.idle),
            100.0 * median(&|(off, _)| off.fs),
            100.0 * median(&|(off, _)| off.idle),
        );
        if self.pairs.iter().all(|(_, on)| on.events_m * 1e6 >= EVENTS_LEAST) {
            rows += &format!(
                "| CPU seconds per million events, `pgaudit.log = {audit}` | agent {}, plane {} \
                 ({:.0} events a second) |\n",
                of(&|(_, on)| on.agent / on.events_m).map_or("-".to_owned(), Spread::ratio),
                of(&|(_, on)| on.plane / on.events_m).map_or("-".to_owned(), Spread::ratio),
                median(&|(_, on)| on.events_m * 1e6 / f64::from(seconds)),
            );
        }
        rows
    }
}
