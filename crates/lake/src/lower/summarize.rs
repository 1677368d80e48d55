//! `summarize` and `distinct`.

use std::sync::Arc;

use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::logical_plan::Aggregate as GroupBy;
use datafusion::logical_expr::{AggregateUDF, Expr, LogicalPlan, lit};
use kql::plan::{Aggregate, Named, Rel, Scalar};
use kql::value::Type;

use super::scalar::{cast, has_window};
use super::{Lowered, Lowering, column};
use crate::aggregate::{Argument, Call, KqlAggregate};
use crate::error::Result;
use crate::scalar::Native;

/// An aggregate of DataFusion's, ready to be grouped.
struct Ready {
    expr: Expr,
    /// What becomes of it, one for each output
    outputs: Vec<(Type, After)>,
}

/// What becomes of an aggregate's result.
#[derive(Clone, Copy)]
enum After {
    /// It is what comes out
    Whole,
    /// Strings of no rows are `""`
    Filled,
    /// One part of it
    Part(usize),
}

impl Lowering<'_> {
    pub(super) fn summarize(
        &mut self,
        rel: &Rel,
        input: Lowered,
        keys: &[Named],
        aggregates: &[Aggregate],
    ) -> Result<Lowered> {
        let known = |key: &Named| !matches!(key.value.ty, Type::Dynamic | Type::Decimal);
        let windows = keys.iter().any(|key| has_window(&key.value))
            || aggregates.iter().flat_map(|a| &a.arguments).any(has_window);
        let nothing = keys.is_empty() && aggregates.is_empty();
        if windows || nothing || !keys.iter().all(known) {
            return self.operator(rel, vec![input]);
        }
        let scope = self.scope(&input);
        let mut columns = Vec::with_capacity(keys.len());
        for key in keys {
            let expr = scope.value(&key.value)?;
            let real = key.value.ty == Type::Real;
            let expr = if real { Native::RealKey.call(vec![expr]) } else { expr };
            columns.push((key.name.as_str(), expr));
        }
        let mut all = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            all.push(self.aggregate(&input, aggregate)?);
        }
        let (plan, key_names) = self.append(input.plan, columns)?;
        // Two keys may be the same column.
        let mut groups: Vec<Expr> = Vec::with_capacity(key_names.len());
        for name in &key_names {
            let key = column(name);
            if !groups.contains(&key) {
                groups.push(key);
            }
        }
        let results: Vec<String> = all.iter().map(|_| self.fresh("aggregate")).collect();
        let exprs: Vec<Expr> =
            all.iter().zip(&results).map(|(ready, name)| ready.expr.clone().alias(name)).collect();
        let plan = GroupBy::try_new(Arc::new(plan), groups, exprs)?;
        let plan = LogicalPlan::Aggregate(plan);
        let mut outputs: Vec<(&str, Expr)> = keys
            .iter()
            .zip(&key_names)
            .map(|(key, name)| (key.name.as_str(), column(name)))
            .collect();
        let titles = aggregates.iter().flat_map(|a| &a.outputs).map(|c| c.name.as_str());
        let values = all.iter().zip(&results).flat_map(|(ready, name)| {
            ready.outputs.iter().map(|(ty, after)| match after {
                After::Whole => column(name),
                After::Filled => Native::Fill.call(vec![column(name)]),
                After::Part(at) => Native::Output { at: *at, ty: *ty }.call(vec![column(name)]),
            })
        });
        outputs.extend(titles.zip(values));
        self.select(plan, outputs)
    }

    fn aggregate(&mut self, input: &Lowered, aggregate: &Aggregate) -> Result<Ready> {
        if let Some(ready) = self.native_aggregate(input, aggregate)? {
            return Ok(ready);
        }
        let scope = self.scope(input);
        let mut varying: Vec<Expr> = Vec::new();
        let mut arguments = Vec::with_capacity(aggregate.arguments.len());
        for argument in &aggregate.arguments {
            if let Some(value) = scope.folded(argument)? {
                arguments.push(Argument::Constant(value, argument.ty));
                continue;
            }
            let expr = scope.value(argument)?;
            let at = varying.iter().position(|known| *known == expr).unwrap_or_else(|| {
                varying.push(expr);
                varying.len() - 1
            });
            arguments.push(Argument::Column(at, argument.ty));
        }
        if varying.is_empty() {
            // An aggregate of DataFusion's counts its rows by its arguments.
            varying.push(lit(true));
        }
        let types: Vec<Type> = aggregate.outputs.iter().map(|column| column.ty).collect();
        let function = Arc::clone(&aggregate.function);
        let call = Call { function, arguments, outputs: types.clone(), now: self.now };
        let expr = KqlAggregate::call(call, varying)?;
        let outputs = match types[..] {
            [one] => vec![(one, After::Whole)],
            _ => types.into_iter().enumerate().map(|(at, ty)| (ty, After::Part(at))).collect(),
        };
        Ok(Ready { expr, outputs })
    }

    /// Aggregates that DataFusion has with Kusto's meaning.
    fn native_aggregate(&self, input: &Lowered, aggregate: &Aggregate) -> Result<Option<Ready>> {
        let scope = self.scope(input);
        let arguments = &aggregate.arguments[..];
        let call = |udf: Arc<AggregateUDF>, argument: Expr, filter: Option<&Scalar>| {
            let filter = filter.map(|filter| scope.condition(filter)).transpose()?.map(Box::new);
            let call =
                AggregateFunction::new_udf(udf, vec![argument], false, filter, Vec::new(), None);
            Ok::<_, crate::Error>(Expr::AggregateFunction(call))
        };
        let whole =
            |expr: Expr, ty: Type| Ok(Some(Ready { expr, outputs: vec![(ty, After::Whole)] }));
        match (&*aggregate.function, arguments) {
            ("count" | "cnt", []) => whole(call(count_udaf(), lit(1_i64), None)?, Type::Long),
            ("countif" | "count", [condition]) if condition.ty == Type::Bool => {
                whole(call(count_udaf(), lit(1_i64), Some(condition))?, Type::Long)
            }
            (name @ ("min" | "max" | "minif" | "maxif"), [value, rest @ ..]) => {
                let output = aggregate.outputs.first().map_or(value.ty, |column| column.ty);
                let plain = matches!(
                    value.ty,
                    Type::Int | Type::Long | Type::DateTime | Type::TimeSpan | Type::String
                );
                let condition = rest.first().filter(|c| c.ty == Type::Bool);
                let conditional = name.ends_with("if");
                if !plain || value.ty != output || conditional != condition.is_some() {
                    return Ok(None);
                }
                let udf = if name.starts_with("min") { min_udaf() } else { max_udaf() };
                let expr = call(udf, cast(scope.value(value)?, value.ty, output), condition)?;
                let after = if output == Type::String { After::Filled } else { After::Whole };
                Ok(Some(Ready { expr, outputs: vec![(output, after)] }))
            }
            _ => Ok(None),
        }
    }
}
