//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! A rule has a name, a reason and a remedy; it reads text, never the network, and has at least
//! one test that it catches something and one that it lets something pass.

mod code_rules;
mod edges;
mod linked;
mod manifest;
mod source;
mod text_rules;

use crate::args::{Accepts, Args};
use crate::failure::{Failure, Outcome};
use crate::gen_files::licences;
use crate::{repo, say};
use source::Source;

const ACCEPTS: Accepts = Accepts { switches: &["--list"], values: &[], n_words: 0 };

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Path below the root.
    pub(crate) path: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub(crate) line: usize,
    /// What is there.
    pub(crate) what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

/// A rule over the text of the work tree.
struct Rule {
    name: &'static str,
    why: &'static str,
    fix: &'static str,
    check: fn(&[Source]) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "crate-edges",
        why: "the map in ARCHITECTURE.md is only true while the manifests obey it",
        fix: "go through a crate that may know, or change deps.toml and ARCHITECTURE.md together",
        check: edges::check,
    },
    Rule {
        name: "env-only-in-pgkeep",
        why: "a library that reads the environment cannot be reasoned about or tested",
        fix: "pass the value in as an argument; the binary reads the variable",
        check: code_rules::env_only_in_pgkeep,
    },
    Rule {
        name: "unsafe-only-in-sys",
        why: "memory safety is audited in two small files, not everywhere",
        fix: "use rustix or another safe interface, or extend crypto::sys or cryptfs::sys",
        check: code_rules::unsafe_only_in_sys,
    },
    Rule {
        name: "safety-comment",
        why: "an unsafe block is a promise, and a promise has words",
        fix: "write `// SAFETY: …` directly above, saying why the block is sound",
        check: code_rules::safety_comment,
    },
    Rule {
        name: "unfinished",
        why: "what is not finished must not look finished",
        fix: "finish it, or take it out and say so in the documents",
        check: code_rules::unfinished,
    },
    Rule {
        name: "ignored-test",
        why: "a test that does not run protects nothing",
        fix: "make it run everywhere, or say in its output and docs/conformance.md what cannot",
        check: code_rules::ignored_test,
    },
    Rule {
        name: "sleeping-test",
        why: "a fixed sleep is too long on a fast machine and too short on a slow one",
        fix: "wait for the condition with a deadline, in a function named wait_… or poll_…",
        check: code_rules::sleeping_test,
    },
    Rule {
        name: "module-doc",
        why: "a newcomer should know in one sentence what a file is",
        fix: "open the file with `//!`",
        check: text_rules::module_doc,
    },
    Rule {
        name: "file-length",
        why: "past 500 lines a file is usually two",
        fix: "ask what it is two of, and divide it there",
        check: text_rules::file_length,
    },
    Rule {
        name: "line-length",
        why: "rustfmt leaves long strings and comments alone, readers do not",
        fix: "break the line at 100 columns",
        check: text_rules::line_length,
    },
    Rule {
        name: "machine-path",
        why: "a path of one machine is wrong on every other",
        fix: "derive the path from an argument, the home or the temporary folder",
        check: text_rules::machine_path,
    },
    Rule {
        name: "registry-host",
        why: "where packages come from is the user's configuration, not ours",
        fix: "name the package, not the host",
        check: text_rules::registry_host,
    },
];

pub(crate) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    if args.has("--list") {
        for rule in RULES {
            say::line(&format!("{:<20} {}", rule.name, rule.why));
        }
        say::line("licences             every dependency has a licence that we may ship");
        say::line("one-crypto-library   ring and OpenSSL are not linked beside aws-lc");
        return Ok(());
    }
    check()
}

/// Applies every rule and fails when one of them is broken.
pub(crate) fn check() -> Outcome {
    let sources: Vec<Source> =
        repo::source_files(&repo::root())?.into_iter().map(Source::new).collect();
    let mut n_findings = 0;
    for rule in RULES {
        n_findings += report(rule.name, rule.why, rule.fix, &(rule.check)(&sources));
    }
    let packages = licences::packages(&repo::root())?;
    n_findings += report(
        "licences",
        "what we ship must be ours to ship",
        "choose another package; the allowed licences are listed in xtask/src/gen_files/spdx.rs",
        &licences::refused(&packages),
    );
    n_findings += report(
        "one-crypto-library",
        "one cryptographic library is audited, updated and certified once",
        "turn off the feature, or replace the package that brings the second library",
        &linked::check(&repo::root())?,
    );
    match n_findings {
        0 => {
            let n_rules = RULES.len() + 2;
            say::note(&format!("{n_rules} rules, {} files, nothing to say", sources.len()));
            Ok(())
        }
        n => Err(Failure::gate(format!("the tidy rules are broken in {n} places"))),
    }
}

fn report(name: &str, why: &str, fix: &str, findings: &[Finding]) -> usize {
    if findings.is_empty() {
        return 0;
    }
    say::line(&format!("{name}: {why}"));
    for finding in findings {
        match finding.line {
            0 => say::line(&format!("  {}: {}", finding.path, finding.what)),
            line => say::line(&format!("  {}:{line}: {}", finding.path, finding.what)),
        }
    }
    say::line(&format!("  fix: {fix}"));
    findings.len()
}

/// A source for tests of rules.
#[cfg(test)]
fn source(path: &str, text: &str) -> Source {
    Source::new(repo::SourceFile { path: path.to_owned(), text: text.to_owned() })
}
