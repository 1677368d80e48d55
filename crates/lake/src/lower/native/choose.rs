//! `iff`, `case`, `coalesce`.

use datafusion::functions::core::expr_fn;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Case;
use kql::plan::Scalar;
use kql::value::{Type, Value};

use super::Form;
use crate::error::Result;
use crate::lower::scalar::{Scope, cast, constant};
use crate::scalar::Native;

impl Scope<'_> {
    /// Conditions and values in turn, then the value for all else.
    pub(super) fn choice(&self, arguments: &[Scalar], ty: Type) -> Form {
        let mut rest = arguments;
        let mut branches = Vec::with_capacity(arguments.len() / 2);
        while let [condition, value, others @ ..] = rest {
            let Some(value) = self.branch(value, ty)? else { return Ok(None) };
            branches.push((Box::new(self.condition(condition)?), Box::new(value)));
            rest = others;
        }
        let otherwise = match rest {
            [last] => self.branch(last, ty)?,
            _ => None,
        };
        let Some(otherwise) = otherwise.filter(|_| !branches.is_empty()) else { return Ok(None) };
        Ok(Some(Expr::Case(Case::new(None, branches, Some(Box::new(otherwise))))))
    }

    /// A value in the type of the whole.
    fn branch(&self, scalar: &Scalar, ty: Type) -> Result<Option<Expr>> {
        if let Some(value) = self.folded(scalar)? {
            return Ok(Some(constant(&value, ty)));
        }
        let wider = match (scalar.ty, ty) {
            (from, to) if from == to => true,
            (Type::Int, Type::Long | Type::Real) | (Type::Long, Type::Real) => true,
            _ => false,
        };
        Ok(if wider { Some(cast(self.value(scalar)?, scalar.ty, ty)) } else { None })
    }

    pub(super) fn coalesce(&self, arguments: &[Scalar], ty: Type) -> Form {
        if arguments.is_empty() || arguments.iter().any(|a| a.ty != ty) || ty == Type::Dynamic {
            return Ok(None);
        }
        let mut all = Vec::with_capacity(arguments.len());
        for argument in arguments {
            all.push(self.value(argument)?);
        }
        if ty != Type::String {
            return Ok(Some(expr_fn::coalesce(all)));
        }
        let last = all.pop().unwrap_or_else(|| constant(&Value::text(""), ty));
        if all.is_empty() {
            return Ok(Some(last));
        }
        let says = |text: &Expr| Native::IsEmpty { negated: true }.call(vec![text.clone()]);
        let branches = all.into_iter().map(|text| (Box::new(says(&text)), Box::new(text)));
        Ok(Some(Expr::Case(Case::new(None, branches.collect(), Some(Box::new(last))))))
    }
}
