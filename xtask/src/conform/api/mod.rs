//! Requests that schemathesis makes up from the API's own document, as nobody and as a reader:
//! none may bring a 5xx, hang, be answered otherwise than described, or get what the caller may
//! not have.

use std::path::PathBuf;

use super::keyvault::fuzz::{self, CHECKS, DEADLINE_SECONDS};
use super::{Bench, Verdict, keyvault};
use crate::failure::{Doing, Failure, Outcome};
use crate::packages::Environment;
use crate::portal::PortalHome;
use crate::vault_home::write_private;
use crate::{proc, repo, say};

/// Bounds of a run: requests for each operation and seconds in all.
const N_EXAMPLES: &str = "25";
const SECONDS: &str = "75";
/// A request that takes longer counts as a failure.
const ANSWER_SECONDS: u32 = 10;
/// They would end the session of the run itself, or never end.
const NOT_ASKED: [&str; 3] = ["session_delete", "token_delete", "job_events"];
const N_NOT_ASKED: u64 = NOT_ASKED.len() as u64;

pub(super) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let program = bench.program.as_deref().ok_or_else(|| {
        Failure::usage("the API is pgkeep's own: there is no plain engine to compare with")
    })?;
    let lock = repo::root().join("xtask/src/conform/keyvault/fuzz-requirements.txt");
    let environment = Environment::make("schemathesis", &lock)?;
    let home = PortalHome::start(program, bench.work.path())?;
    let mut all = Verdict {
        suite: format!("{}, as nobody and as a reader", fuzz::SUITE),
        n_passed: 0,
        n_failed: 0,
        n_skipped: 0,
        failures: Vec::new(),
        remark: String::new(),
    };
    for caller in ["anonymous", "reader"] {
        let one = as_caller(bench, &environment, &home, caller)?;
        all.n_passed += one.n_passed;
        // What was left out on purpose is counted there as not tested.
        all.n_failed += one.n_failed.saturating_sub(N_NOT_ASKED);
        all.n_skipped += one.n_skipped + N_NOT_ASKED;
        all.remark += &format!("\n- {caller}: {}", one.remark);
    }
    home.stop()?;
    Ok(all)
}

fn as_caller(
    bench: &Bench<'_>,
    environment: &Environment,
    home: &PortalHome,
    caller: &str,
) -> Outcome<Verdict> {
    let work = bench.work.path();
    let path = |name: &str| work.join(format!("{caller}-{name}"));
    let (configuration, report) = (path("schemathesis.toml"), path("report.json"));
    let ca = home.path().join("ca.pem");
    let mut text = format!(
        "request-timeout = {ANSWER_SECONDS}.0\ntls-verify = \"{}\"\nhooks = \"{}\"\n",
        ca.display(),
        hooks().display()
    );
    if caller != "anonymous" {
        let token = home.token(caller)?;
        text += &format!("headers = {{ Authorization = \"Bearer {token}\" }}\n");
    }
    write_private(&configuration, &text)?;
    let mut command = keyvault::bounded(environment, DEADLINE_SECONDS);
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(&configuration);
    command.args(["run", "--url", &home.url(), &format!("{}/api/v1/openapi.json", home.url())]);
    // Whoever is refused cannot tell a missing header from a missing right.
    let checks = CHECKS.replace(",ignored_auth", ",nothing_without_permission");
    command.args(["--phases", "examples,coverage,fuzzing,stateful", "--checks", &checks]);
    command.args(["--max-examples", N_EXAMPLES, "--max-time", SECONDS, "--continue-on-failure"]);
    for operation in NOT_ASKED {
        command.args(["--exclude-operation-id", operation]);
    }
    command.args(["--no-color", "--generation-database", "none", "--report-json-path"]);
    command.arg(&report).current_dir(work);
    command.env("PGKEEP_FUZZ_AS", caller);
    say::note(&format!("as {caller}: making requests up for at most {SECONDS} seconds"));
    let output = proc::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    keyvault::keep(&format!("api-fuzz-{caller}.log"), &said)?;
    // A plane that died under the load fails here, whatever the answers were.
    home.pgkeep(&["status"])?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let seen = format!("{}\n{}\n{}", output.status, proc::tail(&said, 30), proc::tail(&errors, 10));
    let text = std::fs::read_to_string(&report).doing(|| "read schemathesis' report".to_owned());
    let verdict = text.ok().and_then(|text| fuzz::read(&text));
    let verdict =
        verdict.ok_or_else(|| Failure::new("schemathesis left no report").detail(&seen))?;
    if verdict.n_failed == 0 && !output.status.success() {
        return Err(Failure::new("schemathesis failed without naming a request").detail(seen));
    }
    Ok(verdict)
}

fn hooks() -> PathBuf {
    repo::root().join("xtask/src/conform/api/hooks.py")
}
