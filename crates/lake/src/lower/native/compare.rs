//! Comparisons, `between`, and lists of constants.

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, Operator, binary_expr};
use kql::plan::Scalar;
use kql::value::{Json, Type, Value};

use super::Form;
use crate::lower::scalar::{Scope, cast, constant};
use crate::scalar::{Comparison, Native, Test};

/// Longer lists of texts are looked up by a function of ours.
const LIST_MAX: usize = 1000;

/// The type that two types are compared in on whole arrays.
fn common(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        (Type::Decimal | Type::Dynamic, _) | (_, Type::Decimal | Type::Dynamic) => None,
        (a, b) if a.is_integer() && b.is_integer() => Some(Type::Long),
        (a, b) if a == b => Some(a),
        (a, b) if a.is_number() && b.is_number() => Some(Type::Real),
        _ => None,
    }
}

impl Scope<'_> {
    /// Both sides in one type. A dynamic beside a constant text is compared by its text.
    fn sides(
        &self,
        function: &str,
        arguments: &[Scalar],
    ) -> crate::Result<Option<(Expr, Expr, Type)>> {
        let [left, right] = arguments else { return Ok(None) };
        if let Some(ty) = common(left.ty, right.ty) {
            let side =
                |scalar: &Scalar| Ok::<_, crate::Error>(cast(self.value(scalar)?, scalar.ty, ty));
            return Ok(Some((side(left)?, side(right)?, ty)));
        }
        if function == "==" && left.ty == Type::Dynamic && right.ty == Type::String {
            let Some(Value::String(text)) = self.folded(right)? else { return Ok(None) };
            if text.is_empty() {
                return Ok(None);
            }
            let Some(left) = self.text(left)? else { return Ok(None) };
            let right = constant(&Value::String(text), Type::String);
            return Ok(Some((left, right, Type::String)));
        }
        Ok(None)
    }

    /// A comparison, with all that nulls do.
    pub(super) fn comparison(&self, function: &str, arguments: &[Scalar]) -> Form {
        let Some(comparison) = Comparison::of(function) else { return Ok(None) };
        let Some((left, right, _)) = self.sides(function, arguments)? else { return Ok(None) };
        Ok(Some(Native::Compare(comparison).call(vec![left, right])))
    }

    /// A comparison of DataFusion's own, where null may stand for false.
    pub(super) fn plain_comparison(&self, function: &str, arguments: &[Scalar]) -> Form {
        let Some((left, right, ty)) = self.sides(function, arguments)? else { return Ok(None) };
        if ty == Type::Real {
            // NaN and the two zeros are not what they are to Arrow.
            return self.comparison(function, arguments);
        }
        let operator = match function {
            "==" => Operator::Eq,
            "!=" if ty == Type::String => Operator::NotEq,
            "!=" => Operator::IsDistinctFrom,
            "<" => Operator::Lt,
            "<=" => Operator::LtEq,
            ">" => Operator::Gt,
            _ => Operator::GtEq,
        };
        Ok(Some(binary_expr(left, operator, right)))
    }

    /// Both ends are inside; a span at the high end is counted from the low one.
    pub(super) fn between(&self, function: &str, arguments: &[Scalar], condition: bool) -> Form {
        let [value, low, high] = arguments else { return Ok(None) };
        let mut high = high.clone();
        if low.ty == Type::DateTime && high.ty == Type::TimeSpan {
            let (Some(Value::DateTime(start)), Some(Value::TimeSpan(span))) =
                (self.folded(low)?, self.folded(&high)?)
            else {
                return Ok(None);
            };
            let end = Value::DateTime(start.saturating_add(span));
            high = Scalar { kind: kql::plan::ScalarKind::Literal(end), ty: Type::DateTime };
        }
        let negated = function == "!between";
        let compare = |function: &str, end: &Scalar| {
            let arguments = [value.clone(), end.clone()];
            if condition && !negated {
                self.plain_comparison(function, &arguments)
            } else {
                self.comparison(function, &arguments)
            }
        };
        let (Some(above), Some(below)) = (compare(">=", low)?, compare("<=", &high)?) else {
            return Ok(None);
        };
        let inside = above.and(below);
        Ok(Some(if negated { Expr::Not(Box::new(inside)) } else { inside }))
    }

    /// `in` and its like with constants on the right.
    pub(super) fn constant_list(
        &self,
        function: &str,
        arguments: &[Scalar],
        condition: bool,
    ) -> Form {
        let Some((value, items)) = arguments.split_first() else { return Ok(None) };
        let mut constants = Vec::with_capacity(items.len());
        for item in items {
            match self.folded(item)? {
                Some(value) => constants.push(value),
                None => return Ok(None),
            }
        }
        let constants: Vec<&Value> = constants.iter().collect();
        self.list(function, value, &constants, condition)
    }

    /// The same for values; an array stands for its elements.
    pub(super) fn list(
        &self,
        function: &str,
        value: &Scalar,
        items: &[&Value],
        condition: bool,
    ) -> Form {
        let items: Vec<Value> = items.iter().flat_map(|item| elements(item)).collect();
        if matches!(function, "has_any" | "has_all") {
            let needles: Vec<String> = items.iter().map(|i| i.to_text().to_string()).collect();
            let test = if function == "has_any" { Test::HasAny } else { Test::HasAll };
            return self.text_test(test, value, needles, false);
        }
        let negated = function.starts_with('!');
        let fold = function.ends_with('~');
        match value.ty {
            Type::String | Type::Dynamic => {
                let Some(needles) = texts(&items) else { return Ok(None) };
                let plain = condition && !fold && !negated && value.ty == Type::String;
                if plain && needles.len() <= LIST_MAX && !needles.is_empty() {
                    let all = needles.iter().map(|n| constant(&Value::text(n), Type::String));
                    return Ok(Some(self.value(value)?.in_list(all.collect(), false)));
                }
                self.text_test(Test::In { fold }, value, needles, negated)
            }
            Type::Int | Type::Long | Type::DateTime | Type::TimeSpan | Type::Guid if !fold => {
                let ty = if value.ty.is_integer() { Type::Long } else { value.ty };
                let mut all = Vec::with_capacity(items.len());
                for item in &items {
                    let item = item.plain();
                    let same =
                        item.kind() == Some(ty) || ty == Type::Long && item.as_integer().is_some();
                    if !same {
                        return Ok(None);
                    }
                    all.push(constant(&item, ty));
                }
                let needle = cast(self.value(value)?, value.ty, ty);
                let list = Expr::InList(InList::new(Box::new(needle), all, false));
                Ok(Some(match (negated, condition) {
                    (true, _) => Expr::IsNotTrue(Box::new(list)),
                    (false, true) => list,
                    (false, false) => Expr::IsTrue(Box::new(list)),
                }))
            }
            _ => Ok(None),
        }
    }
}

/// The elements of an array, or the value.
fn elements(value: &Value) -> Vec<Value> {
    match value {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => elements.iter().map(Value::of_json).collect(),
            _ => vec![value.clone()],
        },
        _ => vec![value.clone()],
    }
}

/// What a text is compared with; nulls match no text. `None` where an item is of another type.
fn texts(items: &[Value]) -> Option<Vec<String>> {
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Null => {}
            Value::String(text) => all.push(text.to_string()),
            Value::Dynamic(json) => match item.plain() {
                Value::Dynamic(_) => all.push(json.to_string()),
                plain => all.push(plain.to_text().to_string()),
            },
            _ => return None,
        }
    }
    Some(all)
}
