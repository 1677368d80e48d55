//! The operators' words and properties, and the operators of one line.

use super::super::operator::{Operator, OperatorKind, Property};
use super::super::token::TokenKind;
use super::super::tree::{Expr, Kind, Name};
use super::{Parser, node};

type Made = (Vec<Property>, OperatorKind);

impl Parser<'_> {
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
            "make-series" | "makeseries" => Self::make_series,
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
            let text = if hint { format!("hint.{}", self.word_at(2)) } else { word.to_owned() };
            for _ in 0..length {
                self.advance();
            }
            let name = Name { text, span: self.since(start) };
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
        let natural = self.word().starts_with("granny-");
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
        node(Kind::Ordered { value, descending, natural, nulls_first }, self.since(start))
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
