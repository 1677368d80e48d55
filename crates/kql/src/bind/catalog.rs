//! What exists outside the query's text: tables and stored functions.

use std::collections::{BTreeMap, HashMap};

use crate::plan::{Column, Schema};
use crate::value::Type;

/// A function that is stored beside the tables. It is bound at each use like a function of the
/// text, but sees tables and stored functions only, and may not come to call itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFunction {
    /// Its text, as of `let name = TEXT`: `(a: long) { … }`
    pub text: String,
}

/// Tables and functions that a query may name.
pub trait Catalog {
    /// The columns of a table.
    fn table(&self, name: &str) -> Option<Schema>;

    /// All tables, for wildcards and hints.
    fn tables(&self) -> Vec<String>;

    /// A stored function.
    fn function(&self, name: &str) -> Option<StoredFunction> {
        let _ = name;
        None
    }

    /// The names of all stored functions, for hints.
    fn functions(&self) -> Vec<String> {
        Vec::new()
    }

    /// The columns of `_GetWatchlist(alias)`.
    fn watchlist(&self, alias: &str) -> Option<Schema> {
        let _ = alias;
        None
    }

    /// Whether a database or workspace of this name is ours; its tables are those of `table`.
    fn database(&self, name: &str) -> bool {
        let _ = name;
        true
    }
}

/// A catalogue that is a list of tables, in the order in which they were added, and of stored
/// functions.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    names: Vec<String>,
    schemas: HashMap<String, Schema>,
    functions: BTreeMap<String, StoredFunction>,
}

impl Tables {
    /// Adds a table.
    pub fn add(&mut self, name: impl Into<String>, schema: Schema) {
        let name = name.into();
        if self.schemas.insert(name.clone(), schema).is_none() {
            self.names.push(name);
        }
    }

    /// Adds a stored function; `text` as in [`StoredFunction`].
    pub fn add_function(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.functions.insert(name.into(), StoredFunction { text: text.into() });
    }

    /// Reads `{"Table":{"Column":"kusto type"}}`, columns in their order.
    ///
    /// # Errors
    /// Text that says what is not understood.
    pub fn from_json(text: &str) -> Result<Self, String> {
        use crate::value::Json;
        let json = serde_json::from_str::<Json>(text).map_err(|e| e.to_string())?;
        let Json::Bag(tables) = json else {
            return Err("expected an object of tables".to_owned());
        };
        let mut all = Self::default();
        for (table, columns) in tables {
            let Json::Bag(columns) = columns else {
                return Err(format!("table {table}: expected an object of columns"));
            };
            let mut schema = Vec::with_capacity(columns.len());
            for (name, ty) in columns {
                let Json::String(ty) = ty else {
                    return Err(format!("table {table}, column {name}: expected a type's name"));
                };
                let ty = Type::parse(&ty)
                    .ok_or_else(|| format!("table {table}, column {name}: no type is {ty}"))?;
                schema.push(Column::new(&*name, ty));
            }
            all.add(&*table, schema);
        }
        Ok(all)
    }
}

impl Catalog for Tables {
    fn table(&self, name: &str) -> Option<Schema> {
        self.schemas.get(name).cloned()
    }

    fn tables(&self) -> Vec<String> {
        self.names.clone()
    }

    fn function(&self, name: &str) -> Option<StoredFunction> {
        self.functions.get(name).cloned()
    }

    fn functions(&self) -> Vec<String> {
        self.functions.keys().cloned().collect()
    }
}
