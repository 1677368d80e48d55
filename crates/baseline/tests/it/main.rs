//! Checks against real clusters.

mod content;
mod coverage;
mod examples;
mod ground;
mod hba;
mod paths;
mod report;
mod sample;
