//! All automation of the repository: `cargo xtask VERB`.
//!
//! Standard library only and no crate of the workspace, so that it builds in seconds and can judge
//! the workspace even when the workspace does not build. One module a verb.

mod args;
mod bench;
mod build;
mod cluster;
mod conform;
mod crash;
mod deps;
mod document;
mod failure;
mod fuzz;
mod gen_files;
mod lint;
mod logs_home;
mod packages;
mod portal;
mod proc;
mod repo;
mod rng;
mod say;
mod stats;
mod test;
mod tidy;
mod up;
mod vault_home;
mod web;

use std::process::ExitCode;

use crate::args::Args;
use crate::failure::{Failure, Outcome};

/// One verb of `cargo xtask`.
struct Verb {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "deps",
        usage: "[--yes]",
        about: "install the Debian packages that pgkeep needs, after asking",
        run: deps::run,
    },
    Verb {
        name: "build",
        usage: "",
        about: "build the portal and the release binary, and print where it is",
        run: build::run,
    },
    Verb {
        name: "up",
        usage: "[--yes] [--home DIR] [--port N] [--https-port N] [--no-sample]",
        about: "deps, build, then start pgkeep with its demo server",
        run: up::run_up,
    },
    Verb {
        name: "down",
        usage: "[--home DIR]",
        about: "stop what `up` started",
        run: up::run_down,
    },
    Verb {
        name: "test",
        usage: "[portal] [--yes]",
        about: "the whole test suite, as CI runs it, or the portal's part of it",
        run: test::run,
    },
    Verb {
        name: "lint",
        usage: "",
        about: "rustfmt --check and clippy -D warnings",
        run: lint::run,
    },
    Verb {
        name: "tidy",
        usage: "[--list]",
        about: "check the rules of the house that no compiler checks",
        run: tidy::run,
    },
    Verb {
        name: "gen",
        usage: "[--check] | screenshots [--yes]",
        about: "write the generated files, or say which are stale; or the pictures of docs/guide",
        run: gen_files::run,
    },
    Verb {
        name: "conform",
        usage: "[pjdfstest] [fsx] [regress] [keyvault] [keyvault-fuzz] [api-fuzz] [kql] \
                [lake] [baseline-formats] [baseline-coverage] \
                [baseline-peers] [--yes] [--dir DIR] [--engine plain|pgkeep]",
        about: "run other people's test suites on a mount, a server, the API and others",
        run: conform::run,
    },
    Verb {
        name: "crash",
        usage: "[--rounds N] [--writers N] [--seed S] [--engine NAME] | keyvault [--writes N] \
                | logs [--kills N]",
        about: "kill -9 under load, then look for every acknowledged row, key or event",
        run: crash::run,
    },
    Verb {
        name: "fuzz",
        usage: "[kql_parse] [kql_bind] [kql_truncate] [--seconds N]",
        about: "look for inputs that bring the query language's front end down",
        run: fuzz::run,
    },
    Verb {
        name: "bench",
        usage: "api|at-rest|baseline|engines|keyvault|kql|logs|portal|up [--runs N] \
                [--seconds N] [--clients N]",
        about: "measure, and write the figures to docs/benchmarks.md",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

fn dispatch(words: &[String]) -> Outcome {
    let Some((verb, rest)) = words.split_first() else {
        say::line(&help());
        return Err(Failure::usage("no verb given"));
    };
    if matches!(verb.as_str(), "help" | "--help" | "-h") {
        say::line(&help());
        return Ok(());
    }
    let Some(verb) = VERBS.iter().find(|known| known.name == verb) else {
        return Err(Failure::usage(format!("unknown verb \"{verb}\""))
            .hint("`cargo xtask help` lists the verbs"));
    };
    if Args::asks_for_help(rest) {
        say::line(&format!("cargo xtask {} {}\n\n  {}", verb.name, verb.usage, verb.about));
        return Ok(());
    }
    (verb.run)(rest)
}

fn help() -> String {
    let mut text = String::from("cargo xtask VERB, one of:\n\n");
    for verb in VERBS {
        text += &format!("  {:<8} {}\n", verb.name, verb.about);
        if !verb.usage.is_empty() {
            text += &format!("  {:<8}   {}\n", "", verb.usage);
        }
    }
    text
}
