//! Tables of the log lake's store, read by others: delta-rs (Python's `deltalake`) by the Delta
//! log, DuckDB by the files that the log names. Counts, sums and ranges must be what pgkeep's own
//! engine says. Once in a folder, once in S3 (moto) and once in Azure Blob (azurite).
//!
//! DuckDB's own extensions for Delta and for object stores are not used: they are loaded from a
//! server of theirs.

mod place;

use std::path::Path;
use std::process::Command;

use self::place::Kind;
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
    let mut verdict = Verdict {
        suite: "Tables of the store, by delta-rs and DuckDB,".to_owned(),
        n_passed: 0,
        n_failed: 0,
        n_skipped: 0,
        failures: Vec::new(),
        remark: "After checkpoints, merged files, erased rows and a column that came later."
            .to_owned(),
    };
    for kind in [None, Some(Kind::S3), Some(Kind::Azure)] {
        let (n_passed, n_failed) = (verdict.n_passed, verdict.n_failed);
        of_place(bench, kind, &python, &program, &mut verdict)?;
        let (n_passed, n_failed) = (verdict.n_passed - n_passed, verdict.n_failed - n_failed);
        if n_passed == 0 {
            return Err(Failure::new("the judge of the tables compared nothing"));
        }
        let name = kind.map_or("a folder", Kind::name);
        verdict.remark += &format!("\n- {name}: {n_passed} passed, {n_failed} failed");
    }
    Ok(verdict)
}

/// Writes tables to one place and lets others read them there.
fn of_place(
    bench: &Bench<'_>,
    kind: Option<Kind>,
    python: &Path,
    program: &Path,
    verdict: &mut Verdict,
) -> Outcome {
    let from = repo::root().join("xtask/src/conform/lake");
    let name = kind.map_or("lake".to_owned(), |kind| format!("lake-{kind:?}"));
    let store = bench.work.path().join(&name);
    let objects = kind.map(|kind| kind.start(bench, python)).transpose()?;
    let mut write = Command::new(program);
    write.arg(&store).args(objects.as_ref().map(|objects| &objects.place));
    let facts = proc::capture(&mut write)?;
    let facts_path = bench.work.path().join(format!("{name}-facts.jsonl"));
    std::fs::write(&facts_path, facts).doing(|| "write down what the tables hold".to_owned())?;
    let mut judge = Command::new(python);
    judge.arg(from.join("judge.py"));
    match &objects {
        Some(objects) => judge.arg(&objects.url).arg(&facts_path).arg(&objects.options),
        None => judge.arg(store.join("tables")).arg(&facts_path),
    };
    let said = proc::capture(judge.env("PYTHONDONTWRITEBYTECODE", "1"))?;
    let place = kind.map_or(String::new(), |kind| format!("{}: ", kind.name()));
    for line in said.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["pass", _, _] => verdict.n_passed += 1,
            ["skip", what, why] => {
                verdict.n_skipped += 1;
                verdict.remark += &format!("\n- not run: {place}{what}, {why}");
            }
            ["fail", what, found] => {
                verdict.n_failed += 1;
                verdict.failures.push(format!("{place}{what}: {found}"));
            }
            _ => {
                return Err(Failure::new("the judge of the tables said something odd").detail(line));
            }
        }
    }
    Ok(())
}
