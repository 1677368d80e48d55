//! An expression that is evaluated row by row with the meaning that all engines share.
//!
//! A whole tree of calls is one function here, so that no array is made between them. The tree's
//! columns are the arguments, by position.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use kql::engine::{self, Cancel, Env, Limits, Rows, Source};
use kql::functions::Context;
use kql::plan::{Op, Query, Rel, Scalar, ScalarKind};
use kql::value::{Type, Value};
use serde::{Deserialize, Serialize};

use crate::data::{Reader, Writer, arrow_type};
use crate::error::Error;

/// Functions that give another value at each call.
const VOLATILE: &[&str] = &["rand", "new_guid"];

/// What the function is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// Over the arguments
    pub(crate) scalar: Scalar,
    /// Types of the arguments
    pub(crate) arguments: Vec<Type>,
    /// `now()`
    pub(crate) now: i64,
}

/// A scalar expression as one function.
#[derive(Debug)]
pub(crate) struct ByValue {
    parts: Parts,
    /// The parts as text: what tells one function from another
    text: String,
    signature: Signature,
    ready: OnceLock<engine::Expr>,
}

impl PartialEq for ByValue {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ByValue {}

impl Hash for ByValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl ByValue {
    /// The name that all of these have.
    pub(crate) const NAME: &'static str = "kql_expr";

    /// Makes the function ready; what it cannot do is said here, not while it runs.
    pub(crate) fn new(parts: Parts) -> Result<Self, Error> {
        let ready = compiled(&parts.scalar, parts.now)?;
        let volatility =
            if is_volatile(&parts.scalar) { Volatility::Volatile } else { Volatility::Immutable };
        let signature = if parts.arguments.is_empty() {
            Signature::nullary(volatility)
        } else {
            Signature::exact(parts.arguments.iter().map(|ty| arrow_type(*ty)).collect(), volatility)
        };
        let text = serde_json::to_string(&parts).map_err(|e| Error::Query(e.to_string()))?;
        Ok(Self { parts, text, signature, ready: OnceLock::from(ready) })
    }

    /// A call of it.
    pub(crate) fn call(parts: Parts, arguments: Vec<Expr>) -> Result<Expr, Error> {
        Ok(ScalarUDF::new_from_impl(Self::new(parts)?).call(arguments))
    }

    /// What it is made from, as text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// From such text.
    pub(crate) fn of_text(text: &str) -> Result<Self, Error> {
        Self::new(serde_json::from_str(text).map_err(|e| Error::Query(e.to_string()))?)
    }
}

impl ScalarUDFImpl for ByValue {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(arrow_type(self.parts.scalar.ty))
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        let names: Vec<String> = arguments.iter().map(|a| a.schema_name().to_string()).collect();
        Ok(format!("{}:{}({})", Self::NAME, self.text, names.join(",")))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let expr = self.ready.get().expect("because it was made ready when it was made");
        let constant = call.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let volatile = self.signature.volatility == Volatility::Volatile;
        let n_rows = if constant && !volatile { 1 } else { call.number_rows };
        let arrays = call
            .args
            .into_iter()
            .map(|argument| argument.into_array(n_rows))
            .collect::<Result<Vec<_>>>()?;
        let readers = arrays
            .iter()
            .zip(&self.parts.arguments)
            .map(|(array, ty)| Reader::new(array, *ty))
            .collect::<Result<Vec<_>>>()?;
        let context = Context { now: self.parts.now };
        let mut writer = Writer::new(self.parts.scalar.ty, n_rows);
        let mut row = Vec::with_capacity(readers.len());
        for at in 0..n_rows {
            row.clear();
            row.extend(readers.iter().map(|reader| reader.value(at)));
            writer.push(&expr.eval(&row, at, &context));
        }
        let array = writer.finish();
        if constant && !volatile {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

/// Whether a value may differ from call to call.
pub(crate) fn is_volatile(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Call { function, arguments } => {
            VOLATILE.contains(&&**function) || arguments.iter().any(is_volatile)
        }
        _ => false,
    }
}

/// The value of an expression without columns.
pub(crate) fn constant(scalar: &Scalar, now: i64) -> Result<Value, Error> {
    Ok(compiled(scalar, now)?.eval(&[], 0, &Context { now }))
}

/// An expression over one row made ready.
pub(crate) fn compiled(scalar: &Scalar, now: i64) -> Result<engine::Expr, Error> {
    struct Nothing;
    impl Source for Nothing {
        fn table(&self, _: &str) -> engine::Result<Option<std::sync::Arc<Rows>>> {
            Ok(None)
        }
    }
    let query = Query {
        rel: Rel { op: Box::new(Op::Rows(Vec::new())), schema: Vec::new() },
        open: false,
        render: None,
        options: Vec::new(),
        shared: Vec::new(),
        scalars: Vec::new(),
        further: Vec::new(),
    };
    let cancel = Cancel::new();
    let env = Env::new(&query, &Nothing, Context { now }, &Limits::default(), &cancel);
    Ok(engine::compile(scalar, &env)?)
}
