//! `and`, `or`, `not` over true, false and null (Kusto page "logical operators").

use crate::functions::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[("and", and), ("or", or), ("not", not)];

fn and(arguments: &[Value], _: &Context) -> Value {
    all(arguments, false)
}

fn or(arguments: &[Value], _: &Context) -> Value {
    all(arguments, true)
}

/// `decisive` where one side is that, null where one is null, else the opposite.
fn all(arguments: &[Value], decisive: bool) -> Value {
    let mut unknown = false;
    for argument in arguments {
        match argument.to_bool() {
            Some(b) if b == decisive => return Value::Bool(decisive),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { Value::Null } else { Value::Bool(!decisive) }
}

fn not(arguments: &[Value], _: &Context) -> Value {
    match arguments.first().and_then(Value::to_bool) {
        Some(b) => Value::Bool(!b),
        None => Value::Null,
    }
}
