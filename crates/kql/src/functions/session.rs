//! Functions that ask a service about itself or where rows are stored: here there is no such
//! service, and they give what means nothing.

use super::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("current_cluster_endpoint", |_, _| Value::text("")),
    ("current_cursor", |_, _| Value::text("")),
    ("current_database", |_, _| Value::text("")),
    ("current_node_id", |_, _| Value::text("")),
    ("current_principal", |_, _| Value::text("")),
    ("current_principal_details", |_, _| Value::json(Json::Bag(Vec::new()))),
    ("current_principal_is_member_of", |_, _| Value::Bool(false)),
    ("cursor_after", |_, _| Value::Bool(true)),
    ("cursor_before_or_at", |_, _| Value::Bool(true)),
    ("cursor_current", |_, _| Value::text("")),
    ("estimate_data_size", estimate_data_size),
    ("extent_id", |_, _| Value::Null),
    ("extent_tags", |_, _| Value::Null),
    ("extentid", |_, _| Value::Null),
    ("ingestion_time", |_, _| Value::Null),
    ("row_id", |_, _| Value::text("")),
    ("rowstore_ordinal_range", |_, _| Value::Null),
];

/// Bytes of a value: text by its length, the rest by its type.
fn size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 4,
        Value::Long(_) | Value::Real(_) | Value::DateTime(_) | Value::TimeSpan(_) => 8,
        Value::Decimal(_) | Value::Guid(_) => 16,
        Value::String(s) => s.len(),
        Value::Dynamic(json) => json.to_string().len() + 8,
    }
}

fn estimate_data_size(arguments: &[Value], _: &Context) -> Value {
    Value::Long(arguments.iter().map(size).sum::<usize>() as i64)
}
