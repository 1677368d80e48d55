//! Functions over whole arrays. Each gives, value by value, what the function that all engines
//! share gives; tests hold them to that.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use kql::value::Type;
use serde::{Deserialize, Serialize};

use super::plain;
use crate::data::arrow_type;
use crate::error::Error;

/// Which function, with what is constant in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Native {
    /// Strings with `""` for null
    Fill,
    /// Real numbers so that equal ones have equal bits
    RealKey,
    /// Real numbers as whole ones in the same order; NaN below all others, or above
    RealOrder {
        /// Below
        nan_low: bool,
    },
    /// One part of what an aggregate with several outputs gives
    Output {
        /// Its place
        at: usize,
        /// Its type
        ty: Type,
    },
}

impl Native {
    /// The name that all of these have.
    pub(crate) const NAME: &'static str = "kql_native";

    /// A call of it.
    pub(crate) fn call(self, arguments: Vec<Expr>) -> Expr {
        ScalarUDF::new_from_impl(NativeUdf::new(self)).call(arguments)
    }

    fn returns(&self) -> DataType {
        match self {
            Self::Fill => DataType::Utf8View,
            Self::RealKey => DataType::Float64,
            Self::RealOrder { .. } => DataType::Int64,
            Self::Output { ty, .. } => arrow_type(*ty),
        }
    }

    fn run(&self, arguments: &[ArrayRef]) -> Result<ArrayRef> {
        let Some(first) = arguments.first() else { return exec_err!("an argument is missing") };
        Ok(match self {
            Self::Fill => plain::fill(first),
            Self::RealKey => plain::real_key(first),
            Self::RealOrder { nan_low } => plain::real_order(first, *nan_low),
            Self::Output { at, .. } => Arc::clone(first.as_struct().column(*at)),
        })
    }
}

/// A native function as DataFusion sees it.
#[derive(Debug)]
pub(crate) struct NativeUdf {
    native: Native,
    signature: Signature,
}

impl PartialEq for NativeUdf {
    fn eq(&self, other: &Self) -> bool {
        self.native == other.native
    }
}

impl Eq for NativeUdf {}

impl Hash for NativeUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.native.hash(state);
    }
}

impl NativeUdf {
    pub(crate) fn new(native: Native) -> Self {
        Self { native, signature: Signature::variadic_any(Volatility::Immutable) }
    }

    /// What it is made from, as text.
    pub(crate) fn text(&self) -> Result<String, Error> {
        serde_json::to_string(&self.native).map_err(|e| Error::Query(e.to_string()))
    }

    /// From such text.
    pub(crate) fn of_text(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map(Self::new).map_err(|e| Error::Query(e.to_string()))
    }
}

impl ScalarUDFImpl for NativeUdf {
    fn name(&self) -> &str {
        Native::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.native.returns())
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        let names: Vec<String> = arguments.iter().map(|a| a.schema_name().to_string()).collect();
        Ok(format!("{:?}({})", self.native, names.join(",")))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = call.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let n_rows = if constant { 1 } else { call.number_rows };
        let arrays = call
            .args
            .into_iter()
            .map(|argument| argument.into_array(n_rows))
            .collect::<Result<Vec<_>>>()?;
        let array = self.native.run(&arrays)?;
        if array.len() != n_rows {
            return exec_err!("{:?} gave {} rows for {n_rows}", self.native, array.len());
        }
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}
