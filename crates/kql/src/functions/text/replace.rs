//! `replace_string()`, `replace_strings()`, `translate()`.

use std::collections::HashMap;

use super::TEXT_MAX_BYTES;
use crate::functions::arguments::{array, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

/// More lookups of one call are not followed.
const LOOKUPS_MAX: usize = 10_000;

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

/// Lookups in their order, each where no earlier one was found; what is no text replaces nothing.
fn replace_strings(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    let (Some(lookups), Some(rewrites)) = (array(arguments, 1), array(arguments, 2)) else {
        return Value::String(source);
    };
    // Pieces still to be searched, and those that a lookup has taken.
    let mut pieces: Vec<(&str, bool)> = vec![(&source, false)];
    let mut length = source.len();
    for (at, lookup) in lookups.iter().enumerate().take(LOOKUPS_MAX) {
        let Json::String(lookup) = lookup else { continue };
        if lookup.is_empty()
            || pieces.iter().all(|(piece, done)| *done || !piece.contains(&**lookup))
        {
            continue;
        }
        let rewrite = match rewrites.get(at) {
            Some(Json::String(rewrite)) => rewrite,
            _ => lookup,
        };
        let mut next = Vec::with_capacity(pieces.len() + 2);
        for (piece, done) in pieces {
            if done {
                next.push((piece, true));
                continue;
            }
            for (nth, rest) in piece.split(&**lookup).enumerate() {
                if nth > 0 {
                    next.push((&**rewrite, true));
                    length = length.saturating_add(rewrite.len());
                }
                if !rest.is_empty() {
                    next.push((rest, false));
                }
            }
            if length > 2 * TEXT_MAX_BYTES {
                return Value::text("");
            }
        }
        pieces = next;
    }
    let out: String = pieces.into_iter().map(|(piece, _)| piece).collect();
    Value::text(if out.len() > TEXT_MAX_BYTES { "" } else { &out })
}

/// A shorter replacement list goes on with its last character; an empty one deletes.
fn translate(arguments: &[Value], _: &Context) -> Value {
    let to: Vec<char> = text(arguments, 1).chars().collect();
    let mut pairs = HashMap::new();
    for (at, from) in text(arguments, 0).chars().enumerate() {
        pairs.entry(from).or_insert_with(|| to.get(at).or(to.last()).copied());
    }
    let source = text(arguments, 2);
    let translated = source.chars().filter_map(|c| match pairs.get(&c) {
        Some(replacement) => *replacement,
        None => Some(c),
    });
    Value::text(translated.collect::<String>())
}
