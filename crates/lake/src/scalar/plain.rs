//! Small functions that plans need beside those of the language.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, Float64Array, Int64Array, StringViewArray,
};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::{Float64Type, Int64Type};

/// `""` for null; an array without nulls is handed on as it is.
pub(crate) fn fill(array: &ArrayRef) -> ArrayRef {
    let array = array.as_string_view();
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Arc::new(array.clone());
    };
    let views: Vec<u128> = array
        .views()
        .iter()
        .zip(nulls.iter())
        .map(|(view, valid)| if valid { *view } else { 0 })
        .collect();
    let buffers = array.data_buffers().to_vec();
    let made = StringViewArray::try_new(ScalarBuffer::from(views), buffers, None);
    Arc::new(made.expect("because an empty view is always valid"))
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
pub(super) fn real_order(array: &ArrayRef, nan_low: bool) -> ArrayRef {
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
