//! Summaries of many values in little room: how many distinct ones (`hll`), which rank
//! (`tdigest`). Aggregates fill them, scalar functions read them, as dynamic values in between.

pub(crate) mod digest;
pub mod hll;

#[cfg(test)]
mod tests;

/// The hash of Kusto's `hash()`, XXH64 with seed 0.
fn xxh64(bytes: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(0, bytes)
}
