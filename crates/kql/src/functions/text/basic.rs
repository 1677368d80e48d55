//! Joining, splitting, cutting and measuring text. Positions count characters from 0.

use super::TEXT_MAX_BYTES;
use crate::functions::arguments::{array, array_value, long, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("array_strcat", strcat_array),
    ("isascii", |a, _| Value::Bool(text(a, 0).is_ascii())),
    ("isutf8", |_, _| Value::Bool(true)),
    ("make_string", from_codepoints),
    ("reverse", |a, _| Value::text(text(a, 0).chars().rev().collect::<String>())),
    ("split", split),
    ("strcat", |a, _| joined("", a.iter().map(Value::to_text))),
    ("strcat_array", strcat_array),
    ("strcat_delim", strcat_delim),
    ("strcmp", |a, _| Value::Long(text(a, 0).cmp(&text(a, 1)) as i64)),
    ("string_size", |a, _| Value::Long(text(a, 0).len() as i64)),
    ("strlen", |a, _| Value::Long(text(a, 0).chars().count() as i64)),
    ("strrep", strrep),
    ("substring", substring),
    ("to_utf8", to_codepoints),
    ("tolower", |a, _| Value::text(text(a, 0).to_lowercase())),
    ("toupper", |a, _| Value::text(text(a, 0).to_uppercase())),
    ("unicode_codepoints_from_string", to_codepoints),
    ("unicode_codepoints_to_string", from_codepoints),
];

/// Parts with a delimiter between them; `""` where that would be too long.
fn joined(delimiter: &str, parts: impl Iterator<Item = impl AsRef<str>>) -> Value {
    let mut out = String::new();
    for (at, part) in parts.enumerate() {
        if at > 0 {
            out.push_str(delimiter);
        }
        out.push_str(part.as_ref());
        if out.len() > TEXT_MAX_BYTES {
            return Value::text("");
        }
    }
    Value::text(out)
}

fn strcat_delim(arguments: &[Value], _: &Context) -> Value {
    joined(&text(arguments, 0), arguments.iter().skip(1).map(Value::to_text))
}

fn strcat_array(arguments: &[Value], _: &Context) -> Value {
    let Some(elements) = array(arguments, 0) else { return Value::text("") };
    joined(&text(arguments, 1), elements.iter().map(|e| Value::of_json(e).to_text()))
}

const REPEAT_MAX: i64 = 1024;

fn strrep(arguments: &[Value], _: &Context) -> Value {
    let count = long(arguments, 1).unwrap_or(0).clamp(0, REPEAT_MAX) as usize;
    joined(&text(arguments, 2), std::iter::repeat_n(text(arguments, 0), count))
}

fn substring(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    let Some(start) = long(arguments, 1) else { return Value::text("") };
    let skip = if start < 0 {
        let from_end = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        source.chars().count().saturating_sub(from_end)
    } else {
        usize::try_from(start).unwrap_or(usize::MAX)
    };
    let count = match arguments.get(2) {
        Some(length) => length.to_long().map_or(0, |n| usize::try_from(n).unwrap_or(0)),
        None => usize::MAX,
    };
    let mut places = source.char_indices().map(|(at, _)| at).skip(skip);
    let Some(from) = places.next() else { return Value::text("") };
    if count == 0 {
        return Value::text("");
    }
    let to = places.nth(count - 1).unwrap_or(source.len());
    Value::text(&source[from..to])
}

/// More parts are not made.
const PARTS_MAX: usize = 1 << 20;

/// An array of the parts; with an index, an array of that one part.
fn split(arguments: &[Value], _: &Context) -> Value {
    let (source, delimiter) = (text(arguments, 0), text(arguments, 1));
    let parts: Vec<Json> = if delimiter.is_empty() {
        vec![Json::String(source)]
    } else {
        source.split(&*delimiter).take(PARTS_MAX).map(|part| Json::String(part.into())).collect()
    };
    match arguments.get(2) {
        None | Some(Value::Null) => array_value(parts),
        Some(index) => {
            let at = index.to_long().and_then(|n| usize::try_from(n).ok());
            match at.and_then(|at| parts.into_iter().nth(at)) {
                Some(part) => array_value(vec![part]),
                None => Value::Null,
            }
        }
    }
}

fn to_codepoints(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if source.len() > TEXT_MAX_BYTES / 16 {
        return Value::Null;
    }
    array_value(source.chars().map(|c| Json::Long(u32::from(c).into())).collect())
}

/// Code points as numbers or arrays of them.
fn from_codepoints(arguments: &[Value], _: &Context) -> Value {
    let mut out = String::new();
    let mut push = |n: Option<i64>| {
        let c = n.and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32);
        out.extend(c);
    };
    for (at, argument) in arguments.iter().enumerate() {
        match array(arguments, at) {
            Some(elements) => elements.iter().for_each(|e| push(Value::of_json(e).to_long())),
            None => push(argument.to_long()),
        }
    }
    Value::text(out)
}
