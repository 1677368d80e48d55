//! What somebody says is meant to be so: names and values by kind.

use kql::engine::{Row, Rows};
use kql::plan::{Column, Schema};
use kql::value::{Json, Type, Value};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The table that rules read it as.
pub(crate) const TABLE: &str = "Declared";
/// Bytes of a declaration.
const BYTES_MAX: usize = 1 << 20;

/// A declaration: `kind = ["name", …]`, or `[kind]` with `name = value`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Declared(toml::Table);

impl Declared {
    /// Reads TOML, or JSON where the text begins with a brace.
    ///
    /// # Errors
    /// It is too long, or no table of lists and tables.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > BYTES_MAX {
            return Err(Error::Declaration(format!("longer than {BYTES_MAX} bytes")));
        }
        let said = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|e| Error::Declaration(e.to_string()))?
        } else {
            toml::from_str(text).map_err(|e| Error::Declaration(e.to_string()))?
        };
        Self::of(said)
    }

    /// From a table.
    ///
    /// # Errors
    /// A kind is neither a list, a table nor a single value.
    pub fn of(said: toml::Table) -> Result<Self> {
        for (kind, value) in &said {
            if let toml::Value::Array(names) = value
                && names.iter().any(toml::Value::is_array)
            {
                return Err(Error::Declaration(format!("{kind} is a list of lists")));
            }
        }
        Ok(Self(said))
    }

    /// Adds an entry of a kind: members of `value` beside its `name`. What was declared under the
    /// same name stays, where the kind is a table of names.
    pub fn add(&mut self, kind: &str, name: &str, mut value: toml::Table) {
        let known = self.0.entry(kind.to_owned());
        let known = known.or_insert_with(|| toml::Value::Array(Vec::new()));
        if let toml::Value::Table(table) = known {
            table.entry(name.to_owned()).or_insert(toml::Value::Table(value));
            return;
        }
        value.insert("name".to_owned(), toml::Value::String(name.to_owned()));
        match known {
            toml::Value::Array(list) => list.push(toml::Value::Table(value)),
            single => *single = toml::Value::Array(vec![single.clone(), toml::Value::Table(value)]),
        }
    }

    /// As [`Declared::parse`] reads it.
    pub fn to_json(&self) -> String {
        let bag = json(&toml::Value::Table(self.0.clone()));
        bag.to_string()
    }

    /// The columns of the table.
    pub(crate) fn schema() -> Schema {
        vec![
            Column::new("kind", Type::String),
            Column::new("name", Type::String),
            Column::new("value", Type::Dynamic),
        ]
    }

    /// The table.
    pub(crate) fn rows(&self) -> Rows {
        let mut rows = Vec::new();
        for (kind, value) in &self.0 {
            match value {
                toml::Value::Array(names) => rows.extend(names.iter().map(|name| match name {
                    toml::Value::Table(table) => {
                        let called = table.get("name").and_then(toml::Value::as_str);
                        row(kind, called.unwrap_or_default(), name)
                    }
                    name => row(kind, &plain(name), &toml::Value::Boolean(true)),
                })),
                toml::Value::Table(table) => {
                    rows.extend(table.iter().map(|(name, value)| row(kind, name, value)));
                }
                value => rows.push(row(kind, &plain(value), value)),
            }
        }
        Rows::new(Self::schema(), rows)
    }
}

fn row(kind: &str, name: &str, value: &toml::Value) -> Row {
    vec![Value::text(kind), Value::text(name), Value::json(json(value))]
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value of TOML as one of JSON; moments as their text.
pub(crate) fn json(value: &toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::String(text.as_str().into()),
        toml::Value::Integer(n) => Json::Long(*n),
        toml::Value::Float(x) => Json::Real(*x),
        toml::Value::Boolean(b) => Json::Bool(*b),
        toml::Value::Datetime(at) => Json::String(at.to_string().into()),
        toml::Value::Array(elements) => Json::Array(elements.iter().map(json).collect()),
        toml::Value::Table(table) => {
            Json::Bag(table.iter().map(|(key, value)| (key.as_str().into(), json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_tables_and_single_values_are_rows() {
        let text = "port = 5432\nsuperusers = [\"anna\"]\n[networks]\noffice = \"192.0.2.0/24\"\n";
        let rows = Declared::parse(text).unwrap().rows();
        let said: Vec<String> = rows
            .rows
            .iter()
            .map(|row| row.iter().map(|v| v.to_text().to_string()).collect::<Vec<_>>().join(" "))
            .collect();
        let expected = ["networks office 192.0.2.0/24", "port 5432 5432", "superusers anna true"];
        assert_eq!(said, expected);
        assert_eq!(Declared::parse("{\"superusers\":[\"anna\"]}").unwrap().rows().rows.len(), 1);
        let mut more = Declared::parse("waiver = \"a\"\n[scan]\nlast = 1\n").unwrap();
        more.add("waiver", "b", toml::Table::new());
        more.add("scan", "last", toml::Table::new());
        more.add("new", "c", toml::Table::new());
        let again = Declared::parse(&more.to_json()).unwrap();
        assert_eq!(again.rows().rows, more.rows().rows);
        assert_eq!(more.rows().rows.len(), 4, "{}", more.to_json());
        for odd in ["x = [[1]]", "x =", "{\"x\":"] {
            assert!(Declared::parse(odd).is_err(), "{odd}");
        }
    }
}
