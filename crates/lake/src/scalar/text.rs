//! Functions that make text of text, with constants where that is usual.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, StringViewArray, StringViewBuilder,
};
use datafusion::arrow::datatypes::Int64Type;
use regex::Regex;

/// Longer text is not made: the result is `""`.
const TEXT_MAX_BYTES: usize = 16 << 20;

/// The text in a row; null is `""`.
fn text(texts: &StringViewArray, at: usize) -> &str {
    if texts.is_null(at) { "" } else { texts.value(at) }
}

fn each<'a>(texts: &'a ArrayRef, mut of: impl FnMut(&'a str) -> Cow<'a, str>) -> ArrayRef {
    let texts: &StringViewArray = texts.as_string_view();
    let mut out = StringViewBuilder::with_capacity(texts.len());
    for at in 0..texts.len() {
        out.append_value(of(text(texts, at)));
    }
    Arc::new(out.finish())
}

/// `tolower()`, `toupper()`; what has its case already is handed on.
pub(super) fn case(texts: &ArrayRef, upper: bool) -> ArrayRef {
    each(texts, |text| {
        let other = |b: u8| if upper { b.is_ascii_lowercase() } else { b.is_ascii_uppercase() };
        match (text.is_ascii(), upper) {
            (true, _) if !text.bytes().any(other) => Cow::Borrowed(text),
            (_, true) => Cow::Owned(text.to_uppercase()),
            (_, false) => Cow::Owned(text.to_lowercase()),
        }
    })
}

/// `strlen()`: characters.
pub(super) fn length(texts: &ArrayRef) -> ArrayRef {
    let texts: &StringViewArray = texts.as_string_view();
    let lengths: Int64Array = (0..texts.len())
        .map(|at| {
            let text = text(texts, at);
            let n = if text.is_ascii() { text.len() } else { text.chars().count() };
            Some(n as i64)
        })
        .collect();
    Arc::new(lengths)
}

/// `strcat()` of texts.
pub(super) fn concat(all: &[ArrayRef]) -> ArrayRef {
    let n_rows = all.first().map_or(0, |array| array.len());
    let all: Vec<&StringViewArray> = all.iter().map(|array| array.as_string_view()).collect();
    let mut out = StringViewBuilder::with_capacity(n_rows);
    let mut row = String::new();
    for at in 0..n_rows {
        row.clear();
        for texts in &all {
            row.push_str(text(texts, at));
        }
        out.append_value(if row.len() > TEXT_MAX_BYTES { "" } else { &row });
    }
    Arc::new(out.finish())
}

/// `tostring()` of whole numbers.
pub(super) fn of_long(numbers: &ArrayRef) -> ArrayRef {
    use std::fmt::Write as _;
    let numbers: &Int64Array = numbers.as_primitive::<Int64Type>();
    let mut out = StringViewBuilder::with_capacity(numbers.len());
    let mut row = String::new();
    for number in numbers {
        row.clear();
        if let Some(number) = number {
            let _ = write!(row, "{number}");
        }
        out.append_value(&row);
    }
    Arc::new(out.finish())
}

/// `tostring(split(text, delimiter)[at])`.
pub(super) fn split_at(texts: &ArrayRef, delimiter: &str, at: i64) -> ArrayRef {
    each(texts, |text| {
        let part = if delimiter.is_empty() {
            matches!(at, 0 | -1).then_some(text)
        } else if at >= 0 {
            usize::try_from(at).ok().and_then(|at| text.split(delimiter).nth(at))
        } else {
            // Counted from the end, but cut from the start, as overlapping delimiters show.
            let n = text.split(delimiter).count() as i64 + at;
            usize::try_from(n).ok().and_then(|at| text.split(delimiter).nth(at))
        };
        Cow::Borrowed(part.unwrap_or_default())
    })
}

/// `extract()` of one group as text.
pub(super) fn extract(texts: &ArrayRef, regex: &Regex, group: usize) -> ArrayRef {
    let mut places = regex.capture_locations();
    each(texts, |text| {
        if group == 0 {
            return Cow::Borrowed(regex.find(text).map_or("", |found| found.as_str()));
        }
        let found = regex.captures_read(&mut places, text);
        let span = found.and_then(|_| places.get(group));
        Cow::Borrowed(span.and_then(|(from, to)| text.get(from..to)).unwrap_or_default())
    })
}

/// `substring()` with constants.
pub(super) fn substring(texts: &ArrayRef, start: i64, length: Option<i64>) -> ArrayRef {
    let count = length.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(0));
    each(texts, |text| {
        let n_chars = if text.is_ascii() { text.len() } else { text.chars().count() };
        let skip = if start < 0 {
            let from_end = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
            n_chars.saturating_sub(from_end)
        } else {
            usize::try_from(start).unwrap_or(usize::MAX)
        };
        if skip >= n_chars || count == 0 {
            return Cow::Borrowed("");
        }
        let end = skip.saturating_add(count).min(n_chars);
        if text.is_ascii() {
            return Cow::Borrowed(&text[skip..end]);
        }
        let byte = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
        Cow::Borrowed(&text[byte(skip)..byte(end)])
    })
}
