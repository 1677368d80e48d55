//! Tables of Parquet files, read in place.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result as DataFusionResult, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::object_store::path::Path as StorePath;
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::basic::LogicalType;
use datafusion::physical_plan::ExecutionPlan;
use kql::plan::{Column, Schema};
use kql::value::Type;

use super::Table;
use crate::data::arrow_schema;
use crate::error::{Error, Result};
use crate::store::Where;
use crate::stored::{StoredColumns, is_nested, natural_type};

/// The name of a column that no file has and no query reads.
const NOWHERE: &str = "#nowhere";
/// Bytes of a row, decompressed, from which on it pays to decode the columns of a filter first and
/// of the others only the rows that it keeps. Skipping rows of narrow columns costs more than
/// decoding them.
const WIDE_ROW_BYTES: u64 = 64;

/// Opens the files' footers and brings their columns together.
pub(super) fn open(name: &str, paths: &[PathBuf], declared: Option<&Schema>) -> Result<Table> {
    let mut found = Found::default();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.push(found.file(path).map_err(|e| Error::table(name, e))?);
    }
    let schema = found.schema(declared);
    let n_rows = Precision::Exact(found.n_rows);
    let bytes = schema.iter().map(|column| found.bytes_of(&column.name)).collect();
    let made = Files::new(&schema, files, n_rows, found.nested);
    let provider = Files { bytes: Some(bytes), ..made };
    Ok(Table { schema, provider: Arc::new(provider) })
}

/// A file whose footer need not be read to know what is in it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) lies: Where,
    pub(crate) size: u64,
    pub(crate) n_rows: Option<usize>,
    /// Bytes at its end that say where everything is, where that is known
    pub(crate) tail_bytes: Option<usize>,
    /// The least and the greatest that the column of times may have, in ticks
    pub(crate) times: Option<(i64, i64)>,
}

/// The provider of files that somebody else keeps a list of, none of them with nested columns;
/// `time` is where the column of times is. Objects are in the store that `lies_at` stands for.
pub(crate) fn listed(
    schema: &Schema,
    files: &[Listed],
    time: usize,
    lies_at: Option<ObjectStoreUrl>,
) -> DataFusionResult<Files> {
    let all = files.iter().map(|file| file.n_rows).sum::<Option<usize>>();
    let n_rows = all.map_or(Precision::Absent, Precision::Exact);
    let mut made = Files::new(schema, Vec::with_capacity(files.len()), n_rows, false);
    made.lies_at = lies_at.unwrap_or(made.lies_at);
    for file in files {
        let path = match &file.lies {
            Where::File(path) => StorePath::from_absolute_path(path)?.to_string(),
            Where::Object(name) => name.clone(),
        };
        let mut one = PartitionedFile::new(path, file.size);
        if let Some(bytes) = file.tail_bytes {
            one = one.with_metadata_size_hint(bytes);
        }
        if let Some((least, most)) = file.times {
            let mut statistics = Statistics::new_unknown(&made.schema);
            let times = &mut statistics.column_statistics[time];
            times.min_value = Precision::Inexact(ScalarValue::Int64(Some(least)));
            times.max_value = Precision::Inexact(ScalarValue::Int64(Some(most)));
            one = one.with_statistics(Arc::new(statistics));
        }
        made.files.push(one);
    }
    Ok(made)
}

/// What the footers say.
#[derive(Default)]
struct Found {
    columns: Vec<Column>,
    places: HashMap<String, usize>,
    /// Bytes of each column, decompressed
    bytes: HashMap<String, u64>,
    n_rows: usize,
    nested: bool,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

impl Found {
    fn file(&mut self, path: &Path) -> Result<PartitionedFile, AnyError> {
        let path = path.canonicalize()?;
        let file = File::open(&path)?;
        let size = file.metadata()?.len();
        let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
        let meta = footer.metadata().file_metadata();
        self.n_rows += usize::try_from(meta.num_rows()).unwrap_or(0);
        let stored = meta.schema_descr().root_schema().get_fields();
        for (field, stored) in footer.schema().fields().iter().zip(stored) {
            let is_json = stored.get_basic_info().logical_type_ref() == Some(&LogicalType::Json);
            self.nested |= is_nested(field.data_type());
            let ty = if is_json { Type::Dynamic } else { natural_type(field.data_type()) };
            self.column(field.name(), ty);
        }
        for chunk in footer.metadata().row_groups().iter().flat_map(|group| group.columns()) {
            let n_bytes = u64::try_from(chunk.uncompressed_size()).unwrap_or(0);
            if let Some(name) = chunk.column_path().parts().first() {
                *self.bytes.entry(name.clone()).or_default() += n_bytes;
            }
        }
        let store_path = StorePath::from_absolute_path(&path)?;
        Ok(PartitionedFile::new(store_path.to_string(), size))
    }

    /// A column of one file; where files differ, the type is the one that shows both.
    fn column(&mut self, name: &str, ty: Type) {
        let Some(&at) = self.places.get(name) else {
            self.places.insert(name.to_owned(), self.columns.len());
            self.columns.push(Column::new(name, ty));
            return;
        };
        let known = &mut self.columns[at].ty;
        *known = match (*known, ty) {
            (a, b) if a == b => a,
            (Type::Int, Type::Long) | (Type::Long, Type::Int) => Type::Long,
            (a, b) if a.is_number() && b.is_number() => Type::Real,
            _ => Type::String,
        };
    }

    fn bytes_of(&self, name: &str) -> u64 {
        self.bytes.get(name).copied().unwrap_or(0)
    }

    fn schema(&self, declared: Option<&Schema>) -> Schema {
        let mut schema = self.columns.clone();
        for column in declared.into_iter().flatten() {
            match self.places.get(&column.name) {
                Some(&at) => schema[at].ty = column.ty,
                None => schema.push(column.clone()),
            }
        }
        schema
    }
}

/// Parquet files as one table. Its last column is one that no query reads.
#[derive(Debug)]
pub(crate) struct Files {
    schema: SchemaRef,
    types: StoredColumns,
    files: Vec<PartitionedFile>,
    n_rows: Precision<usize>,
    /// Bytes of each column, decompressed, where they are known
    bytes: Option<Vec<u64>>,
    /// Whether a column has parts of its own: then no filter may be handed to the decoder, which
    /// would silently leave out those on such columns
    nested: bool,
    /// Where they lie
    lies_at: ObjectStoreUrl,
}

impl Files {
    fn new(
        schema: &Schema,
        files: Vec<PartitionedFile>,
        n_rows: Precision<usize>,
        nested: bool,
    ) -> Self {
        let types = schema.iter().map(|column| (column.name.clone(), column.ty)).collect();
        // Where a file's schema is the table's, DataFusion asks no adapter; but nulls in strings
        // and text in dynamics need it even then. A column that no file has makes them differ
        // always.
        let columns = schema.iter().map(|column| (column.name.as_str(), column.ty));
        let schema = arrow_schema(columns.chain([(NOWHERE, Type::Bool)]));
        let types = StoredColumns(Arc::new(types));
        let lies_at = ObjectStoreUrl::local_filesystem();
        Self { schema, types, files, n_rows, bytes: None, nested, lies_at }
    }

    /// Whether rows of these columns are so wide that filters go to the decoder.
    fn is_wide(&self, columns: Option<&Vec<usize>>) -> bool {
        let (Some(bytes), Precision::Exact(n_rows)) = (&self.bytes, self.n_rows) else {
            return true;
        };
        let bytes_of = |at: &usize| bytes.get(*at).copied().unwrap_or(0);
        let bytes: u64 = match columns {
            Some(columns) => columns.iter().map(bytes_of).sum(),
            None => bytes.iter().sum(),
        };
        bytes / u64::try_from(n_rows.max(1)).unwrap_or(u64::MAX) >= WIDE_ROW_BYTES
    }
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        let unknown = Statistics::new_unknown(&self.schema);
        Some(unknown.with_num_rows(self.n_rows))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let n_rows = self.n_rows;
        self.scan_some(state, projection, self.files.clone(), n_rows, limit)
    }
}

impl Files {
    /// All of them.
    pub(crate) fn all(&self) -> &[PartitionedFile] {
        &self.files
    }

    /// How many rows all of them have.
    pub(crate) fn n_rows(&self) -> Precision<usize> {
        self.n_rows
    }

    /// Reads some of them, which have so many rows.
    pub(crate) fn scan_some(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        files: Vec<PartitionedFile>,
        n_rows: Precision<usize>,
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source = ParquetSource::new(TableSchema::from(self.schema()))
            .with_table_parquet_options(options)
            .with_pushdown_filters(!self.nested && self.is_wide(projection))
            .with_reorder_filters(true)
            .with_enable_page_index(true)
            .with_bloom_filter_on_read(true);
        let group = FileGroup::new(files);
        let config = FileScanConfigBuilder::new(self.lies_at.clone(), Arc::new(source))
            .with_file_groups(vec![group])
            .with_statistics(Statistics::new_unknown(&self.schema).with_num_rows(n_rows))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(self.types.clone())))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
