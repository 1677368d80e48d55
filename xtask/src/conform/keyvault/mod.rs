//! Microsoft's own tests of its Python client, and requests made up by a machine, both against a
//! key vault of pgkeep.
//!
//! The tests come with the published source archive of `azure-keyvault-keys`, run live and
//! unchanged. What they import of Azure's repository without it being published is played by
//! `stand_in.py`. Only tests that speak to a vault count: those for a Managed HSM are left out by
//! name, those that need nothing are not asked for.

pub(super) mod fuzz;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Bench, Verdict};
use crate::failure::{Doing, Failure, Outcome};
use crate::packages::Environment;
use crate::vault_home::VaultHome;
use crate::{proc, repo, say};

pub(super) use fuzz::run as run_fuzz;

const PACKAGE: &str = "azure_keyvault_keys-4.11.3";
const STAND_IN: &str = include_str!("stand_in.py");
/// Its files of tests; the rest needs no vault, or drives examples of the documentation.
const FILES: [&str; 4] = [
    "test_key_client.py",
    "test_crypto_client.py",
    "test_keys_async.py",
    "test_crypto_client_async.py",
];
/// Tests with a vault end so: `name[2025-07-01_vault]`.
const WITH_A_VAULT: &str = "_vault]";
/// Each sleeps for seconds, so as not to be throttled by Azure; side by side they take minutes.
const N_WORKERS: &str = "8";
const DEADLINE_SECONDS: &str = "1800";

pub(super) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let environment = Environment::make("azure-tests", &folder().join("requirements.txt"))?;
    let sources = bench.work.path().join("source");
    environment.fetch_sources(&folder().join("source.txt"), &sources)?;
    let archive = sources.join(format!("{PACKAGE}.tar.gz"));
    proc::capture(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&sources))?;
    let stand_in = bench.work.path().join("devtools_testutils.py");
    std::fs::write(&stand_in, STAND_IN).doing(|| "write the stand-in".to_owned())?;

    let home = start(bench)?;
    let mut pytest = bounded(&environment, DEADLINE_SECONDS);
    pytest.args(["-m", "pytest", "-p", "devtools_testutils", "-p", "no:cacheprovider"]);
    pytest.args(["-q", "-rA", "--no-fold-skipped", "--tb=short", "-n", N_WORKERS]);
    pytest.args(["-k", "_vault"]).args(FILES);
    pytest.current_dir(sources.join(PACKAGE).join("tests"));
    pytest.env("PYTHONPATH", bench.work.path());
    pytest.env("AZURE_KEYVAULT_URL", home.uri());
    pytest.env("AZURE_KEYVAULT_ATTESTATION_URL", "https://attestation.invalid");
    pytest.env("KEYVAULT_SKU", "standard");
    pytest.env("STAND_IN_RUN", std::process::id().to_string());
    // The asynchronous client reads the second of the two.
    pytest.env("REQUESTS_CA_BUNDLE", home.ca_file()).env("SSL_CERT_FILE", home.ca_file());
    for (name, value) in home.identity_env()? {
        if name == "AZURE_CLIENT_ID" {
            pytest.env("KEYVAULT_CLIENT_ID", &value);
        }
        pytest.env(name, value);
    }
    say::note("running Microsoft's tests; this takes some minutes");
    let output = proc::output(&mut pytest)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    home.stop()?;
    keep("keyvault.log", &said)?;
    read(&said).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        let seen =
            format!("{}\n{}\n{}", output.status, proc::tail(&said, 20), proc::tail(&errors, 20));
        Failure::new("pytest named no test").detail(seen)
    })
}

/// A whole pgkeep with a key vault, an identity and its role.
fn start(bench: &Bench<'_>) -> Outcome<VaultHome> {
    let program = bench.program.as_deref().ok_or_else(|| {
        Failure::usage("key vaults are pgkeep's own: there is no plain engine to compare with")
    })?;
    VaultHome::start(program, bench.work.path())
}

/// The environment's Python, ended after so many seconds.
pub(super) fn bounded(environment: &Environment, seconds: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", seconds]).arg(environment.python());
    command
}

/// Where the files beside this one lie.
fn folder() -> PathBuf {
    repo::root().join("xtask/src/conform/keyvault")
}

/// Keeps what a suite said where it outlives the run's folder.
pub(super) fn keep(name: &str, said: &str) -> Outcome {
    let to = repo::target_dir().join("conform").join(name);
    let parent = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).doing(|| format!("make \"{}\"", parent.display()))?;
    std::fs::write(&to, said).doing(|| format!("write \"{}\"", to.display()))?;
    say::note(&format!("what it said: {}", to.display()));
    Ok(())
}

/// How many tests of a file ended how.
#[derive(Default)]
struct Count {
    n_passed: u64,
    n_failed: u64,
    n_skipped: u64,
}

/// Reads pytest's summary: `PASSED file::Class::name[case]`, reasons after ` - `.
fn read(said: &str) -> Option<Verdict> {
    let mut files: BTreeMap<&str, Count> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for line in said.lines() {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        let (name, reason) = rest.split_once(" - ").unwrap_or((rest, ""));
        let Some((file, test)) = name.split_once("::") else { continue };
        if !name.ends_with(WITH_A_VAULT) {
            continue;
        }
        let count = files.entry(file).or_default();
        match word {
            "PASSED" => count.n_passed += 1,
            "FAILED" | "ERROR" => {
                count.n_failed += 1;
                failures.push(format!("{file}::{test}"));
            }
            "SKIPPED" => {
                count.n_skipped += 1;
                *reasons.entry(reason.trim_start_matches("Skipped: ")).or_default() += 1;
            }
            _ => {}
        }
    }
    let total = |of: fn(&Count) -> u64| files.values().map(of).sum::<u64>();
    let (n_passed, n_failed) = (total(|c| c.n_passed), total(|c| c.n_failed));
    let remark = table(&files, &reasons);
    (n_passed + n_failed > 0).then(|| Verdict {
        suite: format!("Microsoft's tests with a vault ({})", PACKAGE.replace('_', "-")),
        n_passed,
        n_failed,
        n_skipped: total(|c| c.n_skipped),
        failures,
        remark,
    })
}

fn table(files: &BTreeMap<&str, Count>, reasons: &BTreeMap<&str, u64>) -> String {
    let mut text = "Run with the client's own version of the API, and with 7.4 and 7.5 where the \
                    suite asks for those.\n\n"
        .to_owned();
    text += "| file | passed | failed | skipped |\n|---|---|---|---|\n";
    for (file, Count { n_passed, n_failed, n_skipped }) in files {
        text += &format!("| {file} | {n_passed} | {n_failed} | {n_skipped} |\n");
    }
    if !reasons.is_empty() {
        text += "\nSkipped by the suite itself, in its words:\n";
    }
    for (reason, n_tests) in reasons {
        text += &format!("- {n_tests} × \"{reason}\"\n");
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn counts_tests_with_a_vault() {
        let said = "\
PASSED test_a.py::T::one[7.4_vault]
PASSED test_a.py::no_vault
FAILED test_b.py::T::two[7.5_vault] - AssertionError: x - y
SKIPPED test_b.py::T::three[7.5_vault] - Skipped: not on standard
SKIPPED test_b.py::T::three[7.5_mhsm] - Skipped: No HSM
1 failed, 2 passed
";
        let verdict = read(said).unwrap();
        let counts = (verdict.n_passed, verdict.n_failed, verdict.n_skipped);
        assert_eq!(counts, (1, 1, 1));
        assert_eq!(verdict.failures, ["test_b.py::T::two[7.5_vault]"]);
        assert!(verdict.remark.contains("| test_b.py | 0 | 1 | 1 |"), "{}", verdict.remark);
        assert!(verdict.remark.contains("1 × \"not on standard\""), "{}", verdict.remark);
        assert!(read("ERROR: not found\nPASSED x::no").is_none());
    }
}
