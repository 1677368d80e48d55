//! Paths into dynamics: `extract_json()`, `treepath()` (Kusto page "JSONPath expressions").

use std::collections::HashSet;
use std::sync::Arc;

use crate::functions::arguments::{array_value, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Type, Value};

pub(super) const TABLE: Table =
    &[("extract_json", extract_json), ("extractjson", extract_json), ("treepath", treepath)];

#[derive(Debug, PartialEq)]
enum Step {
    Name(Arc<str>),
    Index(i64),
}

/// `$.a['b c'][0]`
#[derive(Debug, PartialEq)]
pub(in crate::functions) struct Path(Vec<Step>);

const STEPS_MAX: usize = crate::value::DEPTH_MAX;

impl Path {
    /// The path to a member.
    pub(in crate::functions) fn of_name(name: &str) -> Self {
        Self(vec![Step::Name(name.into())])
    }

    /// Reads a path; `None` where it is none of the supported form.
    pub(in crate::functions) fn parse(path: &str) -> Option<Self> {
        let mut rest = path.trim().strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.len() >= STEPS_MAX {
                return None;
            }
            if let Some(after) = rest.strip_prefix('.') {
                if after.starts_with('[') {
                    rest = after;
                    continue;
                }
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return None;
                }
                steps.push(Step::Name(after[..end].into()));
                rest = &after[end..];
                continue;
            }
            let inside = rest.strip_prefix('[')?.trim_start();
            let quote = inside.chars().next()?;
            if quote == '\'' || quote == '"' {
                let end = inside[1..].find(quote)?;
                steps.push(Step::Name(inside[1..=end].into()));
                rest = inside[end + 2..].trim_start().strip_prefix(']')?;
            } else {
                let (index, after) = inside.split_once(']')?;
                steps.push(Step::Index(index.trim().parse().ok()?));
                rest = after;
            }
        }
        Some(Self(steps))
    }

    /// What the path leads to.
    pub(in crate::functions) fn get<'a>(&self, whole: &'a Json) -> Option<&'a Json> {
        self.0.iter().try_fold(whole, |at, step| match step {
            Step::Name(name) => at.member(name),
            Step::Index(index) => at.element(*index),
        })
    }

    /// The names of a path without indices.
    fn names(&self) -> Option<Vec<&Arc<str>>> {
        let mut names = Vec::new();
        for step in &self.0 {
            match step {
                Step::Name(name) => names.push(name),
                Step::Index(_) => return None,
            }
        }
        Some(names)
    }

    /// Removes a member; false where there is none.
    pub(in crate::functions) fn remove(&self, whole: &mut Json) -> bool {
        let Some(names) = self.names() else { return false };
        let Some((last, before)) = names.split_last() else { return false };
        let mut at = whole;
        for name in before {
            let Json::Bag(members) = at else { return false };
            let Some((_, next)) = members.iter_mut().find(|(key, _)| key == *name) else {
                return false;
            };
            at = next;
        }
        let Json::Bag(members) = at else { return false };
        let count = members.len();
        members.retain(|(key, _)| key != *last);
        members.len() < count
    }

    /// Sets a member, making the bags that lead to it; false where something else is in the way.
    pub(in crate::functions) fn set(&self, whole: &mut Json, value: Json) -> bool {
        let Some(names) = self.names() else { return false };
        let Some((last, before)) = names.split_last() else { return false };
        let mut at = whole;
        for name in before {
            let Json::Bag(members) = at else { return false };
            let index = match members.iter().position(|(key, _)| key == *name) {
                Some(index) => index,
                None => {
                    members.push((Arc::clone(name), Json::Bag(Vec::new())));
                    members.len() - 1
                }
            };
            at = &mut members[index].1;
        }
        let Json::Bag(members) = at else { return false };
        Json::put(members, Arc::clone(last), value);
        true
    }
}

/// `[path, text, type's name]`
fn extract_json(arguments: &[Value], _: &Context) -> Value {
    let kind = match arguments.get(2) {
        Some(Value::String(name)) => Type::parse(name).unwrap_or(Type::String),
        _ => Type::String,
    };
    let found = || {
        let path = Path::parse(&text(arguments, 0))?;
        match arguments.get(1)? {
            Value::Dynamic(json) => path.get(json).map(Value::of_json),
            other => path.get(&Json::parse(&other.to_text())?).map(Value::of_json),
        }
    };
    match found() {
        Some(found) if !found.is_null() => found.convert(kind),
        _ => Value::absent(kind),
    }
}

/// Paths to the leaves; all elements of an array count as its first.
fn treepath(arguments: &[Value], _: &Context) -> Value {
    fn walk(json: &Json, path: &str, out: &mut Vec<String>) {
        match json {
            Json::Bag(members) if !members.is_empty() => {
                for (name, value) in members {
                    walk(value, &format!("{path}['{name}']"), out);
                }
            }
            Json::Array(elements) => {
                out.push(path.to_owned());
                for element in elements {
                    walk(element, &format!("{path}[0]"), out);
                }
            }
            _ => out.push(path.to_owned()),
        }
    }
    let Some(Value::Dynamic(whole)) = arguments.first() else { return Value::Null };
    if !matches!(**whole, Json::Bag(_) | Json::Array(_)) {
        return Value::Null;
    }
    let mut paths = Vec::new();
    walk(whole, "", &mut paths);
    let mut seen = HashSet::new();
    paths.retain(|path| !path.is_empty() && seen.insert(path.clone()));
    array_value(paths.into_iter().map(|path| Json::String(path.into())).collect())
}
