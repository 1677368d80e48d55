//! `[]`: a member of a bag by its name, an element of an array by its position.
//!
//! What is not there is null. A dynamic string that holds JSON has no members: `parse_json` makes
//! them (Kusto page "dynamic").

use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[("[]", access)];

fn access(arguments: &[Value], _: &Context) -> Value {
    let [Value::Dynamic(base), at] = arguments else { return Value::Null };
    let found = match (&**base, at.plain()) {
        (bag @ Json::Bag(_), Value::String(name)) => bag.member(&name),
        (array @ Json::Array(_), at @ (Value::Int(_) | Value::Long(_) | Value::Bool(_))) => {
            at.to_long().and_then(|at| array.element(at))
        }
        _ => None,
    };
    found.map_or(Value::Null, Value::of_json)
}
