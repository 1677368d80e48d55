//! Arithmetic and bins.

use kql::plan::Scalar;
use kql::value::{Type, Value};

use super::Form;
use crate::lower::scalar::{Scope, cast};
use crate::scalar::{Native, Operation};

impl Scope<'_> {
    pub(super) fn arithmetic(&self, function: &str, arguments: &[Scalar], ty: Type) -> Form {
        use Type::{DateTime, Long, Real, TimeSpan};
        let [left, right] = arguments else { return Ok(None) };
        let Some(operation) = Operation::of(function) else { return Ok(None) };
        let sum = matches!(operation, Operation::Add | Operation::Subtract);
        let number = |ty: Type| ty.is_integer() || ty == Real;
        let common = match (left.ty, right.ty, ty) {
            (l, r, Long) if l.is_integer() && r.is_integer() => Long,
            (l, r, Real) if number(l) && number(r) => Real,
            (DateTime, TimeSpan, DateTime) if sum => Long,
            (TimeSpan, DateTime, DateTime) if operation == Operation::Add => Long,
            (DateTime, DateTime, TimeSpan) if operation == Operation::Subtract => Long,
            (TimeSpan, TimeSpan, TimeSpan) if sum => Long,
            (TimeSpan, TimeSpan, Real) if operation == Operation::Divide => Long,
            _ => return Ok(None),
        };
        let left = cast(self.value(left)?, left.ty, common);
        let right = cast(self.value(right)?, right.ty, common);
        Ok(Some(Native::Arithmetic { operation, to: ty }.call(vec![left, right])))
    }

    pub(super) fn bin(&self, arguments: &[Scalar], ty: Type) -> Form {
        let (value, size, at) = match arguments {
            [value, size] => (value, size, None),
            [value, size, at] => (value, size, Some(at)),
            _ => return Ok(None),
        };
        let Some(size) = self.folded(size)? else { return Ok(None) };
        let at = match at {
            Some(at) => match self.folded(at)? {
                Some(Value::DateTime(at)) if value.ty == Type::DateTime => at,
                Some(Value::TimeSpan(at)) if value.ty == Type::TimeSpan => at,
                Some(Value::Long(at)) if value.ty.is_integer() => at,
                _ => return Ok(None),
            },
            None => 0,
        };
        let native = match (value.ty, &size, ty) {
            (Type::DateTime, Value::TimeSpan(size), Type::DateTime)
            | (Type::TimeSpan, Value::TimeSpan(size), Type::TimeSpan)
                if *size > 0 =>
            {
                Native::Bin { size: *size, at, ty }
            }
            (from, size, Type::Long) if from.is_integer() => match size.as_integer() {
                Some(size) if size > 0 => Native::Bin { size, at, ty },
                _ => return Ok(None),
            },
            (
                Type::Int | Type::Long | Type::Real,
                Value::Int(_) | Value::Long(_) | Value::Real(_),
                Type::Real,
            ) if arguments.len() == 2 => match size.as_real() {
                Some(size) if size > 0.0 => Native::BinReal { size: size.to_bits() },
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let to = if ty == Type::Real { Type::Real } else { Type::Long };
        Ok(Some(native.call(vec![cast(self.value(value)?, value.ty, to)])))
    }
}
