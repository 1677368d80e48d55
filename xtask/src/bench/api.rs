//! `cargo xtask bench api`: how long reads of the API take at a steady rate, with one core for the
//! plane.
//!
//! The plane runs on core 0, the load comes from core 1, and whatever else answers for the plane
//! (vault, agent) stays where the kernel puts it.

use std::path::Path;
use std::process::Command;

use super::machine;
use crate::args::{Accepts, Args};
use crate::cluster::{Account, WorkDir};
use crate::failure::{Failure, Outcome};
use crate::portal::PortalHome;
use crate::stats::Spread;
use crate::vault_home::write_private;
use crate::{build, deps, document, proc, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--runs", "--seconds", "--rate", "--dir", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
/// Sees all of them and changes nothing.
const ROLE: &str = "security-reader";
const PLANE_CORE: &str = "0";
const LOAD_CORE: &str = "1";
/// What a person's open pages ask for, one after the other.
const PATHS: [&str; 6] = [
    "/api/v1/home",
    "/api/v1/servers",
    "/api/v1/servers/demo",
    "/api/v1/keyvaults",
    "/api/v1/servers/demo/parameters",
    "/api/v1/session",
];

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 5u32, 1..=100)?;
    let seconds = args.number("--seconds", 15u32, 1..=600)?;
    let rate = args.number("--rate", 200u32, 1..=10_000)?;
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "api", &account)?;
    let home = PortalHome::start(&work.program(&binary)?, work.path())?;
    let token = work.path().join("token");
    write_private(&token, &home.token(ROLE)?)?;
    let pid = home.plane_pid()?;
    proc::capture(Command::new("taskset").args(["-a", "-c", "-p", PLANE_CORE, &pid]))?;
    let mut figures = [const { Vec::new() }; 4];
    for run in 1..=n_runs {
        let load = load(&home, &token, rate, seconds)?;
        say::note(&format!("run {run}: {}", load.trim()));
        for (kept, name) in figures.iter_mut().zip(["p50", "p90", "p99", "max"]) {
            kept.push(read(&load, name)?);
        }
    }
    home.stop()?;
    let section = report(&figures, [n_runs, rate, seconds], work.path())?;
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "api", &section)
}

fn load(home: &PortalHome, token: &Path, rate: u32, seconds: u32) -> Outcome<String> {
    let mut command = Command::new("taskset");
    command.args(["-c", LOAD_CORE, "node"]);
    command.arg(repo::root().join("xtask/scripts/api_load.mjs"));
    command.env("LOAD_URL", home.url()).env("LOAD_CA", home.path().join("ca.pem"));
    command.env("LOAD_TOKEN", token).env("LOAD_PATHS", PATHS.join(" "));
    command.env("LOAD_RATE", rate.to_string()).env("LOAD_SECONDS", seconds.to_string());
    proc::capture(&mut command)
}

/// Reads a number out of `name=value` words.
fn read(line: &str, name: &str) -> Outcome<f64> {
    let mut words = line.split_whitespace().filter_map(|word| word.split_once('='));
    let value = words.find(|(known, _)| *known == name).and_then(|(_, value)| value.parse().ok());
    value.ok_or_else(|| Failure::new(format!("the load printed no {name}")).detail(line))
}

fn report(
    figures: &[Vec<f64>; 4],
    [n_runs, rate, seconds]: [u32; 3],
    disk: &Path,
) -> Outcome<String> {
    let mut text = format!("| API reads at {rate} a second, plane on one core | |\n|---|---|\n");
    for (kept, name) in figures.iter().zip(["p50", "p90", "p99", "slowest"]) {
        let spread = Spread::of(kept).ok_or_else(|| Failure::new("nothing was measured"))?;
        text += &format!("| {name} | {} ms |\n", spread.ratio());
    }
    let paths = PATHS.map(|path| path.trim_start_matches("/api/v1")).join(", ");
    text += &format!(
        "\n`cargo xtask bench api --runs {n_runs} --rate {rate} --seconds {seconds}`: medians of \
         the runs, with their range; TLS 1.3 with kept connections, a token of the role {ROLE}, \
         each request timed from when it was due; in turn {paths}. {}.\n",
        machine::describe(disk)
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn reads_words() {
        assert_eq!(read("n=10 p50=1.25 p99=8\n", "p99").unwrap(), 8.0);
        assert!(read("n=10", "p50").is_err());
        assert!(read("p50=NaN-ish", "p50").is_err());
    }
}
