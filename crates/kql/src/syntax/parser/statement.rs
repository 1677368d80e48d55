//! Statements, functions and their parameters.

use super::super::token::TokenKind;
use super::super::tree::{
    Expr, Kind, Name, Parameter, PatternCase, Span, Statement, StatementKind, Takes, Tree,
};
use super::{DEPTH_MAX, Parser, node};
use crate::diagnostic::Diagnostic;

impl Parser<'_> {
    pub(super) fn tree(&mut self) -> Tree {
        let mut statements = Vec::new();
        loop {
            statements.extend(self.statements());
            if self.peek() == TokenKind::End {
                return Tree { statements };
            }
            // A closing bracket without an opening one, or a bar.
            let message = format!("{} has no place here", self.found());
            self.error("KQL111", self.token(0).span, message);
            self.advance();
        }
    }

    /// Statements up to what no statement can begin with.
    fn statements(&mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        loop {
            while self.eat(TokenKind::Semicolon) {}
            if self.at_end() {
                return statements;
            }
            let before = self.at;
            statements.push(self.statement());
            if !self.at_end() {
                self.separator();
            }
            if self.at == before {
                self.skip_to_end();
                return statements;
            }
        }
    }

    fn separator(&mut self) {
        let span = self.token(0).span;
        let begins = matches!(self.word(), "let" | "set" | "declare" | "alias" | "restrict");
        let message = format!("expected `;` or `|`, found {}", self.found());
        self.error("KQL105", span, message);
        if !begins {
            self.skip_to_end();
        }
    }

    fn statement(&mut self) -> Statement {
        let start = self.start();
        let named = self.name_length(1) > 0;
        let kind = match self.word() {
            "let" if named => self.let_(),
            "set" if named => self.set(),
            "declare" if self.word_at(1) == "pattern" => self.pattern(),
            "declare" if named => {
                self.advance();
                self.expect_word("query_parameters");
                StatementKind::QueryParameters(self.parameters())
            }
            "alias" if self.word_at(1) == "database" => self.alias(),
            "restrict" if self.word_at(1) == "access" => self.restrict(),
            _ if self.peek() == TokenKind::Dot => self.command(),
            _ => StatementKind::Query(self.pipe()),
        };
        Statement { kind, span: self.since(start) }
    }

    /// Statements inside of brackets, one level deeper.
    pub(super) fn nested_statements(&mut self, close: TokenKind) -> Vec<Statement> {
        if self.depth >= DEPTH_MAX {
            self.give_up();
            return Vec::new();
        }
        self.depth += 1;
        let mut statements = self.statements();
        while self.peek() == TokenKind::Bar && close != TokenKind::End {
            self.expected("a statement");
            self.advance();
            self.skip_to_end();
            statements.extend(self.statements());
        }
        self.depth -= 1;
        self.height += 1;
        statements
    }

    fn let_(&mut self) -> StatementKind {
        self.advance();
        let name = self.expect_name("a name");
        self.expect(TokenKind::Equal, "`=`");
        let view = self.is_word("view") && self.peek_at(1) == TokenKind::OpenParen;
        if view {
            self.advance();
        }
        let value = if view || self.function_begins() { self.function() } else { self.pipe() };
        StatementKind::Let { name, value, view }
    }

    /// `()`, `(*`, or `(name:`.
    fn function_begins(&self) -> bool {
        if self.peek() != TokenKind::OpenParen {
            return false;
        }
        match self.peek_at(1) {
            TokenKind::CloseParen | TokenKind::Star => true,
            _ => {
                let length = self.name_length(1);
                length > 0 && self.peek_at(1 + length) == TokenKind::Colon
            }
        }
    }

    fn function(&mut self) -> Expr {
        let start = self.start();
        let parameters = self.parameters();
        let body = self.body();
        node(Kind::Function { parameters, body }, self.since(start))
    }

    fn body(&mut self) -> Vec<Statement> {
        if !self.expect(TokenKind::OpenBrace, "`{` and a body") {
            return Vec::new();
        }
        let statements = self.nested_statements(TokenKind::CloseBrace);
        self.close(TokenKind::CloseBrace, "`}`");
        statements
    }

    /// `(a: long = 1, t: (b: string))`.
    pub(super) fn parameters(&mut self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        if !self.expect(TokenKind::OpenParen, "`(` and parameters") {
            return parameters;
        }
        if self.peek() != TokenKind::CloseParen {
            parameters = self.list(Self::parameter);
        }
        self.close(TokenKind::CloseParen, "`,` or `)`");
        parameters
    }

    fn parameter(&mut self) -> Parameter {
        let name = self.expect_name("a parameter");
        let takes = if !self.expect(TokenKind::Colon, "`:` and a type") {
            Takes::Scalar(None)
        } else if self.peek() == TokenKind::OpenParen {
            let (any, columns) = self.schema();
            Takes::Tabular { columns, any }
        } else {
            Takes::Scalar(self.type_name())
        };
        let default = self.eat(TokenKind::Equal).then(|| self.nested(Self::expression));
        Parameter { name, takes, default }
    }

    fn set(&mut self) -> StatementKind {
        self.advance();
        let name = self.expect_name("an option");
        let value = self.eat(TokenKind::Equal).then(|| self.expression());
        StatementKind::Set { name, value }
    }

    fn alias(&mut self) -> StatementKind {
        self.advance();
        self.advance();
        let name = self.expect_name("a name");
        self.expect(TokenKind::Equal, "`=`");
        StatementKind::Alias { name, value: self.expression() }
    }

    fn restrict(&mut self) -> StatementKind {
        self.advance();
        self.advance();
        self.expect_word("to");
        self.expect(TokenKind::OpenParen, "`(`");
        let entities = self.items(TokenKind::CloseParen, |p| match p.wildcard() {
            Some(wildcard) => wildcard,
            None => p.postfix(),
        });
        self.close(TokenKind::CloseParen, "`,` or `)`");
        StatementKind::Restrict(entities)
    }

    fn pattern(&mut self) -> StatementKind {
        self.advance();
        self.advance();
        let name = self.expect_name("a name");
        let mut parameters = Vec::new();
        let mut cases = Vec::new();
        let mut has_path = false;
        if self.eat(TokenKind::Equal) {
            parameters = self.parameters();
            if self.eat(TokenKind::OpenBracket) {
                has_path = true;
                parameters.push(self.parameter());
                self.close(TokenKind::CloseBracket, "`]`");
            }
            if self.expect(TokenKind::OpenBrace, "`{` and cases") {
                while self.peek() == TokenKind::OpenParen {
                    cases.push(self.pattern_case());
                }
                self.close(TokenKind::CloseBrace, "`(` or `}`");
            }
        }
        StatementKind::Pattern { name, parameters, has_path, cases }
    }

    fn pattern_case(&mut self) -> PatternCase {
        self.advance();
        let arguments = self.items(TokenKind::CloseParen, Self::expression);
        self.close(TokenKind::CloseParen, "`,` or `)`");
        let path = self.eat(TokenKind::Dot).then(|| {
            self.expect(TokenKind::OpenBracket, "`[`");
            let path = self.expression();
            self.close(TokenKind::CloseBracket, "`]`");
            path
        });
        self.expect(TokenKind::Equal, "`=`");
        let body = self.body();
        self.eat(TokenKind::Semicolon);
        PatternCase { arguments, path, body }
    }

    /// `.show …`: the rest of the text is no query and is not read.
    fn command(&mut self) -> StatementKind {
        let start = self.start();
        self.advance();
        let name = if self.peek() == TokenKind::Name { self.name() } else { None };
        let span = self.since(start);
        let word = self.slice(span).to_owned();
        let message = format!("`{word}` is a management command");
        let hint = "only queries are run here; take the command away";
        self.report(Diagnostic::error("KQL109", span, message).hint(hint));
        self.at = self.tokens.len() - 1;
        let name = name.unwrap_or(Name { text: String::new(), span: Span::new(start, span.end) });
        StatementKind::Command(name)
    }
}
