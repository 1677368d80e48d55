//! `cargo xtask bench`: figures that anyone can make again.

mod api;
mod at_rest;
mod baseline;
mod engines;
mod keyvault;
mod kql;
mod logs;
mod logs_load;
mod machine;
mod pgbench;
mod portal;
mod side;
mod table;
mod up;
mod workers;

use crate::failure::{Failure, Outcome};

pub(crate) fn run(raw: &[String]) -> Outcome {
    match raw.split_first() {
        Some((what, rest)) if what == "at-rest" => at_rest::run(rest),
        Some((what, rest)) if what == "baseline" => baseline::run(rest),
        Some((what, rest)) if what == "engines" => engines::run(rest),
        Some((what, rest)) if what == "up" => up::run(rest),
        Some((what, rest)) if what == "keyvault" => keyvault::run(rest),
        Some((what, rest)) if what == "kql" => kql::run(rest),
        Some((what, rest)) if what == "logs" => logs::run(rest),
        Some((what, rest)) if what == "api" => api::run(rest),
        Some((what, rest)) if what == "workers" => workers::run(rest),
        Some((what, rest)) if what == "portal" => portal::run(rest),
        _ => Err(Failure::usage(
            "say what to measure: api, at-rest, baseline, engines, keyvault, kql, logs, portal, up \
             or workers",
        )),
    }
}
