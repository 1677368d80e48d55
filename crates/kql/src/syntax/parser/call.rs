//! Primaries: names, calls, parentheses, and the words that look like calls.

use super::super::token::TokenKind;
use super::super::tree::{ColumnDeclaration, Expr, Kind, Name, Span};
use super::{Parser, node};
use crate::diagnostic::Diagnostic;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Expr {
        if let Some(literal) = self.literal() {
            return literal;
        }
        let start = self.start();
        match self.peek() {
            TokenKind::OpenParen => self.parenthesised(),
            TokenKind::Name => self.named_primary(),
            TokenKind::OpenBracket => match self.name() {
                Some(name) if self.peek() == TokenKind::OpenParen => self.call_of(name),
                Some(name) => node(Kind::Name(name.text), name.span),
                None => self.column_pattern(),
            },
            TokenKind::Star => {
                self.advance();
                node(Kind::Wildcard("*".to_owned()), self.since(start))
            }
            TokenKind::Guid => {
                let token = self.advance();
                let error = Diagnostic::error("KQL104", token.span, "a guid stands in guid(…)");
                self.report(error);
                node(Kind::Missing, token.span)
            }
            _ => self.missing("an expression"),
        }
    }

    fn parenthesised(&mut self) -> Expr {
        let start = self.start();
        self.advance();
        let inner = self.nested(Self::pipe);
        self.close(TokenKind::CloseParen, "`)`");
        node(Kind::Paren(inner), self.since(start))
    }

    fn named_primary(&mut self) -> Expr {
        let next = self.peek_at(1);
        let call = next == TokenKind::OpenParen;
        match self.word() {
            "typeof" if call => return self.type_of(),
            "datatable" if call => return self.datatable(),
            "externaldata" | "external_data" if call => return self.external_data(),
            "materialize" if call => return self.around_query(Kind::Materialize),
            "toscalar" if call || self.word_at(1) == "kind" => {
                return self.around_query(Kind::ToScalar);
            }
            "totable" if call || self.word_at(1) == "kind" => return self.totable(),
            "entity_group" if next == TokenKind::OpenBracket => return self.entity_group(),
            _ => {}
        }
        if self.reserved() {
            let start = self.start();
            return node(Kind::Missing, Span::new(start, start));
        }
        if call {
            return self.call();
        }
        let token = self.advance();
        let expr = node(Kind::Name(self.slice(token.span).to_owned()), token.span);
        if self.is_word("datascope") && self.peek_at(1) == TokenKind::Equal {
            // `T datascope=hotcache` says where to look, which is nothing to us.
            self.advance();
            self.advance();
            self.expect_name("`hotcache` or `all`");
        }
        expr
    }

    /// A call; its name and its parenthesis are there.
    pub(super) fn call(&mut self) -> Expr {
        let name = self.expect_name("a function");
        self.call_of(name)
    }

    fn call_of(&mut self, name: Name) -> Expr {
        let start = name.span.start;
        self.advance();
        let arguments = if self.peek() == TokenKind::CloseParen {
            Vec::new()
        } else {
            self.list(|p| p.nested(Self::named))
        };
        self.close(TokenKind::CloseParen, "`,` or `)`");
        node(Kind::Call { name, arguments }, self.since(start))
    }

    /// An expression, perhaps with a name: `a = b`, `(a, b) = c`.
    pub(super) fn named(&mut self) -> Expr {
        let start = self.start();
        let (names, tuple) = match self.name_length(0) {
            0 => match self.tuple_length() {
                0 => return self.expression(),
                _ => (self.tuple(), true),
            },
            n if self.peek_at(n) == TokenKind::Equal => (self.name().into_iter().collect(), false),
            _ => return self.expression(),
        };
        self.advance();
        let value = self.expression();
        node(Kind::Named { names, tuple, value }, self.since(start))
    }

    /// Tokens of `(a, b)` where `=` follows; 0 where there is none.
    fn tuple_length(&self) -> usize {
        if self.peek() != TokenKind::OpenParen {
            return 0;
        }
        let mut n = 1;
        loop {
            match self.name_length(n) {
                0 => return 0,
                length => n += length,
            }
            match self.peek_at(n) {
                TokenKind::Comma => n += 1,
                TokenKind::CloseParen if self.peek_at(n + 1) == TokenKind::Equal => return n + 1,
                _ => return 0,
            }
        }
    }

    fn tuple(&mut self) -> Vec<Name> {
        self.advance();
        let names = self.list(|p| p.expect_name("a name"));
        self.close(TokenKind::CloseParen, "`)`");
        names
    }

    /// `toscalar(…)`, `materialize(…)`: a query inside of parentheses.
    fn around_query(&mut self, kind: fn(Expr) -> Kind) -> Expr {
        let start = self.start();
        self.advance();
        self.no_optimisation();
        self.expect(TokenKind::OpenParen, "`(`");
        let query = self.nested(Self::pipe);
        if self.eat(TokenKind::Comma) {
            // `materialize(T, …)` has had options; they change nothing of the result.
            self.list(|p| p.nested(Self::named));
        }
        self.close(TokenKind::CloseParen, "`)`");
        node(kind(query), self.since(start))
    }

    fn no_optimisation(&mut self) {
        if self.is_word("kind") && self.peek_at(1) == TokenKind::Equal {
            self.advance();
            self.advance();
            self.expect_name("`nooptimization`");
        }
    }

    fn totable(&mut self) -> Expr {
        let token = self.advance();
        let name = Name { text: "totable".to_owned(), span: token.span };
        self.no_optimisation();
        self.expect(TokenKind::OpenParen, "`(`");
        let arguments = vec![self.nested(Self::pipe)];
        self.close(TokenKind::CloseParen, "`)`");
        node(Kind::Call { name, arguments }, self.since(token.span.start))
    }

    /// `entity_group [a, b]`, as a call of `entity_group`.
    fn entity_group(&mut self) -> Expr {
        let name = self.expect_name("`entity_group`");
        let start = name.span.start;
        self.advance();
        let arguments = self.items(TokenKind::CloseBracket, Self::expression);
        self.close(TokenKind::CloseBracket, "`,` or `]`");
        node(Kind::Call { name, arguments }, self.since(start))
    }

    /// `typeof(long)`, `typeof(a: long, *)`.
    pub(super) fn type_of(&mut self) -> Expr {
        let start = self.start();
        self.advance();
        let single = self.peek_at(1) == TokenKind::Name && self.peek_at(2) == TokenKind::CloseParen;
        if !single {
            let (star, columns) = self.schema();
            return node(Kind::TypeOf { star, columns }, self.since(start));
        }
        self.advance();
        let at = self.start();
        let columns = self
            .type_name()
            .map(|ty| {
                let name = Name { text: String::new(), span: Span::new(at, at) };
                ColumnDeclaration { name, ty }
            })
            .into_iter()
            .collect();
        self.close(TokenKind::CloseParen, "`)`");
        node(Kind::TypeOf { star: false, columns }, self.since(start))
    }

    fn datatable(&mut self) -> Expr {
        let start = self.start();
        self.advance();
        let (_, columns) = self.schema();
        let cells = self.cells();
        node(Kind::Datatable { columns, cells }, self.since(start))
    }

    /// `[1, 2,]`: commas at the ends are tolerated.
    fn cells(&mut self) -> Vec<Expr> {
        let mut cells = Vec::new();
        if !self.expect(TokenKind::OpenBracket, "`[` and values") {
            return cells;
        }
        self.eat(TokenKind::Comma);
        while !self.at_end() {
            cells.push(self.cell());
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.close(TokenKind::CloseBracket, "`,` or `]`");
        cells
    }

    /// A literal, perhaps with a sign.
    fn cell(&mut self) -> Expr {
        let start = self.start();
        let signed = matches!(self.peek(), TokenKind::Minus | TokenKind::Plus);
        if signed {
            return self.unary();
        }
        self.literal().unwrap_or_else(|| {
            self.expected("a literal");
            self.nested(Self::expression);
            node(Kind::Missing, self.since(start))
        })
    }

    fn external_data(&mut self) -> Expr {
        let start = self.start();
        self.advance();
        let (_, columns) = self.schema();
        let addresses = self.cells();
        let properties = if self.is_word("with") { self.with_options() } else { Vec::new() };
        let kind = Kind::ExternalData { columns, addresses, properties };
        node(kind, self.since(start))
    }
}
