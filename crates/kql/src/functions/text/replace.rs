//! `replace_string()`, `replace_strings()`, `translate()`.

use std::collections::HashMap;

use super::TEXT_MAX_BYTES;
use crate::functions::arguments::{array, text};
use crate::functions::regex::regex;
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
    let mut rewrite_of = HashMap::new();
    let mut pattern = String::new();
    for (at, lookup) in lookups.iter().enumerate() {
        let Json::String(lookup) = lookup else { continue };
        if lookup.is_empty() || rewrite_of.contains_key(&**lookup) {
            continue;
        }
        let rewrite = match rewrites.get(at) {
            Some(Json::String(rewrite)) => &**rewrite,
            _ => &**lookup,
        };
        if !pattern.is_empty() {
            pattern.push('|');
        }
        pattern.push_str(&regex::escape(lookup));
        rewrite_of.insert(&**lookup, rewrite);
    }
    if pattern.is_empty() {
        return Value::String(source);
    }
    // Of the alternatives that fit at a place, the first one counts.
    let Some(regex) = regex(&pattern) else { return Value::text("") };
    let mut out = String::new();
    let mut last = 0;
    for found in regex.find_iter(&source) {
        out.push_str(&source[last..found.start()]);
        out.push_str(rewrite_of.get(found.as_str()).copied().unwrap_or(found.as_str()));
        last = found.end();
        if out.len() > TEXT_MAX_BYTES {
            return Value::text("");
        }
    }
    out.push_str(&source[last..]);
    Value::text(out)
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
