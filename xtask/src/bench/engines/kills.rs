//! `kill -9` of one of three within a query: is there an answer, a wrong one, an error, none?

use std::process::Command;
use std::time::{Duration, Instant};

use super::super::side::same;
use super::cluster::{Cluster, Kind, Setup};
use crate::failure::{Doing as _, Failure, Outcome};
use crate::say;
use crate::stats::Spread;

/// What is killed, and after how many kills of the others it has its own turn to be killed less:
/// an engine that lets a query wait costs a minute each time.
const KINDS: [(Kind, u32); 3] =
    [(Kind::Distributed, 1), (Kind::BallistaShort, 1), (Kind::Ballista, 3)];
/// An error's text is shown up to here.
const SHOWN: usize = 240;

/// What became of a query.
enum End {
    Right { ms: f64 },
    Error { ms: f64, text: String },
    None,
}

#[derive(Default)]
struct Counted {
    right: Vec<f64>,
    errors: Vec<f64>,
    n_none: u32,
}

impl Counted {
    fn add(&mut self, end: &End, expected_ms: f64) {
        match end {
            End::Right { ms } => self.right.push(ms / expected_ms),
            End::Error { ms, .. } => self.errors.push(ms / expected_ms),
            End::None => self.n_none += 1,
        }
    }

    fn cells(&self) -> String {
        let times = |ratios: &[f64]| match Spread::of(ratios) {
            Some(spread) => format!("{}, in {} of the time", ratios.len(), spread.ratio()),
            None => "0".to_owned(),
        };
        format!("{} | {} | {}", times(&self.right), times(&self.errors), self.n_none)
    }
}

/// Kills one of three within each query in turn, in a cluster of its own each time.
pub(super) fn measure(
    setup: &Setup,
    names: &[String],
    n_kills: u32,
    n_rows: u64,
) -> Outcome<String> {
    let mut text = "| one of three killed within a query | kills | right | error \
                    | none within 60 s | asked again at once: right | error | none |\n\
                    |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let mut said: Vec<String> = Vec::new();
    for (kind, part) in KINDS {
        say::step(kind.name());
        let (mut first, mut again) = (Counted::default(), Counted::default());
        let n = n_kills.div_ceil(part);
        let mut n_late = 0;
        for kill in 0..n {
            let name = &names[(kill * part) as usize % names.len()];
            let Some(killed) = killed(setup, kind, name, kill)? else {
                n_late += 1;
                continue;
            };
            for (end, counted) in [(&killed.end, &mut first), (&killed.again, &mut again)] {
                counted.add(end, killed.expected_ms);
                let End::Error { text, .. } = end else { continue };
                let text = format!("{}: {text}", kind.name());
                if !said.contains(&text) {
                    said.push(text);
                }
            }
        }
        let row = format!(
            "| {} | {} | {} | {} |\n",
            kind.name(),
            n - n_late,
            first.cells(),
            again.cells()
        );
        say::note(row.trim());
        text.push_str(&row);
    }
    text.push_str(&format!(
        "\n`cargo xtask bench engines --kills {n_kills} --rows {n_rows} --partitions {}`; each \
         query in turn, each time in a new cluster that answered it twice before, killed at a \
         tenth to nine tenths of the time that it took then; times are to that time; a query that \
         was quicker than its kill does not count. The one that was killed stays away when the \
         query is asked again.",
        setup.n_partitions
    ));
    if !said.is_empty() {
        text.push_str("\n\nWhat the errors say, each once:\n");
        said.iter().for_each(|line| text.push_str(&format!("- {line}\n")));
    }
    Ok(text.trim_end().to_owned())
}

struct Killed {
    expected_ms: f64,
    end: End,
    again: End,
}

/// Nothing where the query was quicker than its kill.
fn killed(setup: &Setup, kind: Kind, name: &str, kill: u32) -> Outcome<Option<Killed>> {
    let mut cluster = Cluster::start(setup, kind)?;
    cluster.ask(name)?;
    let expected = cluster.ask(name)?;
    let pid = cluster.worker(kill as usize);
    let part = f64::from(kill % 9 + 1) / 10.0;
    let after = Duration::from_secs_f64(expected.ms * part / 1000.0);
    let started = Instant::now();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(after);
        let done = Command::new("kill").args(["-9", &pid.to_string()]).status();
        (done, Instant::now())
    });
    let end = end_of(&mut cluster, name, &expected.rows)?;
    let ended = Instant::now();
    let joined = killer.join().map_err(|_| Failure::new("the killing thread failed"))?;
    let status = joined.0.doing(|| "kill a worker".to_owned())?;
    if !status.success() {
        return Err(Failure::new("a worker was gone before it was killed"));
    }
    if ended < joined.1 {
        return Ok(None);
    }
    let again = end_of(&mut cluster, name, &expected.rows)?;
    let what = |end: &End| match end {
        End::Right { ms } => format!("right after {ms:.0} ms"),
        End::Error { ms, text } => format!("error after {ms:.0} ms: {text}"),
        End::None => "no answer".to_owned(),
    };
    say::note(&format!(
        "{name}, {:.0} ms, killed after {:.0} ms: {}; again: {}",
        expected.ms,
        joined.1.duration_since(started).as_secs_f64() * 1000.0,
        what(&end),
        what(&again)
    ));
    Ok(Some(Killed { expected_ms: expected.ms, end, again }))
}

fn end_of(cluster: &mut Cluster, name: &str, expected: &[String]) -> Outcome<End> {
    let started = Instant::now();
    let answer = cluster.ask(name);
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    match answer {
        Ok(answer) => {
            same(name, ("before", expected), ("killed", &answer.rows), super::TOLERANCE)?;
            Ok(End::Right { ms })
        }
        Err(failure) => {
            let said = failure.detail.as_deref().unwrap_or(&failure.message);
            let text = said.split_once("\"error\":\"").map_or(said, |(_, rest)| rest);
            let text = text.trim_end_matches("\"}");
            if text.starts_with("no answer within") {
                return Ok(End::None);
            }
            Ok(End::Error { ms, text: shown(text) })
        }
    }
}

/// The begin of an error, without ports and names of jobs, which differ each time.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut number = false;
    for c in text.chars() {
        if !c.is_ascii_digit() {
            shown.push(c);
        } else if !number {
            shown.push('0');
        }
        number = c.is_ascii_digit();
        if shown.len() >= SHOWN {
            shown.push('…');
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn an_error_is_the_same_each_time() {
        assert_eq!(shown("at 127.0.0.1:40123: gone"), "at 0.0.0.0:0: gone");
        assert!(shown(&"x".repeat(1000)).ends_with("x…"));
    }
}
