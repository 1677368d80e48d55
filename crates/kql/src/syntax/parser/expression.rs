//! Expressions: operators by precedence, without recursion for long chains.
//!
//! From loose to tight: `or`, `and`, equality (`==`, `in`, `between` …), `<`, `+`, `*`, operators
//! on text (`has`, `=~` …), sign, `.` and `[]`. Equality, `<` and operators on text do not chain,
//! as in Kusto.

use super::super::token::TokenKind;
use super::super::tree::{BinaryOp, Expr, Kind, ListOp, Name, Sign, Span};
use super::{HEIGHT_MAX, Parser, node};
use crate::diagnostic::Diagnostic;

/// How tight an operator binds.
type Level = u8;

const OR: Level = 0;
const AND: Level = 1;
const EQUALITY: Level = 2;
const RELATION: Level = 3;
const SUM: Level = 4;
const PRODUCT: Level = 5;
const TEXT: Level = 6;

/// Longer chains of `and` and `or` become balanced trees.
const CHAIN: usize = 16;

#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    List(ListOp),
    Between { negated: bool },
}

struct Operand {
    expr: Expr,
    height: u32,
}

/// Operands and operators that wait for what follows them.
#[derive(Default)]
struct Waiting {
    operands: Vec<Operand>,
    operators: Vec<(BinaryOp, Level)>,
    too_high: bool,
}

/// Which operator may follow: equality, `<` and operators on text do not chain, and only `and`
/// and `or` may follow a list.
struct Allowed {
    equality: bool,
    relation: bool,
    arithmetic: bool,
    text: bool,
}

impl Allowed {
    fn new() -> Self {
        Self { equality: true, relation: true, arithmetic: true, text: true }
    }

    fn takes(&mut self, level: Level, infix: &Infix) -> bool {
        match level {
            OR | AND => *self = Self::new(),
            EQUALITY if self.equality => {
                let operand = matches!(infix, Infix::Binary(_));
                *self =
                    Self { equality: false, relation: operand, arithmetic: operand, text: operand };
            }
            RELATION if self.relation => (self.relation, self.text) = (false, true),
            SUM | PRODUCT if self.arithmetic => self.text = true,
            TEXT if self.text => self.text = false,
            _ => return false,
        }
        true
    }
}

impl Waiting {
    /// Joins what binds tighter than `level`.
    fn join(&mut self, level: Option<Level>) {
        while let Some(&(_, top)) = self.operators.last() {
            if level.is_some_and(|level| top <= level) {
                return;
            }
            let run = self.operators.iter().rev().take_while(|(_, l)| *l == top).count();
            let ops = self.operators.split_off(self.operators.len() - run);
            let operands = self.operands.split_off(self.operands.len() - run - 1);
            let joined = if top <= AND && run > CHAIN {
                balanced(ops[0].0, operands)
            } else {
                self.chain(&ops, operands)
            };
            self.operands.extend(joined);
        }
    }

    fn chain(&mut self, ops: &[(BinaryOp, Level)], operands: Vec<Operand>) -> Option<Operand> {
        let mut operands = operands.into_iter();
        let mut left = operands.next()?;
        for ((op, _), right) in ops.iter().zip(operands) {
            left = pair(*op, left, right);
            if left.height > HEIGHT_MAX {
                self.too_high = true;
                left = Operand { expr: node(Kind::Missing, left.expr.span), height: 0 };
            }
        }
        Some(left)
    }
}

fn pair(op: BinaryOp, left: Operand, right: Operand) -> Operand {
    let span = left.expr.span.to(right.expr.span);
    let height = left.height.max(right.height) + 1;
    Operand { expr: node(Kind::Binary { op, left: left.expr, right: right.expr }, span), height }
}

/// `and` and `or` are associative: a long chain becomes a tree of small height.
fn balanced(op: BinaryOp, mut operands: Vec<Operand>) -> Option<Operand> {
    while operands.len() > 1 {
        let mut level = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            level.push(match rest.next() {
                Some(right) => pair(op, left, right),
                None => left,
            });
        }
        operands = level;
    }
    operands.pop()
}

impl Parser<'_> {
    /// An expression without a name.
    pub(super) fn expression(&mut self) -> Expr {
        let outer = std::mem::take(&mut self.height);
        let first = self.unary();
        let expr = match self.infix(0) {
            None => first,
            Some(_) => self.operations(first),
        };
        self.height = outer.max(self.height + 1);
        expr
    }

    fn operations(&mut self, first: Expr) -> Expr {
        let mut waiting = Waiting::default();
        waiting.operands.push(Operand { expr: first, height: std::mem::take(&mut self.height) });
        let mut allowed = Allowed::new();
        while let Some((infix, level)) = self.infix(0) {
            if !allowed.takes(level, &infix) {
                break;
            }
            self.advance();
            if matches!(infix, Infix::Binary(BinaryOp::MatchesRegex)) {
                self.expect_word("regex");
            }
            waiting.join(Some(level));
            match infix {
                Infix::Binary(op) => {
                    waiting.operators.push((op, level));
                    let expr = self.unary();
                    if level > AND && matches!(*expr.kind, Kind::Wildcard(_)) {
                        self.star_on_the_right(op, expr.span);
                    }
                    let height = std::mem::take(&mut self.height);
                    waiting.operands.push(Operand { expr, height });
                }
                Infix::List(op) => self.list_operator(op, &mut waiting),
                Infix::Between { negated } => self.between(negated, &mut waiting),
            }
        }
        waiting.join(None);
        let whole = waiting.operands.pop().expect("because the first operand was pushed");
        if waiting.too_high {
            self.error("KQL107", whole.expr.span, "too many operators in a row");
        }
        self.height = whole.height;
        whole.expr
    }

    fn star_on_the_right(&mut self, op: BinaryOp, star: Span) {
        let mut error = Diagnostic::error("KQL105", star, "`*` cannot stand on this side");
        if op == BinaryOp::Divide {
            error.hint = Some("comments begin with `//` and end with the line".to_owned());
        }
        self.report(error);
    }

    fn list_operator(&mut self, op: ListOp, waiting: &mut Waiting) {
        let Some(left) = waiting.operands.pop() else { return };
        let items = if self.expect(TokenKind::OpenParen, "`(` and a list") {
            let items = self.items(TokenKind::CloseParen, Self::pipe);
            self.close(TokenKind::CloseParen, "`,` or `)`");
            items
        } else {
            Vec::new()
        };
        let height = left.height.max(std::mem::take(&mut self.height)) + 1;
        let span = left.expr.span.to(self.since(left.expr.span.start));
        let expr = node(Kind::List { op, left: left.expr, items }, span);
        waiting.operands.push(Operand { expr, height });
    }

    fn between(&mut self, negated: bool, waiting: &mut Waiting) {
        let Some(left) = waiting.operands.pop() else { return };
        self.expect(TokenKind::OpenParen, "`(`");
        let low = self.nested(Self::expression);
        self.expect(TokenKind::DotDot, "`..`");
        let high = self.nested(Self::expression);
        self.close(TokenKind::CloseParen, "`)`");
        let height = left.height.max(std::mem::take(&mut self.height)) + 1;
        let span = left.expr.span.to(self.since(left.expr.span.start));
        let value = left.expr;
        let expr = node(Kind::Between { negated, value, low, high }, span);
        waiting.operands.push(Operand { expr, height });
    }

    /// Expressions with commas between them, up to a closing bracket; none is an error.
    pub(super) fn items(
        &mut self,
        close: TokenKind,
        item: impl Fn(&mut Self) -> Expr,
    ) -> Vec<Expr> {
        if self.peek() == close {
            return vec![self.missing("an expression")];
        }
        self.list(|p| p.nested(&item))
    }

    /// Whether an operand comes next, not an operator between operands and no end.
    pub(super) fn operand_follows(&self) -> bool {
        use TokenKind::{Guid, Long, Name, Real, String, TimeSpan, Typed};
        let kind = self.peek_at(1);
        let operand = matches!(kind, Guid | Long | Name | Real | String | TimeSpan | Typed);
        operand && self.infix(1).is_none()
    }

    fn infix(&self, ahead: usize) -> Option<(Infix, Level)> {
        use BinaryOp::*;
        let binary = |op, level| Some((Infix::Binary(op), level));
        match self.peek_at(ahead) {
            TokenKind::Plus => binary(Add, SUM),
            TokenKind::Minus => binary(Subtract, SUM),
            TokenKind::Star => binary(Multiply, PRODUCT),
            TokenKind::Slash => binary(Divide, PRODUCT),
            TokenKind::Percent => binary(Modulo, PRODUCT),
            TokenKind::Less => binary(Less, RELATION),
            TokenKind::LessEqual => binary(LessOrEqual, RELATION),
            TokenKind::Greater => binary(Greater, RELATION),
            TokenKind::GreaterEqual => binary(GreaterOrEqual, RELATION),
            TokenKind::EqualEqual => binary(Equal, EQUALITY),
            TokenKind::BangEqual | TokenKind::LessGreater => binary(NotEqual, EQUALITY),
            TokenKind::EqualTilde => binary(EqualTilde, TEXT),
            TokenKind::BangTilde => binary(BangTilde, TEXT),
            TokenKind::Colon => binary(Has, TEXT),
            TokenKind::Name => self.word_infix(ahead),
            TokenKind::NotWord => not_word(self.slice(self.token(ahead).span)),
            _ => None,
        }
    }

    fn word_infix(&self, ahead: usize) -> Option<(Infix, Level)> {
        use BinaryOp::*;
        let list = |op| Some((Infix::List(op), EQUALITY));
        let op = match self.word_at(ahead) {
            "or" => return Some((Infix::Binary(Or), OR)),
            "and" => return Some((Infix::Binary(And), AND)),
            // `make-series … on a in range(…)`
            "in" if self.word_at(ahead + 1) != "range" => return list(ListOp::In),
            "in~" => return list(ListOp::InTilde),
            "has_any" => return list(ListOp::HasAny),
            "has_all" => return list(ListOp::HasAll),
            "between" => return Some((Infix::Between { negated: false }, EQUALITY)),
            "has" => Has,
            "has_cs" => HasCs,
            "hasprefix" => HasPrefix,
            "hasprefix_cs" => HasPrefixCs,
            "hassuffix" => HasSuffix,
            "hassuffix_cs" => HasSuffixCs,
            "contains" => Contains,
            "contains_cs" | "containscs" => ContainsCs,
            "notcontains" => NotContains,
            "notcontainscs" => NotContainsCs,
            "startswith" => StartsWith,
            "startswith_cs" => StartsWithCs,
            "endswith" => EndsWith,
            "endswith_cs" => EndsWithCs,
            "matches" if self.word_at(ahead + 1) == "regex" => MatchesRegex,
            "like" => Like,
            "notlike" => NotLike,
            "likecs" => LikeCs,
            "notlikecs" => NotLikeCs,
            _ => return None,
        };
        Some((Infix::Binary(op), TEXT))
    }

    pub(super) fn unary(&mut self) -> Expr {
        let sign = match self.peek() {
            TokenKind::Minus => Sign::Minus,
            TokenKind::Plus => Sign::Plus,
            _ => return self.postfix(),
        };
        let start = self.start();
        self.advance();
        if sign == Sign::Minus
            && let Some(least) = self.least_long(start)
        {
            return least;
        }
        let value = self.postfix();
        self.height += 1;
        node(Kind::Unary(sign, value), self.since(start))
    }

    /// A primary with `.name`, `.f(…)` and `[…]` behind it.
    pub(super) fn postfix(&mut self) -> Expr {
        let start = self.start();
        let mut expr = self.primary();
        loop {
            let kind = match self.peek() {
                TokenKind::Dot => self.dotted(expr),
                TokenKind::OpenBracket => {
                    self.advance();
                    let index = self.nested(Self::expression);
                    self.close(TokenKind::CloseBracket, "`]`");
                    Kind::Element(expr, index)
                }
                _ => return expr,
            };
            self.height += 1;
            expr = node(kind, self.since(start));
            if self.height > HEIGHT_MAX {
                return self.give_up();
            }
        }
    }

    fn dotted(&mut self, left: Expr) -> Kind {
        self.advance();
        if self.peek() == TokenKind::Name {
            if self.peek_at(1) == TokenKind::OpenParen {
                return Kind::Path(left, self.call());
            }
            if scope(&left) {
                let entity = self.column_pattern();
                return Kind::Path(left, entity);
            }
            let token = self.advance();
            let text = self.slice(token.span).to_owned();
            return Kind::Member(left, Name { text, span: token.span });
        }
        let quoted = self.name_length(0) > 1;
        if (quoted || self.peek() == TokenKind::Star) && scope(&left) {
            let entity = self.column_pattern();
            return Kind::Path(left, entity);
        }
        if self.eat(TokenKind::OpenBracket) {
            let index = self.nested(Self::expression);
            self.close(TokenKind::CloseBracket, "`]`");
            return Kind::Element(left, index);
        }
        self.expected("a name after `.`");
        *left.kind
    }
}

/// Whether names below this expression are tables and functions: `cluster(…)`, `database(…)`.
fn scope(expr: &Expr) -> bool {
    match &*expr.kind {
        Kind::Call { name, .. } => matches!(
            name.text.as_str(),
            "adx" | "app" | "arg" | "cluster" | "database" | "external_table" | "workspace"
        ),
        Kind::Path(_, right) => scope(right),
        _ => false,
    }
}

fn not_word(text: &str) -> Option<(Infix, Level)> {
    use BinaryOp::*;
    let op = match text {
        "!in" => return Some((Infix::List(ListOp::NotIn), EQUALITY)),
        "!in~" => return Some((Infix::List(ListOp::NotInTilde), EQUALITY)),
        "!between" => return Some((Infix::Between { negated: true }, EQUALITY)),
        "!has" => NotHas,
        "!has_cs" => NotHasCs,
        "!hasprefix" => NotHasPrefix,
        "!hasprefix_cs" => NotHasPrefixCs,
        "!hassuffix" => NotHasSuffix,
        "!hassuffix_cs" => NotHasSuffixCs,
        "!contains" => NotContains,
        "!contains_cs" => NotContainsCs,
        "!startswith" => NotStartsWith,
        "!startswith_cs" => NotStartsWithCs,
        "!endswith" => NotEndsWith,
        "!endswith_cs" => NotEndsWithCs,
        _ => return None,
    };
    Some((Infix::Binary(op), TEXT))
}
