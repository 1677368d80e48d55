//! Kusto's columns as a Delta schema (protocol, "Schema serialization format") and back.

use kql::plan::{Column, Schema};
use kql::value::Type;
use serde::{Deserialize, Serialize};

use crate::store::shape::DAY;

/// Which of Kusto's types a column has, where Delta's type does not say it.
const KQL_TYPE: &str = "kql.type";

#[derive(Debug, Serialize, Deserialize)]
struct Struct {
    #[serde(rename = "type")]
    kind: String,
    fields: Vec<Field>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    ty: serde_json::Value,
    nullable: bool,
    #[serde(default)]
    metadata: serde_json::Map<String, serde_json::Value>,
}

/// The schema as JSON text, with the column of partitions at its end.
pub(super) fn to_text(schema: &Schema) -> String {
    let field = |name: &str, ty: &str| Field {
        name: name.to_owned(),
        ty: ty.into(),
        nullable: true,
        metadata: serde_json::Map::new(),
    };
    let mut fields: Vec<Field> = schema
        .iter()
        .map(|column| {
            let mut field = field(&column.name, stored(column.ty));
            if natural(stored(column.ty)) != Some(column.ty) {
                field.metadata.insert(KQL_TYPE.to_owned(), column.ty.name().into());
            }
            field
        })
        .collect();
    fields.push(field(DAY, "date"));
    let all = Struct { kind: "struct".to_owned(), fields };
    serde_json::to_string(&all).expect("because names and texts are JSON")
}

/// The columns that a schema's text says, without that of partitions.
pub(super) fn of_text(text: &str) -> Result<Schema, String> {
    let all: Struct = serde_json::from_str(text).map_err(|e| format!("its schema: {e}"))?;
    let columns = all.fields.iter().filter(|field| field.name != DAY).map(|field| {
        let said = field.metadata.get(KQL_TYPE).and_then(|ty| Type::parse(ty.as_str()?));
        let stored = field.ty.as_str().unwrap_or_default();
        match said.or_else(|| natural(stored)) {
            Some(ty) => Ok(Column::new(&field.name, ty)),
            None => Err(format!("column {} is of type {}", field.name, field.ty)),
        }
    });
    columns.collect()
}

/// Delta's type that holds a Kusto type.
fn stored(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "boolean",
        Type::Int => "integer",
        // A span is ticks of 100 ns.
        Type::Long | Type::TimeSpan => "long",
        Type::Real => "double",
        // Microseconds, UTC.
        Type::DateTime => "timestamp",
        Type::String | Type::Dynamic | Type::Guid | Type::Decimal => "string",
    }
}

fn natural(stored: &str) -> Option<Type> {
    Some(match stored {
        "boolean" => Type::Bool,
        "byte" | "short" | "integer" => Type::Int,
        "long" => Type::Long,
        "float" | "double" => Type::Real,
        "timestamp" => Type::DateTime,
        "string" => Type::String,
        _ => return None,
    })
}
