//! `replace_string()`, `replace_strings()`, `translate()`.

use super::TEXT_MAX_BYTES;
use crate::functions::arguments::{array, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("replace_string", replace_string),
    ("replace_strings", replace_strings),
    ("translate", translate),
];

fn replace_string(arguments: &[Value], _: &Context) -> Value {
    let (source, lookup, rewrite) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    if lookup.is_empty() {
        return Value::String(source);
    }
    let growth = source.matches(&*lookup).count().saturating_mul(rewrite.len());
    if growth.saturating_add(source.len()) > 2 * TEXT_MAX_BYTES {
        return Value::text("");
    }
    Value::text(source.replace(&*lookup, &rewrite))
}

/// At each place the first lookup of the list that fits; what is no text replaces nothing.
fn replace_strings(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    let (Some(lookups), Some(rewrites)) = (array(arguments, 1), array(arguments, 2)) else {
        return Value::String(source);
    };
    let pairs: Vec<(&str, Option<&str>)> = lookups
        .iter()
        .enumerate()
        .filter_map(|(at, lookup)| match (lookup, rewrites.get(at)) {
            (Json::String(lookup), _) if lookup.is_empty() => None,
            (Json::String(lookup), Some(Json::String(rewrite))) => {
                Some((&**lookup, Some(&**rewrite)))
            }
            (Json::String(lookup), _) => Some((&**lookup, None)),
            _ => None,
        })
        .collect();
    let mut out = String::new();
    let mut rest = &*source;
    while let Some(c) = rest.chars().next() {
        match pairs.iter().find(|(lookup, _)| rest.starts_with(lookup)) {
            Some((lookup, rewrite)) => {
                out.push_str(rewrite.unwrap_or(lookup));
                rest = &rest[lookup.len()..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if out.len() > TEXT_MAX_BYTES {
            return Value::text("");
        }
    }
    Value::text(out)
}

/// A shorter replacement list goes on with its last character; an empty one deletes.
fn translate(arguments: &[Value], _: &Context) -> Value {
    let from: Vec<char> = text(arguments, 0).chars().collect();
    let to: Vec<char> = text(arguments, 1).chars().collect();
    let source = text(arguments, 2);
    let translated = source.chars().filter_map(|c| match from.iter().position(|f| *f == c) {
        Some(at) => to.get(at).or(to.last()).copied(),
        None => Some(c),
    });
    Value::text(translated.collect::<String>())
}
