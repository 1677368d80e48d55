//! A table as it was at one moment: the files of its last commit and the hot tail, each row once.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{RecordBatch, new_null_array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::datasource::TableType;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use super::delta::Shown;
use super::shape::Shape;
use super::terms::{Need, Sidecars};
use crate::error::Error;

/// What a query reads; a commit that comes later changes nothing in it.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) shape: Arc<Shape>,
    pub(super) files: Arc<Shown>,
    pub(super) hot: Vec<RecordBatch>,
    pub(super) sidecars: Arc<Sidecars>,
}

impl Snapshot {
    /// The hot tail with the columns that files have.
    fn hot(&self) -> Result<Vec<RecordBatch>> {
        let schema = self.schema();
        let batches = self.hot.iter().map(|batch| {
            let batch = self.shape.conform(batch).map_err(|e| Error::table("of the store", e))?;
            let mut arrays = batch.columns().to_vec();
            for field in schema.fields().iter().skip(arrays.len()) {
                arrays.push(new_null_array(field.data_type(), batch.num_rows()));
            }
            Ok(RecordBatch::try_new(Arc::clone(&schema), arrays)?)
        });
        batches.collect()
    }
}

#[async_trait]
impl TableProvider for Snapshot {
    fn schema(&self) -> SchemaRef {
        self.files.files.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // They choose files and row groups; each row is asked again.
        let support = |filter: &&Expr| match Need::of(&[(*filter).clone()], &self.shape.schema) {
            need if need.is_known() => TableProviderFilterPushDown::Inexact,
            _ => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let need = Need::of(filters, &self.shape.schema);
        let (files, n_rows) = if self.files.asks_far(&need) {
            // Whoever waits for another machine can still be cancelled.
            let (files, sidecars) = (Arc::clone(&self.files), Arc::clone(&self.sidecars));
            let select = move || files.select(&need, &sidecars);
            let selected = tokio::task::spawn_blocking(select).await;
            selected.map_err(|e| exec_datafusion_err!("choosing files was broken off: {e}"))?
        } else {
            self.files.select(&need, &self.sidecars)
        };
        let cold = self.files.files.scan_some(state, projection, files, n_rows, limit)?;
        if self.hot.is_empty() {
            return Ok(cold);
        }
        let hot =
            MemorySourceConfig::try_new_exec(&[self.hot()?], self.schema(), projection.cloned())?;
        UnionExec::try_new(vec![cold, hot])
    }
}
