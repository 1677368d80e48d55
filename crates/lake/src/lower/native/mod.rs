//! Which calls have a form that works on whole arrays.
//!
//! A form is chosen only where it gives exactly what the call means; all else is evaluated by
//! value.

mod choose;
mod compare;
mod number;
mod path;
mod text;

use datafusion::logical_expr::{Expr, lit};
use kql::plan::{Op, Scalar, ScalarKind};
use kql::value::{Type, Value};

use super::scalar::Scope;
use crate::error::Result;
use crate::scalar::Native;

/// A form, if there is one.
type Form = Result<Option<Expr>>;

impl Scope<'_> {
    /// The call's value in a form that works on whole arrays, if it has one.
    pub(super) fn native(&self, scalar: &Scalar) -> Form {
        let (function, arguments) = match &scalar.kind {
            ScalarKind::Call { function, arguments } => (&**function, &arguments[..]),
            ScalarKind::InTable { function, value, table } => {
                let Op::Rows(rows) = &*table.op else { return Ok(None) };
                let items: Vec<&Value> = rows.iter().filter_map(|row| row.first()).collect();
                return self.list(function, value, &items, false);
            }
            _ => return Ok(None),
        };
        match function {
            "and" | "or" | "not" => self.logic(function, arguments),
            "iff" | "iif" | "case" => self.choice(arguments, scalar.ty),
            "coalesce" => self.coalesce(arguments, scalar.ty),
            "==" | "!=" | "<" | "<=" | ">" | ">=" => self.comparison(function, arguments),
            "between" | "!between" => self.between(function, arguments, false),
            "+" | "-" | "*" | "/" | "%" => self.arithmetic(function, arguments, scalar.ty),
            "bin" | "floor" | "bin_at" => self.bin(arguments, scalar.ty),
            "isnull" | "isnotnull" | "notnull" => self.nullness(function, arguments),
            "isempty" | "isnotempty" | "notempty" => self.emptiness(function, arguments),
            "in" | "!in" | "in~" | "!in~" | "has_any" | "has_all" => {
                self.constant_list(function, arguments, false)
            }
            "[]" => self.path(scalar, Type::Dynamic),
            "tostring" | "tolong" | "toint" | "toreal" | "todouble" | "tobool" | "toboolean"
            | "todatetime" | "totimespan" | "toguid" => self.conversion(arguments, scalar.ty),
            "parse_json" | "todynamic" | "parsejson" | "toobject" => {
                self.path(scalar, Type::Dynamic)
            }
            _ => self.text_function(function, arguments, scalar.ty),
        }
    }

    /// The same where null may stand for false.
    pub(super) fn native_condition(&self, scalar: &Scalar) -> Form {
        let (function, arguments) = match &scalar.kind {
            ScalarKind::Call { function, arguments } => (&**function, &arguments[..]),
            ScalarKind::InTable { function, value, table } => {
                let Op::Rows(rows) = &*table.op else { return Ok(None) };
                let items: Vec<&Value> = rows.iter().filter_map(|row| row.first()).collect();
                return self.list(function, value, &items, true);
            }
            _ => return Ok(None),
        };
        match function {
            "and" | "or" => {
                let mut all = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    all.push(self.condition(argument)?);
                }
                let joined = if function == "and" {
                    all.into_iter().reduce(Expr::and)
                } else {
                    all.into_iter().reduce(Expr::or)
                };
                Ok(joined)
            }
            "==" | "!=" | "<" | "<=" | ">" | ">=" => self.plain_comparison(function, arguments),
            "between" | "!between" => self.between(function, arguments, true),
            "isnotempty" | "notempty" => match arguments {
                [one] if one.ty == Type::String => {
                    let empty = super::scalar::constant(&Value::text(""), Type::String);
                    Ok(Some(self.value(one)?.not_eq(empty)))
                }
                _ => Ok(None),
            },
            "in" | "!in" | "in~" | "!in~" | "has_any" | "has_all" => {
                self.constant_list(function, arguments, true)
            }
            _ => Ok(None),
        }
    }

    fn logic(&self, function: &str, arguments: &[Scalar]) -> Form {
        if !arguments.iter().all(|argument| argument.ty == Type::Bool) {
            return Ok(None);
        }
        let mut all = Vec::with_capacity(arguments.len());
        for argument in arguments {
            all.push(self.value(argument)?);
        }
        let mut all = all.into_iter();
        Ok(match function {
            "and" => all.reduce(Expr::and),
            "or" => all.reduce(Expr::or),
            _ => all.next().map(|one| Expr::Not(Box::new(one))),
        })
    }

    fn nullness(&self, function: &str, arguments: &[Scalar]) -> Form {
        let [one] = arguments else { return Ok(None) };
        let negated = function != "isnull";
        if one.ty == Type::String {
            return Ok(Some(lit(negated)));
        }
        let value = self.value(one)?;
        Ok(Some(if negated { value.is_not_null() } else { value.is_null() }))
    }

    fn emptiness(&self, function: &str, arguments: &[Scalar]) -> Form {
        let [one] = arguments else { return Ok(None) };
        let negated = function != "isempty";
        if matches!(one.ty, Type::String | Type::Dynamic) {
            let Some(text) = self.text(one)? else { return Ok(None) };
            return Ok(Some(Native::IsEmpty { negated }.call(vec![text])));
        }
        let value = self.value(one)?;
        Ok(Some(if negated { value.is_not_null() } else { value.is_null() }))
    }
}
