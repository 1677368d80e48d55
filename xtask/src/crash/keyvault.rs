//! `cargo xtask crash keyvault`: kill -9 of the vault while keys are written through its REST API.
//!
//! Afterwards every acknowledged key version must be there with the public key that was answered,
//! and every acknowledged request must stand in the audit exactly once.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::args::{Accepts, Args};
use crate::cluster::{Account, WorkDir};
use crate::failure::{Doing, Failure, Outcome};
use crate::packages::Environment;
use crate::vault_home::VaultHome;
use crate::{build, deps, document, repo, rng, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--writes", "--kills", "--seed", "--dir", "--binary"],
    n_words: 0,
};
const SCRIPT: &str = "xtask/scripts/keyvault_torture.py";
const DOCUMENT: &str = "docs/benchmarks.md";

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_writes = args.number("--writes", 10_000u32, 1..=1_000_000)?;
    let n_kills = args.number("--kills", 12u32, 1..=10_000)?;
    let seed = match args.value("--seed") {
        Some(_) => args.number("--seed", 0u64, 0..=u64::MAX)?,
        None => rng::fresh_seed()?,
    };
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    deps::ensure(&[deps::Need::Python], args.assume_yes())?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "crash-keyvault", &account)?;
    let program = work.program(&binary)?;
    say::step(&format!("crash keyvault: {n_writes} writes, {n_kills} kills, seed {seed}"));
    let home = VaultHome::start(&program, work.path())?;
    let report = torture(&home, n_writes, n_kills, seed)?;
    let audited = audited(&home.path().join("vault/audit"))?;
    let ids = texts(&report, "request_ids")?;
    let missing = ids.iter().filter(|id| !audited.contains_key(id.as_str())).count();
    let doubled = ids.iter().filter(|id| audited.get(id.as_str()).is_some_and(|n| *n > 1)).count();
    home.stop()?;
    let figure = |name: &str| number(&report, name);
    let section = format!(
        "{} acknowledged writes in {} kills with -9 (seed {seed}), {} of them asked again: {} keys \
         lost, {missing} audit records missing, {doubled} double, {} writes failed.\n",
        figure("acknowledged")?,
        figure("kills")?,
        figure("retried")?,
        figure("n_lost")?,
        figure("n_failures")?
    );
    say::line(&section);
    let is_good = figure("n_lost")? == 0
        && figure("n_failures")? == 0
        && figure("acknowledged")? == u64::from(n_writes)
        && figure("kills")? > 0
        && missing == 0
        && doubled == 0;
    if !is_good {
        return Err(Failure { exit: 6, ..Failure::new("the vault lost something") }
            .detail(report.chars().take(2_000).collect::<String>()));
    }
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "crash-keyvault", &section)
}

/// Runs the script; the token goes through its standard input.
fn torture(home: &VaultHome, n_writes: u32, n_kills: u32, seed: u64) -> Outcome<String> {
    let uri = home.uri();
    let pid_command = home.vault_pid_command().map(|word| format!("\"{word}\"")).join(",");
    let job = format!(
        "{{\"uri\":\"{uri}\",\"ca_file\":\"{}\",\"token\":\"{}\",\"n_writes\":{n_writes},\
         \"n_kills\":{n_kills},\"seed\":{seed},\"pid_command\":[{pid_command}]}}",
        home.ca_file(),
        home.token()?
    );
    let sdk = repo::root().join("crates/pgkeep/tests/sdk/python/requirements.txt");
    let python = Environment::make("sdk-python", &sdk)?.python();
    let mut child = Command::new(python)
        .arg(repo::root().join(SCRIPT))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .doing(|| "start Python".to_owned())?;
    let mut input = child.stdin.take().expect("because stdin is piped");
    input.write_all(job.as_bytes()).doing(|| "hand over the job".to_owned())?;
    drop(input);
    let output = child.wait_with_output().doing(|| "wait for the load".to_owned())?;
    if !output.status.success() {
        return Err(Failure::new("the load failed").detail(output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How often each text stands in the audit; a request's id stands once in its record.
fn audited(folder: &Path) -> Outcome<HashMap<String, usize>> {
    let reading = || format!("read \"{}\"", folder.display());
    let mut found = HashMap::new();
    for entry in std::fs::read_dir(folder).doing(reading)? {
        let path = entry.doing(reading)?.path();
        if path.extension().is_some_and(|end| end == "jsonl") {
            let text = std::fs::read_to_string(&path).doing(reading)?;
            for line in text.lines() {
                // Once a record, however often it says it.
                let mut words: Vec<&str> = line.split('"').collect();
                words.sort_unstable();
                words.dedup();
                for word in words.into_iter().filter(|word| word.len() == 36) {
                    *found.entry(word.to_owned()).or_insert(0) += 1;
                }
            }
        }
    }
    Ok(found)
}

/// A number of the script's flat report.
fn number(report: &str, name: &str) -> Outcome<u64> {
    let after = report.split_once(&format!("\"{name}\": ")).map(|(_, rest)| rest);
    let digits =
        after.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Failure::new(format!("the load's report has no {name}")))
}

/// A list of plain texts of the script's report.
fn texts(report: &str, name: &str) -> Outcome<Vec<String>> {
    let after = report.split_once(&format!("\"{name}\": [")).map(|(_, rest)| rest);
    let list = after.and_then(|rest| rest.split(']').next());
    let list = list.ok_or_else(|| Failure::new(format!("the load's report has no {name}")))?;
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::{number, texts};

    #[test]
    fn reads_the_report() {
        let report = r#"{"n_lost": 0, "kills": 12, "request_ids": ["a", "b"]}"#;
        assert_eq!(number(report, "kills").unwrap(), 12);
        assert_eq!(texts(report, "request_ids").unwrap(), ["a", "b"]);
        assert!(number(report, "lost").is_err());
        assert!(texts(report, "ids").is_err());
    }
}
