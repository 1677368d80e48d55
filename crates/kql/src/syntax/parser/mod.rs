//! Tokens → tree: recursive descent with a precedence table. What it does not understand it
//! reports and skips; it always gives a tree.
//!
//! Nesting is limited by `DEPTH_MAX`, the height of the tree by `HEIGHT_MAX`, so that whoever
//! walks or drops a tree may recurse.

mod call;
mod expression;
mod graph;
mod literal;
mod names;
mod operator;
mod pipe;
mod reading;
mod search;
mod shape;
mod statement;

use super::lexer::tokens;
use super::token::{Fault, RESERVED, Token, TokenKind};
use super::tree::{Expr, Kind, Span, Tree};
use crate::diagnostic::Diagnostic;

/// A query's text is not longer, in bytes.
pub const TEXT_MAX: usize = 2 << 20;
/// Parentheses, brackets and braces are not nested deeper.
pub const DEPTH_MAX: u32 = 200;
/// No branch of an expression is longer than about this many nodes.
pub const HEIGHT_MAX: u32 = 500;
/// After so many findings the rest of the text is not read.
const DIAGNOSTICS_MAX: usize = 100;

/// Parses a text. The tree is complete where there is no error among the diagnostics.
pub fn parse(text: &str) -> (Tree, Vec<Diagnostic>) {
    if text.len() > TEXT_MAX {
        let message = format!("the text is longer than {TEXT_MAX} bytes");
        let error = Diagnostic::error("KQL108", Span::new(TEXT_MAX, text.len()), message);
        return (Tree::default(), vec![error]);
    }
    let mut parser = Parser::new(text);
    let tree = parser.tree();
    parser.diagnostics.sort_by_key(|d| d.start);
    (tree, parser.diagnostics)
}

struct Parser<'a> {
    text: &'a str,
    /// Without comments; `End` is the last one
    tokens: Vec<Token>,
    at: usize,
    diagnostics: Vec<Diagnostic>,
    depth: u32,
    /// Height of the highest expression since the caller set it to zero
    height: u32,
    /// Nested too deep, or too many findings: the rest of the text is not read
    given_up: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = tokens(text);
        tokens.retain(|t| t.kind != TokenKind::Comment);
        let mut parser = Self {
            text,
            tokens,
            at: 0,
            diagnostics: Vec::new(),
            depth: 0,
            height: 0,
            given_up: false,
        };
        parser.report_faults();
        parser
    }

    fn report_faults(&mut self) {
        let faulty: Vec<Token> =
            self.tokens.iter().filter(|t| t.fault.is_some()).take(20).copied().collect();
        for token in faulty {
            let text = self.slice(token.span);
            let error = match (token.fault, token.kind) {
                (Some(Fault::Unclosed), TokenKind::Typed) => {
                    Diagnostic::error("KQL102", token.span, "the literal has no closing `)`")
                }
                (Some(Fault::Unclosed), _) => {
                    Diagnostic::error("KQL102", token.span, "the text has no closing quote")
                        .hint("text over several lines stands between ``` and ```")
                }
                (Some(Fault::Escape), _) => {
                    Diagnostic::error("KQL103", token.span, "the text has an unknown escape")
                        .hint(r"write `\\`, or `@` before the quote, for a plain backslash")
                }
                _ => {
                    let message = format!("the character `{}` means nothing here", short(text));
                    let mut error = Diagnostic::error("KQL101", token.span, message);
                    error.hint = match text {
                        "&" => Some("write `and`".to_owned()),
                        "!" => Some("write `not(…)`".to_owned()),
                        _ => None,
                    };
                    error
                }
            };
            self.diagnostics.push(error);
        }
    }

    // Tokens

    fn token(&self, ahead: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[(self.at + ahead).min(last)]
    }

    fn peek(&self) -> TokenKind {
        self.token(0).kind
    }

    fn peek_at(&self, ahead: usize) -> TokenKind {
        self.token(ahead).kind
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// The word at a place, `""` where no name stands.
    fn word_at(&self, ahead: usize) -> &'a str {
        let token = self.token(ahead);
        if token.kind == TokenKind::Name { self.slice(token.span) } else { "" }
    }

    fn word(&self) -> &'a str {
        self.word_at(0)
    }

    fn is_word(&self, word: &str) -> bool {
        self.word() == word
    }

    fn start(&self) -> usize {
        self.token(0).span.start
    }

    /// From a place to the end of the token that was taken last.
    fn since(&self, start: usize) -> Span {
        let end = self.at.checked_sub(1).map_or(0, |i| self.tokens[i].span.end);
        Span::new(start, end.max(start))
    }

    fn advance(&mut self) -> Token {
        let token = self.token(0);
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let there = self.peek() == kind;
        if there {
            self.advance();
        }
        there
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let there = self.is_word(word);
        if there {
            self.advance();
        }
        there
    }

    fn expect(&mut self, kind: TokenKind, what: &str) -> bool {
        let there = self.eat(kind);
        if !there {
            self.expected(what);
        }
        there
    }

    fn expect_word(&mut self, word: &str) -> bool {
        let there = self.eat_word(word);
        if !there {
            self.expected(&format!("`{word}`"));
        }
        there
    }

    // Findings

    fn report(&mut self, diagnostic: Diagnostic) {
        let same = self.diagnostics.iter().rev().take(3).any(|d| d.start == diagnostic.start);
        if !same && !self.given_up {
            self.diagnostics.push(diagnostic);
        }
        if self.diagnostics.len() >= DIAGNOSTICS_MAX {
            self.given_up = true;
            self.at = self.tokens.len() - 1;
        }
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(code, span, message));
    }

    /// What stands at the current place, for messages.
    fn found(&self) -> String {
        let token = self.token(0);
        match token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            _ => format!("`{}`", short(self.slice(token.span))),
        }
    }

    fn expected(&mut self, what: &str) {
        let message = format!("expected {what}, found {}", self.found());
        let mut error = Diagnostic::error("KQL105", self.token(0).span, message);
        error.hint = self.habit();
        self.report(error);
    }

    /// What to write in place of a habit from another language.
    fn habit(&self) -> Option<String> {
        let token = self.token(0);
        match token.kind {
            TokenKind::Equal => Some("to compare, write `==`".to_owned()),
            TokenKind::Name => {
                let word = self.word().to_ascii_lowercase();
                let known = word != self.word() && RESERVED.binary_search(&&*word).is_ok();
                known.then(|| format!("words of the language are in lower case: `{word}`"))
            }
            _ => None,
        }
    }

    fn missing(&mut self, what: &str) -> Expr {
        let message = format!("{what} is missing before {}", self.found());
        let span = self.token(0).span;
        self.error("KQL105", span, message);
        Expr { kind: Box::new(Kind::Missing), span: Span::new(span.start, span.start) }
    }

    // Structure

    /// Whether the current token ends what stands between brackets, bars and semicolons.
    fn at_end(&self) -> bool {
        use TokenKind::*;
        matches!(self.peek(), End | Bar | Semicolon | CloseParen | CloseBracket | CloseBrace)
    }

    /// Skips to what ends the current operator. Brackets are skipped with what is in them.
    fn skip_to_end(&mut self) {
        let mut open = 0_u32;
        loop {
            use TokenKind::*;
            match self.peek() {
                End => return,
                OpenParen | OpenBracket | OpenBrace => open += 1,
                CloseParen | CloseBracket | CloseBrace if open == 0 => return,
                CloseParen | CloseBracket | CloseBrace => open -= 1,
                Bar | Semicolon if open == 0 => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// Runs `inner` one level deeper; gives up on the text where that is too deep.
    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if self.depth >= DEPTH_MAX {
            return self.give_up();
        }
        self.depth += 1;
        let expr = inner(self);
        self.depth -= 1;
        self.height += 1;
        expr
    }

    fn give_up(&mut self) -> Expr {
        let span = self.token(0).span;
        self.error("KQL107", span, "the query is nested too deep");
        self.given_up = true;
        self.at = self.tokens.len() - 1;
        Expr { kind: Box::new(Kind::Missing), span }
    }

    /// Items with commas between them; a comma must be followed by an item.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut items = vec![item(self)];
        while self.eat(TokenKind::Comma) {
            items.push(item(self));
        }
        items
    }

    /// A closing bracket; reports and skips what stands before it.
    fn close(&mut self, kind: TokenKind, what: &str) {
        if self.eat(kind) {
            return;
        }
        self.expected(what);
        match self.closing() {
            Some(at) => self.at = at,
            None => self.skip_to_end(),
        }
        self.eat(kind);
    }

    /// Where the bracket closes that is open here, if that is near and in this statement.
    fn closing(&self) -> Option<usize> {
        use TokenKind::*;
        let mut open = 0_u32;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at).take(1000) {
            match token.kind {
                OpenParen | OpenBracket | OpenBrace => open += 1,
                CloseParen | CloseBracket | CloseBrace if open == 0 => return Some(at),
                CloseParen | CloseBracket | CloseBrace => open -= 1,
                Semicolon if open == 0 => return None,
                _ => {}
            }
        }
        None
    }
}

fn node(kind: Kind, span: Span) -> Expr {
    Expr { kind: Box::new(kind), span }
}

/// A text that is short enough for a message.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let cut: String = line.chars().take(40).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}
