//! Other tools and pgkeep on the same cluster: what each says, and why they differ.
//!
//! The cluster is made for it, insecure on purpose, with a sound database beside (`fixture`).
//! `judge.py` runs the tools and compares; which of their rules is about the same as which of our
//! checks stands in `rules.tsv`, why they differ in `explained.tsv`. A difference without an
//! explanation is a failure, and so is an explanation of nothing.

mod cluster;
mod document;

use std::process::Command;

use crate::cluster::Account;
use crate::conform::{Bench, Verdict};
use crate::failure::{Doing, Failure, Outcome};
use crate::packages::{Environment, Modules};
use crate::{document as page, proc, repo, say};

use cluster::Cluster;
use document::Said;

const DOCUMENT: &str = "docs/baseline-comparison.md";
const MARK: &str = "baseline-peers";

pub(in crate::conform) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let program = bench.program.as_deref().ok_or_else(|| {
        Failure::usage("an assessment is compared: there is no plain engine for it")
    })?;
    let folder = repo::root().join("xtask/src/conform/baseline/peers");
    let python = Environment::make("baseline-peers", &folder.join("requirements.txt"))?.python();
    let modules = Modules::make("baseline-peers-npm", &folder)?;
    let home = repo::target_dir().join("packages").join("baseline-peers-home");
    std::fs::create_dir_all(&home).doing(|| format!("make \"{}\"", home.display()))?;
    let account = Account::unprivileged()?;
    say::step("the cluster");
    let cluster = Cluster::make(bench.work, &account, &folder.join("fixture"))?;
    say::step("pgkeep's assessment");
    let mut assess = Command::new(program);
    assess.args(["baseline", "assess", "-o", "json", "--with", "password-guesses", "--dsn"]);
    let said = proc::capture(assess.arg(cluster.dsn()).arg("--pgdata").arg(cluster.data()))?;
    let judged = bench.work.path().join("judged");
    std::fs::create_dir(&judged).doing(|| "make a folder".to_owned())?;
    std::fs::write(judged.join("assessment.json"), said).doing(|| "keep it".to_owned())?;
    say::step("the others");
    let mut judge = Command::new(python);
    judge.arg(folder.join("judge.py")).arg(&judged).arg(folder.join("fixture"));
    judge.arg(modules.path()).arg(cluster.port()).arg(&home).env("PYTHONDONTWRITEBYTECODE", "1");
    let said = Said::read(&proc::capture(&mut judge)?)?;
    page::replace(&repo::root().join(DOCUMENT), MARK, &said.section())?;
    Ok(said.verdict())
}
