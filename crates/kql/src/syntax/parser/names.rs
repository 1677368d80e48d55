//! Names, wildcards, declared columns and types.

use super::super::token::{RESERVED, TokenKind};
use super::super::tree::{ColumnDeclaration, Expr, Kind, Name, Span};
use super::{Parser, node};
use crate::diagnostic::Diagnostic;
use crate::value::Type;

/// Whether a word can be a name at all; `project-away` and `and` cannot.
fn is_name(word: &str) -> bool {
    !matches!(word, "and" | "or" | "in~") && !word.contains('-')
}

impl Parser<'_> {
    /// Tokens of the name that stands `ahead`: `a` or `['a b']`; 0 where there is none.
    pub(super) fn name_length(&self, ahead: usize) -> usize {
        match self.peek_at(ahead) {
            TokenKind::Name => usize::from(is_name(self.word_at(ahead))),
            TokenKind::OpenBracket => {
                let mut n = 1;
                while self.peek_at(ahead + n) == TokenKind::String {
                    n += 1;
                }
                let closed = self.peek_at(ahead + n) == TokenKind::CloseBracket;
                if n > 1 && closed { n + 1 } else { 0 }
            }
            _ => 0,
        }
    }

    /// A name in a place where any word may be one.
    pub(super) fn name(&mut self) -> Option<Name> {
        let start = self.start();
        match self.name_length(0) {
            0 => None,
            1 => {
                let token = self.advance();
                Some(Name { text: self.slice(token.span).to_owned(), span: token.span })
            }
            _ => {
                self.advance();
                let (text, _) = self.string_text();
                self.advance();
                Some(Name { text, span: self.since(start) })
            }
        }
    }

    pub(super) fn expect_name(&mut self, what: &str) -> Name {
        self.name().unwrap_or_else(|| {
            self.expected(what);
            let start = self.start();
            Name { text: String::new(), span: Span::new(start, start) }
        })
    }

    /// A name of a column in an expression, where some words need brackets.
    pub(super) fn reserved(&mut self) -> bool {
        let word = self.word();
        let reserved = RESERVED.binary_search(&word).is_ok() || !is_name(word);
        if reserved {
            let span = self.token(0).span;
            let message = format!("an expression is missing before `{word}`");
            let hint = format!("a column of that name is written ['{word}']");
            self.report(Diagnostic::error("KQL105", span, message).hint(hint));
        }
        reserved
    }

    /// `T*`, `*_x`, `a*b*`: tokens that stand side by side with at least one star.
    pub(super) fn wildcard(&mut self) -> Option<Expr> {
        let first = match self.peek() {
            TokenKind::Star => 1,
            TokenKind::Name if self.peek_at(1) == TokenKind::Star && self.token(1).glued => 2,
            _ => return None,
        };
        let start = self.start();
        for _ in 0..first {
            self.advance();
        }
        while matches!(self.peek(), TokenKind::Star | TokenKind::Name | TokenKind::Long)
            && self.token(0).glued
        {
            self.advance();
        }
        let span = self.since(start);
        Some(node(Kind::Wildcard(self.slice(span).to_owned()), span))
    }

    /// A column by name or by wildcard, as in `project-away`.
    pub(super) fn column_pattern(&mut self) -> Expr {
        if let Some(wildcard) = self.wildcard() {
            return wildcard;
        }
        if self.peek() == TokenKind::OpenBracket && self.peek_at(1) != TokenKind::String {
            let start = self.start();
            self.advance();
            let mut wildcard = match self.wildcard() {
                Some(wildcard) => wildcard,
                None => self.missing("a name in quotes"),
            };
            self.close(TokenKind::CloseBracket, "`]`");
            wildcard.span = self.since(start);
            return wildcard;
        }
        match self.name() {
            Some(name) => node(Kind::Name(name.text), name.span),
            None => self.missing("a column"),
        }
    }

    /// The name of a type; an unknown one is reported.
    pub(super) fn type_name(&mut self) -> Option<Type> {
        let word = self.word();
        if word.is_empty() {
            self.expected("a type");
            return None;
        }
        let token = self.advance();
        let ty = Type::parse(word);
        if ty.is_none() {
            let error = Diagnostic::error("KQL110", token.span, format!("unknown type `{word}`"));
            self.report(error.hint(
                "types are bool, int, long, real, decimal, datetime, timespan, guid, string and \
                 dynamic",
            ));
        }
        ty
    }

    /// `name: type`.
    pub(super) fn column(&mut self) -> ColumnDeclaration {
        let name = self.expect_name("a name");
        let ty = if self.expect(TokenKind::Colon, "`:` and a type") {
            self.type_name().unwrap_or(Type::Dynamic)
        } else {
            Type::Dynamic
        };
        ColumnDeclaration { name, ty }
    }

    /// `(a: long, b: string)`, perhaps with a star in it; commas at the ends are tolerated.
    pub(super) fn schema(&mut self) -> (bool, Vec<ColumnDeclaration>) {
        let mut star = false;
        let mut columns = Vec::new();
        if !self.expect(TokenKind::OpenParen, "`(` and columns") {
            return (star, columns);
        }
        self.eat(TokenKind::Comma);
        while !self.at_end() {
            if self.eat(TokenKind::Star) {
                star = true;
            } else {
                columns.push(self.column());
            }
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.close(TokenKind::CloseParen, "`,` or `)`");
        (star, columns)
    }
}
