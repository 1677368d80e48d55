//! Suites of the security baseline: its reports, what it covers, and what other tools say of the
//! same server.

mod coverage;
mod formats;
mod peers;

pub(super) use coverage::run as run_coverage;
pub(super) use formats::run as run_formats;
pub(super) use peers::run as run_peers;
