//! The nodes as steps of a physical plan.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties as _,
    InputDistributionRequirements, Partitioning, PlanProperties,
};

use super::{Key, Node, expand, first_rows, parse, row_operator};
use crate::data::arrow_schema;

/// A node over physical inputs.
#[derive(Debug)]
pub(crate) struct NodeExec {
    pub(crate) node: Arc<Node>,
    pub(crate) inputs: Vec<Arc<dyn ExecutionPlan>>,
    pub(crate) schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl NodeExec {
    /// A node over its inputs.
    pub(crate) fn new(node: Arc<Node>, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<Self> {
        let made = arrow_schema(node.makes().into_iter());
        let schema = match inputs.first().filter(|_| node.hands_on()) {
            Some(input) => {
                let fields: Vec<_> =
                    input.schema().fields().iter().chain(made.fields()).cloned().collect();
                Arc::new(Schema::new(fields))
            }
            None => made,
        };
        let partitioning = match &*node {
            Node::FirstRows { .. } | Node::Expand { .. } | Node::Parse { .. } => {
                inputs[0].output_partitioning().clone()
            }
            Node::Operator { by_batch: true, .. } => {
                let n = inputs[0].output_partitioning().partition_count();
                Partitioning::UnknownPartitioning(n)
            }
            Node::Sort { .. } | Node::Operator { .. } | Node::Range { .. } => {
                Partitioning::UnknownPartitioning(1)
            }
        };
        let emission = match &*node {
            Node::FirstRows { .. }
            | Node::Expand { .. }
            | Node::Parse { .. }
            | Node::Range { .. }
            | Node::Operator { by_batch: true, .. } => EmissionType::Incremental,
            Node::Sort { .. } | Node::Operator { .. } => EmissionType::Final,
        };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            partitioning,
            emission,
            Boundedness::Bounded,
        );
        Ok(Self { node, inputs, schema, properties: Arc::new(properties) })
    }
}

/// The columns of these names.
pub(super) fn columns(schema: &Schema, names: &[String]) -> Result<Vec<usize>> {
    names.iter().map(|name| Ok(schema.index_of(name)?)).collect()
}

/// Sort keys over an input.
pub(super) fn ordering(schema: &Schema, keys: &[Key]) -> Result<LexOrdering> {
    let exprs = keys
        .iter()
        .map(|key| {
            let at = schema.index_of(&key.column)?;
            let options = datafusion::arrow::compute::SortOptions {
                descending: key.descending,
                nulls_first: key.nulls_first,
            };
            Ok(PhysicalSortExpr::new(Arc::new(Column::new(&key.column, at)), options))
        })
        .collect::<Result<Vec<_>>>()?;
    match LexOrdering::new(exprs) {
        Some(ordering) => Ok(ordering),
        None => internal_err!("a sort has keys"),
    }
}

impl DisplayAs for NodeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.node.name(), self.node.summary())
    }
}

impl ExecutionPlan for NodeExec {
    fn name(&self) -> &str {
        self.node.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(match &*self.node {
            Node::FirstRows { keys } => {
                let schema = self.inputs[0].schema();
                let key = |name: &String| {
                    let at = schema.index_of(name).ok()?;
                    Some(Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>)
                };
                vec![Distribution::KeyPartitioned(keys.iter().filter_map(key).collect())]
            }
            Node::Expand { .. } | Node::Parse { .. } | Node::Operator { by_batch: true, .. } => {
                vec![Distribution::UnspecifiedDistribution; self.inputs.len()]
            }
            Node::Range { .. } => Vec::new(),
            Node::Sort { .. } | Node::Operator { .. } => {
                vec![Distribution::SinglePartition; self.inputs.len()]
            }
        })
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        match &*self.node {
            Node::Sort { keys, .. } => {
                let ordering = ordering(&self.inputs[0].schema(), keys).ok();
                vec![ordering.map(OrderingRequirements::from)]
            }
            _ => vec![None; self.inputs.len()],
        }
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(Arc::clone(&self.node), inputs)?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        match &*self.node {
            Node::Sort { .. } => self.inputs[0].execute(partition, context),
            Node::FirstRows { keys } => first_rows::stream(self, keys, partition, &context),
            Node::Expand { .. } => expand::stream(self, partition, &context),
            Node::Parse { .. } => parse::stream(self, partition, &context),
            Node::Range { range, .. } => {
                let batch_rows = context.session_config().batch_size();
                Ok(range.stream(Arc::clone(&self.schema), batch_rows))
            }
            Node::Operator { by_batch: true, .. } => {
                row_operator::by_batch(self, partition, &context)
            }
            Node::Operator { .. } => row_operator::stream(self, &context),
        }
    }
}
