//! `scan`: steps that match rows one after the other and keep a state.

use super::{Binder, Column, Env, Operator, Rel, Row, Type, Value, call, rel};
use crate::plan::{self, Op, Scalar, ScanOutput};
use crate::syntax::{OperatorKind, ScanStep, Takes};

/// Steps of one `scan`.
const STEPS_MAX: usize = 64;

impl Binder<'_> {
    pub(super) fn scan(&mut self, input: Rel, operator: &Operator, env: &Env<'_>) -> Option<Rel> {
        let OperatorKind::Scan { order_by, partition_by, declare, steps } = &operator.kind else {
            return None;
        };
        if steps.len() > STEPS_MAX {
            self.error("KQL401", operator.word, "the scan has too many steps");
            return None;
        }
        let row = self.row_env(&input, env);
        let order_by = self.sort_keys(order_by, false, &row)?;
        let mut keys = Vec::new();
        for key in partition_by {
            keys.push(self.scalar(key, &row)?.value);
        }
        let mut columns = input.schema.clone();
        let mut declared: Vec<(Column, Value)> = Vec::new();
        for parameter in declare {
            let ty = match &parameter.takes {
                Takes::Scalar(ty) => ty.unwrap_or(Type::Dynamic),
                Takes::Tabular { .. } => {
                    self.error("KQL253", parameter.name.span, "a state is made of scalars");
                    return None;
                }
            };
            let value = match &parameter.default {
                Some(default) => {
                    self.constant(default, &Env::of(env.locals.clone()))?.0.convert(ty)
                }
                None => Value::absent(ty),
            };
            if columns.iter().any(|c| c.name == parameter.name.text) {
                self.twice(&parameter.name);
                return None;
            }
            let column = Column::new(&*parameter.name.text, ty);
            columns.push(column.clone());
            declared.push((column, value));
        }
        let names: Vec<String> = steps.iter().map(|step| step.name.text.clone()).collect();
        let state = Env {
            row: Row::Scan { columns: &columns, steps: &names },
            row_id: self.new_row(),
            serialized: true,
            ..Env::of(env.locals.clone())
        };
        let mut bound = Vec::new();
        let mut ok = true;
        for (at, step) in steps.iter().enumerate() {
            if names[..at].contains(&step.name.text) {
                self.twice(&step.name);
                ok = false;
            }
            match self.step(step, input.schema.len(), &declared, &state) {
                Some(step) => bound.push(step),
                None => ok = false,
            }
        }
        let with_id = operator.properties.iter().any(|p| p.name.text == "with_match_id");
        let mut schema = columns.clone();
        if with_id {
            let name = self.property(operator, "with_match_id", env)?;
            schema.push(Column::new(name, Type::Long));
            super::super::naming::make_unique(&mut schema);
        }
        if !ok {
            return None;
        }
        let op = Op::Scan {
            input,
            order_by,
            partition_by: keys,
            declared,
            steps: bound,
            match_id: with_id,
        };
        Some(rel(op, schema))
    }

    fn step(
        &mut self,
        step: &ScanStep,
        n_input: usize,
        declared: &[(Column, Value)],
        env: &Env<'_>,
    ) -> Option<plan::ScanStep> {
        let output = match step.output.as_ref().map(|name| (&*name.text, name.span)) {
            None | Some(("all", _)) => ScanOutput::All,
            Some(("last", _)) => ScanOutput::Last,
            Some(("none", _)) => ScanOutput::None,
            Some((other, span)) => {
                let message = format!("a step puts out all, last or none, not `{other}`");
                self.error("KQL262", span, message);
                return None;
            }
        };
        let condition = self.predicate(&step.condition, env);
        let mut assignments = Vec::new();
        for (name, value) in &step.assignments {
            let Some(at) = declared.iter().position(|(column, _)| column.name == name.text) else {
                let known = declared.iter().map(|(column, _)| &*column.name);
                let near = super::super::names::nearest(&name.text, known);
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("no column `{}` is declared", name.text);
                self.error_hint("KQL202", name.span, message, hint);
                return None;
            };
            let typed = self.scalar(value, env)?;
            assignments.push((at, self.brought(typed.value, declared[at].0.ty)));
        }
        debug_assert!(env.row.columns().len() == n_input + declared.len());
        Some(plan::ScanStep {
            name: step.name.text.clone(),
            optional: step.optional,
            output,
            condition: condition?,
            assignments,
        })
    }

    /// A value in another type.
    pub(in super::super) fn brought(&mut self, value: Scalar, ty: Type) -> Scalar {
        if value.ty == ty {
            return value;
        }
        let function = match ty {
            Type::Bool => "tobool",
            Type::Int => "toint",
            Type::Long => "tolong",
            Type::Real => "toreal",
            Type::Decimal => "todecimal",
            Type::DateTime => "todatetime",
            Type::TimeSpan => "totimespan",
            Type::Guid => "toguid",
            Type::String => "tostring",
            Type::Dynamic => "todynamic",
        };
        self.fold(call(function, vec![value], ty))
    }
}
