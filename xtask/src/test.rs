//! `cargo xtask test`: everything that must hold before a change lands, in the order of cost.

use std::time::Instant;

use crate::args::{Accepts, Args};
use crate::failure::{Failure, Outcome};
use crate::packages::{Environment, Modules};
use crate::{conform, deps, gen_files, lint, portal, proc, repo, say, tidy, web};

const ACCEPTS: Accepts = Accepts { switches: &["--yes"], values: &[], n_words: 1 };

pub(crate) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let yes = args.assume_yes();
    let mut stages = Stages::default();
    let needs = [deps::PRODUCT, deps::TESTS].concat();
    stages.need("deps", || deps::ensure(&needs, yes))?;
    match args.words().first().map(String::as_str) {
        None => {
            stages.run("tidy", tidy::check);
            stages.run("gen --check", gen_files::check);
            // Before anything is compiled: the binary that is tested has this portal in it.
            stages.run("web", web::check);
            stages.run("lint", lint::check);
            stages.run("tests", cargo_tests);
            stages.run("doc tests", doc_tests);
            stages.run("formats", conform::check_formats);
        }
        Some("portal") => stages.need("web", web::check)?,
        Some(other) => return Err(Failure::usage(format!("unknown part \"{other}\""))),
    }
    stages.run("portal", portal::check);
    stages.close()
}

/// The feature of the binary that is off in a usual build.
pub(crate) const OTLP: &str = "pgkeep/otlp";

fn cargo_tests() -> Outcome {
    let root = repo::root();
    // What the test of official clients (crates/pgkeep/tests/it/sdk.rs) looks for.
    let sdk = root.join("crates/pgkeep/tests/sdk");
    let python = Environment::make("sdk-python", &sdk.join("python/requirements.txt"))?;
    let npm = Modules::make("sdk-npm", &sdk.join("npm"))?;
    // A provider of OpenID Connect (crates/api/tests/it/access/oidc.rs).
    let oidc = Modules::make("oidc-npm", &root.join("crates/api/tests/oidc"))?;
    let has_nextest = proc::find("cargo-nextest").is_some();
    // With the export that a usual build leaves out: its tests come along, nothing is built twice.
    let words: &[&str] = if has_nextest {
        &["nextest", "run", "--workspace", "--features", OTLP, "--locked"]
    } else {
        say::note("cargo-nextest is not installed; using cargo test, one binary after the other");
        let words = ["test", "--workspace", "--features", OTLP, "--locked"];
        &[&words[..], &["--all-targets", "--", "--test-threads=2"]].concat()
    };
    let mut command = proc::cargo(&root, words);
    command.env("PGKEEP_TEST_PYTHON", python.python()).env("PGKEEP_TEST_NPM", npm.path());
    command.env("PGKEEP_TEST_OIDC", oidc.path());
    proc::run(&mut command)
        .map_err(|_| Failure::gate("some tests failed").hint("their names are printed above"))
}

fn doc_tests() -> Outcome {
    let words = ["test", "--workspace", "--features", OTLP, "--locked", "--doc", "--quiet"];
    proc::run(&mut proc::cargo(&repo::root(), &words))
        .map_err(|_| Failure::gate("some doc tests failed").hint("their names are printed above"))
}

/// The stages that ran, for the closing summary.
#[derive(Default)]
struct Stages {
    lines: Vec<String>,
    n_failed: usize,
}

impl Stages {
    /// Runs a stage that the later ones cannot do without.
    fn need(&mut self, name: &str, stage: impl FnOnce() -> Outcome) -> Outcome {
        let started = Instant::now();
        say::step(name);
        stage()?;
        self.lines.push(line(name, "ok", started));
        Ok(())
    }

    /// Runs a stage; a failure is kept for the end, so that one run shows everything.
    fn run(&mut self, name: &str, stage: impl FnOnce() -> Outcome) {
        let started = Instant::now();
        say::step(name);
        let verdict = match stage() {
            Ok(()) => "ok",
            Err(failure) => {
                say::failure(&failure);
                self.n_failed += 1;
                "FAILED"
            }
        };
        self.lines.push(line(name, verdict, started));
    }

    fn close(self) -> Outcome {
        say::line("");
        for line in &self.lines {
            say::line(line);
        }
        match self.n_failed {
            0 => Ok(()),
            n => Err(Failure::gate(format!("{n} of {} stages failed", self.lines.len()))),
        }
    }
}

fn line(name: &str, verdict: &str, started: Instant) -> String {
    format!("{name:<12} {verdict:<7} {:>6.1} s", started.elapsed().as_secs_f64())
}
