//! Operators that look through tables and texts, and those that hand rows to others.

use super::super::operator::{OperatorKind, ParsePart, Property, ScanStep};
use super::super::token::TokenKind;
use super::super::tree::{ColumnDeclaration, Expr, Kind, Name, Span};
use super::operator::plain;
use super::{Parser, node};

type Made = (Vec<Property>, OperatorKind);

impl Parser<'_> {
    pub(super) fn union(&mut self) -> Made {
        let mut properties = self.properties(UNION);
        let tables = self.list(Self::table);
        properties.extend(self.properties(UNION));
        (properties, OperatorKind::Union(tables))
    }

    /// A table by name, wildcard or path, a call or a query in parentheses.
    fn table(&mut self) -> Expr {
        match self.wildcard() {
            Some(wildcard) => wildcard,
            None => self.postfix(),
        }
    }

    /// `in (T, U*)`.
    fn in_tables(&mut self) -> Vec<Expr> {
        if !(self.is_word("in") && self.peek_at(1) == TokenKind::OpenParen) {
            return Vec::new();
        }
        self.advance();
        self.advance();
        let tables = self.items(TokenKind::CloseParen, Self::aliased_table);
        self.close(TokenKind::CloseParen, "`,` or `)`");
        tables
    }

    /// A table, perhaps with `| as Name`.
    fn aliased_table(&mut self) -> Expr {
        let start = self.start();
        let table = self.table();
        if self.peek() != TokenKind::Bar {
            return table;
        }
        let mut operators = Vec::new();
        while self.eat(TokenKind::Bar) {
            operators.extend(self.operator());
        }
        node(Kind::Pipe { source: Some(table), operators }, self.since(start))
    }

    pub(super) fn find(&mut self) -> Made {
        self.data_scope();
        let properties = self.properties(&["withsource", "with_source"]);
        let tables = self.in_tables();
        self.eat_word("where");
        let predicate = self.expression();
        let smart = self.eat_word("project-smart");
        let project = self.eat_word("project").then(|| self.list(Self::find_column));
        let away = if self.eat_word("project-away") || self.eat_word("__projectAway") {
            self.list(Self::find_column)
        } else {
            Vec::new()
        };
        (properties, OperatorKind::Find { tables, predicate, project, smart, away })
    }

    /// `a`, `a: type`, `*`, `pack(*)`.
    fn find_column(&mut self) -> Expr {
        let start = self.start();
        let length = self.name_length(0);
        if length == 0 || self.peek_at(length) != TokenKind::Colon {
            return match self.peek_at(1) {
                TokenKind::OpenParen => self.postfix(),
                _ => self.column_pattern(),
            };
        }
        let names = self.name().into_iter().collect();
        self.advance();
        let at = self.token(0).span;
        let name = Name { text: String::new(), span: Span::new(at.start, at.start) };
        let columns =
            self.type_name().map(|ty| ColumnDeclaration { name, ty }).into_iter().collect();
        let value = node(Kind::TypeOf { star: false, columns }, at);
        node(Kind::Named { names, tuple: false, value }, self.since(start))
    }

    fn data_scope(&mut self) {
        if self.is_word("datascope") && self.peek_at(1) == TokenKind::Equal {
            self.advance();
            self.advance();
            self.expect_name("`hotcache` or `all`");
        }
    }

    pub(super) fn search(&mut self) -> Made {
        let properties = self.properties(&["kind"]);
        self.data_scope();
        let tables = self.in_tables();
        (properties, OperatorKind::Search { tables, predicate: self.expression() })
    }

    pub(super) fn parse_operator(&mut self, only_matching: bool) -> Made {
        let properties = self.properties(&["kind", "flags"]);
        let value = self.expression();
        self.expect_word("with");
        let mut pattern = Vec::new();
        while !self.at_end() {
            let token = self.token(0);
            pattern.push(match token.kind {
                TokenKind::Star => ParsePart::Star(self.advance().span),
                TokenKind::String => match self.literal() {
                    Some(text) => ParsePart::Text(text),
                    None => break,
                },
                _ if self.name_length(0) > 0 => self.parse_column(),
                _ => break,
            });
        }
        if pattern.is_empty() {
            self.expected("a pattern");
        }
        (properties, OperatorKind::Parse { value, pattern, only_matching })
    }

    fn parse_column(&mut self) -> ParsePart {
        let name = self.expect_name("a column");
        let ty = if self.eat(TokenKind::Colon) { self.type_name() } else { None };
        ParsePart::Column { name, ty }
    }

    pub(super) fn parse_kv(&mut self) -> Made {
        let value = self.expression();
        self.expect_word("as");
        let (_, columns) = self.schema();
        let options = if self.is_word("with") { self.with_options() } else { Vec::new() };
        plain(OperatorKind::ParseKv { value, columns, options })
    }

    pub(super) fn evaluate(&mut self) -> Made {
        let properties = self.properties(&[]);
        let start = self.start();
        let call = if self.peek() == TokenKind::Name && self.peek_at(1) == TokenKind::OpenParen {
            self.call()
        } else {
            self.expected("a plugin and `(`");
            node(Kind::Missing, Span::new(start, start))
        };
        if !self.eat(TokenKind::Colon) {
            return (properties, OperatorKind::Evaluate(call));
        }
        let (star, columns) = self.schema();
        let kind = Kind::WithSchema { value: call, star, columns };
        (properties, OperatorKind::Evaluate(node(kind, self.since(start))))
    }

    pub(super) fn facet(&mut self) -> Made {
        self.expect_word("by");
        let by = self.list(Self::postfix);
        let with = self.eat_word("with").then(|| {
            if self.peek() == TokenKind::OpenParen {
                return self.sub_query();
            }
            let start = self.start();
            match self.operator() {
                Some(operator) => {
                    let kind = Kind::Pipe { source: None, operators: vec![operator] };
                    node(kind, self.since(start))
                }
                None => self.missing("an operator"),
            }
        });
        plain(OperatorKind::Facet { by, with })
    }

    pub(super) fn fork(&mut self) -> Made {
        let mut branches = Vec::new();
        loop {
            let length = self.name_length(0);
            let named = length > 0 && self.peek_at(length) == TokenKind::Equal;
            if !named && self.peek() != TokenKind::OpenParen {
                break;
            }
            let name = if named { self.name() } else { None };
            if named {
                self.advance();
            }
            branches.push((name, self.in_parentheses(Self::sub_pipe_or_source)));
        }
        if branches.is_empty() {
            self.expected("`(` and a query");
        }
        plain(OperatorKind::Fork(branches))
    }

    pub(super) fn macro_expand(&mut self) -> Made {
        let properties = self.properties(&["isfuzzy", "kind", "force_remote", "best_effort"]);
        let group = self.expression();
        let scope = self.eat_word("as").then(|| self.expect_name("a name"));
        self.expect(TokenKind::OpenParen, "`(`");
        let body = self.nested_statements(TokenKind::CloseParen);
        self.close(TokenKind::CloseParen, "`)`");
        (properties, OperatorKind::MacroExpand { group, scope, body })
    }

    pub(super) fn render(&mut self) -> Made {
        let visualisation = self.expect_name("a kind of chart");
        let mut options = Vec::new();
        // Words such as `sample-distinct` are no names of properties: nothing is read then.
        let mut before = None;
        while before != Some(self.at) {
            before = Some(self.at);
            let word = self.word();
            let with = word == "with" && self.peek_at(1) != TokenKind::OpenParen;
            if self.peek_at(1) == TokenKind::Equal && !word.is_empty() {
                options.push(self.option());
            } else if with || word == "by" {
                let name = self.expect_name("a property");
                let values = self.list(Self::option_value);
                options.extend(values.into_iter().map(|v| (name.clone(), v)));
            } else {
                break;
            }
        }
        if self.is_word("with") {
            options.extend(self.with_options());
        }
        plain(OperatorKind::Render { visualisation, options })
    }

    pub(super) fn scan(&mut self) -> Made {
        let properties = self.properties(&["kind", "with_match_id", "with_step_name"]);
        let mut order_by = Vec::new();
        if self.eat_word("order") || self.eat_word("sort") {
            self.expect_word("by");
            order_by = self.list(Self::ordered);
        }
        let mut partition_by = Vec::new();
        if self.eat_word("partition") {
            self.expect_word("by");
            partition_by = self.list(Self::expression);
        }
        let declare = if self.eat_word("declare") { self.parameters() } else { Vec::new() };
        self.expect_word("with");
        let mut steps = Vec::new();
        if self.expect(TokenKind::OpenParen, "`(` and steps") {
            while self.is_word("step") {
                steps.push(self.scan_step());
            }
            self.close(TokenKind::CloseParen, "`step` or `)`");
        }
        (properties, OperatorKind::Scan { order_by, partition_by, declare, steps })
    }

    fn scan_step(&mut self) -> ScanStep {
        self.advance();
        let name = self.expect_name("a name");
        let optional = self.eat_word("optional");
        let output = self.eat_word("output").then(|| {
            self.expect(TokenKind::Equal, "`=`");
            self.expect_name("`all`, `last` or `none`")
        });
        self.expect(TokenKind::Colon, "`:` and a condition");
        let condition = self.expression();
        let mut assignments = Vec::new();
        if self.eat(TokenKind::Arrow) {
            assignments = self.list(|p| {
                let name = p.expect_name("a name");
                p.expect(TokenKind::Equal, "`=`");
                (name, p.expression())
            });
        }
        self.expect(TokenKind::Semicolon, "`;`");
        ScanStep { name, optional, output, condition, assignments }
    }
}

const UNION: &[&str] = &["kind", "withsource", "with_source", "isfuzzy", "best_effort"];
