//! Tables of CSV files with a header.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use datafusion::arrow::csv::{Reader, ReaderBuilder, reader::Format};
use datafusion::arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::Result as DataFusionResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use kql::plan::{Column, Schema};
use kql::value::{Type, Value, parse_bool, parse_datetime, parse_long, parse_real};

use super::Table;
use crate::data::{Writer, arrow_schema, dynamic_of};
use crate::error::{Error, Result};

const BATCH_ROWS: usize = 4096;

/// Opens a file, finding the types of its columns where `declared` does not say them.
pub(super) fn open(name: &str, path: &Path, declared: Option<&Schema>) -> Result<Table> {
    let fail = |e: datafusion::arrow::error::ArrowError| Error::table(name, e);
    let names = header(path).map_err(|e| Error::table(name, e))?;
    let texts = texts_schema(&names);
    let mut schema: Schema = names.iter().map(|n| Column::new(n, Type::String)).collect();
    let declared_type =
        |name: &str| declared.into_iter().flatten().find(|c| c.name == name).map(|c| c.ty);
    if names.iter().all(|name| declared_type(name).is_some()) {
        for column in &mut schema {
            column.ty = declared_type(&column.name).expect("because all are declared");
        }
    } else {
        let mut guesses = vec![Guess::default(); names.len()];
        for batch in reader(path, &texts).map_err(|e| Error::table(name, e))? {
            for (guess, array) in guesses.iter_mut().zip(batch.map_err(fail)?.columns()) {
                guess.look_at(array);
            }
        }
        for (column, guess) in schema.iter_mut().zip(guesses) {
            column.ty = declared_type(&column.name).unwrap_or_else(|| guess.ty());
        }
    }
    let arrow = arrow_schema(schema.iter().map(|column| (column.name.as_str(), column.ty)));
    let stream = Stream {
        schema: Arc::clone(&arrow),
        types: schema.iter().map(|column| column.ty).collect(),
        texts,
        path: path.to_owned(),
    };
    let provider = StreamingTable::try_new(arrow, vec![Arc::new(stream)])?;
    Ok(Table { schema, provider: Arc::new(provider) })
}

/// Names of the columns; a second use of a name gets a number, an empty one a place.
fn header(
    path: &Path,
) -> std::result::Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let file = BufReader::new(File::open(path)?);
    let (schema, _) = Format::default().with_header(true).infer_schema(file, Some(0))?;
    let mut names: Vec<String> = Vec::with_capacity(schema.fields().len());
    for (at, field) in schema.fields().iter().enumerate() {
        let plain = field.name().trim().trim_start_matches('\u{feff}');
        let plain = if plain.is_empty() { format!("Column{}", at + 1) } else { plain.to_owned() };
        let mut name = plain.clone();
        let mut n = 0;
        while names.contains(&name) {
            n += 1;
            name = format!("{plain}{n}");
        }
        names.push(name);
    }
    Ok(names)
}

fn texts_schema(names: &[String]) -> SchemaRef {
    let fields: Vec<Field> =
        names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    Arc::new(ArrowSchema::new(fields))
}

fn reader(path: &Path, texts: &SchemaRef) -> std::io::Result<Reader<File>> {
    let file = File::open(path)?;
    ReaderBuilder::new(Arc::clone(texts))
        .with_header(true)
        .with_truncated_rows(true)
        .with_batch_size(BATCH_ROWS)
        .build(file)
        .map_err(std::io::Error::other)
}

/// Which types all values seen so far have.
#[derive(Clone)]
struct Guess {
    any: bool,
    long: bool,
    real: bool,
    datetime: bool,
    bool: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self { any: false, long: true, real: true, datetime: true, bool: true }
    }
}

impl Guess {
    fn look_at(&mut self, array: &ArrayRef) {
        let texts = array.as_string::<i32>();
        if !(self.long || self.real || self.datetime || self.bool) {
            return;
        }
        for text in texts.iter().flatten().map(str::trim).filter(|text| !text.is_empty()) {
            self.any = true;
            self.long = self.long && parse_long(text).is_some();
            self.real = self.real && looks_real(text) && parse_real(text).is_some();
            self.datetime = self.datetime && looks_like_date(text);
            let word = !text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
            self.bool = self.bool && word && parse_bool(text).is_some();
        }
    }

    fn ty(&self) -> Type {
        match self {
            Self { any: false, .. } => Type::String,
            Self { long: true, .. } => Type::Long,
            Self { real: true, .. } => Type::Real,
            Self { datetime: true, .. } => Type::DateTime,
            Self { bool: true, .. } => Type::Bool,
            _ => Type::String,
        }
    }
}

/// `NaN` and `inf` are numbers in a query, but words in a file.
fn looks_real(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// A whole date at least; a bare year or number is no date.
fn looks_like_date(text: &str) -> bool {
    let dashes = text.bytes().filter(|b| matches!(b, b'-' | b'/')).count() >= 2;
    dashes && text.len() >= 8 && parse_datetime(text).is_some()
}

#[derive(Debug)]
struct Stream {
    schema: SchemaRef,
    types: Vec<Type>,
    texts: SchemaRef,
    path: PathBuf,
}

impl PartitionStream for Stream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), 2);
        let sender = builder.tx();
        let (schema, types) = (Arc::clone(&self.schema), self.types.clone());
        let (texts, path) = (Arc::clone(&self.texts), self.path.clone());
        builder.spawn_blocking(move || {
            for batch in reader(&path, &texts)? {
                let made = typed(&batch?, &schema, &types);
                if sender.blocking_send(made).is_err() {
                    break;
                }
            }
            Ok(())
        });
        builder.build()
    }
}

fn typed(batch: &RecordBatch, schema: &SchemaRef, types: &[Type]) -> DataFusionResult<RecordBatch> {
    let columns = batch.columns().iter().zip(types).map(|(array, ty)| {
        let mut writer = Writer::new(*ty, array.len());
        for text in array.as_string::<i32>() {
            let text = text.unwrap_or_default();
            writer.push(&match ty {
                Type::String => Value::text(text),
                _ if text.is_empty() => Value::Null,
                Type::Dynamic => dynamic_of(text),
                ty => Value::text(text).convert(*ty),
            });
        }
        writer.finish()
    });
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect())?)
}
