//! Functions over whole arrays. Each gives, value by value, what the function that all engines
//! share gives; tests hold them to that.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use kql::value::Type;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::json::PathOf;
use super::number::{self, Comparison, Operation};
use super::text_test::{Matcher, Test};
use super::{plain, text};
use crate::data::arrow_type;
use crate::error::Error;

/// Which function, with what is constant in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named after the arguments")]
pub(crate) enum Native {
    /// Strings with `""` for null
    Fill,
    /// Real numbers so that equal ones have equal bits
    RealKey,
    /// Real numbers as whole ones in the same order; NaN below all others, or above
    RealOrder { nan_low: bool },
    /// One part of what an aggregate with several outputs gives
    Output { at: usize, ty: Type },
    /// A test of a text
    Text { test: Test, needles: Vec<String>, negated: bool },
    /// Two values of one type compared, with all that nulls do
    Compare(Comparison),
    /// Two numbers or times
    Arithmetic { operation: Operation, to: Type },
    /// `bin_at()` of whole numbers and times
    Bin { size: i64, at: i64, ty: Type },
    /// `bin()` of real numbers; the size's bits
    BinReal { size: u64 },
    /// Whether a string is empty
    IsEmpty { negated: bool },
    /// `tolower()`, `toupper()`
    Case { upper: bool },
    /// `strlen()`
    Length,
    /// `strcat()` of strings
    Concat,
    /// `tostring()` of whole numbers
    LongText,
    /// `tostring(split(…)[…])`
    SplitAt { delimiter: String, at: i64 },
    /// `extract()`
    Extract { pattern: String, group: usize },
    /// `substring()`
    Substring { start: i64, length: Option<i64> },
    /// A part of a dynamic or of JSON text
    Path(PathOf),
}

/// What is made once of a function's constants.
#[derive(Debug)]
enum Ready {
    Nothing,
    Matcher(Matcher),
    Regex(Regex),
}

impl Native {
    /// The name that all of these have.
    pub(crate) const NAME: &'static str = "kql_native";

    /// A call of it.
    pub(crate) fn call(self, arguments: Vec<Expr>) -> Expr {
        ScalarUDF::new_from_impl(NativeUdf::new(self)).call(arguments)
    }

    fn returns(&self) -> DataType {
        arrow_type(match self {
            Self::RealKey | Self::BinReal { .. } => Type::Real,
            Self::RealOrder { .. } | Self::Length => Type::Long,
            Self::Output { ty, .. } | Self::Bin { ty, .. } => *ty,
            Self::Text { .. } | Self::Compare(_) | Self::IsEmpty { .. } => Type::Bool,
            Self::Arithmetic { to, .. } => *to,
            Self::Path(path) => path.to,
            Self::Fill
            | Self::Case { .. }
            | Self::Concat
            | Self::LongText
            | Self::SplitAt { .. }
            | Self::Extract { .. }
            | Self::Substring { .. } => Type::String,
        })
    }

    fn ready(&self) -> Result<Ready> {
        let found = match self {
            Self::Text { test, needles, .. } => test.matcher(needles).map(Ready::Matcher),
            Self::Extract { pattern, .. } => {
                kql::functions::compile_regex(pattern).ok().map(Ready::Regex)
            }
            _ => Some(Ready::Nothing),
        };
        match found {
            Some(ready) => Ok(ready),
            None => exec_err!("{self:?} has constants that it cannot have"),
        }
    }

    fn run(&self, ready: &Ready, arguments: &[ArrayRef]) -> Result<ArrayRef> {
        let Some(first) = arguments.first() else { return exec_err!("an argument is missing") };
        let second = || arguments.get(1).unwrap_or(first);
        Ok(match (self, ready) {
            (Self::Fill, _) => plain::fill(first)?,
            (Self::RealKey, _) => plain::real_key(first),
            (Self::RealOrder { nan_low }, _) => plain::real_order(first, *nan_low),
            (Self::Output { at, .. }, _) => Arc::clone(first.as_struct().column(*at)),
            (Self::Text { negated, .. }, Ready::Matcher(matcher)) => {
                Arc::new(matcher.all(first, *negated))
            }
            (Self::Compare(comparison), _) => comparison.run(first, second())?,
            (Self::Arithmetic { operation, to }, _) => operation.run(first, second(), *to)?,
            (Self::Bin { size, at, ty }, _) => number::bin(first, *size, *at, *ty),
            (Self::BinReal { size }, _) => number::bin_real(first, f64::from_bits(*size)),
            (Self::IsEmpty { negated }, _) => plain::is_empty(first, *negated),
            (Self::Case { upper }, _) => text::case(first, *upper),
            (Self::Length, _) => text::length(first),
            (Self::Concat, _) => text::concat(arguments),
            (Self::LongText, _) => text::of_long(first),
            (Self::SplitAt { delimiter, at }, _) => text::split_at(first, delimiter, *at),
            (Self::Extract { group, .. }, Ready::Regex(regex)) => {
                text::extract(first, regex, *group)
            }
            (Self::Substring { start, length }, _) => text::substring(first, *start, *length),
            (Self::Path(path), _) => path.run(first),
            (other, _) => return exec_err!("{other:?} is not ready"),
        })
    }
}

/// A native function as DataFusion sees it.
#[derive(Debug)]
pub(crate) struct NativeUdf {
    native: Native,
    signature: Signature,
    ready: OnceLock<Ready>,
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
        let signature = Signature::variadic_any(Volatility::Immutable);
        Self { native, signature, ready: OnceLock::new() }
    }

    /// What it is.
    pub(crate) fn native(&self) -> &Native {
        &self.native
    }

    /// What it is made from, as text.
    pub(crate) fn text(&self) -> Result<String, Error> {
        serde_json::to_string(&self.native).map_err(|e| Error::Query(e.to_string()))
    }

    /// From such text.
    pub(crate) fn of_text(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map(Self::new).map_err(|e| Error::Query(e.to_string()))
    }

    fn ready(&self) -> Result<&Ready> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready);
        }
        let made = self.native.ready()?;
        Ok(self.ready.get_or_init(|| made))
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
        let array = self.native.run(self.ready()?, &arrays)?;
        if array.len() != n_rows {
            return exec_err!("{:?} gave {} rows for {n_rows}", self.native, array.len());
        }
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}
