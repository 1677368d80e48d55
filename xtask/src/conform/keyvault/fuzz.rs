//! Requests that schemathesis makes up from the description of the API that the vault publishes:
//! good, bad and absurd ones, and sequences of them. None may bring a 5xx, hang, or be answered
//! otherwise than described.

use super::{Bench, Verdict, bounded, folder, keep, start};
use crate::failure::{Doing, Failure, Outcome};
use crate::packages::Environment;
use crate::vault_home::write_private;
use crate::{proc, say};

/// What makes the requests up.
pub(in crate::conform) const SUITE: &str = "schemathesis 4.32.5";
/// Left out are checks that take documented leniency (unknown fields, missing keys) for faults.
pub(in crate::conform) const CHECKS: &str = "\
     not_a_server_error,status_code_conformance,content_type_conformance,\
     response_schema_conformance,response_headers_conformance,missing_required_header,\
     unsupported_method,ignored_auth";
/// Bounds of a run: requests for each operation and seconds in all.
const N_EXAMPLES: &str = "40";
const SECONDS: &str = "180";
pub(in crate::conform) const DEADLINE_SECONDS: &str = "600";
/// A request that takes longer counts as a failure.
const ANSWER_SECONDS: u32 = 10;

pub(in crate::conform) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let environment = Environment::make("schemathesis", &folder().join("fuzz-requirements.txt"))?;
    let home = start(bench)?;
    let work = bench.work.path();
    let (configuration, report) = (work.join("schemathesis.toml"), work.join("report.json"));
    let text = format!(
        "request-timeout = {ANSWER_SECONDS}.0\ntls-verify = \"{}\"\n\
         headers = {{ Authorization = \"Bearer {}\" }}\n",
        home.ca_file(),
        home.token()?
    );
    write_private(&configuration, &text)?;
    let uri = home.uri();
    let resource = uri.replacen(&format!("{}.", home.vault()), "", 1);
    let mut command = bounded(&environment, DEADLINE_SECONDS);
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(&configuration);
    command.args(["run", "--url", uri, &format!("{resource}/openapi.json")]);
    command.args(["--phases", "examples,coverage,fuzzing,stateful", "--checks", CHECKS]);
    command.args(["--max-examples", N_EXAMPLES, "--max-time", SECONDS, "--continue-on-failure"]);
    command.args(["--no-color", "--generation-database", "none", "--report-json-path"]);
    command.arg(&report).current_dir(work);
    say::note(&format!("making requests up for at most {SECONDS} seconds"));
    let output = proc::output(&mut command)?;
    // A vault that died under the load fails here, whatever the answers were.
    home.pgkeep(&["vault", "status"])?;
    home.stop()?;
    keep("keyvault-fuzz.log", &String::from_utf8_lossy(&output.stdout))?;
    let text = std::fs::read_to_string(&report).doing(|| "read schemathesis' report".to_owned());
    let seen = || {
        let errors = String::from_utf8_lossy(&output.stderr);
        let said = String::from_utf8_lossy(&output.stdout);
        format!("{}\n{}\n{}", output.status, proc::tail(&said, 30), proc::tail(&errors, 10))
    };
    let verdict = text.ok().and_then(|text| read(&text));
    let verdict =
        verdict.ok_or_else(|| Failure::new("schemathesis left no report").detail(seen()))?;
    if verdict.n_failed == 0 && !output.status.success() {
        return Err(Failure::new("schemathesis failed without naming a request").detail(seen()));
    }
    Ok(verdict)
}

/// Reads the counts of the report; what failed stands in the log.
pub(in crate::conform) fn read(report: &str) -> Option<Verdict> {
    let operations = report.split_once("\"operations\"")?.1;
    let cases = report.split_once("\"test_cases\"")?.1;
    let (n_operations, n_tested) = (number(operations, "total")?, number(operations, "tested")?);
    let (n_requests, n_bad) = (number(cases, "generated")?, number(cases, "with_failures")?);
    let n_errors = number(cases, "errored")?;
    let seed = digits(report, "seed")?;
    let n_failed = n_bad + n_errors + (n_operations - n_tested.min(n_operations));
    Some(Verdict {
        suite: SUITE.to_owned(),
        n_passed: n_requests.saturating_sub(n_bad + n_errors),
        n_failed,
        n_skipped: number(cases, "without_checks")?,
        failures: Vec::new(),
        remark: format!(
            "Made-up requests to {n_tested} of {n_operations} operations (seed {seed}); a 5xx, \
             an answer after {ANSWER_SECONDS} s or one that is not as described is a failure."
        ),
    })
}

fn number(json: &str, name: &str) -> Option<u64> {
    digits(json, name)?.parse().ok()
}

/// A whole number as it is written: seeds have 128 bits.
fn digits<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let rest = json.split_once(&format!("\"{name}\":"))?.1.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::read;

    const SEED: &str = "222818149602378881533199549398466544382";

    fn report(n_tested: u32) -> String {
        format!(
            r#"{{ "seed": {SEED}, "operations": {{ "total": 3, "tested": {n_tested} }},
            "test_cases": {{ "generated": 100, "with_failures": 2, "without_checks": 4,
            "errored": 1 }} }}"#
        )
    }

    #[test]
    fn reads_the_counts() {
        let verdict = read(&report(3)).unwrap();
        assert_eq!((verdict.n_passed, verdict.n_failed, verdict.n_skipped), (97, 3, 4));
        assert!(verdict.remark.contains(SEED), "{}", verdict.remark);
        assert_eq!(read(&report(1)).unwrap().n_failed, 5, "untested operations count");
        assert!(read("{}").is_none());
    }
}
