//! `join` and `lookup`.

use std::collections::HashSet;

use super::super::naming::make_unique;
use super::{Binder, Env, Expr, Kind, Op, Rel, Scalar, Span, Type, Value};
use super::{call, column, literal, pick, rel};
use crate::plan::{JoinKind, Schema};
use crate::syntax::{BinaryOp, Literal, Operator};

/// Conditions of a join: what is compared, and the columns where both sides are plain columns.
#[derive(Debug, Default)]
struct On {
    pairs: Vec<(Scalar, Scalar)>,
    /// Columns of the right side that are compared
    right: HashSet<usize>,
    failed: bool,
}

impl Binder<'_> {
    pub(super) fn join(
        &mut self,
        left: Rel,
        operator: &Operator,
        right: &Expr,
        on: &[Expr],
        condition: Option<&Expr>,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let kind = match self.property(operator, "kind", env) {
            None => JoinKind::InnerUnique,
            Some(kind) => match join_kind(&kind) {
                Some(kind) => kind,
                None => {
                    self.unknown_kind(operator, &kind, "inner, innerunique, leftouter, leftanti");
                    return None;
                }
            },
        };
        let right = self.tabular(right, env)?;
        if let Some(condition) = condition {
            self.error("KQL260", condition.span, "join … where is not supported: write `on`");
            return None;
        }
        if on.is_empty() {
            let hint = "add `on Column` or `on $left.A == $right.B`".to_owned();
            self.error_hint("KQL261", operator.word, "the join has no condition", Some(hint));
            return None;
        }
        let on = self.conditions(on, &left.schema, &right.schema);
        if on.failed {
            return None;
        }
        use JoinKind::*;
        let schema = match kind {
            LeftAnti | LeftSemi => left.schema.clone(),
            RightAnti | RightSemi => right.schema.clone(),
            _ => both(&left, &right),
        };
        Some(rel(Op::Join { kind, left, right, on: on.pairs }, schema))
    }

    pub(super) fn lookup(
        &mut self,
        left: Rel,
        operator: &Operator,
        right: &Expr,
        on: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let kind = match self.property(operator, "kind", env).as_deref() {
            None | Some("leftouter") => JoinKind::LeftOuter,
            Some("inner") => JoinKind::Inner,
            Some(other) => {
                self.unknown_kind(operator, other, "leftouter, inner");
                return None;
            }
        };
        let right = self.tabular(right, env)?;
        if on.is_empty() {
            let hint = "add `on Column` or `on $left.A == $right.B`".to_owned();
            self.error_hint("KQL261", operator.word, "the lookup has no condition", Some(hint));
            return None;
        }
        let on = self.conditions(on, &left.schema, &right.schema);
        if on.failed {
            return None;
        }
        let n_left = left.schema.len();
        let mut kept: Vec<usize> = (0..n_left).collect();
        kept.extend((0..right.schema.len()).filter(|c| !on.right.contains(c)).map(|c| n_left + c));
        let mut schema: Schema = left.schema.clone();
        schema.extend(right.schema.iter().cloned());
        let mut shown: Schema = kept.iter().map(|at| schema[*at].clone()).collect();
        make_unique(&mut shown);
        for (at, shown) in kept.iter().zip(&shown) {
            schema[*at].name.clone_from(&shown.name);
        }
        // Names of what is dropped must not be those of what is kept.
        for (at, column) in schema.iter_mut().enumerate() {
            if !kept.contains(&at) {
                column.name = format!("{}\u{1}{at}", column.name);
            }
        }
        let joined = rel(Op::Join { kind, left, right, on: on.pairs }, schema);
        Some(if kept.len() == joined.schema.len() { joined } else { pick(joined, &kept) })
    }

    fn unknown_kind(&mut self, operator: &Operator, kind: &str, known: &str) {
        let property = operator.properties.iter().find(|p| p.name.text == "kind");
        let span = property.map_or(operator.word, |p| p.value.span);
        let hint = format!("known are {known} and more");
        self.error_hint("KQL262", span, format!("there is no kind `{kind}`"), Some(hint));
    }

    fn conditions(&mut self, list: &[Expr], left: &Schema, right: &Schema) -> On {
        let mut on = On::default();
        for e in list {
            self.condition(e, left, right, &mut on);
        }
        on
    }

    fn condition(&mut self, e: &Expr, left: &Schema, right: &Schema, on: &mut On) {
        let mut open = vec![e];
        while let Some(e) = open.pop() {
            match &*e.kind {
                Kind::Paren(inner) => open.push(inner),
                Kind::Binary { op: BinaryOp::And, left: a, right: b } => {
                    open.push(b);
                    open.push(a);
                }
                Kind::Binary { op: BinaryOp::Equal, left: a, right: b } => {
                    let a_side = self.side(a, "$left", left);
                    let b_side = self.side(b, "$right", right);
                    match (a_side, b_side) {
                        (Some((a, _)), Some((b, at))) => {
                            if !self.comparable(&a, &b, e.span) {
                                on.failed = true;
                            }
                            on.right.extend(at);
                            on.pairs.push(widened(a, b));
                        }
                        _ => on.failed = true,
                    }
                }
                Kind::Name(name) => self.common_column(name, e.span, left, right, on),
                _ => {
                    let hint = "write `Column` or `$left.A == $right.B`".to_owned();
                    let message = "rows are joined by columns that are equal";
                    self.error_hint("KQL263", e.span, message, Some(hint));
                    on.failed = true;
                }
            }
        }
    }

    /// A column that both sides have.
    fn common_column(
        &mut self,
        name: &str,
        span: Span,
        left: &Schema,
        right: &Schema,
        on: &mut On,
    ) {
        let find = |schema: &Schema| schema.iter().position(|c| c.name == name);
        let (a, b) = (find(left), find(right));
        if let (Some(a), Some(b)) = (a, b) {
            let (a_ty, b_ty) = (left[a].ty, right[b].ty);
            if a_ty != b_ty && !(self.unsure() && (a_ty, b_ty).has(Type::Dynamic)) {
                let message =
                    format!("the column `{name}` is {a_ty} on the left, {b_ty} on the right");
                self.error("KQL327", span, message);
                on.failed = true;
            }
            on.right.insert(b);
            on.pairs.push(widened(column(left, a), column(right, b)));
            return;
        }
        if self.unsure() {
            let absent = || literal(Value::Null, Type::Dynamic);
            let a = a.map_or_else(absent, |at| column(left, at));
            on.right.extend(b);
            let b = b.map_or_else(absent, |at| column(right, at));
            on.pairs.push((a, b));
            return;
        }
        on.failed = true;
        let (side, schema) = match (a, b) {
            (None, Some(_)) => ("left", left),
            (Some(_), None) => ("right", right),
            _ => ("left and right", left),
        };
        let near = super::super::names::nearest(name, schema.iter().map(|c| &*c.name));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("there is no column `{name}` on the {side} of the join");
        self.error_hint("KQL264", span, message, hint);
    }

    /// `$left.a` or `$right.a`.
    fn side(&mut self, e: &Expr, prefix: &str, schema: &Schema) -> Option<(Scalar, Option<usize>)> {
        let mut e = e;
        while let Kind::Paren(inner) = &*e.kind {
            e = inner;
        }
        let named = match &*e.kind {
            Kind::Member(base, name) if is_name(base, prefix) => Some((&*name.text, name.span)),
            Kind::Path(base, inner) if is_name(base, prefix) => match &*inner.kind {
                Kind::Name(name) => Some((&**name, inner.span)),
                _ => None,
            },
            Kind::Element(base, index) if is_name(base, prefix) => match &*index.kind {
                Kind::Literal(Literal::String { text, .. }) => Some((&**text, index.span)),
                _ => None,
            },
            _ => None,
        };
        let Some((name, span)) = named else {
            let hint = format!("write `{prefix}.Column` here");
            let message = "a condition compares a column of the left with one of the right";
            self.error_hint("KQL263", e.span, message, Some(hint));
            return None;
        };
        if let Some(at) = schema.iter().position(|c| c.name == name) {
            return Some((column(schema, at), Some(at)));
        }
        if self.unsure() {
            return Some((literal(Value::Null, Type::Dynamic), None));
        }
        let near = super::super::names::nearest(name, schema.iter().map(|c| &*c.name));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        self.error_hint("KQL264", span, format!("there is no column `{name}` there"), hint);
        None
    }

    /// Whether two keys may be compared: neither is dynamic, and both are of one type; `int` and
    /// `long` count as one.
    fn comparable(&mut self, a: &Scalar, b: &Scalar, span: Span) -> bool {
        if self.unsure() && (a.ty, b.ty).has(Type::Dynamic) {
            return true;
        }
        if (a.ty, b.ty).has(Type::Dynamic) {
            let hint = "make a column by extend and tostring(…) first".to_owned();
            self.error_hint("KQL328", span, "rows cannot be joined by a dynamic", Some(hint));
            return false;
        }
        let widest = |ty: Type| if ty == Type::Int { Type::Long } else { ty };
        if widest(a.ty) != widest(b.ty) {
            let message = format!("{} cannot be compared with {}", a.ty, b.ty);
            self.error("KQL327", span, message);
            return false;
        }
        true
    }
}

/// Whether one of two types is this.
trait Has {
    fn has(self, ty: Type) -> bool;
}

impl Has for (Type, Type) {
    fn has(self, ty: Type) -> bool {
        self.0 == ty || self.1 == ty
    }
}

fn is_name(e: &Expr, name: &str) -> bool {
    matches!(&*e.kind, Kind::Name(text) if text == name)
}

/// Both keys in one type.
fn widened(a: Scalar, b: Scalar) -> (Scalar, Scalar) {
    let long = |value: Scalar| call("tolong", vec![value], Type::Long);
    match (a.ty, b.ty) {
        (Type::Int, Type::Long) => (long(a), b),
        (Type::Long, Type::Int) => (a, long(b)),
        _ => (a, b),
    }
}

/// Columns of the left, then of the right; names that come again get numbers.
fn both(left: &Rel, right: &Rel) -> Schema {
    let mut schema: Schema = left.schema.iter().chain(&right.schema).cloned().collect();
    make_unique(&mut schema);
    schema
}

fn join_kind(name: &str) -> Option<JoinKind> {
    use JoinKind::*;
    Some(match name {
        "innerunique" => InnerUnique,
        "inner" => Inner,
        "leftouter" => LeftOuter,
        "rightouter" => RightOuter,
        "fullouter" => FullOuter,
        "leftanti" | "anti" | "leftantisemi" => LeftAnti,
        "rightanti" | "rightantisemi" => RightAnti,
        "leftsemi" => LeftSemi,
        "rightsemi" => RightSemi,
        _ => return None,
    })
}
