//! Bits of whole numbers: `binary_and()` and its like.

use crate::functions::Table;
use crate::functions::arguments::{long, or_null};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("binary_and", |a, _| two(a, |x, y| Some(x & y))),
    ("binary_or", |a, _| two(a, |x, y| Some(x | y))),
    ("binary_xor", |a, _| two(a, |x, y| Some(x ^ y))),
    ("binary_not", |a, _| or_null(long(a, 0), |x| Value::Long(!x))),
    ("binary_shift_left", |a, _| two(a, |x, n| (n >= 0).then(|| x.wrapping_shl(bits(n))))),
    ("binary_shift_right", |a, _| two(a, |x, n| (n >= 0).then(|| x.wrapping_shr(bits(n))))),
    ("bitset_count_ones", |a, _| or_null(long(a, 0), |x| Value::Long(x.count_ones().into()))),
];

fn bits(n: i64) -> u32 {
    (n % 64) as u32
}

fn two(arguments: &[Value], of: fn(i64, i64) -> Option<i64>) -> Value {
    let result = || of(long(arguments, 0)?, long(arguments, 1)?);
    or_null(result(), Value::Long)
}
