//! Small functions that plans need beside those of the language.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, Scalar,
    StringViewArray,
};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::Result;

/// `""` for null; an array without nulls is handed on as it is.
pub(crate) fn fill(array: &ArrayRef) -> Result<ArrayRef> {
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(Arc::clone(array));
    };
    let valid = BooleanArray::new(nulls.inner().clone(), None);
    let empty = Scalar::new(StringViewArray::from(vec![""]));
    Ok(zip(&valid, array, &empty)?)
}

/// Whether each string is empty; null is.
pub(super) fn is_empty(array: &ArrayRef, negated: bool) -> ArrayRef {
    let texts: &StringViewArray = array.as_string_view();
    let views = texts.views();
    // The first four bytes of a view are the length.
    let test = |at: usize| (texts.is_null(at) || views[at] as u32 == 0) != negated;
    Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(texts.len(), test), None))
}

/// One form for both zeros, and one for all NaNs.
pub(super) fn real_key(array: &ArrayRef) -> ArrayRef {
    let keys: Float64Array = array.as_primitive::<Float64Type>().unary(|x| {
        if x.is_nan() {
            f64::NAN
        } else if x == 0.0 {
            0.0
        } else {
            x
        }
    });
    Arc::new(keys)
}

/// Whole numbers in the order of the real ones.
pub(crate) fn real_order(array: &ArrayRef, nan_low: bool) -> ArrayRef {
    let nan = if nan_low { i64::MIN } else { i64::MAX };
    let keys: Int64Array = array.as_primitive::<Float64Type>().unary::<_, Int64Type>(|x| {
        if x.is_nan() {
            return nan;
        }
        let bits = (if x == 0.0 { 0.0 } else { x }).to_bits() as i64;
        // Negative numbers have their magnitude's bits in reverse order.
        bits ^ (((bits >> 63) as u64) >> 1) as i64
    });
    Arc::new(keys)
}
