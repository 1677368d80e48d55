//! `make-series`: aggregates in bins of an axis, as arrays.

use std::cell::RefCell;

use super::super::naming::Style;
use super::{Binder, Env, Expr, Named, Op, Rel, Scalar, Span, Type, Value, rel};
use crate::syntax::{Operator, OperatorKind};

impl Binder<'_> {
    pub(super) fn make_series(
        &mut self,
        input: Rel,
        operator: &Operator,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let OperatorKind::MakeSeries { aggregates, on, from, to, step, in_range, by } =
            &operator.kind
        else {
            return None;
        };
        let row = self.row_env(&input, env);
        let (mut outputs, plain) = self.keys(by, true, &row)?;
        let n_keys = outputs.len();
        let star: Vec<usize> = (0..input.schema.len()).filter(|at| !plain.contains(at)).collect();
        let collected = RefCell::new(Vec::new());
        let inside = Env {
            aggregates: Some(&collected),
            aggregates_at: 0,
            star: Some(&star),
            ..row.clone()
        };
        let mut series = Vec::new();
        for (aggregate, default) in aggregates {
            let parts = self.parts(aggregate, &inside)?;
            let default = match default {
                Some(default) => Some(self.constant(default, &Env::of(env.locals.clone()))?),
                None => None,
            };
            for part in parts {
                let value = part.typed.value.clone();
                let empty = match (&default, aggregate.span) {
                    (Some((value, from)), span) => {
                        self.default_of(value, *from, part.typed.value.ty, span)?
                    }
                    (None, _) => Value::Long(0).widen(value.ty),
                };
                series.push((value.clone(), empty));
                let rowless = Env { row: super::Row::None, ..inside.clone() };
                self.place(&mut outputs, part, Type::Dynamic, value, Style::Plain, &rowless);
            }
        }
        let part = self.parts(on, &row)?.into_iter().next()?;
        let axis_ty = part.typed.value.ty;
        let axis_value = part.typed.value.clone();
        let fits = axis_ty.is_number()
            || matches!(axis_ty, Type::DateTime | Type::TimeSpan)
            || (axis_ty == Type::Dynamic && self.unsure());
        if !fits {
            let message = format!("the axis is a number, datetime or timespan, not {axis_ty}");
            self.error("KQL324", on.span, message);
            return None;
        }
        // The axis comes out as an array: it is no longer the column itself.
        self.place(&mut outputs, part, Type::Dynamic, axis_value.clone(), Style::Plain, &row);
        let from = self.bound_of(from.as_ref(), axis_ty, env)?;
        let to = self.bound_of(to.as_ref(), axis_ty, env)?;
        let step_ty = match axis_ty {
            Type::DateTime => Type::TimeSpan,
            ty => ty,
        };
        let step = self.bound_of(Some(step), step_ty, env)??;
        let nonempty = self.property(operator, "kind", env).is_some_and(|k| k == "nonempty");
        let (schema, values) = outputs.into_parts();
        let keys = schema.iter().zip(values).take(n_keys);
        let keys = keys.map(|(c, value)| Named { name: c.name.clone(), value }).collect();
        let axis_name = schema.last().map_or_else(String::new, |c| c.name.clone());
        let op = Op::MakeSeries {
            input,
            keys,
            aggregates: collected.into_inner(),
            series,
            axis: Named { name: axis_name, value: axis_value },
            from,
            to,
            step,
            end_inclusive: *in_range,
            nonempty,
        };
        Some(rel(op, schema))
    }

    /// The value of a bin without rows.
    fn default_of(&mut self, value: &Value, from: Type, to: Type, span: Span) -> Option<Value> {
        let fits = value.is_null()
            || from == to
            || (from.is_number() && to.is_number())
            || from == Type::Dynamic
            || to == Type::Dynamic;
        if !fits {
            let message = format!("the default is of type {from}, the series holds {to}");
            self.error("KQL325", span, message);
            return None;
        }
        Some(value.clone().widen(to))
    }

    /// An end or the step of the axis.
    fn bound_of(&mut self, e: Option<&Expr>, ty: Type, env: &Env<'_>) -> Option<Option<Scalar>> {
        let Some(e) = e else { return Some(None) };
        let typed = self.scalar(e, &Env::of(env.locals.clone()))?;
        let from = typed.value.ty;
        let fits = from == ty
            || (from.is_number() && ty.is_number())
            || (self.unsure() && (from == Type::Dynamic || ty == Type::Dynamic));
        if !fits {
            self.error("KQL326", e.span, format!("a value of type {ty} is needed, not {from}"));
            return None;
        }
        Some(Some(typed.value))
    }
}
