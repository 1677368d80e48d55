//! Steps of a physical plan that are ours, and functions, as bytes.
//!
//! The shape is that of DataFusion's composed codecs: the place of the codec in a list, and its
//! bytes. The list has two: the distributed engine's own, and ours. While a plan is encoded, ours
//! is asked first: the engine's says of every function that it needs no bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::memory::DataSourceExec;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, internal_err};
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_distributed::DistributedCodec;
use datafusion_proto::bytes::{
    physical_plan_from_bytes_with_proto_converter, physical_plan_to_bytes_with_proto_converter,
};
use datafusion_proto::physical_plan::{
    ComposedPhysicalExtensionCodec, DeduplicatingProtoConverter, PhysicalExtensionCodec,
    PhysicalProtoConverterExtension,
};
use kql::value::Type;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::once::Scan;
use crate::codec::{decode_aggregate, decode_function, encode_aggregate, encode_function};
use crate::node::{Node, NodeExec};
use crate::stored::{StoredColumns, types_of};

/// Place of the engine's codec in the list.
const ENGINE: u32 = 0;
/// Place of ours.
const OURS: u32 = 1;

/// A step of ours.
#[derive(Serialize, Deserialize)]
enum Step {
    /// A node over its inputs
    Node(Node),
    /// The scan of files below, whose columns have these types
    Scan(BTreeMap<String, Type>),
}

/// Bytes and who made them; the names are those of DataFusion's message.
#[derive(Clone, PartialEq, prost::Message)]
struct Made {
    #[prost(uint32, tag = "1")]
    encoder_position: u32,
    #[prost(bytes, tag = "2")]
    blob: Vec<u8>,
}

fn made(encoder_position: u32, blob: Vec<u8>, buf: &mut Vec<u8>) -> Result<()> {
    let made = Made { encoder_position, blob };
    made.encode(buf).map_err(|e| exec_datafusion_err!("a step has no bytes: {e}"))
}

/// The bytes of a plan that a worker runs.
pub(super) fn bytes_of(plan: Arc<dyn ExecutionPlan>) -> Result<Vec<u8>> {
    let plan = plan.transform_up(with_types).data()?;
    let converter = DeduplicatingProtoConverter::default();
    let bytes = physical_plan_to_bytes_with_proto_converter(plan, &Outbound, &converter)?;
    Ok(bytes.to_vec())
}

/// The plan of bytes that [`bytes_of`] made, as a worker would read them.
pub(crate) fn there_and_back(
    plan: Arc<dyn ExecutionPlan>,
    context: &TaskContext,
) -> Result<Arc<dyn ExecutionPlan>> {
    let bytes = bytes_of(plan)?;
    let codecs: Vec<Arc<dyn PhysicalExtensionCodec>> =
        vec![Arc::new(DistributedCodec), Arc::new(Carry)];
    let codec = ComposedPhysicalExtensionCodec::new(codecs);
    let converter = DeduplicatingProtoConverter::default();
    physical_plan_from_bytes_with_proto_converter(&bytes, context, &codec, &converter)
}

/// A scan's encoding leaves out what its columns are in Kusto's types: a step above says it.
fn with_types(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some((scan, factory)) = plan
        .downcast_ref::<DataSourceExec>()
        .and_then(|exec| exec.data_source().downcast_ref::<FileScanConfig>())
        .and_then(|scan| Some((scan, scan.expr_adapter_factory.as_ref()?)))
    else {
        return Ok(Transformed::no(plan));
    };
    match types_of(factory.as_ref(), scan.file_source().table_schema().table_schema())? {
        Some(types) => Ok(Transformed::yes(Arc::new(Scan::new(types, plan)))),
        None => internal_err!("a scan has types that nobody knows"),
    }
}

/// A scan whose columns have these types.
fn typed(types: BTreeMap<String, Type>, inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Typed> {
    let [input] = inputs else { return internal_err!("a scan stands over one step") };
    let scan = input
        .downcast_ref::<DataSourceExec>()
        .and_then(|exec| exec.data_source().downcast_ref::<FileScanConfig>());
    let Some(scan) = scan else { return internal_err!("types stand over something else") };
    let types = StoredColumns(Arc::new(types.into_iter().collect()));
    let config =
        FileScanConfigBuilder::from(scan.clone()).with_expr_adapter(Some(Arc::new(types))).build();
    Ok(DataSourceExec::from_data_source(config))
}

type Typed = Arc<DataSourceExec>;

fn step_of(node: &Arc<dyn ExecutionPlan>) -> Option<Step> {
    if let Some(ours) = node.downcast_ref::<NodeExec>() {
        return Some(Step::Node(Node::clone(&ours.node)));
    }
    node.downcast_ref::<Scan>().map(|scan| Step::Scan(scan.types.clone()))
}

/// Our codec, as a worker has it.
#[derive(Debug)]
pub(crate) struct Carry;

impl PhysicalExtensionCodec for Carry {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let step: Step = serde_json::from_slice(buf)
            .map_err(|e| exec_datafusion_err!("no step of ours: {e}"))?;
        match step {
            Step::Node(node) => Ok(Arc::new(NodeExec::new(Arc::new(node), inputs.to_vec())?)),
            Step::Scan(types) => Ok(typed(types, inputs)?),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(step) = step_of(&node) else {
            return Err(DataFusionError::NotImplemented(format!(
                "the step {} cannot run on a worker",
                node.name()
            )));
        };
        let writing = serde_json::to_writer(buf, &step);
        writing.map_err(|e| exec_datafusion_err!("a step has no text: {e}"))
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        Ok(Arc::new(decode_function(name, buf)?))
    }

    fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> Result<Arc<AggregateUDF>> {
        Ok(Arc::new(decode_aggregate(name, buf)?))
    }
}

/// Encodes with the one of both codecs that knows the part.
#[derive(Debug)]
struct Outbound;

impl PhysicalExtensionCodec for Outbound {
    fn try_decode(
        &self,
        _: &[u8],
        _: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        internal_err!("a plan on its way out is not read")
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let mut blob = Vec::new();
        if step_of(&node).is_some() {
            Carry.try_encode(node, &mut blob, converter)?;
            return made(OURS, blob, buf);
        }
        DistributedCodec.try_encode(node, &mut blob, converter)?;
        made(ENGINE, blob, buf)
    }

    fn try_encode_udf(&self, udf: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
        match encode_function(udf)? {
            Some(blob) => made(OURS, blob, buf),
            None => Ok(()),
        }
    }

    fn try_encode_udaf(&self, udf: &AggregateUDF, buf: &mut Vec<u8>) -> Result<()> {
        match encode_aggregate(udf) {
            Some(blob) => made(OURS, blob, buf),
            None => Ok(()),
        }
    }
}
