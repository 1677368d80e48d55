//! `parse` and `parse-where`.
//!
//! A pattern becomes one regular expression. In the simple and relaxed kinds it stands for the
//! whole text, texts are taken literally and captures are lazy; in the regex kind it may match
//! anywhere, texts are expressions and captures greedy. A typed capture has the shape of its
//! type where nothing else says where it ends (Kusto page "parse operator").

use regex::Regex;

use crate::engine::eval::compile_over;
use crate::engine::rows::shell_bytes;
use crate::engine::{EngineError, Env, Result, Row, Rows};
use crate::functions::compile_regex;
use crate::plan::{ParseKind, ParsePart, Scalar, Schema};
use crate::value::{Json, Type, Value};

/// What is looked for.
pub(super) struct How<'a> {
    pub(super) kind: ParseKind,
    pub(super) flags: &'a str,
    pub(super) pattern: &'a [ParsePart],
    /// Position in the output and type of each capture
    pub(super) columns: &'a [(usize, Type)],
}

/// Rows with the captures; where nothing matches these are null or `""`, or the row is left out.
pub(super) fn run(
    input: Rows,
    value: &Scalar,
    how: &How<'_>,
    only_matching: bool,
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let expr = compile_over(value, &input.rows, env)?;
    let pattern = how.regex()?;
    let groups: Vec<Option<usize>> = how.groups(&pattern);
    let width = schema.len();
    let mut tally = env.meter().tally();
    let mut rows = Vec::with_capacity(input.rows.len());
    for (at, row) in input.rows.into_iter().enumerate() {
        let text = expr.eval(&row, at, &env.context).to_text();
        let found = how.captures(&pattern, &groups, &text);
        if found.is_none() && only_matching {
            tally.work()?;
            continue;
        }
        let mut new: Row = row;
        new.resize(width, Value::Null);
        let mut bytes = shell_bytes(width);
        let absent = how.columns.iter().map(|&(_, ty)| Value::absent(ty));
        let values = found.unwrap_or_else(|| absent.collect());
        for (&(place, _), value) in how.columns.iter().zip(values) {
            bytes += value.heap_bytes();
            if let Some(place) = new.get_mut(place) {
                *place = value;
            }
        }
        tally.row(bytes)?;
        rows.push(new);
    }
    Ok(Rows::new(schema, rows))
}

impl How<'_> {
    fn regex(&self) -> Result<Regex> {
        let pattern = match self.kind {
            ParseKind::Regex => self.regex_pattern(),
            ParseKind::Simple | ParseKind::Relaxed => self.text_pattern(),
        };
        compile_regex(&pattern).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let why = last.trim_start_matches("error: ").to_owned();
            EngineError::Invalid(format!("the pattern of parse cannot be used: {why}"))
        })
    }

    fn regex_pattern(&self) -> String {
        let mut pattern = String::new();
        if !self.flags.is_empty() {
            pattern.push_str(&format!("(?{})", self.flags));
        }
        for part in self.pattern {
            match part {
                ParsePart::Star => pattern.push_str(".*?"),
                ParsePart::Text(text) => {
                    pattern.push_str(&format!("(?:{})", escape_unbalanced(text)));
                }
                ParsePart::Capture(n) => {
                    let shape = regex_shape(self.ty(*n)).unwrap_or(".*");
                    pattern.push_str(&format!("(?P<c{n}_>{shape})"));
                }
            }
        }
        pattern
    }

    fn text_pattern(&self) -> String {
        let mut pattern = "(?s)^".to_owned();
        for (at, part) in self.pattern.iter().enumerate() {
            match part {
                ParsePart::Star => pattern.push_str(".*?"),
                ParsePart::Text(text) => pattern.push_str(&regex::escape(text)),
                ParsePart::Capture(n) => {
                    let before_star = self.pattern.get(at + 1) == Some(&ParsePart::Star);
                    let shape = text_shape(self.ty(*n)).filter(|_| before_star);
                    let shape = match shape {
                        Some(shape) if at + 2 == self.pattern.len() => format!("(?:{shape})?"),
                        Some(shape) => shape.to_owned(),
                        None => ".*?".to_owned(),
                    };
                    pattern.push_str(&format!("(?P<c{n}_>{shape})"));
                }
            }
        }
        pattern.push('$');
        pattern
    }

    fn ty(&self, capture: usize) -> Type {
        self.columns.get(capture).map_or(Type::String, |&(_, ty)| ty)
    }

    /// The group of each capture: groups of the user's may stand between them.
    fn groups(&self, pattern: &Regex) -> Vec<Option<usize>> {
        let names: Vec<Option<&str>> = pattern.capture_names().collect();
        let group = |n: usize| {
            let name = format!("c{n}_");
            names.iter().position(|found| *found == Some(name.as_str()))
        };
        (0..self.columns.len()).map(group).collect()
    }

    /// The values of all captures. In the simple kind one failed conversion fails them all.
    fn captures(
        &self,
        pattern: &Regex,
        groups: &[Option<usize>],
        text: &str,
    ) -> Option<Vec<Value>> {
        let found = pattern.captures(text)?;
        let mut values = Vec::with_capacity(self.columns.len());
        for (&(_, ty), group) in self.columns.iter().zip(groups) {
            let group = group.and_then(|group| found.get(group));
            let captured = group.map_or("", |group| group.as_str());
            let value = convert(captured, ty);
            if value.is_null() && self.kind != ParseKind::Relaxed {
                return None;
            }
            values.push(value);
        }
        Some(values)
    }
}

/// Text as a value of a type: what is no JSON is a dynamic text.
pub(super) fn convert(text: &str, ty: Type) -> Value {
    match ty {
        Type::Dynamic if text.is_empty() => Value::Null,
        Type::Dynamic => {
            Value::json(Json::parse(text).unwrap_or_else(|| Json::String(text.into())))
        }
        ty => Value::text(text).convert(ty),
    }
}

const GUID: &str = concat!(
    r"\s*(?:\{[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}",
    r"|[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12})",
);
const DATETIME: &str = concat!(
    r"\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{1,4})",
    r"(?:[Tt ]\s*\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?)?",
    r"(?:[Zz]|[-+]\d{1,2}(?::\d{1,2})?)?",
);
const TIMESPAN: &str =
    r"\s*-?(?:\d+\.\d{1,2}:\d{1,2}:\d{1,2}|\d{1,2}:\d{1,2}(?::\d{1,2})?)(?:\.\d*)?";

/// What a value of a type looks like in the kinds `simple` and `relaxed`, before a `*`.
fn text_shape(ty: Type) -> Option<&'static str> {
    Some(match ty {
        Type::Int | Type::Long => r"\s*[-+]?\d+",
        Type::Real | Type::Decimal => r"\s*[-+]?(?:\d+\.?\d*|\.\d+)",
        Type::Bool => r"\s*(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[-+]?\d+)",
        Type::Guid => GUID,
        Type::DateTime => DATETIME,
        Type::TimeSpan => TIMESPAN,
        Type::String | Type::Dynamic => return None,
    })
}

/// What a value of a type looks like in the kind `regex`.
fn regex_shape(ty: Type) -> Option<&'static str> {
    Some(match ty {
        Type::Real | Type::Decimal => r"\s*[-+]?\d+(?:\.\d+)?",
        Type::Bool => r"\s*(?i:true|false)",
        other => return text_shape(other),
    })
}

/// Takes parentheses that have no partner literally, as Kusto does.
fn escape_unbalanced(text: &str) -> String {
    let mut open = Vec::new();
    let mut lonely = Vec::new();
    let (mut escaped, mut in_class) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if !in_class => in_class = true,
            ']' if in_class => in_class = false,
            '(' if !in_class => open.push(at),
            ')' if !in_class && open.pop().is_none() => lonely.push(at),
            _ => {}
        }
    }
    lonely.extend(open);
    lonely.sort_unstable();
    let mut out = String::with_capacity(text.len() + lonely.len());
    let mut from = 0;
    for at in lonely {
        out.push_str(&text[from..at]);
        out.push('\\');
        from = at;
    }
    out.push_str(&text[from..]);
    out
}
