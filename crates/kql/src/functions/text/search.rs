//! Finding text in text: `indexof()`, `countof()`, `has_any_index()`.

use crate::functions::arguments::{array, long, or_null, text};
use crate::functions::operators::{fold, has_term};
use crate::functions::regex::regex;
use crate::functions::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("countof", countof),
    ("has_any_index", has_any_index),
    ("indexof", indexof),
    ("indexof_regex", indexof_regex),
];

/// Bytes that one search may compare: overlapping hits of a long text in itself are a square.
const WORK_MAX: usize = 1 << 31;

/// Hits of plain text may overlap, those of a regular expression do not.
fn countof(arguments: &[Value], _: &Context) -> Value {
    let (source, search) = (text(arguments, 0), text(arguments, 1));
    if text(arguments, 2).eq_ignore_ascii_case("regex") {
        return or_null(regex(&search), |r| Value::Long(r.find_iter(&source).count() as i64));
    }
    let Some(first) = search.chars().next() else { return Value::Long(0) };
    let (mut count, mut from) = (0, 0);
    let mut work = 0;
    while let Some(at) = source[from..].find(&*search) {
        count += 1;
        work += at + search.len();
        if work > WORK_MAX {
            return Value::Null;
        }
        from += at + first.len_utf8();
    }
    Value::Long(count)
}

/// Position of the first item that is in the text as a term, or -1.
fn has_any_index(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    let source = fold(&source);
    let Some(items) = array(arguments, 1) else { return Value::Long(-1) };
    let found = items.iter().position(|item| {
        let needle = Value::of_json(item).to_text();
        has_term(&source, &fold(&needle), true, true)
    });
    Value::Long(found.map_or(-1, |at| at as i64))
}

/// Start, length and occurrence of a search, after the two texts.
struct Range {
    start: usize,
    length: usize,
    occurrence: i64,
}

/// `None` where an argument makes no sense. A negative start counts from the end.
fn range(arguments: &[Value], length: usize) -> Option<Range> {
    let number = |at: usize, default: i64| match arguments.get(at) {
        Some(value) => value.to_long(),
        None => Some(default),
    };
    let (start, limit, occurrence) = (number(2, 0)?, number(3, -1)?, number(4, 1)?);
    if limit < -1 || occurrence < 0 {
        return None;
    }
    let start = if start < 0 {
        let from_end = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        length.saturating_sub(from_end)
    } else {
        usize::try_from(start).unwrap_or(usize::MAX)
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Some(Range { start, length: limit, occurrence: occurrence.max(1) })
}

/// The byte at which a character begins; the end where there are fewer.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// Each further occurrence is looked for in as many characters from behind the one before.
fn indexof(arguments: &[Value], _: &Context) -> Value {
    let (source, needle) = (text(arguments, 0), text(arguments, 1));
    let length = source.chars().count();
    let Some(range) = range(arguments, length) else { return Value::Null };
    if range.start > length {
        return Value::Long(-1);
    }
    let mut from = byte_of(&source, range.start);
    let mut position = range.start;
    let mut work = 0;
    for nth in 1.. {
        let rest = &source[from..];
        work += rest.len().min(range.length) + needle.len();
        if work > WORK_MAX {
            return Value::Null;
        }
        let window = match range.length {
            usize::MAX => rest,
            limit => &rest[..byte_of(rest, limit)],
        };
        let Some(at) = window.find(&*needle) else { return Value::Long(-1) };
        position += rest[..at].chars().count();
        if nth == range.occurrence {
            return Value::Long(position as i64);
        }
        let Some(step) = rest[at..].chars().next() else { return Value::Long(-1) };
        from += at + step.len_utf8();
        position += 1;
    }
    Value::Long(-1)
}

fn indexof_regex(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if long(arguments, 2).is_some_and(|start| start < 0) {
        return Value::Null;
    }
    let Some(range) = range(arguments, source.chars().count()) else { return Value::Null };
    let Some(regex) = regex(&text(arguments, 1)) else { return Value::Null };
    let from = byte_of(&source, range.start);
    let rest = &source[from..];
    let window = match range.length {
        usize::MAX => rest,
        limit => &rest[..byte_of(rest, limit)],
    };
    let nth = usize::try_from(range.occurrence - 1).unwrap_or(usize::MAX);
    match regex.find_iter(window).nth(nth) {
        Some(found) => Value::Long(source[..from + found.start()].chars().count() as i64),
        None => Value::Long(-1),
    }
}
