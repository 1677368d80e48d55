//! Kusto's aggregates inside DataFusion.

mod by_value;
mod collect;
mod distinct;
mod mix;
mod one_group;
mod row;
mod sum;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, GroupsAccumulator, Signature, Volatility,
};
use kql::value::{Type, Value};
use serde::{Deserialize, Serialize};

use self::one_group::{Collect, OneGroup};
use crate::data::arrow_type;
use crate::error::Error;

/// A call of an aggregate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// By the name that `kql::aggregates` knows
    pub(crate) function: Arc<str>,
    /// Arguments in the order of the call
    pub(crate) arguments: Vec<Argument>,
    /// Types of what comes out
    pub(crate) outputs: Vec<Type>,
    /// `now()`
    pub(crate) now: i64,
}

/// An argument of an aggregate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Argument {
    /// The same for all rows
    Constant(Value, Type),
    /// A column, by its place among those that vary
    Column(usize, Type),
}

impl Argument {
    fn ty(&self) -> Type {
        match self {
            Self::Constant(_, ty) | Self::Column(_, ty) => *ty,
        }
    }
}

/// An aggregate as DataFusion sees it.
#[derive(Debug)]
pub(crate) struct KqlAggregate {
    call: Arc<Call>,
    /// The call as text: what tells one from another
    text: String,
    signature: Signature,
}

impl PartialEq for KqlAggregate {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for KqlAggregate {}

impl Hash for KqlAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl KqlAggregate {
    /// The name that all of these have.
    pub(crate) const NAME: &'static str = "kql_aggregate";

    /// Makes it ready; an aggregate that is not there is said here.
    pub(crate) fn new(call: Call) -> Result<Self, Error> {
        if kql::aggregates::aggregate(&call.function).is_none() {
            let name = call.function.to_string();
            return Err(kql::engine::EngineError::Unsupported { kind: "aggregate", name }.into());
        }
        let text = serde_json::to_string(&call).map_err(|e| Error::Query(e.to_string()))?;
        let signature = Signature::variadic_any(Volatility::Immutable);
        Ok(Self { call: Arc::new(call), text, signature })
    }

    /// What it is made from, as text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// From such text.
    pub(crate) fn of_text(text: &str) -> Result<Self, Error> {
        Self::new(serde_json::from_str(text).map_err(|e| Error::Query(e.to_string()))?)
    }

    /// A call of it over the arguments that vary.
    pub(crate) fn call(call: Call, arguments: Vec<Expr>) -> Result<Expr, Error> {
        let udf = Arc::new(AggregateUDF::new_from_impl(Self::new(call)?));
        let call = AggregateFunction::new_udf(udf, arguments, false, None, Vec::new(), None);
        Ok(Expr::AggregateFunction(call))
    }
}

impl KqlAggregate {
    /// What collects: on whole arrays where there is such a form.
    fn collect(&self) -> Result<Box<dyn Collect>> {
        let whole = [sum::of, distinct::of, collect::of, row::of];
        if let Some(found) = whole.iter().find_map(|of| of(&self.call)) {
            return Ok(found);
        }
        Ok(Box::new(by_value::Groups::new(Arc::clone(&self.call))?))
    }
}

impl Call {
    fn returns(&self) -> DataType {
        match self.outputs[..] {
            [one] => arrow_type(one),
            ref more => {
                let field =
                    |(at, ty): (usize, &Type)| Field::new(at.to_string(), arrow_type(*ty), true);
                DataType::Struct(Fields::from_iter(more.iter().enumerate().map(field)))
            }
        }
    }
}

impl AggregateUDFImpl for KqlAggregate {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.call.returns())
    }

    fn schema_name(
        &self,
        call: &datafusion::logical_expr::expr::AggregateFunctionParams,
    ) -> Result<String> {
        let names: Vec<String> = call.args.iter().map(|a| a.schema_name().to_string()).collect();
        Ok(format!("{}({})", self.text, names.join(",")))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let types = if sum::of(&self.call).is_some() {
            sum::state_types(&self.call)
        } else if collect::of(&self.call).is_some() {
            collect::state_types()
        } else if row::of(&self.call).is_some() {
            row::state_types(&self.call)
        } else {
            vec![DataType::BinaryView]
        };
        let field = |(at, ty): (usize, DataType)| {
            let name = format_state_name(arguments.name, &format!("state{at}"));
            Arc::new(Field::new(name, ty, true))
        };
        Ok(types.into_iter().enumerate().map(field).collect())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup::new(self.collect()?)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(self.collect()?)
    }
}
