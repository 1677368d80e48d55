//! Pipes, their operators' words and properties, and the operators of one line.

use super::super::operator::{Operator, OperatorKind, Property};
use super::super::token::TokenKind;
use super::super::tree::{Expr, Kind, Name, Span};
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

type Made = (Vec<Property>, OperatorKind);

impl Parser<'_> {
    /// A query or an expression: `source | operator | …`.
    pub(super) fn pipe(&mut self) -> Expr {
        let start = self.start();
        let outer = std::mem::take(&mut self.height);
        let mut operators = Vec::new();
        let source = match self.operator() {
            Some(operator) => {
                operators.push(operator);
                None
            }
            None => Some(self.expression()),
        };
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

    fn after_bar(&mut self, bar: Span) -> Option<Operator> {
        let operator = match self.operator() {
            Some(operator) => operator,
            None if self.at_end() => {
                let message = format!("an operator is missing before {}", self.found());
                self.error("KQL105", bar, message);
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

    /// The operator that begins here, if one does.
    pub(super) fn operator(&mut self) -> Option<Operator> {
        let make = self.operator_parser()?;
        let word = self.advance().span;
        let before = self.depth;
        self.depth += 1;
        let (properties, kind) = make(self);
        self.depth = before;
        Some(Operator { kind, properties, span: self.since(word.start), word })
    }

    fn operator_parser(&self) -> Option<fn(&mut Self) -> Made> {
        let call = self.peek_at(1) == TokenKind::OpenParen;
        Some(match self.word() {
            // `count()` and `range()` are functions as well.
            "count" | "range" if call => return None,
            "as" => Self::as_,
            "assert-schema" => |p| plain(OperatorKind::AssertSchema(p.schema().1)),
            "consume" => |p| (p.properties(&["decodeblocks"]), OperatorKind::Consume),
            "count" => |p| (p.count_as(), OperatorKind::Count),
            "distinct" => Self::distinct,
            "evaluate" => Self::evaluate,
            "execute-and-cache" | "__executeAndCache" => |_| plain(OperatorKind::ExecuteAndCache),
            "extend" => |p| plain(OperatorKind::Extend(p.list(Self::named))),
            "facet" => Self::facet,
            "filter" | "where" => |p| {
                let properties = p.properties(&[]);
                (properties, OperatorKind::Where(p.named()))
            },
            "find" => Self::find,
            "fork" => Self::fork,
            "getschema" => |p| (p.properties(&["kind"]), OperatorKind::GetSchema),
            "graph-mark-components" => |p| {
                let properties = p.properties(&["kind", "with_component_id"]);
                (properties, OperatorKind::GraphMarkComponents)
            },
            "graph-match" => |p| p.graph_match(false),
            "graph-shortest-paths" => |p| p.graph_match(true),
            "graph-to-table" => Self::graph_to_table,
            "graph-where-edges" => |p| p.graph_where(true),
            "graph-where-nodes" => |p| p.graph_where(false),
            "invoke" => |p| plain(OperatorKind::Invoke(p.postfix())),
            "join" => Self::join,
            "lookup" => Self::lookup,
            "macro-expand" => Self::macro_expand,
            "make-graph" => Self::make_graph,
            "make-series" => Self::make_series,
            "mv-apply" | "mvapply" => Self::mv_apply,
            "mv-expand" => |p| p.mv_expand(false),
            "mvexpand" => |p| p.mv_expand(true),
            "parse" => |p| p.parse_operator(false),
            "parse-where" => |p| p.parse_operator(true),
            "parse-kv" => Self::parse_kv,
            "partition" | "__partitionby" => Self::partition,
            "print" => |p| plain(OperatorKind::Print(p.list(Self::named))),
            "project" => |p| plain(OperatorKind::Project(p.optional_list(Self::named))),
            "project-away" => {
                |p| plain(OperatorKind::ProjectAway(p.optional_list(Self::column_pattern)))
            }
            "project-by-names" => {
                |p| plain(OperatorKind::ProjectByNames(p.optional_list(Self::column_or_expression)))
            }
            "project-keep" => {
                |p| plain(OperatorKind::ProjectKeep(p.optional_list(Self::column_pattern)))
            }
            "project-rename" => {
                |p| plain(OperatorKind::ProjectRename(p.optional_list(Self::named)))
            }
            "project-reorder" => {
                |p| plain(OperatorKind::ProjectReorder(p.optional_list(Self::reordered)))
            }
            "range" => Self::range,
            "reduce" => Self::reduce,
            "render" => Self::render,
            "sample" => |p| {
                let properties = p.properties(&[]);
                (properties, OperatorKind::Sample(p.named()))
            },
            "sample-distinct" => Self::sample_distinct,
            "scan" => Self::scan,
            "search" => Self::search,
            "serialize" => |p| {
                let properties = p.properties(&[]);
                (properties, OperatorKind::Serialize(p.optional_list(Self::named)))
            },
            "sort" | "order" => Self::sort,
            "summarize" => Self::summarize,
            "take" | "limit" => |p| {
                let properties = p.properties(&[]);
                (properties, OperatorKind::Take(p.named()))
            },
            "top" => Self::top,
            "top-hitters" => Self::top_hitters,
            "top-nested" => Self::top_nested,
            "union" => Self::union,
            _ => return None,
        })
    }

    /// Properties before the operands: `hint.*`, `__*` and those that the operator knows.
    pub(super) fn properties(&mut self, known: &[&str]) -> Vec<Property> {
        let mut properties = Vec::new();
        loop {
            let start = self.start();
            let word = self.word();
            let hint = word == "hint"
                && self.peek_at(1) == TokenKind::Dot
                && self.peek_at(2) == TokenKind::Name;
            let length = if hint { 3 } else { 1 };
            let takes = hint || known.contains(&word) || word.starts_with("__");
            if !takes || self.peek_at(length) != TokenKind::Equal {
                return properties;
            }
            for _ in 0..length {
                self.advance();
            }
            let span = self.since(start);
            let name = Name { text: self.slice(span).to_owned(), span };
            self.advance();
            properties.push(Property { name, value: self.property_value() });
        }
    }

    /// A literal or a word.
    fn property_value(&mut self) -> Expr {
        if matches!(self.peek(), TokenKind::Minus | TokenKind::Plus) {
            return self.expression();
        }
        if let Some(literal) = self.literal() {
            return literal;
        }
        match self.name() {
            Some(name) => node(Kind::Name(name.text), name.span),
            None => self.missing("a value"),
        }
    }

    /// `with (name = value, …)`; a value that is a list of names gives an entry for each.
    pub(super) fn with_options(&mut self) -> Vec<(Name, Expr)> {
        self.advance();
        let mut options: Vec<(Name, Expr)> = Vec::new();
        if !self.expect(TokenKind::OpenParen, "`(`") {
            return options;
        }
        while !self.at_end() {
            let named = self.peek_at(self.name_length(0)) == TokenKind::Equal;
            let name = match options.last() {
                Some((name, _)) if !named => name.clone(),
                _ => {
                    let name = self.expect_name("a property");
                    self.expect(TokenKind::Equal, "`=`");
                    name
                }
            };
            options.push((name, self.option_value()));
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.close(TokenKind::CloseParen, "`,` or `)`");
        options
    }

    /// An expression or any word.
    pub(super) fn option_value(&mut self) -> Expr {
        let ends = matches!(
            self.peek_at(1),
            TokenKind::Comma | TokenKind::CloseParen | TokenKind::Bar | TokenKind::End
        );
        if self.peek() == TokenKind::Name && ends {
            return self.property_value();
        }
        self.nested(Self::expression)
    }

    /// A list that may be empty.
    pub(super) fn optional_list(&mut self, item: fn(&mut Self) -> Expr) -> Vec<Expr> {
        if self.at_end() { Vec::new() } else { self.list(item) }
    }

    fn as_(&mut self) -> Made {
        let properties = self.properties(&[]);
        (properties, OperatorKind::As(self.expect_name("a name")))
    }

    fn count_as(&mut self) -> Vec<Property> {
        let span = self.token(0).span;
        if !self.eat_word("as") {
            return Vec::new();
        }
        let column = self.expect_name("a name");
        let value = node(Kind::Name(column.text), column.span);
        vec![Property { name: Name { text: "as".to_owned(), span }, value }]
    }

    fn distinct(&mut self) -> Made {
        let properties = self.properties(&[]);
        (properties, OperatorKind::Distinct(self.list(Self::named)))
    }

    fn column_or_expression(&mut self) -> Expr {
        if let Some(wildcard) = self.wildcard() {
            return wildcard;
        }
        self.expression()
    }

    fn reordered(&mut self) -> Expr {
        let start = self.start();
        let value = self.column_pattern();
        self.ordering(start, value)
    }

    /// `asc`, `desc`, `nulls first` after an expression.
    pub(super) fn ordering(&mut self, start: usize, value: Expr) -> Expr {
        let descending = match self.word() {
            "asc" | "granny-asc" => Some(false),
            "desc" | "granny-desc" => Some(true),
            _ => None,
        };
        if descending.is_some() {
            self.advance();
        }
        let mut nulls_first = None;
        if self.eat_word("nulls") {
            nulls_first = match self.word() {
                "first" => Some(true),
                "last" => Some(false),
                _ => {
                    self.expected("`first` or `last`");
                    None
                }
            };
            if nulls_first.is_some() {
                self.advance();
            }
        }
        if descending.is_none() && nulls_first.is_none() {
            return value;
        }
        node(Kind::Ordered { value, descending, nulls_first }, self.since(start))
    }

    pub(super) fn ordered(&mut self) -> Expr {
        let start = self.start();
        let value = self.named();
        self.ordering(start, value)
    }

    fn sort(&mut self) -> Made {
        let properties = self.properties(&[]);
        self.expect_word("by");
        (properties, OperatorKind::Sort(self.list(Self::ordered)))
    }

    fn range(&mut self) -> Made {
        let name = self.expect_name("a column");
        self.expect_word("from");
        let from = self.expression();
        self.expect_word("to");
        let to = self.expression();
        self.expect_word("step");
        let step = self.expression();
        plain(OperatorKind::Range { name, from, to, step })
    }

    fn sample_distinct(&mut self) -> Made {
        let properties = self.properties(&[]);
        let count = self.named();
        self.expect_word("of");
        let of = self.named();
        (properties, OperatorKind::SampleDistinct { count, of })
    }
}

pub(super) fn plain(kind: OperatorKind) -> Made {
    (Vec::new(), kind)
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
