//! Tables of the log lake's store, read by others: delta-rs (Python's `deltalake`) by the Delta
//! log, DuckDB by the files that the log names. Counts, sums and ranges must be what pgkeep's own
//! engine says.
//!
//! DuckDB's own extension for Delta is not used: it is loaded from a server of theirs.

use std::process::Command;

use super::{Bench, Verdict};
use crate::failure::{Doing as _, Failure, Outcome};
use crate::packages::Environment;
use crate::{proc, repo, say};

const EXAMPLE: &str = "store_table";

pub(super) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let folder = repo::root().join("xtask/src/conform/lake");
    let python = Environment::make("lake-readers", &folder.join("requirements.txt"))?.python();
    say::step("building what writes the tables");
    // It is fast enough without optimisation, and building it with is not.
    let words = ["build", "--locked", "--package", "lake", "--example", EXAMPLE];
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    let program = repo::target_dir().join("debug").join("examples").join(EXAMPLE);
    let store = bench.work.path().join("lake");
    let facts = proc::capture(Command::new(program).arg(&store))?;
    let facts_path = bench.work.path().join("lake-facts.jsonl");
    std::fs::write(&facts_path, facts).doing(|| "write down what the tables hold".to_owned())?;
    let mut judge = Command::new(python);
    judge.arg(folder.join("judge.py")).arg(&store).arg(&facts_path);
    let said = proc::capture(judge.env("PYTHONDONTWRITEBYTECODE", "1"))?;
    let mut verdict = Verdict {
        suite: "Tables of the store, by delta-rs and DuckDB,".to_owned(),
        n_passed: 0,
        n_failed: 0,
        n_skipped: 0,
        failures: Vec::new(),
        remark: "After checkpoints, merged files, erased rows and a column that came later."
            .to_owned(),
    };
    for line in said.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["pass", _, _] => verdict.n_passed += 1,
            ["fail", what, found] => {
                verdict.n_failed += 1;
                verdict.failures.push(format!("{what}: {found}"));
            }
            _ => {
                return Err(Failure::new("the judge of the tables said something odd").detail(line));
            }
        }
    }
    if verdict.n_passed == 0 {
        return Err(Failure::new("the judge of the tables compared nothing"));
    }
    Ok(verdict)
}
