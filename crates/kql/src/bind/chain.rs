//! Operators with two sides: their types (Kusto pages "numerical operators", "datetime / timespan
//! arithmetic", "string operators"), and chains of them without recursion.

use super::env::Bound;
use super::{Binder, Env, Typed, call};
use crate::plan::Scalar;
use crate::syntax::{BinaryOp, Expr, Kind, Span};
use crate::value::Type;

impl Binder<'_> {
    /// `a op b op c`: left to right, as deep as the right sides only.
    pub(super) fn chain(&mut self, e: &Expr, env: &Env<'_>) -> Bound {
        let mut steps: Vec<(BinaryOp, &Expr)> = Vec::new();
        let mut first = e;
        while let Kind::Binary { op, left, right } = &*first.kind {
            steps.push((*op, right));
            first = left;
        }
        if !self.grow(steps.len(), e.span) {
            return Bound::Failed;
        }
        let start = first.span;
        // `* has "x"`: any column.
        let star = matches!(&*first.kind, Kind::Wildcard(text) if text == "*");
        let mut value = match steps.last() {
            Some((op, right)) if star && !env.row.columns().is_empty() => {
                let (op, right) = (op.text(), *right);
                steps.pop();
                let needle = self.scalar(right, env).map(|typed| typed.value);
                needle.and_then(|needle| self.anywhere(op, &needle, e.span, env))
            }
            _ => self.scalar(first, env).map(|typed| typed.value),
        };
        // Equal steps of `and` and `or` become one call with many arguments.
        let mut at = steps.len();
        while at > 0 {
            at -= 1;
            let (op, right) = steps[at];
            let mut rights = vec![right];
            while matches!(op, BinaryOp::And | BinaryOp::Or) && at > 0 && steps[at - 1].0 == op {
                at -= 1;
                rights.push(steps[at].1);
            }
            let mut sides = Vec::new();
            for right in rights {
                sides.push((self.scalar(right, env).map(|typed| typed.value), right.span));
            }
            value = self.binary(op, value, sides, start);
        }
        match value {
            Some(value) => Bound::Scalar(Typed { value, name: None }),
            None => Bound::Failed,
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: Option<Scalar>,
        rights: Vec<(Option<Scalar>, Span)>,
        start: Span,
    ) -> Option<Scalar> {
        let left = left?;
        let mut ty = Type::Bool;
        let mut arguments = vec![left];
        for (right, span) in rights {
            let right = right?;
            let from = arguments[0].ty;
            let unknown = self.unsure() && (from == Type::Dynamic || right.ty == Type::Dynamic);
            let known = result(op, from, right.ty);
            let Some(result) = known.or(unknown.then(|| unknown_result(op))) else {
                let message = format!("`{}` is not defined for {from} and {}", op.text(), right.ty);
                let hint = hint(op, from, right.ty);
                self.error_hint("KQL309", start.to(span), message, hint);
                return None;
            };
            ty = result;
            arguments.push(right);
        }
        if op == BinaryOp::MatchesRegex
            && let crate::plan::ScalarKind::Literal(pattern) = &arguments[1].kind
            && let Some(why) = crate::functions::regex_error(&pattern.to_text())
        {
            self.bad_pattern(start, &why);
        }
        Some(self.fold(call(op.text(), arguments, ty)))
    }
}

/// The type of an operation with a value of which nothing is known.
fn unknown_result(op: BinaryOp) -> Type {
    use BinaryOp as B;
    match op {
        B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo => Type::Dynamic,
        _ => Type::Bool,
    }
}

fn hint(op: BinaryOp, left: Type, right: Type) -> Option<String> {
    use BinaryOp as B;
    let text = |ty| matches!(ty, Type::String);
    match op {
        B::Add if text(left) || text(right) => Some("join text by strcat(…)".to_owned()),
        B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual if text(left) && text(right) => {
            Some("compare text by strcmp(…)".to_owned())
        }
        _ if left == Type::DateTime && text(right) => {
            Some("read the text by todatetime(…) or write datetime(…)".to_owned())
        }
        _ => None,
    }
}

/// The type of `left op right`; `None` where the operator is not defined for them.
fn result(op: BinaryOp, left: Type, right: Type) -> Option<Type> {
    use BinaryOp as B;
    use Type::{Bool, DateTime, Dynamic, String, TimeSpan};
    let textual = |ty| matches!(ty, String | Dynamic);
    match op {
        B::And | B::Or => {
            (matches!(left, Bool | Dynamic) && matches!(right, Bool | Dynamic)).then_some(Bool)
        }
        B::Equal | B::NotEqual => Some(Bool),
        B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
            let plain = |ty: Type| ty.is_number() || ty == Bool;
            let fits = match (left, right) {
                (DateTime, DateTime) | (TimeSpan, TimeSpan) | (Dynamic, Dynamic) => true,
                (Dynamic, ty) | (ty, Dynamic) => ty.is_number(),
                (a, b) => plain(a) && plain(b),
            };
            fits.then_some(Bool)
        }
        B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo => arithmetic(op, left, right),
        _ => (textual(left) && textual(right)).then_some(Bool),
    }
}

fn arithmetic(op: BinaryOp, left: Type, right: Type) -> Option<Type> {
    use BinaryOp as B;
    use Type::{DateTime, Dynamic, Long, Real, TimeSpan};
    if left.is_number() && right.is_number() {
        return Some(widest(widest(left, right), Long));
    }
    match (left, right) {
        (Dynamic, Dynamic) => return Some(Dynamic),
        (Dynamic, ty) | (ty, Dynamic) if ty.is_number() => return Some(widest(ty, Long)),
        _ => {}
    }
    let timed = |ty| matches!(ty, DateTime | TimeSpan);
    match op {
        B::Add => match (left, right) {
            (TimeSpan, TimeSpan | Dynamic) | (Dynamic, TimeSpan) => Some(TimeSpan),
            (DateTime, DateTime | TimeSpan | Dynamic) | (TimeSpan | Dynamic, DateTime) => {
                Some(DateTime)
            }
            _ => None,
        },
        B::Subtract => match (left, right) {
            (DateTime, TimeSpan) | (TimeSpan, DateTime) => Some(DateTime),
            (a, b) if timed(a) && timed(b) => Some(TimeSpan),
            (a, Dynamic) | (Dynamic, a) if timed(a) => Some(TimeSpan),
            _ => None,
        },
        B::Multiply => match (left, right) {
            (TimeSpan, TimeSpan) => Some(TimeSpan),
            (a, n) | (n, a) if timed(a) && n.is_number() => Some(a),
            _ => None,
        },
        B::Divide => match (left, right) {
            (a, n) if timed(a) && n.is_number() => Some(a),
            (DateTime, DateTime | TimeSpan) | (TimeSpan, TimeSpan) => Some(Real),
            _ => None,
        },
        _ => match (left, right) {
            (a, n) if timed(a) && n.is_number() => Some(a),
            (DateTime, DateTime | TimeSpan) | (TimeSpan, TimeSpan) => Some(TimeSpan),
            _ => None,
        },
    }
}

/// The wider of two number types; anything else gives the first.
pub(super) fn widest(a: Type, b: Type) -> Type {
    fn rank(ty: Type) -> u8 {
        match ty {
            Type::Int => 1,
            Type::Long => 2,
            Type::Real => 3,
            Type::Decimal => 4,
            _ => 0,
        }
    }
    if rank(b) > rank(a) { b } else { a }
}
