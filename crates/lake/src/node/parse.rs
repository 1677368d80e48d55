//! `parse` with texts between its captures, without a regular expression.
//!
//! A wildcard takes as little as it can, so each text is looked for from where the one before
//! ended; the last one must stand at the end. That is what the pattern means as an expression,
//! because what matches after a later place of a text also matches after its first one.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanBuilder, RecordBatch, StringViewArray,
};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::StreamExt as _;
use kql::plan::{ParseKind, ParsePart};
use kql::value::{Type, Value, parse_bool, parse_datetime, parse_long, parse_real, parse_timespan};

use super::Node;
use super::exec::{NodeExec, columns};
use crate::data::{Writer, dynamic_of};
use crate::scalar::Finder;

/// Whether a pattern can be cut so.
pub(crate) fn is_plain(kind: ParseKind, pattern: &[ParsePart], types: &[Type]) -> bool {
    // Before `*`, a capture of a type takes what looks like the type.
    let shaped = pattern.windows(2).any(|two| match two {
        [ParsePart::Capture(n), ParsePart::Star] => {
            !matches!(types.get(*n), Some(Type::String | Type::Dynamic))
        }
        _ => false,
    });
    kind != ParseKind::Regex && !shaped && !pattern.is_empty()
}

pub(super) fn stream(
    exec: &NodeExec,
    partition: usize,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let Node::Parse { value, pattern, columns: made, relaxed, only_matching } = &*exec.node else {
        return internal_err!("{} parses nothing", exec.node.name());
    };
    let input = exec.inputs[0].execute(partition, Arc::clone(context))?;
    let parser = Parser {
        at: columns(&input.schema(), std::slice::from_ref(value))?[0],
        parts: parts(pattern),
        types: made.iter().map(|(_, ty)| *ty).collect(),
        relaxed: *relaxed,
        only_matching: *only_matching,
        schema: Arc::clone(&exec.schema),
    };
    let batches = input.map(move |batch| parser.parse(&batch?));
    Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&exec.schema), batches)))
}

/// A part of a pattern, made ready.
enum Part {
    Wild(Option<usize>),
    Text(String, Finder),
}

fn parts(pattern: &[ParsePart]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(pattern.len());
    for part in pattern {
        match part {
            ParsePart::Star => parts.push(Part::Wild(None)),
            ParsePart::Capture(n) => parts.push(Part::Wild(Some(*n))),
            ParsePart::Text(text) if text.is_empty() => {}
            ParsePart::Text(text) => match parts.last_mut() {
                Some(Part::Text(before, finder)) => {
                    before.push_str(text);
                    *finder = Finder::new(before, false);
                }
                _ => parts.push(Part::Text(text.clone(), Finder::new(text, false))),
            },
        }
    }
    parts
}

struct Parser {
    at: usize,
    parts: Vec<Part>,
    types: Vec<Type>,
    relaxed: bool,
    only_matching: bool,
    schema: SchemaRef,
}

impl Parser {
    /// Where the captures are; false where the text does not match.
    fn cut(&self, text: &str, spans: &mut [(usize, usize)]) -> bool {
        let mut at = 0;
        let mut wild: Option<Option<usize>> = None;
        let last = self.parts.len().saturating_sub(1);
        for (n, part) in self.parts.iter().enumerate() {
            match part {
                Part::Wild(capture) => {
                    // Of two wildcards in a row the first takes nothing.
                    if let Some(Some(before)) = wild {
                        spans[before] = (at, at);
                    }
                    wild = Some(*capture);
                }
                Part::Text(needle, finder) => {
                    let found = match (wild, n == last) {
                        (None, false) => text[at..].starts_with(needle).then_some(at),
                        (None, true) => (text[at..] == **needle).then_some(at),
                        (Some(_), true) => {
                            let from = text.len().checked_sub(needle.len());
                            from.filter(|from| *from >= at && text.ends_with(needle))
                        }
                        (Some(_), false) => finder.find(text.as_bytes(), at),
                    };
                    let Some(found) = found else { return false };
                    if let Some(Some(capture)) = wild {
                        spans[capture] = (at, found);
                    }
                    at = found + needle.len();
                    wild = None;
                }
            }
        }
        match wild {
            Some(Some(capture)) => {
                spans[capture] = (at, text.len());
                true
            }
            Some(None) => true,
            None => at == text.len(),
        }
    }

    fn parse(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let texts: &StringViewArray = batch.column(self.at).as_string_view();
        let mut writers: Vec<Writer> =
            self.types.iter().map(|ty| Writer::new(*ty, batch.num_rows())).collect();
        let mut keep = BooleanBuilder::with_capacity(batch.num_rows());
        let mut spans = vec![(0, 0); self.types.len()];
        let mut values: Vec<Value> = Vec::with_capacity(self.types.len());
        let texts_only = self.types.iter().all(|ty| *ty == Type::String);
        for row in 0..batch.num_rows() {
            let text = if texts.is_null(row) { "" } else { texts.value(row) };
            let mut found = self.cut(text, &mut spans);
            if texts_only {
                for (writer, (from, to)) in writers.iter_mut().zip(&spans) {
                    writer.push_text(if found { &text[*from..*to] } else { "" });
                }
            } else {
                values.clear();
                if found {
                    let captured = spans.iter().zip(&self.types);
                    values.extend(captured.map(|(span, ty)| convert(&text[span.0..span.1], *ty)));
                    // One conversion that fails fails them all.
                    found = self.relaxed || !values.iter().any(Value::is_null);
                }
                for (at, writer) in writers.iter_mut().enumerate() {
                    match (found, &values.get(at), self.types[at]) {
                        (true, Some(_), Type::String) => {
                            writer.push_text(&text[spans[at].0..spans[at].1]);
                        }
                        (true, Some(value), _) => writer.push(value),
                        (_, _, ty) => writer.push(&Value::absent(ty)),
                    }
                }
            }
            keep.append_value(found);
        }
        let mut arrays: Vec<ArrayRef> = batch.columns().to_vec();
        arrays.extend(writers.into_iter().map(Writer::finish));
        let made = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        if self.only_matching {
            return Ok(filter_record_batch(&made, &keep.finish())?);
        }
        Ok(made)
    }
}

/// What the conversions of captured text give; strings are written as they stand.
fn convert(text: &str, ty: Type) -> Value {
    match ty {
        Type::String => Value::Bool(true),
        Type::Long => parse_long(text).map_or(Value::Null, Value::Long),
        Type::Int => {
            let n = parse_long(text).and_then(|n| i32::try_from(n).ok());
            n.map_or(Value::Null, Value::Int)
        }
        Type::Real => parse_real(text).map_or(Value::Null, Value::Real),
        Type::Bool => parse_bool(text).map_or(Value::Null, Value::Bool),
        Type::DateTime => parse_datetime(text).map_or(Value::Null, Value::DateTime),
        Type::TimeSpan => parse_timespan(text).map_or(Value::Null, Value::TimeSpan),
        Type::Dynamic => dynamic_of(text),
        ty => Value::text(text).convert(ty),
    }
}
