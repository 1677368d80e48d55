//! Summaries of many values in little room: how many distinct ones (`hll`), which rank
//! (`tdigest`). Aggregates fill them, scalar functions read them, as dynamic values in between.

pub(crate) mod digest;
pub(crate) mod hll;
mod xxh64;

#[cfg(test)]
mod tests;

pub(crate) use xxh64::xxh64;
