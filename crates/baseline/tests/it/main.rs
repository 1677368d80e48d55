//! Checks against real clusters.

mod content;
mod examples;
mod fixes;
mod ground;
mod hba;
mod paths;
mod plant;
mod report;
mod sample;
