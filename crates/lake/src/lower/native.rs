//! Which calls have a form that works on whole arrays.

use datafusion::logical_expr::Expr;
use kql::plan::Scalar;

use super::scalar::Scope;
use crate::error::Result;

impl Scope<'_> {
    /// The call's value in a form that works on whole arrays, if it has one.
    pub(super) fn native(&self, _scalar: &Scalar) -> Result<Option<Expr>> {
        Ok(None)
    }

    /// The same where null may stand for false.
    pub(super) fn native_condition(&self, _scalar: &Scalar) -> Result<Option<Expr>> {
        Ok(None)
    }
}
