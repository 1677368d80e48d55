//! Checks against real clusters.

mod content;
mod coverage;
mod dates;
mod examples;
mod feeds;
mod fixes;
mod ground;
mod hba;
mod host;
mod log;
mod paths;
mod plant;
mod report;
mod sample;
