//! `cargo xtask bench`: figures that anyone can make again.

mod at_rest;
mod keyvault;
mod machine;
mod pgbench;
mod table;
mod up;

use crate::failure::{Failure, Outcome};

pub(crate) fn run(raw: &[String]) -> Outcome {
    match raw.split_first() {
        Some((what, rest)) if what == "at-rest" => at_rest::run(rest),
        Some((what, rest)) if what == "up" => up::run(rest),
        Some((what, rest)) if what == "keyvault" => keyvault::run(rest),
        _ => Err(Failure::usage("say what to measure: at-rest, keyvault or up")),
    }
}
