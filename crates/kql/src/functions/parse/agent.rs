//! `parse_user_agent()`: what a browser says of itself.
//!
//! A table of patterns for what is common, not for every device there is: what is not known is
//! `Other`.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::agent_table::{BROWSERS, DEVICES, Pattern, SYSTEMS};
use crate::functions::arguments::{array, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[("parse_user_agent", parse_user_agent)];

/// Longer text is cut: no browser says that much.
const LENGTH_MAX: usize = 2048;

type Compiled<const N: usize> = LazyLock<Vec<(Regex, [&'static str; N])>>;

static BROWSER_PATTERNS: Compiled<4> = LazyLock::new(|| compiled(BROWSERS));
static SYSTEM_PATTERNS: Compiled<5> = LazyLock::new(|| compiled(SYSTEMS));
static DEVICE_PATTERNS: Compiled<3> = LazyLock::new(|| compiled(DEVICES));

fn compiled<const N: usize>(table: &[Pattern<N>]) -> Vec<(Regex, [&'static str; N])> {
    let compile = |(pattern, parts): &Pattern<N>| {
        (Regex::new(pattern).expect("because the table is tested"), *parts)
    };
    table.iter().map(compile).collect()
}

/// `$1` and its like in a template become the group.
fn expand(template: &str, captures: &Captures<'_>) -> String {
    let mut out = String::new();
    captures.expand(template, &mut out);
    out
}

/// The parts of the first pattern that fits, filled in.
fn first<const N: usize>(agent: &str, table: &[(Regex, [&str; N])]) -> [String; N] {
    let found = table.iter().find_map(|(regex, parts)| {
        let captures = regex.captures(agent)?;
        Some(parts.map(|template| expand(template, &captures)))
    });
    found.unwrap_or_else(|| std::array::from_fn(|at| if at == 0 { "Other" } else { "" }.to_owned()))
}

fn bag<const N: usize>(names: [&str; N], values: [String; N]) -> Json {
    let member = |(name, value): (&str, String)| (name.into(), Json::String(value.into()));
    Json::Bag(names.into_iter().zip(values).map(member).collect())
}

fn parse_user_agent(arguments: &[Value], _: &Context) -> Value {
    let agent = text(arguments, 0);
    let agent: String = agent.chars().take(LENGTH_MAX).collect();
    let wanted: Vec<String> = match array(arguments, 1) {
        Some(targets) => {
            targets.iter().map(|target| Value::of_json(target).to_text().to_lowercase()).collect()
        }
        None if arguments.len() > 1 => vec![text(arguments, 1).to_lowercase()],
        None => ["browser", "os", "device"].map(str::to_owned).to_vec(),
    };
    let has = |target: &str| wanted.iter().any(|wanted| wanted == target);
    let mut members = Vec::new();
    if has("browser") {
        let names = ["Family", "MajorVersion", "MinorVersion", "Patch"];
        members.push(("Browser".into(), bag(names, first(&agent, &BROWSER_PATTERNS))));
    }
    if has("os") {
        let names = ["Family", "MajorVersion", "MinorVersion", "Patch", "PatchMinor"];
        members.push(("OperatingSystem".into(), bag(names, first(&agent, &SYSTEM_PATTERNS))));
    }
    if has("device") {
        let names = ["Family", "Brand", "Model"];
        members.push(("Device".into(), bag(names, first(&agent, &DEVICE_PATTERNS))));
    }
    Value::json(Json::Bag(members))
}
