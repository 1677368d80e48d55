//! What a query takes along to its workers, and which of its steps stay whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{Distribution, ExecutionPlan, ExecutionPlanProperties as _};
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{
    DesiredTaskCountEvent, DesiredTaskCountEventResponse, DesiredTaskCountHandler,
    DistributedExt as _, SessionStateBuilderExt as _, WorkerResolver,
};
use http::{HeaderMap, HeaderValue};
use kql::engine::{self, Cancel};
use serde::{Deserialize, Serialize};
use url::Url;

use super::channel::Resolver;
use super::{Carry, Workers};
use crate::limits::Running;

/// The header with a query's limits.
const HEADER: &str = "x-pgkeep-query";

/// A query's limits on their way.
#[derive(Serialize, Deserialize)]
struct Told {
    rows: usize,
    working_rows: usize,
    bytes: usize,
    milliseconds: u64,
}

/// A session that may give parts of its plans to workers.
pub(crate) fn configure(
    builder: SessionStateBuilder,
    workers: &Workers,
) -> Result<SessionStateBuilder> {
    builder
        .with_distributed_planner()
        .with_distributed_user_codec(Carry)
        .with_distributed_channel_resolver(Resolver(Arc::clone(&workers.channels)))
        .with_distributed_desired_task_count_handler(Whole)
        .with_distributed_file_scan_config_bytes_per_partition(workers.bytes_per_task)?
        .with_distributed_metrics_collection(false)
}

/// A query's own part of that: the workers that are there, and its limits.
pub(crate) fn of_query(
    config: SessionConfig,
    present: Vec<Url>,
    running: &Running,
) -> Result<SessionConfig> {
    let told = Told {
        rows: running.limits.rows,
        working_rows: running.limits.working_rows,
        bytes: running.limits.bytes,
        milliseconds: u64::try_from(running.time_left().as_millis()).unwrap_or(u64::MAX),
    };
    let text = serde_json::to_string(&told).map_err(|e| exec_datafusion_err!("limits: {e}"))?;
    let value = HeaderValue::from_str(&text).map_err(|e| exec_datafusion_err!("limits: {e}"))?;
    let mut headers = HeaderMap::new();
    headers.insert(HEADER, value);
    config
        .with_distributed_worker_resolver(Present(present))
        .with_distributed_passthrough_headers(headers)
}

/// The limits that came along.
pub(super) fn running_of(headers: &HeaderMap) -> Result<Running> {
    let told = headers.get(HEADER).and_then(|value| value.to_str().ok());
    let Some(told) = told else { return exec_err!("a task comes without its query's limits") };
    let told: Told =
        serde_json::from_str(told).map_err(|e| exec_datafusion_err!("limits of a query: {e}"))?;
    let limits = engine::Limits {
        rows: told.rows,
        working_rows: told.working_rows,
        bytes: told.bytes,
        time: Duration::from_millis(told.milliseconds),
    };
    let (started, cancel) = (Instant::now(), Cancel::new());
    Ok(Running { limits, started, cancel, external: Default::default() })
}

struct Present(Vec<Url>);

impl WorkerResolver for Present {
    fn get_urls(&self) -> Result<Vec<Url>> {
        Ok(self.0.clone())
    }
}

/// Keeps a step in one task that wants all rows of a key, or all rows, and has them because what
/// is below has one partition: over several tasks each would see its own part only. Where
/// partitions are brought together below it, the engine begins a new stage there.
struct Whole;

#[async_trait]
impl DesiredTaskCountHandler for Whole {
    async fn handle(
        &self,
        event: DesiredTaskCountEvent<'_>,
    ) -> Option<Result<DesiredTaskCountEventResponse>> {
        stays_whole(event.plan).then(|| Ok(DesiredTaskCountEventResponse::maximum(1)))
    }
}

fn stays_whole(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let wanted = plan.input_distribution_requirements();
    plan.children().into_iter().zip(wanted.per_child_distributions()).any(|(child, wanted)| {
        let free = matches!(wanted, Distribution::UnspecifiedDistribution);
        let together =
            child.is::<CoalescePartitionsExec>() || child.is::<SortPreservingMergeExec>();
        !free && !together && child.output_partitioning().partition_count() == 1
    })
}
