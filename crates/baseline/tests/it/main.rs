//! Checks against real clusters.

mod content;
mod examples;
mod ground;
mod hba;
mod host;
mod paths;
mod plant;
mod report;
mod sample;
