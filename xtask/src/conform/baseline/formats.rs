//! Reports of the security baseline, read by programs of others: is each what its standard says,
//! and do they see the verdicts that were meant.
//!
//! The assessment is made up (`crates/baseline/examples/reports.rs`): all five verdicts, odd
//! characters, gaps.

use std::collections::BTreeMap;
use std::process::Command;

use crate::conform::{Bench, Verdict};
use crate::failure::{Failure, Outcome};
use crate::packages::{Environment, Modules};
use crate::test::OTLP;
use crate::{proc, repo, say};

const EXAMPLE: &str = "reports";

pub(in crate::conform) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let folder = repo::root().join("xtask/src/conform/baseline");
    let python = Environment::make("baseline-formats", &folder.join("requirements.txt"))?.python();
    let modules = Modules::make("baseline-formats-npm", &folder)?;
    say::step("building what writes the reports");
    // As tests are built, so that after them nothing is left to compile.
    let words = ["build", "--workspace", "--features", OTLP, "--locked", "--example", EXAMPLE];
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    let program = repo::target_dir().join("debug").join("examples").join(EXAMPLE);
    let reports = bench.work.path().join("reports");
    proc::capture(Command::new(program).arg(&reports))?;
    let mut judge = Command::new(python);
    judge.arg(folder.join("judge.py")).arg(&reports).arg(modules.path());
    let said = proc::capture(judge.env("PYTHONDONTWRITEBYTECODE", "1"))?;
    read(&said)
}

/// Reads `pass|fail|note|skip`, format, judge and what was found, with tabs between them.
fn read(said: &str) -> Outcome<Verdict> {
    let mut verdict = Verdict {
        suite: "Reports of the baseline".to_owned(),
        n_passed: 0,
        n_failed: 0,
        n_skipped: 0,
        failures: Vec::new(),
        remark: "Made up: all five verdicts, odd characters, gaps.\n".to_owned(),
    };
    let mut rows: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    let mut notes = String::new();
    for line in said.lines() {
        let [word, format, judge, found] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(Failure::new("the judge of the reports said something odd").detail(line));
        };
        // `judge, what of it`
        let name = judge.split(',').next().unwrap_or(judge);
        match word {
            "pass" => {
                verdict.n_passed += 1;
                rows.entry((format, name)).or_default().0 += 1;
            }
            "fail" => {
                verdict.n_failed += 1;
                rows.entry((format, name)).or_default().1 += 1;
                verdict.failures.push(format!("{format}, {judge}: {found}"));
            }
            "skip" => {
                verdict.n_skipped += 1;
                notes += &format!("\n- not run: {format}, {judge}: {found}");
            }
            "note" => notes += &format!("\n- {format}, {judge}: {found}"),
            _ => {
                let what = "the judge of the reports said something odd";
                return Err(Failure::new(what).detail(line));
            }
        }
    }
    if rows.is_empty() {
        return Err(Failure::new("the judge of the reports compared nothing"));
    }
    verdict.remark += "\n| format | read by | passed | failed |\n|---|---|---|---|\n";
    for ((format, name), (n_passed, n_failed)) in rows {
        verdict.remark += &format!("| {format} | {name} | {n_passed} | {n_failed} |\n");
    }
    verdict.remark += &notes;
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_is_said_becomes_a_table() {
        let said = "pass\tHDF\tone, a\tx\nfail\tHDF\tone, b\ty\nskip\tHDF\ttwo\tz\n";
        let verdict = read(said).unwrap();
        assert_eq!((verdict.n_passed, verdict.n_failed, verdict.n_skipped), (1, 1, 1));
        assert!(verdict.remark.contains("| HDF | one | 1 | 1 |"), "{}", verdict.remark);
        assert_eq!(verdict.failures, ["HDF, one, b: y"]);
        assert!(read("").is_err() && read("pass\tHDF\n").is_err());
        assert!(read("maybe\tHDF\tone\tx\n").is_err());
    }
}
