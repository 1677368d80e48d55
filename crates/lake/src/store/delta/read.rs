//! The files of a Delta table for the engine.

use std::io;
use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use kql::value::{TICKS_PER_MILLISECOND, parse_datetime};

use super::action::{Add, Stats};
use super::log::Log;
use super::objects::Objects;
use super::write::TAIL;
use crate::store::error::StoreResult;
use crate::store::shape::{Shape, TIME};
use crate::store::terms::{Need, SIDECAR_MOST, Sidecar, Sidecars, sidecar_name};
use crate::tables::{Files, Listed, listed};

/// Side-cars that are read before any is looked at: a bound on what is in memory.
const SIDECARS_AT_ONCE: usize = 16;

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
    tail_bytes: Option<usize>,
    times: Option<(i64, i64)>,
}

/// All files of the table.
pub(crate) fn files(log: &Log, shape: &Shape) -> StoreResult<Shown> {
    let known: Vec<Known> = log.files.values().map(known).collect();
    let place = log.objects.place();
    let listed_of = |file: &Known| Listed {
        lies: place.lies(&log.objects.path(&file.name)),
        size: file.size,
        n_rows: file.n_rows,
        tail_bytes: file.tail_bytes,
        times: file.times,
    };
    let all: Vec<Listed> = known.iter().map(listed_of).collect();
    let lies_at = place.engine().map(|reading| reading.url);
    let files = listed(&shape.schema, &all, shape.time, lies_at)?;
    Ok(Shown { files, known, objects: log.objects.clone() })
}

fn known(add: &Add) -> Known {
    Known {
        name: add.path.clone(),
        size: add.size,
        n_rows: n_rows_of(add),
        tail_bytes: tail_bytes_of(add),
        times: times_of(add),
    }
}

impl Shown {
    /// Whether choosing files reads side-cars from another machine.
    pub(crate) fn asks_far(&self, need: &Need) -> bool {
        need.has_terms() && self.objects.place().url().is_some()
    }

    /// The files that may have rows that are needed, and how many rows they have; of a file, the
    /// row groups that may.
    pub(crate) fn select(
        &self,
        need: &Need,
        cache: &Sidecars,
    ) -> (Vec<PartitionedFile>, Precision<usize>) {
        if !need.is_known() {
            return (self.files.all().to_vec(), self.files.n_rows());
        }
        let files = self.files.all().iter().zip(&self.known);
        let in_time: Vec<(&PartitionedFile, &Known)> =
            files.filter(|(_, known)| need.may(known.times, |_| true)).collect();
        let sidecars = match need.has_terms() {
            true => self.sidecars(&in_time, cache),
            false => vec![None; in_time.len()],
        };
        let chosen = in_time.into_iter().zip(sidecars).filter_map(|((file, _), sidecar)| {
            let Some(sidecar) = sidecar else { return Some(file.clone()) };
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

    /// The side-cars of files, where they are there and whole.
    fn sidecars(
        &self,
        files: &[(&PartitionedFile, &Known)],
        cache: &Sidecars,
    ) -> Vec<Option<Arc<Sidecar>>> {
        let path = |known: &Known| self.objects.path(&sidecar_name(&known.name));
        let mut found: Vec<Option<Option<Arc<Sidecar>>>> =
            files.iter().map(|(_, known)| cache.known(&path(known), known.size)).collect();
        let absent: Vec<usize> = (0..files.len()).filter(|at| found[*at].is_none()).collect();
        for at_once in absent.chunks(SIDECARS_AT_ONCE) {
            let paths: Vec<String> = at_once.iter().map(|at| path(files[*at].1)).collect();
            let read = self.objects.place().read_all(&paths, SIDECAR_MOST);
            for ((at, path), read) in at_once.iter().zip(&paths).zip(read) {
                let known = files[*at].1;
                let (sidecar, len) = match read {
                    Ok(bytes) => (known.sidecar(&bytes), bytes.len()),
                    Err(e) if e.kind() == io::ErrorKind::NotFound => (None, 0),
                    // It excludes nothing, and is asked for again: the file itself is read, and
                    // whoever cannot read that either gets the error.
                    Err(_) => continue,
                };
                cache.keep(path, known.size, sidecar.clone(), len);
                found[*at] = Some(sidecar);
            }
        }
        found.into_iter().map(Option::flatten).collect()
    }
}

impl Known {
    fn sidecar(&self, bytes: &[u8]) -> Option<Arc<Sidecar>> {
        Sidecar::read(bytes, self.size, self.n_rows? as u64).map(Arc::new)
    }
}

/// Bytes at the end of a file that say where everything in it is, where the log knows.
fn tail_bytes_of(add: &Add) -> Option<usize> {
    add.tags.as_ref()?.get(TAIL)?.as_deref()?.parse().ok()
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
