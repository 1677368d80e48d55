//! A parser's file, as it is written (`content/parsers/NAME.toml`). `content/parsers/README.md`
//! explains it to whoever writes one.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    #[serde(rename = "description")]
    pub(crate) _description: String,
    pub(crate) format: FormatName,
    pub(crate) framing: Option<FramingName>,
    /// File of `shared/` whose stages and rows come behind those of this one.
    pub(crate) include: Option<String>,
    /// For JSON: the member that holds the events.
    pub(crate) records: Option<String>,
    pub(crate) csv: Option<CsvSpec>,
    pub(crate) stderr: Option<StderrSpec>,
    #[serde(default)]
    pub(crate) stage: Vec<StageSpec>,
    /// Sets of columns that rows name, so that each is written once.
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, BTreeMap<String, ColumnSpec>>,
    #[serde(default)]
    pub(crate) row: Vec<RowSpec>,
}

/// What parsers of one product share (`content/parsers/shared/NAME.toml`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedSpec {
    #[serde(rename = "description")]
    pub(crate) _description: String,
    #[serde(default)]
    pub(crate) stage: Vec<StageSpec>,
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, BTreeMap<String, ColumnSpec>>,
    #[serde(default)]
    pub(crate) row: Vec<RowSpec>,
}

impl Spec {
    /// Puts in what is shared: stages and rows behind the own ones, columns where there is no
    /// own one.
    pub(crate) fn take_in(&mut self, shared: SharedSpec) {
        self.stage.extend(shared.stage);
        for (set, columns) in shared.columns {
            let own = self.columns.entry(set).or_default();
            for (column, from) in columns {
                own.entry(column).or_insert(from);
            }
        }
        self.row.extend(shared.row);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormatName {
    Json,
    Csv,
    Stderr,
    Syslog,
    Cef,
    Otlp,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FramingName {
    Lines,
    Syslog,
    Whole,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvSpec {
    pub(crate) columns: Vec<String>,
    /// So many columns the oldest version writes.
    pub(crate) min: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StderrSpec {
    /// `log_line_prefix`, where the source does not say another.
    pub(crate) prefix: String,
    pub(crate) severities: Vec<String>,
    /// Word before a text → name of the field it fills.
    pub(crate) parts: BTreeMap<String, String>,
}

/// More fields out of one field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageSpec {
    #[serde(default)]
    pub(crate) when: Vec<ConditionSpec>,
    pub(crate) field: String,
    /// Text before the part that is read.
    #[serde(default)]
    pub(crate) skip: String,
    /// Regular expressions; the first that matches gives its named groups as fields.
    #[serde(default)]
    pub(crate) patterns: Vec<String>,
    /// Fields by position.
    pub(crate) csv: Option<CsvSpec>,
    /// What is not understood is a dead letter (else nothing happens).
    #[serde(default)]
    pub(crate) must: bool,
}

/// A question to an event; all that are written must be answered with yes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConditionSpec {
    pub(crate) field: String,
    /// The text begins with one of these.
    pub(crate) starts: Option<Vec<String>>,
    /// The text is one of these.
    #[serde(rename = "in")]
    pub(crate) one_of: Option<Vec<String>>,
    /// The text is none of these.
    #[serde(rename = "not")]
    pub(crate) none_of: Option<Vec<String>>,
    /// The field is there and not empty, or is not.
    pub(crate) present: Option<bool>,
}

/// A row of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowSpec {
    pub(crate) table: String,
    #[serde(default)]
    pub(crate) when: Vec<ConditionSpec>,
    /// Sets of columns; a later one and the row's own win.
    #[serde(default)]
    pub(crate) with: Vec<String>,
    #[serde(default)]
    pub(crate) columns: BTreeMap<String, ColumnSpec>,
}

/// Where a column comes from: a field's name, or more.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum ColumnSpec {
    Field(String),
    Full(Box<FullColumn>),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FullColumn {
    pub(crate) field: Option<String>,
    /// The first of these that is there.
    #[serde(default)]
    pub(crate) fields: Vec<String>,
    /// Always this.
    pub(crate) value: Option<toml::Value>,
    /// What the caller says of the source.
    pub(crate) given: Option<String>,
    /// The time of receipt.
    #[serde(default)]
    pub(crate) received: bool,
    /// Fields that the file does not mention.
    pub(crate) rest: Option<RestSpec>,
    pub(crate) read: Option<ReadSpec>,
    /// Text → text; what is not there stays as it is.
    #[serde(default)]
    pub(crate) map: BTreeMap<String, String>,
    /// Number from 0 → text.
    #[serde(default)]
    pub(crate) list: Vec<String>,
    /// Texts that mean nothing.
    #[serde(default)]
    pub(crate) none: Vec<String>,
    /// Without it there is no row.
    #[serde(default)]
    pub(crate) required: bool,
    /// Where the field is absent or not understood: `received` or a value.
    #[serde(rename = "else")]
    pub(crate) otherwise: Option<toml::Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RestSpec {
    /// A bag of name → value.
    Bag,
    /// Into the columns that Azure Diagnostics would give them; a bag of those that have none.
    Typed,
    /// `name=value` with semicolons between.
    Pairs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadSpec {
    /// A date and time with a zone.
    Stamp,
    /// Month, day and time without a year.
    Bsd,
    /// One of the forms of a time in CEF.
    Cef,
    EpochS,
    EpochMs,
    EpochNs,
    /// `h:mm:ss`, any number of hours.
    Hours,
    /// JSON inside text.
    Json,
    Lower,
    Upper,
}
