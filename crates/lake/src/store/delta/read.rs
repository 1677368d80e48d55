//! The files of a Delta table for the engine.

use kql::value::{TICKS_PER_MILLISECOND, parse_datetime};

use super::action::{Add, Stats};
use super::log::Log;
use crate::store::error::StoreResult;
use crate::store::shape::{Shape, TIME};
use crate::tables::{Files, Listed, listed};

/// All files of the table.
pub(crate) fn files(log: &Log, shape: &Shape) -> StoreResult<Files> {
    let all: Vec<Listed> = log.files.values().map(|add| one(log, add)).collect();
    Ok(listed(&shape.schema, &all, shape.time)?)
}

fn one(log: &Log, add: &Add) -> Listed {
    Listed {
        path: log.objects.disk().real_path(&log.objects.path(&add.path)),
        size: add.size,
        n_rows: stats_of(add).num_records.and_then(|n| usize::try_from(n).ok()),
        times: times_of(add),
    }
}

fn stats_of(add: &Add) -> Stats {
    add.stats.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Ticks between which the rows of a file lie, where that is known.
pub(super) fn times_of(add: &Add) -> Option<(i64, i64)> {
    let stats = stats_of(add);
    let point = |value: Option<&serde_json::Value>| parse_datetime(value?.as_str()?);
    // Others cut points of time to milliseconds ("Per-file statistics").
    let most = point(stats.max_values.get(TIME)).map(|t| t + TICKS_PER_MILLISECOND);
    point(stats.min_values.get(TIME)).zip(most)
}
