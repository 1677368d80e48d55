//! How much the store takes, and how often it commits.

use std::time::Duration;

/// Limits of a store.
#[derive(Debug, Clone)]
pub struct StoreLimits {
    /// A segment of the write-ahead log is closed when it is longer
    pub segment_bytes: u64,
    /// Bytes of one append, encoded
    pub append_bytes: usize,
    /// Bytes that wait for the next write of the log
    pub waiting_bytes: usize,
    /// Bytes of a table's rows in memory; beyond it appends are refused
    pub hot_bytes: usize,
    /// A table is committed when its rows in memory are more
    pub commit_bytes: usize,
    /// A table is committed when its oldest row in memory is older
    pub commit_interval: Duration,
    /// Days that the rows of a table in memory may fall on; each makes a file of its own
    pub days: usize,
    /// The longest file that others are merged into; those of half of it stay as they are
    pub merge_bytes: u64,
    /// So many small files of a day are merged; fewer when the day is over
    pub merge_files: usize,
    /// So long a file that is no part of a table any more stays for those who read it
    pub file_retention: Duration,
    /// Time between two looks whether files of a table should be merged or removed
    pub tend_interval: Duration,
    /// Rows of a Parquet row group
    pub group_rows: usize,
    /// Commits of a table between two checkpoints of its log
    pub checkpoint_commits: u64,
    /// So long the log of a table keeps versions that others can go back to
    pub log_retention: Duration,
    /// Files of so many rows and more get a side-car that says which terms their texts have
    pub term_rows: usize,
    /// Bytes of side-cars that are kept in memory for the next query
    pub sidecar_bytes: usize,
    /// Tables
    pub tables: usize,
    /// Columns of a table
    pub columns: usize,
    /// Sources that have marks
    pub sources: usize,
    /// A damaged write-ahead log opens for reading only instead of not at all
    pub read_damaged: bool,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            append_bytes: 16 << 20,
            waiting_bytes: 64 << 20,
            hot_bytes: 256 << 20,
            commit_bytes: 128 << 20,
            commit_interval: Duration::from_secs(60),
            days: 400,
            merge_bytes: 256 << 20,
            merge_files: 8,
            file_retention: Duration::from_secs(7 * 86400),
            tend_interval: Duration::from_secs(60),
            group_rows: 128 << 10,
            checkpoint_commits: 10,
            log_retention: Duration::from_secs(30 * 86400),
            term_rows: 16 << 10,
            sidecar_bytes: 64 << 20,
            tables: 1000,
            columns: 1000,
            sources: 10_000,
            read_damaged: false,
        }
    }
}
