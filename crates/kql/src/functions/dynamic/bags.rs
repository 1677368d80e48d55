//! Functions of property bags: `bag_pack()`, `bag_merge()`, `bag_set_key()` …

use std::collections::HashSet;
use std::sync::Arc;

use super::Path;
use crate::functions::arguments::{array, array_value, bag, or_null, text, too_large};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("bag_has_key", has_key),
    ("bag_keys", keys),
    ("bag_merge", merge),
    ("bag_pack", |a, _| pack(a, false)),
    ("bag_pack_columns", |a, _| pack(a, false)),
    ("bag_remove_keys", remove_keys),
    ("bag_set_key", set_key),
    ("bag_zip", zip),
    ("pack", |a, _| pack(a, false)),
    ("pack_all", pack_all),
    ("pack_dictionary", |a, _| pack(a, false)),
];

/// More paths of one call are not followed.
const PATHS_MAX: usize = 1000;

/// Names and values in turns.
fn pack(arguments: &[Value], skip_empty: bool) -> Value {
    if too_large(arguments) {
        return Value::Null;
    }
    let mut members = Vec::with_capacity(arguments.len() / 2);
    for pair in arguments.chunks_exact(2) {
        let empty = match &pair[1] {
            Value::Null => true,
            Value::String(s) => s.is_empty(),
            _ => false,
        };
        if !(skip_empty && empty) {
            Json::put(&mut members, pair[0].to_text(), pair[1].to_json());
        }
    }
    Value::json(Json::Bag(members))
}

/// Whether to leave out what is null or empty, then names and values in turns.
fn pack_all(arguments: &[Value], _: &Context) -> Value {
    match arguments {
        [Value::Bool(skip_empty), members @ ..] => pack(members, *skip_empty),
        members => pack(members, false),
    }
}

/// The first value of each name counts.
fn merge(arguments: &[Value], _: &Context) -> Value {
    let bags: Vec<&[(Arc<str>, Json)]> =
        (0..arguments.len()).filter_map(|at| bag(arguments, at)).collect();
    if bags.is_empty() || too_large(arguments) {
        return Value::Null;
    }
    let mut seen = HashSet::new();
    let members = bags.concat().into_iter().filter(|(name, _)| seen.insert(Arc::clone(name)));
    Value::json(Json::Bag(members.collect()))
}

fn keys(arguments: &[Value], _: &Context) -> Value {
    or_null(bag(arguments, 0), |members| {
        array_value(members.iter().map(|(name, _)| Json::String(Arc::clone(name))).collect())
    })
}

/// A name, or a path that begins with `$`.
fn path_of(name: &str) -> Option<Path> {
    if name.starts_with('$') { Path::parse(name) } else { Some(Path::of_name(name)) }
}

fn has_key(arguments: &[Value], _: &Context) -> Value {
    let Some(Value::Dynamic(whole)) = arguments.first() else { return Value::Null };
    if !matches!(**whole, Json::Bag(_)) {
        return Value::Null;
    }
    let found = path_of(&text(arguments, 1)).and_then(|path| path.get(whole).map(|_| ()));
    Value::Bool(found.is_some())
}

fn remove_keys(arguments: &[Value], _: &Context) -> Value {
    let (Some(members), Some(keys)) = (bag(arguments, 0), array(arguments, 1)) else {
        return Value::Null;
    };
    let names: HashSet<&str> = keys
        .iter()
        .filter_map(|key| match key {
            Json::String(name) if !name.starts_with('$') => Some(&**name),
            _ => None,
        })
        .collect();
    let kept = members.iter().filter(|(name, _)| !names.contains(&**name));
    let mut whole = Json::Bag(kept.cloned().collect());
    let paths = keys.iter().filter_map(|key| match key {
        Json::String(path) if path.starts_with('$') => Path::parse(path),
        _ => None,
    });
    for path in paths.take(PATHS_MAX) {
        path.remove(&mut whole);
    }
    Value::json(whole)
}

fn set_key(arguments: &[Value], _: &Context) -> Value {
    let Some(members) = bag(arguments, 0) else { return Value::Null };
    let mut whole = Json::Bag(members.to_vec());
    if too_large(arguments) {
        return Value::Null;
    }
    let value = arguments.get(2).map_or(Json::Null, Value::to_json);
    match path_of(&text(arguments, 1)).is_some_and(|path| path.set(&mut whole, value)) {
        true => Value::json(whole),
        false => Value::Null,
    }
}

/// Keys that are no strings are left out, values that are missing are null.
fn zip(arguments: &[Value], _: &Context) -> Value {
    let Some(keys) = array(arguments, 0) else { return Value::Null };
    let values = array(arguments, 1).unwrap_or_default();
    let mut seen = HashSet::new();
    let mut members = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        if let Json::String(key) = key
            && seen.insert(Arc::clone(key))
        {
            let value = values.get(at).cloned().unwrap_or(Json::Null);
            members.push((Arc::clone(key), value));
        }
    }
    Value::json(Json::Bag(members))
}
