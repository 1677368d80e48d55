//! A bundle of evidence: what was read of one server at one time, and what could not be.
//!
//! JSON: `{"format":1,"collected_at":RFC 3339,"pgkeep":version,"target","role","major",
//! "tables":{NAME:{"state":"read|partial|unread","gaps":[{"database","reason","message","cure"}],
//! "statement","columns":[{"name","type"}],"rows":[[…]],"took_ms"}}}`. Values are as Kusto prints
//! dynamics; moments are RFC 3339.

use std::collections::BTreeMap;

use kql::engine::Rows;
use kql::plan::{Column, Schema};
use kql::value::{Json, Value};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::provider::ProviderSaid;

const FORMAT: u32 = 1;
/// Bytes of a bundle that is read.
const BYTES_MAX: usize = 512 << 20;

/// What was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bundle {
    /// Of this form
    pub format: u32,
    /// When the collection began
    pub collected_at: String,
    /// The version of pgkeep that collected it
    pub pgkeep: String,
    /// What was read, without any secret
    pub target: String,
    /// The role that read it
    pub role: String,
    /// The major version of the server
    pub major: u32,
    /// The service that runs the server for others, where it is one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderSaid>,
    /// What is declared
    pub declared: TableEvidence,
    /// Tables by name; those of one check alone are `ID/NAME`
    pub tables: BTreeMap<String, TableEvidence>,
}

/// One table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableEvidence {
    /// Whether it is whole
    pub state: State,
    /// What is missing
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// The statement that was run, or what else filled it
    pub statement: String,
    /// Its columns
    pub columns: Schema,
    /// Its rows
    pub rows: Vec<Vec<Json>>,
    /// How long that took
    pub took_ms: u64,
}

/// Whether a table is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All of it
    Read,
    /// Some of it: see the gaps
    Partial,
    /// Nothing of it: see the gaps
    Unread,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// In which database, where it is one of them
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// A word for programs: `missing-right`, `unreachable`, `timeout`, `query-error`, `limit`,
    /// `no-collector`, `provider`, `stale-feed`
    pub reason: String,
    /// The same for people
    pub message: String,
    /// What would mend it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

impl TableEvidence {
    /// Rows that were read in whole.
    pub fn whole(columns: Schema, rows: Vec<Vec<Json>>, statement: impl Into<String>) -> Self {
        let statement = statement.into();
        Self { state: State::Read, gaps: Vec::new(), statement, columns, rows, took_ms: 0 }
    }

    /// A table of which nothing was read.
    pub fn unread(columns: Schema, gap: Gap, statement: impl Into<String>) -> Self {
        let mut table = Self::whole(columns, Vec::new(), statement);
        (table.state, table.gaps) = (State::Unread, vec![gap]);
        table
    }

    /// The rows as rules read them, in the columns that the check knows: what a column of another
    /// type held is converted, one that is not there is null.
    pub(crate) fn rows_as(&self, schema: &[Column]) -> Rows {
        let place = |wanted: &Column| self.columns.iter().position(|c| c.name == wanted.name);
        let places: Vec<Option<usize>> = schema.iter().map(place).collect();
        let rows = self.rows.iter().map(|row| {
            let cells = places.iter().zip(schema).map(|(place, column)| {
                let json = place.and_then(|place| row.get(place)).unwrap_or(&Json::Null);
                cell(json, column)
            });
            cells.collect()
        });
        Rows::new(schema.to_vec(), rows.collect())
    }
}

/// A value of a column from JSON.
pub(crate) fn cell(json: &Json, column: &Column) -> Value {
    use kql::value::Type;
    match (json, column.ty) {
        (Json::Null, ty) => Value::absent(ty),
        (json, Type::Dynamic) => Value::json(json.clone()),
        (json, ty) => match Value::of_json(json).plain() {
            // A list in a column of text is its JSON.
            Value::Dynamic(json) if ty == Type::String => Value::text(json.to_string()),
            value => value.convert(ty),
        },
    }
}

impl Bundle {
    /// The bundle as bytes.
    ///
    /// # Errors
    /// None that a bundle of this program has.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::Bundle(e.to_string()))
    }

    /// Reads what [`Bundle::to_json`] wrote.
    ///
    /// # Errors
    /// It is too long, of another form, or no bundle at all.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > BYTES_MAX {
            return Err(Error::Bundle(format!("longer than {BYTES_MAX} bytes")));
        }
        let bundle: Self =
            serde_json::from_slice(bytes).map_err(|e| Error::Bundle(e.to_string()))?;
        if bundle.format != FORMAT {
            return Err(Error::Bundle(format!("of form {}, not {FORMAT}", bundle.format)));
        }
        let odd = bundle
            .tables
            .iter()
            .find(|(_, table)| table.rows.iter().any(|row| row.len() != table.columns.len()));
        if let Some((name, _)) = odd {
            return Err(Error::Bundle(format!("rows of {name} are not as long as its columns")));
        }
        Ok(bundle)
    }

    /// SHA-256 over [`Bundle::to_json`], in hex.
    ///
    /// # Errors
    /// As [`Bundle::to_json`].
    pub fn hash(&self) -> Result<String> {
        let hash = crypto::sha256(&self.to_json()?);
        Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn empty(at: String, target: String, role: String, major: u32) -> Self {
        Self {
            format: FORMAT,
            collected_at: at,
            pgkeep: env!("CARGO_PKG_VERSION").to_owned(),
            target,
            role,
            major,
            provider: None,
            declared: TableEvidence::whole(Vec::new(), Vec::new(), ""),
            tables: BTreeMap::new(),
        }
    }
}
