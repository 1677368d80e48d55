//! Pipes: what may begin one, and what follows a bar.

use super::super::operator::{Operator, OperatorKind};
use super::super::token::{RESERVED, TokenKind};
use super::super::tree::{Expr, Kind, Span};
use super::{Parser, node};
use crate::diagnostic::Diagnostic;

/// The words of operators, for hints.
const OPERATORS: &[&str] = &[
    "as",
    "assert-schema",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "extend",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "invoke",
    "join",
    "limit",
    "lookup",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
];

/// Operators that may begin a query.
const LEADING: &[&str] = &["evaluate", "find", "macro-expand", "print", "range", "search", "union"];

impl Parser<'_> {
    /// A query or an expression: `source | operator | …`.
    pub(super) fn pipe(&mut self) -> Expr {
        let begun = if self.leads() { self.operator() } else { None };
        self.pipe_after(begun)
    }

    /// A query about rows that come from outside, so that it begins with any operator.
    pub(super) fn sub_pipe(&mut self) -> Expr {
        let begun = self.operator();
        if begun.is_none() {
            self.expected("an operator");
        }
        self.pipe_after(begun)
    }

    /// As `sub_pipe`, but a source may come first.
    pub(super) fn sub_pipe_or_source(&mut self) -> Expr {
        let alone = self.peek_at(1) == TokenKind::CloseParen
            && !matches!(self.word(), "consume" | "count" | "getschema" | "serialize");
        let begun = if alone { None } else { self.operator() };
        self.pipe_after(begun)
    }

    fn pipe_after(&mut self, begun: Option<Operator>) -> Expr {
        let start = begun.as_ref().map_or(self.start(), |o| o.word.start);
        let outer = std::mem::take(&mut self.height);
        let mut operators: Vec<Operator> = begun.into_iter().collect();
        let source = operators.is_empty().then(|| self.expression());
        while self.peek() == TokenKind::Bar {
            let bar = self.advance().span;
            operators.extend(self.after_bar(bar));
        }
        self.height = outer.max(self.height + 1);
        match source {
            Some(source) if operators.is_empty() => source,
            source => node(Kind::Pipe { source, operators }, self.since(start)),
        }
    }

    /// Whether an operator stands where a source is expected, and not a name that looks like one.
    fn leads(&mut self) -> bool {
        let word = self.word();
        if OPERATORS.binary_search(&word).is_err() {
            return false;
        }
        if matches!(word, "find" | "print" | "search" | "union") {
            return true;
        }
        let reserved = RESERVED.binary_search(&word).is_ok() || word.contains('-');
        let bracketed = word == "range" && self.name_length(1) > 1;
        let operator = reserved || bracketed || self.operand_follows();
        if operator && !LEADING.contains(&word) {
            let span = self.token(0).span;
            let message = format!("`{word}` has no table before it");
            self.report(
                Diagnostic::error("KQL112", span, message).hint(format!("write `T | {word} …`")),
            );
        }
        operator
    }

    fn after_bar(&mut self, bar: Span) -> Option<Operator> {
        let operator = match self.operator() {
            Some(operator) => operator,
            None if self.at_end() => {
                let message = format!("an operator is missing before {}", self.found());
                let mut error = Diagnostic::error("KQL105", bar, message);
                if self.peek() == TokenKind::Bar && self.token(0).glued {
                    error.hint = Some("write `or` in place of `||`".to_owned());
                }
                self.report(error);
                return None;
            }
            None => self.unknown_operator(),
        };
        if !self.at_end() {
            self.expected("`|` or the end of the query");
            self.skip_to_end();
        }
        Some(operator)
    }

    fn unknown_operator(&mut self) -> Operator {
        let word = self.token(0).span;
        let mut end = self.advance().span.end;
        while matches!(self.peek(), TokenKind::Minus | TokenKind::Name) && self.token(0).glued {
            end = self.advance().span.end;
        }
        let word = Span::new(word.start, end);
        let text = self.slice(word);
        let mut error =
            Diagnostic::error("KQL106", word, format!("unknown operator `{}`", super::short(text)));
        if let Some(near) = nearest(text) {
            error = error.hint(format!("did you mean `{near}`?"));
        }
        self.report(error);
        self.skip_to_end();
        let kind = OperatorKind::Unknown;
        Operator { kind, properties: Vec::new(), span: self.since(word.start), word }
    }
}

/// The operator whose word is the nearest to what was written, if one is near.
fn nearest(text: &str) -> Option<&'static str> {
    if text.len() > 30 {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let near = OPERATORS.iter().map(|word| (distance(&text, word), *word)).min()?;
    (near.0 <= 1 + near.1.len() / 4).then_some(near.1)
}

/// Edits between two words: insertions, deletions, replacements, swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
