//! The operators on text: `has`, `contains`, `startswith`, `endswith` and their like,
//! `matches regex` and `like` (Kusto page "string operators").
//!
//! A term is a maximal run of letters and digits of any script. All are total: a null side makes
//! them false and their negation true.

use std::borrow::Cow;

use crate::functions::regex::regex;
use crate::functions::{Context, Scalar, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("has", |a, c| fold_test(a, c, has)),
    ("has_cs", |a, c| test(a, c, has)),
    ("!has", |a, c| not(a, c, |a, c| fold_test(a, c, has))),
    ("!has_cs", |a, c| not(a, c, |a, c| test(a, c, has))),
    ("hasprefix", |a, c| fold_test(a, c, has_prefix)),
    ("hasprefix_cs", |a, c| test(a, c, has_prefix)),
    ("!hasprefix", |a, c| not(a, c, |a, c| fold_test(a, c, has_prefix))),
    ("!hasprefix_cs", |a, c| not(a, c, |a, c| test(a, c, has_prefix))),
    ("hassuffix", |a, c| fold_test(a, c, has_suffix)),
    ("hassuffix_cs", |a, c| test(a, c, has_suffix)),
    ("!hassuffix", |a, c| not(a, c, |a, c| fold_test(a, c, has_suffix))),
    ("!hassuffix_cs", |a, c| not(a, c, |a, c| test(a, c, has_suffix))),
    ("contains", |a, c| fold_test(a, c, |s, n| s.contains(n))),
    ("contains_cs", |a, c| test(a, c, |s, n| s.contains(n))),
    ("!contains", |a, c| not(a, c, |a, c| fold_test(a, c, |s, n| s.contains(n)))),
    ("!contains_cs", |a, c| not(a, c, |a, c| test(a, c, |s, n| s.contains(n)))),
    ("startswith", |a, c| fold_test(a, c, |s, n| s.starts_with(n))),
    ("startswith_cs", |a, c| test(a, c, |s, n| s.starts_with(n))),
    ("!startswith", |a, c| not(a, c, |a, c| fold_test(a, c, |s, n| s.starts_with(n)))),
    ("!startswith_cs", |a, c| not(a, c, |a, c| test(a, c, |s, n| s.starts_with(n)))),
    ("endswith", |a, c| fold_test(a, c, |s, n| s.ends_with(n))),
    ("endswith_cs", |a, c| test(a, c, |s, n| s.ends_with(n))),
    ("!endswith", |a, c| not(a, c, |a, c| fold_test(a, c, |s, n| s.ends_with(n)))),
    ("!endswith_cs", |a, c| not(a, c, |a, c| test(a, c, |s, n| s.ends_with(n)))),
    ("matches regex", |a, c| test(a, c, |s, n| regex(n).is_some_and(|r| r.is_match(s)))),
    ("like", |a, c| fold_test(a, c, like)),
    ("like_cs", |a, c| test(a, c, like)),
    ("!like", |a, c| not(a, c, |a, c| fold_test(a, c, like))),
    ("!like_cs", |a, c| not(a, c, |a, c| test(a, c, like))),
];

fn test(arguments: &[Value], _: &Context, test: fn(&str, &str) -> bool) -> Value {
    match arguments {
        [Value::Null, Value::Null] => Value::Null,
        [Value::Null, _] | [_, Value::Null] => Value::Bool(false),
        [Value::String(text), Value::String(needle)] => Value::Bool(test(text, needle)),
        [text, needle] => Value::Bool(test(&text.to_text(), &needle.to_text())),
        _ => Value::Null,
    }
}

fn fold_test(arguments: &[Value], _: &Context, test: fn(&str, &str) -> bool) -> Value {
    match arguments {
        [Value::Null, Value::Null] => Value::Null,
        [Value::Null, _] | [_, Value::Null] => Value::Bool(false),
        [text, needle] => Value::Bool(test(&fold(&text.to_text()), &fold(&needle.to_text()))),
        _ => Value::Null,
    }
}

fn not(arguments: &[Value], context: &Context, of: Scalar) -> Value {
    match of(arguments, context) {
        Value::Bool(b) => Value::Bool(!b),
        other => other,
    }
}

/// Text for comparison without regard to case.
pub(in crate::functions) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

/// Whether two texts differ in case only.
pub(super) fn fold_eq(a: &str, b: &str) -> bool {
    a == b
        || if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(b) } else { fold(a) == fold(b) }
}

/// Bytes that one search may compare.
const WORK_MAX: usize = 1 << 31;

/// Whether `needle` is in `text` so that it begins (`start`) and ends (`end`) where a term does.
pub(in crate::functions) fn has_term(text: &str, needle: &str, start: bool, end: bool) -> bool {
    let (Some(first), Some(last)) = (needle.chars().next(), needle.chars().next_back()) else {
        return true;
    };
    let start = start && first.is_alphanumeric();
    let end = end && last.is_alphanumeric();
    let mut from = 0;
    let mut work = 0;
    while let Some(at) = text[from..].find(needle) {
        // A long text that repeats itself could be compared with itself for hours.
        work += at + needle.len();
        if work > WORK_MAX {
            return false;
        }
        let (left, right) = (from + at, from + at + needle.len());
        let left_joined = || text[..left].chars().next_back().is_some_and(char::is_alphanumeric);
        let right_joined = || text[right..].chars().next().is_some_and(char::is_alphanumeric);
        if !(start && left_joined() || end && right_joined()) {
            return true;
        }
        from = left + first.len_utf8();
    }
    false
}

fn has(text: &str, needle: &str) -> bool {
    has_term(text, needle, true, true)
}

fn has_prefix(text: &str, needle: &str) -> bool {
    has_term(text, needle, true, false)
}

fn has_suffix(text: &str, needle: &str) -> bool {
    has_term(text, needle, false, true)
}

/// SQL's `LIKE`: `%` is any text, `_` any character.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut t, mut p) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '_' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, at)) = retry else { return false };
                retry = Some((after, at + 1));
                p = after;
                t = at + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}
