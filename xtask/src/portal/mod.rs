//! The portal judged in a real browser, on a real installation: `cargo xtask test portal`.
//!
//! The tests themselves are Playwright's, in `web/e2e`; this makes what they stand on.

mod home;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::{Account, WorkDir};
use crate::failure::{Failure, Outcome};
use crate::test::OTLP;
use crate::{deps, proc, repo, say, web};

pub(crate) use home::PortalHome;

/// Where Playwright is started from, below `web/e2e`.
const PLAYWRIGHT: &str = "node_modules/@playwright/test/cli.js";

/// Where the pictures of the guide lie.
const GUIDE: &str = "docs/guide/pictures";

/// The stage of `cargo xtask test`: unit tests and build come first, so that the portal in the
/// binary is the one in the tree.
pub(crate) fn check() -> Outcome {
    with_home(&debug_binary()?, |home| {
        let mut command = play(home, &["--project=journey", "--project=accessibility"])?;
        proc::run(&mut command).map_err(|_| not_as_it_should())
    })
}

/// Loads the first page so many times and answers what the browser printed.
pub(crate) fn measure_first_page(home: &PortalHome, n_runs: u32) -> Outcome<String> {
    let mut command = play(home, &["--project=first-page"])?;
    command.env("PGKEEP_E2E_RUNS", n_runs.to_string());
    proc::capture(&mut command)
}

/// Takes the guide's pictures anew.
pub(crate) fn take_screenshots(yes: bool) -> Outcome {
    deps::ensure(&[deps::PRODUCT, deps::TESTS].concat(), yes)?;
    web::build()?;
    with_home(&debug_binary()?, |home| {
        let mut command = play(home, &["--project=pictures"])?;
        command.env("PGKEEP_E2E_PICTURES", repo::root().join(GUIDE));
        proc::run(&mut command).map_err(|_| not_as_it_should())
    })
}

fn with_home(binary: &Path, act: impl FnOnce(&PortalHome) -> Outcome) -> Outcome {
    let account = Account::unprivileged()?;
    let work = WorkDir::make(None, "portal", &account)?;
    let home = PortalHome::start(&work.program(binary)?, work.path())?;
    let outcome = act(&home);
    let stopped = home.stop();
    outcome.and(stopped)
}

/// Playwright on an installation.
fn play(home: &PortalHome, words: &[&str]) -> Outcome<Command> {
    let mut command = web::browser_tests(&[&[PLAYWRIGHT, "test"], words].concat())?;
    command.envs(home.environment()).env("PGKEEP_E2E_SEEN", seen());
    Ok(command)
}

/// Where pictures and traces of failures are left.
fn seen() -> PathBuf {
    repo::target_dir().join("portal")
}

fn not_as_it_should() -> Failure {
    Failure::gate("the portal did not do in a browser what it should")
        .detail(format!("what was seen: {}", seen().display()))
        .hint("`cargo xtask test portal` runs this part alone")
}

/// The binary as the tests have it, with the portal that lies in `web/dist`: with their features
/// and what they depend on, so that nothing is compiled twice after them.
fn debug_binary() -> Outcome<PathBuf> {
    say::step("building pgkeep");
    let words = ["build", "--locked", "--workspace", "--features", OTLP, "--tests"];
    let words = [&words[..], &["--bin", "pgkeep"]].concat();
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    Ok(repo::target_dir().join("debug").join("pgkeep"))
}
