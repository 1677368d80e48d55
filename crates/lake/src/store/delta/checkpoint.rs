//! Checkpoints: the state of a table at one version as a Parquet file (Delta transaction log
//! protocol, "Checkpoints": classic naming, one part), so that opening reads that and the commits
//! behind it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use datafusion::arrow::json::{LineDelimitedWriter, ReaderBuilder};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use super::action::Action;
use crate::store::error::StoreResult;

/// Rows that are encoded at once.
const BATCH_ROWS: usize = 4096;

/// Encodes actions.
pub(super) fn encode(actions: &[Action]) -> StoreResult<Vec<u8>> {
    let schema = schema();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
    for actions in actions.chunks(BATCH_ROWS) {
        let mut decoder =
            ReaderBuilder::new(Arc::clone(&schema)).with_batch_size(BATCH_ROWS).build_decoder()?;
        decoder.serialize(actions)?;
        if let Some(batch) = decoder.flush()? {
            writer.write(&batch)?;
        }
    }
    Ok(writer.into_inner()?)
}

/// Decodes what [`encode`] or somebody else has written.
pub(super) fn decode(bytes: Vec<u8>) -> StoreResult<Vec<Action>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))?
        .with_batch_size(BATCH_ROWS)
        .build()?;
    let mut actions = Vec::new();
    for batch in reader {
        let mut lines = LineDelimitedWriter::new(Vec::new());
        lines.write(&batch?)?;
        lines.finish()?;
        for line in lines.into_inner().split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
            let action = serde_json::from_slice(line);
            actions
                .push(action.map_err(|e| datafusion::error::DataFusionError::External(e.into()))?);
        }
    }
    Ok(actions)
}

/// "Checkpoint schema".
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let int = |name: &str| Field::new(name, DataType::Int32, true);
    let bool = |name: &str| Field::new(name, DataType::Boolean, true);
    let of =
        |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(fields.into()), true);
    let map = |name: &str| {
        let pair = vec![Field::new("key", DataType::Utf8, false), text("value")];
        let pair = Field::new("key_value", DataType::Struct(pair.into()), false);
        Field::new(name, DataType::Map(Arc::new(pair), false), true)
    };
    let list = |name: &str| Field::new(name, DataType::List(Arc::new(text("element"))), true);
    let add = vec![
        text("path"),
        map("partitionValues"),
        long("size"),
        long("modificationTime"),
        bool("dataChange"),
        text("stats"),
        map("tags"),
    ];
    let remove = vec![
        text("path"),
        long("deletionTimestamp"),
        bool("dataChange"),
        bool("extendedFileMetadata"),
        map("partitionValues"),
        long("size"),
    ];
    let meta = vec![
        text("id"),
        text("name"),
        text("description"),
        of("format", vec![text("provider"), map("options")]),
        text("schemaString"),
        list("partitionColumns"),
        map("configuration"),
        long("createdTime"),
    ];
    let fields = vec![
        of("txn", vec![text("appId"), long("version"), long("lastUpdated")]),
        of("add", add),
        of("remove", remove),
        of("metaData", meta),
        of("protocol", vec![int("minReaderVersion"), int("minWriterVersion")]),
    ];
    Arc::new(ArrowSchema::new_with_metadata(fields, HashMap::new()))
}
