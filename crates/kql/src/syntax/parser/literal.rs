//! Literals in the tree, `dynamic(…)` among them.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::token::{Token, TokenKind};
use super::super::tree::{BinaryOp, Expr, Kind, Literal, Name, Span};
use super::{Parser, node, reading};
use crate::diagnostic::Diagnostic;
use crate::value::{self, DEPTH_MAX, Json, Type, Value};

impl Parser<'_> {
    /// Texts side by side, joined. At least one is there.
    pub(super) fn string_text(&mut self) -> (String, bool) {
        let mut text = String::new();
        let mut hidden = false;
        while self.peek() == TokenKind::String {
            let token = self.advance();
            let (part, part_hidden) = reading::string(self.slice(token.span));
            text.push_str(&part);
            hidden |= part_hidden;
        }
        (text, hidden)
    }

    /// The literal that stands here, if one does.
    pub(super) fn literal(&mut self) -> Option<Expr> {
        let token = self.token(0);
        let text = self.slice(token.span);
        let literal = match token.kind {
            TokenKind::String => {
                let (text, hidden) = self.string_text();
                let span = self.since(token.span.start);
                return Some(node(Kind::Literal(Literal::String { text, hidden }), span));
            }
            TokenKind::Long => reading::long(text).map(Literal::Long),
            TokenKind::Real => reading::real(text).map(Literal::Real),
            TokenKind::TimeSpan => value::parse_timespan(text).map(Literal::TimeSpan),
            TokenKind::Typed => return Some(self.typed_literal()),
            TokenKind::Name => match text {
                "true" | "True" | "TRUE" => Some(Literal::Bool(true)),
                "false" | "False" | "FALSE" => Some(Literal::Bool(false)),
                "dynamic" if self.peek_at(1) == TokenKind::OpenParen => {
                    return Some(self.dynamic_literal());
                }
                _ => return None,
            },
            _ => return None,
        };
        self.advance();
        let kind = match literal {
            Some(literal) => Kind::Literal(literal),
            None => {
                self.error("KQL104", token.span, "the number is too large");
                Kind::Missing
            }
        };
        Some(node(kind, token.span))
    }

    /// `-9223372036854775808`: its digits alone are no long.
    pub(super) fn least_long(&mut self, start: usize) -> Option<Expr> {
        let token = self.token(0);
        if token.kind != TokenKind::Long || self.slice(token.span) != "9223372036854775808" {
            return None;
        }
        self.advance();
        Some(node(Kind::Literal(Literal::Long(i64::MIN)), self.since(start)))
    }

    fn typed_literal(&mut self) -> Expr {
        let token = self.advance();
        let text = self.slice(token.span);
        let (word, rest) = text.split_once('(').unwrap_or((text, ""));
        let rest = rest.strip_suffix(')').unwrap_or(rest);
        let inner = reading::inner(rest);
        if Type::parse(word) == Some(Type::DateTime) {
            if inner == "now" {
                return call("now", Vec::new(), token.span);
            }
            if let Some(ticks) = reading::time_of_day(inner) {
                // A time without a day is one of today.
                let now = call("now", Vec::new(), token.span);
                let left = call("startofday", vec![now], token.span);
                let right = node(Kind::Literal(Literal::TimeSpan(ticks)), token.span);
                let op = BinaryOp::Add;
                return node(Kind::Binary { op, left, right }, token.span);
            }
        }
        if let Some(literal) = reading::typed(word, rest) {
            return node(Kind::Literal(literal), token.span);
        }
        if token.fault.is_some() {
            return node(Kind::Missing, token.span);
        }
        // Kusto reads what it cannot understand as null.
        let message = format!("`{}` is no {word}: it is null", super::short(rest));
        let found = Diagnostic::warning("KQL104", token.span, message);
        self.report(found.hint(format!("to convert a value use to{word}()")));
        node(Kind::Literal(Literal::Null(Type::parse(word).unwrap_or(Type::Dynamic))), token.span)
    }

    fn dynamic_literal(&mut self) -> Expr {
        let start = self.start();
        let json = self.dynamic_value(0);
        let literal = match json {
            Json::Null => Literal::Null(Type::Dynamic),
            json => Literal::Dynamic(json),
        };
        node(Kind::Literal(literal), self.since(start))
    }

    /// `dynamic(…)`; the word and the parenthesis are there.
    fn dynamic_value(&mut self, depth: usize) -> Json {
        self.advance();
        self.advance();
        let json = self.json(depth);
        self.close(TokenKind::CloseParen, "`)`");
        json
    }

    fn json(&mut self, depth: usize) -> Json {
        if depth >= DEPTH_MAX {
            self.give_up();
            return Json::Null;
        }
        let token = self.token(0);
        match token.kind {
            TokenKind::OpenBracket => self.json_array(depth),
            TokenKind::OpenBrace => self.json_bag(depth),
            TokenKind::Minus | TokenKind::Plus | TokenKind::Long | TokenKind::Real => {
                self.json_number(token)
            }
            TokenKind::Guid => {
                self.advance();
                Json::String(self.slice(token.span).to_ascii_lowercase().into())
            }
            TokenKind::Name if self.eat_word("null") => Json::Null,
            TokenKind::Name
                if self.is_word("dynamic") && self.peek_at(1) == TokenKind::OpenParen =>
            {
                self.dynamic_value(depth + 1)
            }
            _ => match self.literal().map(|e| *e.kind) {
                Some(Kind::Literal(literal)) => json_of(literal),
                Some(_) => Json::Null,
                None => {
                    self.expected("a JSON value");
                    Json::Null
                }
            },
        }
    }

    fn json_number(&mut self, first: Token) -> Json {
        let negative = self.eat(TokenKind::Minus);
        if !negative {
            self.eat(TokenKind::Plus);
        }
        let token = self.token(0);
        if !matches!(token.kind, TokenKind::Long | TokenKind::Real) {
            self.expected("a number");
            return Json::Null;
        }
        self.advance();
        let digits = self.slice(token.span);
        let text = format!("{}{digits}", if negative { "-" } else { "" });
        let long = reading::long(&text).filter(|_| token.kind == TokenKind::Long);
        match long.map(Json::Long).or_else(|| reading::real(&text).map(Json::Real)) {
            Some(json) => json,
            None => {
                let span = first.span.to(token.span);
                self.error("KQL104", span, "the number is too large");
                Json::Null
            }
        }
    }

    fn json_array(&mut self, depth: usize) -> Json {
        self.advance();
        let mut elements = Vec::new();
        if self.peek() != TokenKind::CloseBracket {
            elements = self.list(|p| p.json(depth + 1));
        }
        self.close(TokenKind::CloseBracket, "`,` or `]`");
        Json::Array(elements)
    }

    fn json_bag(&mut self, depth: usize) -> Json {
        self.advance();
        let mut members: Vec<(Arc<str>, Json)> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        if self.peek() != TokenKind::CloseBrace {
            self.list(|p| {
                let key: Arc<str> = if p.peek() == TokenKind::String {
                    let token = p.advance();
                    reading::string(p.slice(token.span)).0.into()
                } else {
                    p.expected("a key in quotes");
                    p.name().map_or_else(|| "".into(), |n| n.text.into())
                };
                p.expect(TokenKind::Colon, "`:` and a value");
                let value = p.json(depth + 1);
                match places.get(&key) {
                    Some(&at) => members[at].1 = value,
                    None => {
                        places.insert(Arc::clone(&key), members.len());
                        members.push((key, value));
                    }
                }
            });
        }
        self.close(TokenKind::CloseBrace, "`,` or `}`");
        Json::Bag(members)
    }
}

fn call(name: &str, arguments: Vec<Expr>, span: Span) -> Expr {
    node(Kind::Call { name: Name { text: name.to_owned(), span }, arguments }, span)
}

/// A literal inside of a dynamic: dates, spans and guids are text there.
fn json_of(literal: Literal) -> Json {
    match literal {
        Literal::Bool(b) => Json::Bool(b),
        Literal::Int(n) => Json::Long(n.into()),
        Literal::Long(n) => Json::Long(n),
        Literal::Real(x) => Json::Real(x),
        Literal::Decimal(d) => Value::Decimal(d).to_json(),
        Literal::DateTime(t) => Value::DateTime(t).to_json(),
        Literal::TimeSpan(t) => Value::TimeSpan(t).to_json(),
        Literal::Guid(g) => Value::Guid(g).to_json(),
        Literal::String { text, .. } => Json::String(text.into()),
        Literal::Dynamic(json) => json,
        Literal::Null(_) => Json::Null,
    }
}
