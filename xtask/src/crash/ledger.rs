//! What was acknowledged, and the comparison with what is there after a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cluster::Server;
use crate::failure::{Failure, Outcome};

/// Tables of the harness. `account` is changed in the same transaction that adds to `ledger`, so
/// that updates in place, heap-only tuples and index growth all take part.
pub(super) const SCHEMA: &str = "
CREATE TABLE ledger (writer int, seq bigint, pad text, PRIMARY KEY (writer, seq));
CREATE INDEX ledger_pad ON ledger (md5(pad));
CREATE TABLE account (id int PRIMARY KEY, n_hits bigint NOT NULL, pad text) WITH (fillfactor = 80);
INSERT INTO account SELECT i, 0, repeat('x', 100) FROM generate_series(1, 20000) i;
CREATE SEQUENCE churn_number;
CREATE EXTENSION amcheck;
";

/// The highest sequence number that each writer saw acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    acknowledged: Vec<Arc<AtomicU64>>,
}

impl Ledger {
    /// Nothing written yet.
    pub(super) fn new(n_writers: usize) -> Self {
        let acknowledged = (0..n_writers).map(|_| Arc::new(AtomicU64::new(0))).collect();
        Self { acknowledged }
    }

    /// The counters, one a writer.
    pub(super) fn counters(&self) -> &[Arc<AtomicU64>] {
        &self.acknowledged
    }

    /// All rows that were acknowledged.
    pub(super) fn total(&self) -> u64 {
        self.acknowledged.iter().map(|counter| counter.load(Ordering::SeqCst)).sum()
    }

    /// Compares with the database. A commit in flight at the crash may have happened or not, so
    /// one row more than acknowledged is right; it counts as acknowledged from now on.
    pub(super) fn compare(&self, server: &Server) -> Outcome {
        let rows = server.sql(
            "SELECT writer, count(*), max(seq), min(seq), count(DISTINCT seq),
                    bool_and(pad = repeat(md5(writer || '-' || seq), 1 + (seq % 40)::int))
             FROM ledger GROUP BY writer ORDER BY writer",
        )?;
        let mut found = vec![0; self.acknowledged.len()];
        for row in rows.lines() {
            let (writer, n_rows) = judge_row(row)?;
            let slot = usize::try_from(writer).ok().and_then(|at| found.get_mut(at));
            *slot.ok_or_else(|| Failure::gate(format!("unknown writer {writer}")))? = n_rows;
        }
        for (writer, (counter, n_rows)) in self.acknowledged.iter().zip(&found).enumerate() {
            let acknowledged = counter.load(Ordering::SeqCst);
            if *n_rows < acknowledged {
                return Err(Failure::gate("acknowledged rows are lost").detail(format!(
                    "writer {writer}: {acknowledged} acknowledged, {n_rows} found"
                )));
            }
            if *n_rows > acknowledged + 1 {
                return Err(Failure::gate("there are rows that nobody wrote").detail(format!(
                    "writer {writer}: {acknowledged} acknowledged, {n_rows} found"
                )));
            }
            counter.store(*n_rows, Ordering::SeqCst);
        }
        let sums = server.sql(
            "SELECT (SELECT sum(n_hits) FROM account) = (SELECT count(*) FROM ledger),
                    (SELECT count(*) FROM account)",
        )?;
        if sums != "t|20000" {
            return Err(Failure::gate("the two tables of one transaction disagree").detail(sums));
        }
        Ok(())
    }
}

/// Judges `writer|count|max|min|distinct|pads` and answers writer and count.
fn judge_row(row: &str) -> Outcome<(u64, u64)> {
    let fields: Vec<&str> = row.split('|').collect();
    let numbers: Vec<u64> = fields.iter().filter_map(|field| field.parse().ok()).collect();
    match (numbers.as_slice(), fields.last()) {
        ([writer, count, max, 1, distinct], Some(&"t")) if max == count && distinct == count => {
            Ok((*writer, *count))
        }
        _ => Err(Failure::gate("the rows of a writer are not what it wrote").detail(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::judge_row;

    #[test]
    fn accepts_an_unbroken_run() {
        assert_eq!(judge_row("2|10|10|1|10|t").unwrap(), (2, 10));
    }

    #[test]
    fn refuses_gaps_doubles_and_wrong_text() {
        for row in ["2|9|10|1|9|t", "2|10|10|1|9|t", "2|10|10|1|10|f", "2|10|11|2|10|t", ""] {
            assert!(judge_row(row).is_err(), "{row}");
        }
    }
}
