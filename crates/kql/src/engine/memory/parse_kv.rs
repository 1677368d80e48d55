//! `parse-kv`: pairs of keys and values in a text.
//!
//! Three ways (Kusto page "parse-kv operator"): with the delimiters given, with none given
//! (what is neither letter nor digit separates), or by a regular expression of two groups. The
//! first appearance of a key counts.

use super::parse::convert;
use crate::engine::eval::compile_over;
use crate::engine::rows::shell_bytes;
use crate::engine::{EngineError, Env, Result, Rows};
use crate::functions::compile_regex;
use crate::plan::{Scalar, Schema};
use crate::value::{Type, Value};

/// Rows with a column for each key.
pub(super) fn run(
    input: Rows,
    value: &Scalar,
    columns: &[(String, usize, Type)],
    options: &[(String, Value)],
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let expr = compile_over(value, &input.rows, env)?;
    let way = Way::of(options)?;
    let width = schema.len();
    let mut tally = env.meter().tally();
    let mut rows = Vec::with_capacity(input.rows.len());
    for (at, row) in input.rows.into_iter().enumerate() {
        let text = expr.eval(&row, at, &env.context).to_text();
        let mut found: Vec<Option<String>> = vec![None; columns.len()];
        way.pairs(&text, &mut |key, value| {
            let place = columns.iter().position(|(name, _, _)| name == key);
            if let Some(place) = place.and_then(|place| found.get_mut(place)) {
                place.get_or_insert_with(|| value.to_owned());
            }
        });
        let mut new = row;
        new.resize(width, Value::Null);
        let mut bytes = shell_bytes(width);
        for ((_, place, ty), text) in columns.iter().zip(found) {
            let value = text.map_or(Value::Null, |text| convert(&text, *ty)).widen(*ty);
            bytes += value.heap_bytes();
            if let Some(place) = new.get_mut(*place) {
                *place = value;
            }
        }
        tally.row(bytes)?;
        rows.push(new);
    }
    Ok(Rows::new(schema, rows))
}

/// Takes a key and its value.
type Take<'a> = &'a mut dyn FnMut(&str, &str);

enum Way {
    Delimited { pair: String, kv: String, greedy: bool, quoting: Quoting },
    Loose(Quoting),
    Regex(regex::Regex),
}

#[derive(Default)]
struct Quoting {
    /// Opening and closing
    quotes: Vec<(char, char)>,
    escapes: Vec<char>,
}

impl Way {
    fn of(options: &[(String, Value)]) -> Result<Self> {
        let text = |name: &str| {
            let found = options.iter().find(|(option, _)| option == name);
            found.map(|(_, value)| value.to_text().to_string())
        };
        let all = |name: &'static str| {
            options.iter().filter(move |(option, _)| option == name).map(|(_, v)| v.to_text())
        };
        if let Some(pattern) = text("regex") {
            let made = compile_regex(&pattern);
            let regex = made.ok().filter(|regex| regex.captures_len() == 3).ok_or_else(|| {
                let message = "the regex of parse-kv must be one with two groups".to_owned();
                EngineError::Invalid(message)
            })?;
            return Ok(Self::Regex(regex));
        }
        let mut quoting = Quoting::default();
        for quote in all("quote") {
            let mut chars = quote.chars();
            if let Some(open) = chars.next() {
                quoting.quotes.push((open, chars.next().unwrap_or(open)));
            }
        }
        quoting.escapes = all("escape").filter_map(|escape| escape.chars().next()).collect();
        let given = |name: &str| text(name).filter(|text| !text.is_empty());
        match (given("pair_delimiter"), given("kv_delimiter")) {
            (None, None) => Ok(Self::Loose(quoting)),
            (Some(pair), Some(kv)) => {
                let greedy = text("greedy").is_some_and(|text| text.eq_ignore_ascii_case("true"));
                Ok(Self::Delimited { pair, kv, greedy, quoting })
            }
            _ => {
                let message = "parse-kv needs both pair_delimiter and kv_delimiter, or neither";
                Err(EngineError::Invalid(message.to_owned()))
            }
        }
    }

    fn pairs(&self, text: &str, take: Take<'_>) {
        match self {
            Self::Regex(regex) => {
                for found in regex.captures_iter(text) {
                    let group = |n| found.get(n).map_or("", |group| group.as_str());
                    take(group(1).trim(), group(2).trim());
                }
            }
            Self::Loose(quoting) => loose(text, quoting, take),
            Self::Delimited { pair, kv, greedy, quoting } => {
                delimited(text, pair, kv, *greedy, quoting, take);
            }
        }
    }
}

impl Quoting {
    /// What is in quotes at the start of a text, unescaped, and the bytes it takes with them.
    fn quoted(&self, text: &str) -> Option<(String, usize)> {
        let first = text.chars().next()?;
        let &(_, close) = self.quotes.iter().find(|(open, _)| *open == first)?;
        let mut inside = String::new();
        let mut chars = text.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if self.escapes.contains(&c) {
                match chars.next() {
                    Some((_, escaped)) => inside.push(escaped),
                    None => return None,
                }
            } else if c == close {
                return Some((inside, at + c.len_utf8()));
            } else {
                inside.push(c);
            }
        }
        None
    }
}

fn delimited(text: &str, pair: &str, kv: &str, greedy: bool, quoting: &Quoting, take: Take<'_>) {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        while let Some(after) = rest.strip_prefix(pair) {
            rest = after.trim_start();
        }
        if rest.is_empty() {
            return;
        }
        let key = match quoting.quoted(rest) {
            Some((key, length)) if rest[length..].trim_start().starts_with(kv) => {
                rest = &rest[length..].trim_start()[kv.len()..];
                key
            }
            _ => {
                let Some(at) = rest.find(kv) else { return };
                // Pairs without a value stand before the key: they are passed over.
                let from = rest[..at].rfind(pair).map_or(0, |found| found + pair.len());
                let key = rest[from..at].trim().to_owned();
                rest = &rest[at + kv.len()..];
                key
            }
        };
        let padding = rest.len() - rest.trim_start().len();
        let (value, length) = match quoting.quoted(rest.trim_start()) {
            Some((value, length)) => (value, padding + length),
            None => {
                let end = value_end(rest, pair, kv, greedy);
                (rest[..end].trim().to_owned(), end)
            }
        };
        take(&key, &value);
        rest = &rest[length..];
    }
}

/// Where a value without quotes ends: at the next pair delimiter or, if greedy, at the last one
/// before the next key.
fn value_end(rest: &str, pair: &str, kv: &str, greedy: bool) -> usize {
    if greedy {
        return match rest.find(kv) {
            Some(at) => rest[..at].rfind(pair).unwrap_or(rest.len()),
            None => rest.len(),
        };
    }
    rest.find(pair).unwrap_or(rest.len())
}

/// Each run of letters and digits, or quoted text, may be a key; the next one is its value.
fn loose(text: &str, quoting: &Quoting, take: Take<'_>) {
    let mut last: Option<String> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (token, length) = if let Some(found) = quoting.quoted(rest) {
            found
        } else if c.is_alphanumeric() {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            (rest[..end].to_owned(), end)
        } else {
            rest = &rest[c.len_utf8()..];
            continue;
        };
        if let Some(key) = last.replace(token.clone()) {
            take(&key, token.trim());
        }
        rest = &rest[length..];
    }
}
