//! Functions of regular expressions: `extract()`, `replace_regex()`, `trim()` and their like.

use regex::Captures;

use super::TEXT_MAX_BYTES;
use crate::functions::arguments::{array, array_value, long, text};
use crate::functions::regex::regex;
use crate::functions::{Context, Table};
use crate::value::{Json, Type, Value};

pub(super) const TABLE: Table = &[
    ("extract", extract),
    ("extract_all", extract_all),
    ("extractall", extract_all),
    ("regex_quote", regex_quote),
    ("replace", |a, _| replaced(&text(a, 2), &text(a, 0), &text(a, 1))),
    ("replace_regex", |a, _| replaced(&text(a, 0), &text(a, 1), &text(a, 2))),
    ("trim", |a, _| trim(a, true, true)),
    ("trim_start", |a, _| trim(a, true, false)),
    ("trim_end", |a, _| trim(a, false, true)),
];

/// `[pattern, group, source, type's name]`: the group of the first match.
fn extract(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 2);
    let found = || {
        let group = usize::try_from(long(arguments, 1)?).ok()?;
        let regex = regex(&text(arguments, 0))?;
        let captures = regex.captures(&source)?;
        Some(Value::text(captures.get(group)?.as_str()))
    };
    let kind = match arguments.get(3) {
        Some(Value::String(name)) => Type::parse(name),
        _ => None,
    };
    match (found(), kind) {
        (Some(found), Some(kind)) => found.convert(kind),
        (Some(found), None) => found,
        (None, kind) => Value::absent(kind.unwrap_or(Type::String)),
    }
}

fn regex_quote(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if source.len() > TEXT_MAX_BYTES / 2 {
        return Value::text("");
    }
    Value::text(regex::escape(&source))
}

/// More matches of one text are not given.
const MATCHES_MAX: usize = 1 << 18;

/// `[pattern, source]` or `[pattern, groups, source]`: the groups of all matches.
fn extract_all(arguments: &[Value], _: &Context) -> Value {
    let Some(regex) = regex(&text(arguments, 0)) else { return Value::Null };
    let source = text(arguments, arguments.len().saturating_sub(1));
    let wanted: Vec<usize> = match array(arguments, 1).filter(|_| arguments.len() > 2) {
        Some(groups) => {
            let index = |group: &Json| match group {
                Json::Long(n) => usize::try_from(*n).ok(),
                Json::String(name) => {
                    regex.capture_names().position(|found| found == Some(&**name))
                }
                _ => None,
            };
            groups.iter().filter_map(index).collect()
        }
        None if regex.captures_len() == 1 => vec![0],
        None => (1..regex.captures_len()).collect(),
    };
    let group = |captures: &Captures<'_>, at: usize| {
        Json::String(captures.get(at).map_or("", |m| m.as_str()).into())
    };
    let mut out = Vec::new();
    for captures in regex.captures_iter(&source).take(MATCHES_MAX) {
        out.push(match wanted[..] {
            [one] => group(&captures, one),
            _ => Json::Array(wanted.iter().map(|at| group(&captures, *at)).collect()),
        });
    }
    if out.is_empty() { Value::Null } else { array_value(out) }
}

/// Writes a replacement: `\0` is the match, `\1` the first group, `\\` a backslash.
fn expand(out: &mut String, rewrite: &str, captures: &Captures<'_>) {
    let mut rest = rewrite.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some(next)) => {
                rest.next();
                match next.to_digit(10) {
                    Some(group) => {
                        out.push_str(captures.get(group as usize).map_or("", |m| m.as_str()));
                    }
                    None if next == '\\' => out.push('\\'),
                    None => out.extend(['\\', next]),
                }
            }
            _ => out.push(c),
        }
    }
}

fn replaced(source: &str, pattern: &str, rewrite: &str) -> Value {
    let Some(regex) = regex(pattern) else { return Value::text("") };
    let mut out = String::new();
    let mut last = 0;
    for captures in regex.captures_iter(source) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(&source[last..whole.start()]);
        expand(&mut out, rewrite, &captures);
        last = whole.end();
        if out.len() > TEXT_MAX_BYTES {
            return Value::text("");
        }
    }
    out.push_str(&source[last..]);
    Value::text(out)
}

/// Cuts all matches that follow each other from the start or the end.
fn trim(arguments: &[Value], start: bool, end: bool) -> Value {
    let (pattern, source) = (text(arguments, 0), text(arguments, 1));
    let mut rest = &*source;
    if start {
        let Some(regex) = regex(&format!(r"\A(?:{pattern})+")) else { return Value::text("") };
        if let Some(found) = regex.find(rest) {
            rest = &rest[found.end()..];
        }
    }
    if end {
        let Some(regex) = regex(&format!(r"(?:{pattern})+\z")) else { return Value::text("") };
        if let Some(found) = regex.find(rest) {
            rest = &rest[..found.start()];
        }
    }
    Value::text(rest)
}
