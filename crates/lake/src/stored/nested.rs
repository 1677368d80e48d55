//! Lists, structs and maps as JSON text.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, StringViewBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use kql::value::{DEPTH_MAX, Json, Type};

use super::{convert::convert, natural_type};
use crate::data::Reader;

/// Each value of a nested array as JSON text; null stays null.
pub(super) fn json_texts(array: &ArrayRef) -> Result<ArrayRef> {
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
        } else {
            texts.append_value(json_at(array, row, 0)?.to_string());
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn json_at(array: &ArrayRef, row: usize, depth: usize) -> Result<Json> {
    if array.is_null(row) || depth > DEPTH_MAX {
        return Ok(Json::Null);
    }
    let elements = match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::ListView(_) => array.as_list_view::<i32>().value(row),
        DataType::LargeListView(_) => array.as_list_view::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let mut members = Vec::with_capacity(fields.len());
            for (field, column) in fields.iter().zip(columns) {
                let value = json_at(column, row, depth + 1)?;
                Json::put(&mut members, field.name().as_str().into(), value);
            }
            return Ok(Json::Bag(members));
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let keys = convert(keys, Type::String)?;
            let mut members = Vec::with_capacity(values.len());
            for at in 0..values.len() {
                let key = keys.as_string_view().value(at);
                Json::put(&mut members, key.into(), json_at(values, at, depth + 1)?);
            }
            return Ok(Json::Bag(members));
        }
        other => {
            let ty = natural_type(other);
            let one = convert(&array.slice(row, 1), ty)?;
            return Ok(Reader::new(&one, ty)?.value(0).to_json());
        }
    };
    let mut out = Vec::with_capacity(elements.len());
    for at in 0..elements.len() {
        out.push(json_at(&elements, at, depth + 1)?);
    }
    Ok(Json::Array(out))
}
