//! Scalar expressions as DataFusion's.
//!
//! A predicate is lowered in one of two ways. Where null counts as false (a filter, a condition)
//! comparisons become DataFusion's own, which scans can use to leave files and pages out. Where
//! the value itself is seen, Kusto's totality counts, and comparisons are functions of ours.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use datafusion::common::{Column, DFSchemaRef};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, lit};
use kql::plan::{Op, Scalar, ScalarKind};
use kql::value::{Type, Value};

use crate::data::{arrow_type, scalar_of};
use crate::error::{Error, Result};
use crate::scalar::{self, ByValue, Parts};

/// Columns of dynamics that are the JSON of a text, and the column of that text.
pub(crate) type Texts = BTreeMap<String, String>;

/// The input of expressions: its columns by position, and what is fixed once a query.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    pub(crate) names: &'a [String],
    pub(crate) texts: Rc<Texts>,
    /// All columns of the plan below
    pub(crate) plan: Option<DFSchemaRef>,
    pub(crate) now: i64,
    /// Whether a row-by-row function takes columns only, each once
    pub(crate) alone: bool,
}

/// A column by its name.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// A constant of a type.
pub(crate) fn constant(value: &Value, ty: Type) -> Expr {
    lit(scalar_of(&value.clone().widen(ty), ty))
}

/// A value in another type that holds all its values.
pub(crate) fn cast(expr: Expr, from: Type, to: Type) -> Expr {
    if arrow_type(from) == arrow_type(to) {
        return expr;
    }
    Expr::Cast(Cast::new(Box::new(expr), arrow_type(to)))
}

impl Scope<'_> {
    /// The expression's value, exactly.
    pub(crate) fn value(&self, scalar: &Scalar) -> Result<Expr> {
        if let Some(value) = self.folded(scalar)? {
            return Ok(constant(&value, scalar.ty));
        }
        match &scalar.kind {
            ScalarKind::Column(at) => self.column(*at),
            _ => match self.native(scalar)? {
                Some(expr) => Ok(expr),
                None => self.by_value(scalar),
            },
        }
    }

    /// The value of a new column, evaluated row by row over columns that are read once each.
    pub(crate) fn alone(&self, scalar: &Scalar) -> Result<Expr> {
        Scope { alone: true, ..self.clone() }.by_value(scalar)
    }

    /// The column of text whose JSON a column is, if it is there.
    pub(super) fn text_of(&self, at: usize) -> Option<Expr> {
        let text = self.texts.get(self.names.get(at)?)?;
        let there = self.plan.as_ref()?.has_column_with_unqualified_name(text);
        there.then(|| column(text))
    }

    /// The expression as a condition: null may stand for false.
    pub(crate) fn condition(&self, scalar: &Scalar) -> Result<Expr> {
        if let Some(value) = self.folded(scalar)? {
            return Ok(lit(kql::engine::holds(&value)));
        }
        match self.native_condition(scalar)? {
            Some(expr) => Ok(expr),
            None if scalar.ty == Type::Bool => self.value(scalar),
            None => {
                // `and` of one operand takes as true what a predicate takes as true.
                let arguments = vec![scalar.clone()];
                let kind = ScalarKind::Call { function: Arc::from("and"), arguments };
                self.by_value(&Scalar { kind, ty: Type::Bool })
            }
        }
    }

    /// The value of an expression that is the same for all rows.
    pub(crate) fn folded(&self, scalar: &Scalar) -> Result<Option<Value>> {
        match &scalar.kind {
            ScalarKind::Literal(value) => Ok(Some(value.clone().widen(scalar.ty))),
            ScalarKind::Call { arguments, .. }
                if arguments.iter().all(is_constant) && !scalar::is_volatile(scalar) =>
            {
                Ok(Some(scalar::constant(scalar, self.now)?))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn column(&self, at: usize) -> Result<Expr> {
        let name = self.names.get(at);
        name.map(|name| column(name))
            .ok_or_else(|| Error::Query(format!("there is no column {at}")))
    }

    /// The expression evaluated row by row, in one function. Parts with a native form are its
    /// arguments.
    pub(super) fn by_value(&self, scalar: &Scalar) -> Result<Expr> {
        let mut arguments = Vec::new();
        let mut types = Vec::new();
        let scalar = self.region(scalar, true, &mut arguments, &mut types)?;
        ByValue::call(Parts { scalar, arguments: types, now: self.now }, arguments)
    }

    /// An expression over one column, which is `argument`, evaluated row by row.
    pub(super) fn over(&self, scalar: &Scalar, argument: Expr) -> Result<Option<Expr>> {
        let parts = Parts { scalar: scalar.clone(), arguments: vec![Type::String], now: self.now };
        ByValue::call(parts, vec![argument]).map(Some)
    }

    fn region(
        &self,
        scalar: &Scalar,
        top: bool,
        arguments: &mut Vec<Expr>,
        types: &mut Vec<Type>,
    ) -> Result<Scalar> {
        let mut argument = |expr: Expr, ty: Type| {
            let known =
                arguments.iter().zip(types.iter()).position(|(e, t)| *e == expr && *t == ty);
            let at = known.unwrap_or_else(|| {
                arguments.push(expr);
                types.push(ty);
                arguments.len() - 1
            });
            Scalar { kind: ScalarKind::Column(at), ty }
        };
        if !top && let Some(value) = self.folded(scalar)? {
            return Ok(Scalar { kind: ScalarKind::Literal(value), ty: scalar.ty });
        }
        match &scalar.kind {
            ScalarKind::Literal(_) => Ok(scalar.clone()),
            ScalarKind::Column(at) => Ok(argument(self.column(*at)?, scalar.ty)),
            ScalarKind::Call { .. }
                if !top
                    && !self.alone
                    && let Some(expr) = self.native(scalar)? =>
            {
                Ok(argument(expr, scalar.ty))
            }
            ScalarKind::Call { function, arguments: inner } => {
                let inner = inner
                    .iter()
                    .map(|scalar| self.region(scalar, false, arguments, types))
                    .collect::<Result<Vec<_>>>()?;
                let kind = ScalarKind::Call { function: Arc::clone(function), arguments: inner };
                Ok(Scalar { kind, ty: scalar.ty })
            }
            ScalarKind::InTable { function, value, table } => {
                if !matches!(&*table.op, Op::Rows(_)) {
                    return Err(Error::Query("a table is looked into before it is read".into()));
                }
                let value = Box::new(self.region(value, false, arguments, types)?);
                let (function, table) = (Arc::clone(function), table.clone());
                let kind = ScalarKind::InTable { function, value, table };
                Ok(Scalar { kind, ty: scalar.ty })
            }
            ScalarKind::Window { function, .. } => {
                Err(Error::Query(format!("{function}() needs rows in their order")))
            }
            ScalarKind::ToScalar(_) | ScalarKind::ScanState { .. } | ScalarKind::Graph { .. } => {
                Err(Error::Query("a part of the plan stands where it cannot be".into()))
            }
        }
    }
}

fn is_constant(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Literal(_) => true,
        ScalarKind::Call { arguments, .. } => arguments.iter().all(is_constant),
        _ => false,
    }
}

/// Whether an expression sees other rows.
pub(crate) fn has_window(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Window { .. } => true,
        ScalarKind::Call { arguments, .. } => arguments.iter().any(has_window),
        ScalarKind::InTable { value, .. } => has_window(value),
        _ => false,
    }
}
