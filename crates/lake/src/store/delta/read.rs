//! The files of a Delta table for the engine.

use datafusion::common::stats::Precision;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use kql::value::{TICKS_PER_MILLISECOND, parse_datetime};

use super::action::{Add, Stats};
use super::log::Log;
use super::objects::Objects;
use crate::store::error::StoreResult;
use crate::store::shape::{Shape, TIME};
use crate::store::terms::{Need, SIDECAR_MOST, Sidecar, sidecar_name};
use crate::tables::{Files, Listed, listed};

/// The files of a table as they are seen.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) files: Files,
    /// What is known of each, in their order
    known: Vec<Known>,
    objects: Objects,
}

#[derive(Debug)]
struct Known {
    name: String,
    size: u64,
    n_rows: Option<usize>,
    times: Option<(i64, i64)>,
}

/// All files of the table.
pub(crate) fn files(log: &Log, shape: &Shape) -> StoreResult<Shown> {
    let known: Vec<Known> = log.files.values().map(known).collect();
    let listed_of = |file: &Known| Listed {
        path: log.objects.disk().real_path(&log.objects.path(&file.name)),
        size: file.size,
        n_rows: file.n_rows,
        times: file.times,
    };
    let all: Vec<Listed> = known.iter().map(listed_of).collect();
    let files = listed(&shape.schema, &all, shape.time)?;
    Ok(Shown { files, known, objects: log.objects.clone() })
}

fn known(add: &Add) -> Known {
    Known { name: add.path.clone(), size: add.size, n_rows: n_rows_of(add), times: times_of(add) }
}

impl Shown {
    /// The files that may have rows that are needed, and how many rows they have; of a file, the
    /// row groups that may.
    pub(crate) fn select(&self, need: &Need) -> (Vec<PartitionedFile>, Precision<usize>) {
        if !need.is_known() {
            return (self.files.all().to_vec(), self.files.n_rows());
        }
        let is_asked = need.has_terms();
        let chosen = self.files.all().iter().zip(&self.known).filter_map(|(file, known)| {
            if !need.may(known.times, |_| true) {
                return None;
            }
            let Some(sidecar) = is_asked.then(|| self.sidecar(known)).flatten() else {
                return Some(file.clone());
            };
            let groups = sidecar.groups(need);
            if groups.iter().all(|may| *may) {
                return Some(file.clone());
            }
            let access =
                |may: &bool| if *may { RowGroupAccess::Scan } else { RowGroupAccess::Skip };
            let plan = ParquetAccessPlan::new(groups.iter().map(access).collect());
            groups.contains(&true).then(|| file.clone().with_extension(plan))
        });
        (chosen.collect(), self.files.n_rows().to_inexact())
    }

    /// The side-car of a file, where it is there and whole.
    fn sidecar(&self, file: &Known) -> Option<Sidecar> {
        let path = self.objects.path(&sidecar_name(&file.name));
        let bytes = self.objects.disk().read(&path, SIDECAR_MOST).ok()?;
        Sidecar::read(&bytes, file.size, file.n_rows? as u64)
    }
}

/// How many rows a file has, where that is known.
pub(crate) fn n_rows_of(add: &Add) -> Option<usize> {
    stats_of(add).num_records.and_then(|n| usize::try_from(n).ok())
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
