//! Operators that aggregate, expand and join rows.

use super::super::operator::{MvColumn, OperatorKind, Property, TopNestedClause};
use super::super::token::TokenKind;
use super::super::tree::{Expr, Kind, Name};
use super::operator::plain;
use super::{HEIGHT_MAX, Parser, node};
use crate::value::Type;

type Made = (Vec<Property>, OperatorKind);

impl Parser<'_> {
    pub(super) fn summarize(&mut self) -> Made {
        let properties = self.properties(&[]);
        let mut aggregates = Vec::new();
        if !self.at_end() && !self.is_word("by") {
            aggregates = self.list(Self::named);
        }
        let mut by = Vec::new();
        if self.eat_word("by") {
            by = self.list(Self::named);
            if self.is_word("bin") && self.peek_at(1) == TokenKind::Equal {
                // `by a bin=1h` is an old way to round.
                by.push(self.named());
            }
        }
        (properties, OperatorKind::Summarize { aggregates, by })
    }

    pub(super) fn make_series(&mut self) -> Made {
        let properties = self.properties(&["kind"]);
        let aggregates = self.list(|p| {
            let aggregate = p.named();
            let default = p.eat_word("default").then(|| {
                p.expect(TokenKind::Equal, "`=`");
                p.named()
            });
            (aggregate, default)
        });
        self.expect_word("on");
        let on = self.named();
        let in_range = self.is_word("in") && self.word_at(1) == "range";
        let (from, to, step) = if in_range { self.in_range() } else { self.steps() };
        let by = if self.eat_word("by") { self.list(Self::named) } else { Vec::new() };
        (properties, OperatorKind::MakeSeries { aggregates, on, from, to, step, in_range, by })
    }

    fn in_range(&mut self) -> (Option<Expr>, Option<Expr>, Expr) {
        self.advance();
        self.advance();
        self.expect(TokenKind::OpenParen, "`(`");
        let from = self.named();
        self.expect(TokenKind::Comma, "`,`");
        let to = self.named();
        self.expect(TokenKind::Comma, "`,`");
        let step = self.named();
        self.close(TokenKind::CloseParen, "`)`");
        (Some(from), Some(to), step)
    }

    fn steps(&mut self) -> (Option<Expr>, Option<Expr>, Expr) {
        let from = self.eat_word("from").then(|| self.expression());
        let to = self.eat_word("to").then(|| self.expression());
        let step = if self.expect_word("step") {
            self.expression()
        } else {
            self.missing("`step` and its length")
        };
        (from, to, step)
    }

    pub(super) fn mv_expand(&mut self, legacy: bool) -> Made {
        let properties = self.properties(&["kind", "bagexpansion", "with_itemindex"]);
        let columns = self.list(Self::mv_column);
        let limit = self.eat_word("limit").then(|| self.expression());
        (properties, OperatorKind::MvExpand { columns, limit, legacy })
    }

    fn mv_column(&mut self) -> MvColumn {
        let value = self.named();
        let to = if self.eat_word("to") { self.target_type() } else { None };
        MvColumn { value, to }
    }

    /// `typeof(long)`.
    fn target_type(&mut self) -> Option<Type> {
        if !self.is_word("typeof") {
            self.expected("`typeof(…)`");
            return None;
        }
        match *self.type_of().kind {
            Kind::TypeOf { columns, .. } => columns.first().map(|c| c.ty),
            _ => None,
        }
    }

    pub(super) fn mv_apply(&mut self) -> Made {
        let properties = self.properties(&["with_itemindex"]);
        let columns = self.list(Self::mv_column);
        let limit = self.eat_word("limit").then(|| self.expression());
        let context_id = self.eat_word("id").then(|| self.expression());
        self.expect_word("on");
        let on = self.sub_query();
        (properties, OperatorKind::MvApply { columns, limit, context_id, on })
    }

    /// `(query)`, without its parentheses; it begins with an operator.
    pub(super) fn sub_query(&mut self) -> Expr {
        self.in_parentheses(Self::sub_pipe)
    }

    pub(super) fn in_parentheses(&mut self, query: fn(&mut Self) -> Expr) -> Expr {
        if !self.expect(TokenKind::OpenParen, "`(` and a query") {
            let start = self.start();
            return node(Kind::Missing, self.since(start));
        }
        let query = self.nested(query);
        self.close(TokenKind::CloseParen, "`)`");
        query
    }

    pub(super) fn partition(&mut self) -> Made {
        let properties = self.properties(&[]);
        self.eat_word("by");
        let by = self.entity();
        if self.eat_word("id") {
            self.expression();
        }
        let scope = self.eat_word("in").then(|| self.postfix());
        let legacy = self.eat(TokenKind::OpenBrace);
        let body = if legacy {
            let query = self.nested(Self::pipe);
            self.close(TokenKind::CloseBrace, "`}`");
            query
        } else {
            self.sub_query()
        };
        (properties, OperatorKind::Partition { by, scope, body, legacy })
    }

    /// A column with members, but no call: a sub-query in parentheses may follow.
    fn entity(&mut self) -> Expr {
        let start = self.start();
        let mut expr = match self.name() {
            Some(name) => node(Kind::Name(name.text), name.span),
            None => return self.missing("a column"),
        };
        loop {
            let kind = if self.eat(TokenKind::Dot) {
                Kind::Member(expr, self.expect_name("a name after `.`"))
            } else if self.eat(TokenKind::OpenBracket) {
                let index = self.nested(Self::expression);
                self.close(TokenKind::CloseBracket, "`]`");
                Kind::Element(expr, index)
            } else {
                return expr;
            };
            self.height += 1;
            expr = node(kind, self.since(start));
            if self.height > HEIGHT_MAX {
                return self.give_up();
            }
        }
    }

    pub(super) fn join(&mut self) -> Made {
        let mut properties = self.properties(&["kind"]);
        let right = self.expression();
        properties.extend(self.properties(&["kind"]));
        let on = if self.eat_word("on") { self.list(Self::expression) } else { Vec::new() };
        let alone = on.is_empty() && self.eat_word("where");
        let condition = alone.then(|| self.expression());
        (properties, OperatorKind::Join { right, on, condition })
    }

    pub(super) fn lookup(&mut self) -> Made {
        let mut properties = self.properties(&["kind"]);
        let right = self.expression();
        properties.extend(self.properties(&["kind"]));
        self.expect_word("on");
        (properties, OperatorKind::Lookup { right, on: self.list(Self::expression) })
    }

    pub(super) fn top(&mut self) -> Made {
        let properties = self.properties(&[]);
        let count = self.named();
        self.expect_word("by");
        (properties, OperatorKind::Top { count, by: self.list(Self::ordered) })
    }

    pub(super) fn top_hitters(&mut self) -> Made {
        let count = self.named();
        self.expect_word("of");
        let of = self.named();
        let by = self.eat_word("by").then(|| self.ordered());
        plain(OperatorKind::TopHitters { count, of, by })
    }

    pub(super) fn top_nested(&mut self) -> Made {
        let mut clauses = vec![self.top_nested_clause()];
        while self.eat(TokenKind::Comma) {
            self.expect_word("top-nested");
            clauses.push(self.top_nested_clause());
        }
        plain(OperatorKind::TopNested(clauses))
    }

    fn top_nested_clause(&mut self) -> TopNestedClause {
        let count = (!self.is_word("of")).then(|| self.named());
        self.expect_word("of");
        let of = self.named();
        let others = self.eat_word("with").then(|| {
            self.expect_word("others");
            self.expect(TokenKind::Equal, "`=`");
            self.expression()
        });
        self.expect_word("by");
        let by = self.ordered();
        match *by.kind {
            Kind::Ordered { value, descending, .. } => {
                TopNestedClause { count, of, others, by: value, descending }
            }
            _ => TopNestedClause { count, of, others, by, descending: None },
        }
    }

    pub(super) fn reduce(&mut self) -> Made {
        let properties = self.properties(&["kind"]);
        self.expect_word("by");
        let by = self.named();
        let mut options = Vec::new();
        if self.eat_word("with") {
            options = self.list(Self::option);
        }
        (properties, OperatorKind::Reduce { by, options })
    }

    /// `name = value`.
    pub(super) fn option(&mut self) -> (Name, Expr) {
        let name = self.expect_name("a property");
        self.expect(TokenKind::Equal, "`=`");
        (name, self.option_value())
    }
}
