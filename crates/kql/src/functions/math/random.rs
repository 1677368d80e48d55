//! `rand()` and `new_guid()`: another value at each call, none of them a secret.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

use crate::functions::arguments::long;
use crate::functions::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[("rand", rand), ("new_guid", new_guid)];

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u8));
}

/// Steele, Lea and Flood: "Fast splittable pseudorandom number generators" (SplitMix64).
fn next() -> u64 {
    let state = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(state);
    let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// From 0 to below 1; with a number, a whole one from 0 to below it.
fn rand(arguments: &[Value], _: &Context) -> Value {
    let unit = (next() >> 11) as f64 / (1_u64 << 53) as f64;
    match (arguments.first(), long(arguments, 0)) {
        (None, _) => Value::Real(unit),
        (_, Some(n)) if n > 0 => Value::Real((unit * n as f64).floor()),
        (_, Some(_)) => Value::Real(unit),
        _ => Value::Null,
    }
}

/// A guid of version 4 (RFC 9562 section 5.4).
fn new_guid(_: &[Value], _: &Context) -> Value {
    let random = u128::from(next()) << 64 | u128::from(next());
    let version = random & !(0xf << 76) | 4 << 76;
    Value::Guid(version & !(3 << 62) | 2 << 62)
}
