//! `cargo xtask conform`: other people's test suites, on a mount, on a server upon it, on a key
//! vault, on the API, on the query language, on tables of the log lake and on reports; other
//! people's tools on the same server.
//!
//! pjdfstest and fsx come from the crate registry, PostgreSQL's regression suite from Debian's
//! source package, what judges the key vault, the API and the tables from PyPI; versions are pinned
//! here, and everything downloaded stays in cargo's target folder. Results go to
//! docs/conformance.md, exceptions with their reasons are written there by hand.

mod api;
mod apt_source;
mod baseline;
mod fsx;
mod keyvault;
mod kql;
mod lake;
mod pjdfstest;
mod regress;
mod tools;

use std::path::{Path, PathBuf};

pub(crate) use kql::corpus as kql_corpus;

use crate::args::{Accepts, Args};
use crate::cluster::{Account, Engine, EngineKind, WorkDir};
use crate::deps::{self, Need};
use crate::failure::{Failure, Outcome};
use crate::{build, document, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write", "--keep"],
    values: &["--dir", "--engine", "--binary"],
    n_words: 6,
};
const DOCUMENT: &str = "docs/conformance.md";

/// What the suites run on.
struct Bench<'a> {
    work: &'a WorkDir,
    kind: EngineKind,
    program: Option<PathBuf>,
}

impl Bench<'_> {
    fn engine(&self, account: &Account) -> Outcome<Engine> {
        Engine::make(self.kind, self.work, account, self.program.as_deref())
    }
}

/// How a suite ended.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    suite: String,
    n_passed: u64,
    n_failed: u64,
    n_skipped: u64,
    /// Names of what failed.
    failures: Vec<String>,
    /// Anything a reader must know about the run.
    remark: String,
}

/// One suite.
struct Suite {
    name: &'static str,
    run: fn(&Bench<'_>) -> Outcome<Verdict>,
}

const SUITES: &[Suite] = &[
    Suite { name: "pjdfstest", run: pjdfstest::run },
    Suite { name: "fsx", run: fsx::run },
    Suite { name: "regress", run: regress::run },
    Suite { name: "keyvault", run: keyvault::run },
    Suite { name: "keyvault-fuzz", run: keyvault::run_fuzz },
    Suite { name: "api-fuzz", run: api::run },
    Suite { name: "kql", run: kql::run },
    Suite { name: "lake", run: lake::run },
    Suite { name: "baseline-formats", run: baseline::run_formats },
    Suite { name: "baseline-coverage", run: baseline::run_coverage },
    Suite { name: "baseline-peers", run: baseline::run_peers },
];

pub(crate) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let wanted = wanted(args.words())?;
    let kind = EngineKind::parse(args.value("--engine").unwrap_or("pgkeep"))?;
    let mut needs = deps::PRODUCT.to_vec();
    if wanted.iter().any(|suite| suite.name == "pjdfstest") {
        needs.push(Need::Acl);
    }
    if wanted.iter().any(|suite| {
        suite.name.starts_with("keyvault")
            || matches!(
                suite.name,
                "api-fuzz" | "kql" | "lake" | "baseline-formats" | "baseline-peers"
            )
    }) {
        needs.push(Need::Python);
    }
    if wanted.iter().any(|suite| suite.name == "baseline-formats") {
        needs.push(Need::Node);
    }
    if wanted.iter().any(|suite| suite.name == "baseline-peers") {
        needs.extend([Need::Node, Need::Peers]);
    }
    deps::ensure(&needs, args.assume_yes())?;
    // Reports are written by an example, lists are files: nothing of a server takes part.
    let needs_program =
        wanted.iter().any(|suite| !matches!(suite.name, "baseline-formats" | "baseline-coverage"));
    let binary = match (kind, args.path("--binary")) {
        (EngineKind::Pgkeep, Some(path)) => Some(path),
        (EngineKind::Pgkeep, None) if needs_program => Some(build::release()?),
        _ => None,
    };
    let mut n_failed = 0;
    for suite in wanted {
        say::step(&format!("{} on {}", suite.name, kind.name()));
        let verdict = in_folder(suite, kind, binary.as_deref(), &args)?;
        n_failed += verdict.n_failed;
        let section = section(&verdict, kind);
        say::line(&section);
        if kind == EngineKind::Pgkeep && !args.has("--no-write") {
            document::replace(&repo::root().join(DOCUMENT), suite.name, &section)?;
        }
    }
    match n_failed {
        0 => Ok(()),
        n => Err(Failure::gate(format!("{n} cases of other people's suites failed"))
            .hint(format!("each needs a fix, or its reason in {DOCUMENT}"))),
    }
}

/// Part of `cargo xtask test`: what the baseline writes is what the standards say, by programs of
/// others. Writes no document.
pub(crate) fn check_formats() -> Outcome {
    let account = Account::unprivileged()?;
    let work = WorkDir::make(None, "formats", &account)?;
    let bench = Bench { work: &work, kind: EngineKind::Pgkeep, program: None };
    let verdict = baseline::run_formats(&bench)?;
    match verdict.n_failed {
        0 => {
            say::note(&format!("{} verdicts of others, all good", verdict.n_passed));
            Ok(())
        }
        n => Err(Failure::gate(format!("{n} verdicts of others on the reports are no"))
            .detail(verdict.failures.join("\n"))
            .hint("`cargo xtask conform baseline-formats --no-write` runs them alone")),
    }
}

fn in_folder(
    suite: &Suite,
    kind: EngineKind,
    binary: Option<&Path>,
    args: &Args,
) -> Outcome<Verdict> {
    let account = Account::unprivileged()?;
    let mut work = WorkDir::make(args.path("--dir"), "c", &account)?;
    let program = binary.map(|path| work.program(path)).transpose()?;
    let verdict = (suite.run)(&Bench { work: &work, kind, program });
    if args.has("--keep") {
        work.keep();
    }
    verdict
}

fn wanted(words: &[String]) -> Outcome<Vec<&'static Suite>> {
    if words.is_empty() {
        return Ok(SUITES.iter().collect());
    }
    let find = |word: &String| {
        SUITES
            .iter()
            .find(|suite| suite.name == word)
            .ok_or_else(|| Failure::usage(format!("unknown suite \"{word}\"")))
    };
    words.iter().map(find).collect()
}

fn section(verdict: &Verdict, kind: EngineKind) -> String {
    let Verdict { suite, n_passed, n_failed, n_skipped, failures, remark } = verdict;
    let mut text = format!(
        "{suite} on {}: {n_passed} passed, {n_failed} failed, {n_skipped} skipped. {remark}\n",
        kind.name()
    );
    for failure in failures {
        text += &format!("- failed: {failure}\n");
    }
    text
}
