//! `reduce`: texts grouped by patterns with wildcards.
//!
//! After R. Vaarandi, "A data clustering algorithm for mining patterns from event logs" (2003):
//! words that are frequent at their position make the pattern of a text, the rest are wildcards;
//! patterns that are frequent themselves are groups, all other texts are `others`. Numbers are
//! wildcards always.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::eval::compile_over;
use crate::engine::rows::shell_bytes;
use crate::engine::{Env, Result, Rows};
use crate::plan::{Scalar, Schema};
use crate::value::Value;

const OTHERS: &str = "others";
/// Words of one text that are looked at.
const WORDS_MAX: usize = 1000;

struct Options {
    threshold: f64,
    /// Characters that separate words; `None` is all that are neither letter nor digit
    separators: Option<Vec<char>>,
    keep_rows: bool,
}

struct Cluster {
    pattern: String,
    representative: Arc<str>,
    n_rows: u64,
}

/// One row for each pattern, or the rows of the input with their pattern.
pub(super) fn run(
    input: Rows,
    by: &Scalar,
    options: &[(String, Value)],
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let options = Options::of(options);
    let expr = compile_over(by, &input.rows, env)?;
    let mut tally = env.meter().tally();
    let mut texts = Vec::with_capacity(input.rows.len());
    for (at, row) in input.rows.iter().enumerate() {
        tally.row(size_of::<Arc<str>>())?;
        texts.push(expr.eval(row, at, &env.context).to_text());
    }

    let mut counts: HashMap<(usize, &str), u64> = HashMap::new();
    for text in &texts {
        for (at, word) in options.words(text).enumerate() {
            *counts.entry((at, word)).or_default() += 1;
        }
        tally.grow(0)?;
        tally.work()?;
    }
    let least = texts.len() as f64 * options.threshold;
    let frequent = |n: u64| n as f64 > least && n > 1;
    // Numbers differ from text to text; where one is frequent all the same it says little.
    counts.retain(|(_, word), n| frequent(*n) && !is_number(word));

    let mut clusters: Vec<Cluster> = Vec::new();
    let mut index: HashMap<Vec<(usize, &str)>, usize> = HashMap::new();
    let mut of_row = Vec::with_capacity(texts.len());
    for text in &texts {
        tally.work()?;
        let fixed = options.words(text).enumerate();
        let fixed: Vec<(usize, &str)> = fixed.filter(|word| counts.contains_key(word)).collect();
        if fixed.is_empty() {
            of_row.push(None);
            continue;
        }
        let place = *index.entry(fixed).or_insert(clusters.len());
        if place == clusters.len() {
            tally.grow(text.len() + size_of::<Cluster>())?;
            let pattern = options.pattern(text, &counts);
            clusters.push(Cluster { pattern, representative: Arc::clone(text), n_rows: 0 });
        }
        clusters[place].n_rows += 1;
        of_row.push(Some(place));
    }
    let pattern = |place: &Option<usize>| {
        let cluster = place.and_then(|place| clusters.get(place));
        cluster.filter(|cluster| frequent(cluster.n_rows))
    };

    let n_others = of_row.iter().filter(|place| pattern(place).is_none()).count() as u64;
    let cells = |pattern: &str, n_rows: u64, representative: &str| {
        let count = i64::try_from(n_rows).unwrap_or(i64::MAX);
        [Value::text(pattern), Value::Long(count), Value::text(representative)]
    };
    if options.keep_rows {
        let mut rows = Vec::with_capacity(input.rows.len());
        for (mut row, place) in input.rows.into_iter().zip(&of_row) {
            let cells = match pattern(place) {
                Some(c) => cells(&c.pattern, c.n_rows, &c.representative),
                None => cells(OTHERS, n_others, ""),
            };
            let own: usize = cells.iter().map(Value::heap_bytes).sum();
            row.extend(cells);
            row.truncate(schema.len());
            tally.row(shell_bytes(row.len()) + own)?;
            rows.push(row);
        }
        return Ok(Rows::new(schema, rows));
    }
    let mut found: Vec<(&str, u64, &str)> = clusters
        .iter()
        .filter(|cluster| frequent(cluster.n_rows))
        .map(|cluster| (cluster.pattern.as_str(), cluster.n_rows, &*cluster.representative))
        .collect();
    if n_others > 0 {
        found.push((OTHERS, n_others, ""));
    }
    found.sort_by_key(|&(_, n_rows, _)| std::cmp::Reverse(n_rows));
    let row = |(pattern, n_rows, representative)| cells(pattern, n_rows, representative).to_vec();
    Ok(Rows::new(schema, found.into_iter().map(row).collect()))
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
}

impl Options {
    fn of(options: &[(String, Value)]) -> Self {
        let option =
            |name: &str| options.iter().find(|(option, _)| option == name).map(|(_, value)| value);
        let threshold = option("threshold").and_then(Value::as_real).unwrap_or(0.1);
        let separators = option("characters").map(|value| value.to_text().chars().collect());
        let kind = option("kind").map(Value::to_text);
        Self {
            threshold: threshold.clamp(0.0, 1.0),
            separators,
            keep_rows: kind.is_some_and(|kind| kind.eq_ignore_ascii_case("source")),
        }
    }

    fn separates(&self, c: char) -> bool {
        match &self.separators {
            Some(separators) => separators.contains(&c),
            None => !c.is_alphanumeric(),
        }
    }

    fn words<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        text.split(|c| self.separates(c)).filter(|word| !word.is_empty()).take(WORDS_MAX)
    }

    /// The text with a wildcard for each run of words that are not frequent. Separators that
    /// were asked for belong to the wildcard next to them; others stay.
    fn pattern(&self, text: &str, frequent: &HashMap<(usize, &str), u64>) -> String {
        let mut out = String::new();
        let mut gap = String::new();
        let mut wild = false;
        let mut rest = text;
        let mut at = 0;
        while let Some(c) = rest.chars().next() {
            if self.separates(c) {
                gap.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let end = rest.find(|c| self.separates(c)).unwrap_or(rest.len());
            let fixed = frequent.contains_key(&(at, &rest[..end]));
            if fixed || !wild {
                if self.separators.is_none() || (fixed && !wild) {
                    out.push_str(&gap);
                }
                out.push_str(if fixed { &rest[..end] } else { "*" });
            }
            wild = !fixed;
            gap.clear();
            at += 1;
            rest = &rest[end..];
        }
        if !wild {
            out.push_str(&gap);
        }
        out
    }
}
