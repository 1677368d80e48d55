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
    if kind == ParseKind::Regex || pattern.is_empty() {
        return false;
    }
    // Before `*`, a capture of a type takes what looks like the type: here whole numbers behind
    // a text may, where what follows cannot begin inside of them.
    pattern.windows(2).enumerate().all(|(at, two)| {
        let [ParsePart::Capture(n), ParsePart::Star] = two else { return true };
        match types.get(*n) {
            Some(Type::String | Type::Dynamic) => true,
            Some(Type::Int | Type::Long) => {
                let behind = at.checked_sub(1).and_then(|before| pattern.get(before));
                let next = pattern.get(at + 2);
                let free = |text: &str| !text.starts_with(|c: char| !is_outside_number(c));
                matches!(behind, Some(ParsePart::Text(text)) if !text.is_empty())
                    && match next {
                        None => true,
                        Some(ParsePart::Text(text)) => !text.is_empty() && free(text),
                        Some(_) => false,
                    }
            }
            _ => false,
        }
    })
}

/// Whether a character is no part of a whole number or of the space before it.
fn is_outside_number(c: char) -> bool {
    !(c.is_numeric() || c.is_whitespace() || matches!(c, '+' | '-'))
}

/// How long a whole number is that stands at the start of a text: white space, a sign, digits.
/// `None` where there is none.
fn number_length(text: &str) -> Option<usize> {
    let rest = text.trim_start();
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    // Digits of other scripts are digits too, if none that a number has.
    let digits: usize = rest.chars().take_while(|c| c.is_numeric()).map(char::len_utf8).sum();
    (digits > 0).then_some(text.len() - rest.len() + digits)
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
    let types: Vec<Type> = made.iter().map(|(_, ty, _)| *ty).collect();
    let parser = Parser {
        at: columns(&input.schema(), std::slice::from_ref(value))?[0],
        parts: parts(pattern, &types),
        types,
        kept: made.iter().map(|(.., kept)| *kept).collect(),
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
    Text(Needle),
}

/// A text that stands in the pattern.
struct Needle {
    text: String,
    finder: Finder,
    /// A capture that must follow as a whole number, or may where the pattern ends with it
    number: Option<(usize, bool)>,
}

impl Needle {
    fn new(text: String) -> Self {
        Self { finder: Finder::new(&text, false), text, number: None }
    }

    /// Where it is at or after `from`, and where it and its number end.
    fn find(
        &self,
        text: &str,
        mut from: usize,
        spans: &mut [(usize, usize)],
    ) -> Option<(usize, usize)> {
        loop {
            let at = self.finder.find(text.as_bytes(), from)?;
            if let Some(end) = self.end(text, at, spans) {
                return Some((at, end));
            }
            from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }

    /// Where it ends that begins here, its number included.
    fn end(&self, text: &str, at: usize, spans: &mut [(usize, usize)]) -> Option<usize> {
        let end = at + self.text.len();
        let Some((capture, needed)) = self.number else { return Some(end) };
        let length = match (number_length(&text[end..]), needed) {
            (Some(length), _) => length,
            (None, true) => return None,
            (None, false) => 0,
        };
        spans[capture] = (end, end + length);
        Some(end + length)
    }
}

fn parts(pattern: &[ParsePart], types: &[Type]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::with_capacity(pattern.len());
    for (at, part) in pattern.iter().enumerate() {
        match (part, parts.last_mut()) {
            (ParsePart::Capture(n), Some(Part::Text(before)))
                if pattern.get(at + 1) == Some(&ParsePart::Star)
                    && matches!(types.get(*n), Some(Type::Int | Type::Long)) =>
            {
                before.number = Some((*n, at + 2 < pattern.len()));
            }
            (ParsePart::Star, _) => parts.push(Part::Wild(None)),
            (ParsePart::Capture(n), _) => parts.push(Part::Wild(Some(*n))),
            (ParsePart::Text(text), _) if text.is_empty() => {}
            (ParsePart::Text(text), Some(Part::Text(before))) => {
                *before = Needle::new(format!("{}{text}", before.text));
            }
            (ParsePart::Text(text), _) => parts.push(Part::Text(Needle::new(text.clone()))),
        }
    }
    parts
}

struct Parser {
    at: usize,
    parts: Vec<Part>,
    types: Vec<Type>,
    kept: Vec<bool>,
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
                Part::Text(needle) => {
                    let found = match (wild, n == last) {
                        (None, false) if text[at..].starts_with(&needle.text) => {
                            needle.end(text, at, spans).map(|end| (at, end))
                        }
                        (None, false) => None,
                        (None, true) => (text[at..] == needle.text).then_some((at, text.len())),
                        (Some(_), true) => {
                            let from = text.len().checked_sub(needle.text.len());
                            let from =
                                from.filter(|from| *from >= at && text.ends_with(&needle.text));
                            from.map(|from| (from, text.len()))
                        }
                        (Some(_), false) => needle.find(text, at, spans),
                    };
                    let Some((found, end)) = found else { return false };
                    if let Some(Some(capture)) = wild {
                        spans[capture] = (at, found);
                    }
                    at = end;
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
                for ((writer, (from, to)), kept) in writers.iter_mut().zip(&spans).zip(&self.kept) {
                    writer.push_text(if found && *kept { &text[*from..*to] } else { "" });
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
                            let (from, to) = spans[at];
                            writer.push_text(if self.kept[at] { &text[from..to] } else { "" });
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
