//! A bound, typed query: what engines run. No text, no names to resolve, nothing that could not
//! be written down and sent elsewhere.
//!
//! Columns are known by their position in the input row. Rows are `Vec<Value>` in the order of
//! the schema. An operator that needs no meaning of its own is expressed by others: `extend`,
//! `project*`, `print` are `Project`; `distinct` is `Summarize` without aggregates; the legs of
//! a union are brought to one schema by `Project`.

mod graph;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use graph::{Graph, GraphAsk, GraphCycles, GraphHop, GraphQuestion, GraphStep, GraphVariable};

use crate::value::{Type, Value};

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Case-sensitive
    pub name: String,
    /// Its type
    #[serde(rename = "type")]
    pub ty: Type,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self { name: name.into(), ty }
    }
}

/// Columns in order.
pub type Schema = Vec<Column>;

/// A bound query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What gives the rows
    pub rel: Rel,
    /// Where the columns depend on the data (`bag_unpack`, `pivot` without a schema): the columns
    /// of `rel` are then those that are sure, and an engine may give more
    pub open: bool,
    /// `render`, kept as a hint for whoever shows the rows
    pub render: Option<Render>,
    /// `set` options that engines may heed, by name
    pub options: Vec<(String, Value)>,
    /// `materialize(…)`, evaluated once a query
    pub shared: Vec<Rel>,
    /// `toscalar(…)`, evaluated once a query, in order; one may use those before it
    pub scalars: Vec<Rel>,
    /// Further results (`fork`, `facet`), by name
    pub further: Vec<(String, Rel)>,
}

/// How rows are to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Render {
    /// `timechart`, `barchart` …
    pub visualisation: String,
    /// Options by name
    pub options: Vec<(String, Value)>,
}

/// Something that gives rows, and their columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rel {
    /// What
    pub op: Box<Op>,
    /// Columns that come out
    pub schema: Schema,
}

/// A typed scalar expression over one input row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scalar {
    /// What
    pub kind: ScalarKind,
    /// The type of its value
    pub ty: Type,
}

/// The kinds of scalar expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ScalarKind {
    /// A constant
    Literal(Value),
    /// A column of the input row
    Column(usize),
    /// A function or operator, by the name that `functions::scalar` knows
    Call {
        /// For example `strcat`, `+`, `has`, `[]`
        function: Arc<str>,
        /// Its arguments
        arguments: Vec<Scalar>,
    },
    /// A function that sees the rows around: `prev`, `next`, `row_number`, `row_cumsum`,
    /// `row_rank_dense`, `row_rank_min`, `row_window_session`; the input is serialized
    Window {
        /// Which
        function: Arc<str>,
        /// Its arguments
        arguments: Vec<Scalar>,
    },
    /// The result of `Query::scalars[n]`: first row, first column
    ToScalar(usize),
    /// Whether a value is in the first column of a table; the function is `in`, `!in`, `in~`,
    /// `!in~`, `has_any` or `has_all`
    InTable {
        /// Which
        function: Arc<str>,
        /// What is looked for
        value: Box<Scalar>,
        /// The table
        table: Box<Rel>,
    },
    /// In `graph-match`: what is asked of a variable of the pattern
    Graph {
        /// Its index
        variable: usize,
        /// Of the nodes between its edges (`inner_nodes(e)`), not of the edges
        inner: bool,
        /// What
        ask: GraphAsk,
    },
    /// In `scan`: column `column` of the state of step `step`
    ScanState {
        /// Index of the step
        step: usize,
        /// Index into input columns followed by declared ones
        column: usize,
    },
}

/// A new column and what it is computed from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Its name
    pub name: String,
    /// Its value
    pub value: Scalar,
}

/// A key to sort by. Defaults are resolved: `desc`, nulls last in `desc` and first in `asc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SortKey {
    /// The key
    pub value: Scalar,
    /// Largest first
    pub descending: bool,
    /// Nulls and NaN first
    pub nulls_first: bool,
}

/// An aggregate function over the rows of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// By the name that `aggregates::aggregate` knows (`arg_max(x, *)` has all columns as
    /// arguments)
    pub function: Arc<str>,
    /// Arguments over the input row; constant ones are literals
    pub arguments: Vec<Scalar>,
    /// Types of what comes out: one but for `arg_max`, `arg_min`, `take_any`, `percentiles`
    pub outputs: Schema,
}

/// Kinds of join; `innerunique` keeps one arbitrary left row a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are Kusto's")]
pub enum JoinKind {
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftAnti,
    RightAnti,
    LeftSemi,
    RightSemi,
}

/// One column that is expanded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expand {
    /// The array or bag
    pub value: Scalar,
    /// Position in the output row: of the column replaced, or appended
    pub at: usize,
    /// Type of the elements: `dynamic` unless `to typeof` was given
    pub ty: Type,
}

/// A part of a `parse` pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ParsePart {
    /// `*`
    Star,
    /// Text, or a regular expression in kind `regex`
    Text(String),
    /// A capture, by its index into `Op::Parse::columns`
    Capture(usize),
}

/// Kinds of `parse`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are Kusto's")]
pub enum ParseKind {
    Simple,
    Regex,
    Relaxed,
}

/// One clause of `top-nested`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopNested {
    /// How many; all where absent
    pub count: Option<u64>,
    /// Of what, over the input row
    pub of: Scalar,
    /// What the rest is called, if shown
    pub others: Option<Value>,
    /// The aggregates that rank
    pub by: Vec<Aggregate>,
    /// What ranks (`sum(x)`, `round(sum(x), 1)`), over a row of the aggregates' outputs
    pub rank: Scalar,
    /// Largest first
    pub descending: bool,
}

/// One step of `scan`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanStep {
    /// Its name
    pub name: String,
    /// `optional`
    pub optional: bool,
    /// What it puts out
    pub output: ScanOutput,
    /// Over the row (input columns, then declared ones at their defaults) and the states
    pub condition: Scalar,
    /// Declared column (index from 0) and its new value
    pub assignments: Vec<(usize, Scalar)>,
}

/// What a step of `scan` puts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are Kusto's")]
pub enum ScanOutput {
    All,
    Last,
    None,
}

/// An argument of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PluginArgument {
    /// A constant or an expression over the input row; where the parameter is a column of the
    /// table among the arguments (`@column_parameter0`), over a row of that table
    Scalar(Scalar),
    /// An aggregate (`pivot(a, count())`)
    Aggregate(Aggregate),
    /// A table (`ipv4_lookup`)
    Table(Rel),
}

/// What gives rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named after the operator's parts")]
#[allow(clippy::large_enum_variant, reason = "a Rel keeps it in a box")]
pub enum Op {
    /// A table of the catalogue; the schema may be a part of its columns
    Table { name: String },
    /// Constant rows (`datatable`, `print` has one empty row)
    Rows(Vec<Vec<Value>>),
    /// `range`
    Range { from: Scalar, to: Scalar, step: Scalar },
    /// `externaldata`
    External { addresses: Vec<String>, format: String, options: Vec<(String, Value)> },
    /// `Query::shared[n]`
    Shared(usize),
    /// What flows into the sub-query of `mv-apply` and `partition`
    Inner,
    /// `where`
    Where { input: Rel, predicate: Scalar },
    /// New columns from each row, all of them
    Project { input: Rel, columns: Vec<Named> },
    /// Columns: keys, then the outputs of the aggregates in order
    Summarize { input: Rel, keys: Vec<Named>, aggregates: Vec<Aggregate> },
    /// Sorted rows; what follows is serialized
    Sort { input: Rel, keys: Vec<SortKey> },
    /// The first rows
    Take { input: Rel, count: Scalar },
    /// The first rows in an order
    Top { input: Rel, count: Scalar, keys: Vec<SortKey> },
    /// Random rows
    Sample { input: Rel, count: Scalar },
    /// Random distinct values
    SampleDistinct { input: Rel, count: Scalar, of: Scalar },
    /// Keeps the order of rows for what follows
    Serialize { input: Rel },
    /// Columns of the output: left, then right (one side only in semi and anti kinds); a null
    /// key matches a null key
    Join { kind: JoinKind, left: Rel, right: Rel, on: Vec<(Scalar, Scalar)> },
    /// Rows of all legs; all have this schema
    Union { legs: Vec<Rel> },
    /// `mv-expand`: rows have the input's columns, replaced or appended as told
    MvExpand {
        input: Rel,
        columns: Vec<Expand>,
        /// At most so many rows from one
        limit: Option<u64>,
        /// `with_itemindex`: position of the index in the output
        item_index: Option<usize>,
        /// `bagexpansion=array`
        bags_as_arrays: bool,
    },
    /// `mv-apply`: for each row, the sub-query runs over its expanded rows (schema `inner`:
    /// input's columns, replaced or appended as told); output: the columns of the row that
    /// are not in the sub-query's output, then the sub-query's, as `output` says
    MvApply {
        input: Rel,
        columns: Vec<Expand>,
        inner: Schema,
        limit: Option<u64>,
        item_index: Option<usize>,
        /// Reads `Op::Inner`
        body: Rel,
        /// Each output column: of the input row (`true`, index) or of the body (`false`, index)
        output: Vec<(bool, usize)>,
    },
    /// `parse`, `parse-where`: output has the input's columns, replaced or appended as told
    Parse {
        input: Rel,
        value: Scalar,
        kind: ParseKind,
        /// Flags of regular expressions, such as `i`, `Ui`
        flags: String,
        pattern: Vec<ParsePart>,
        /// Position in the output and type of each capture
        columns: Vec<(usize, Type)>,
        only_matching: bool,
    },
    /// `parse-kv`
    ParseKv {
        input: Rel,
        value: Scalar,
        /// Key, position in the output, type
        columns: Vec<(String, usize, Type)>,
        options: Vec<(String, Value)>,
    },
    /// `make-series`: output has the keys, then the series, then the axis, as Kusto orders them
    MakeSeries {
        input: Rel,
        keys: Vec<Named>,
        aggregates: Vec<Aggregate>,
        /// What each series holds in a bin, over a row of the aggregates' outputs, and in a bin
        /// without rows
        series: Vec<(Scalar, Value)>,
        axis: Named,
        from: Option<Scalar>,
        to: Option<Scalar>,
        step: Scalar,
        /// `in range(…)`
        end_inclusive: bool,
        /// `kind=nonempty`
        nonempty: bool,
    },
    /// `top-nested`
    TopNestedOp { input: Rel, clauses: Vec<TopNested> },
    /// `top-hitters`
    TopHitters { input: Rel, count: u64, of: Scalar, by: Option<Scalar> },
    /// `partition`: the body, reading `Op::Inner`, for each value of the key
    Partition { input: Rel, by: Scalar, body: Rel },
    /// `scan`: the input is serialized
    Scan {
        input: Rel,
        order_by: Vec<SortKey>,
        partition_by: Vec<Scalar>,
        /// Declared columns and their defaults
        declared: Vec<(Column, Value)>,
        steps: Vec<ScanStep>,
        /// `with_match_id`: appended as the last column
        match_id: bool,
    },
    /// `reduce`
    Reduce { input: Rel, by: Scalar, options: Vec<(String, Value)> },
    /// `evaluate`
    Plugin {
        input: Option<Rel>,
        name: String,
        arguments: Vec<PluginArgument>,
        /// For each argument the parameter that it is for, by the name in `plugins.tsv`, so that
        /// what was left out can be told
        parameters: Vec<String>,
    },
    /// A graph operator chain that ends in rows (`graph-match`, `graph-to-table` …)
    Graph(Graph),
    /// The columns of a table as rows (`getschema`) are `Rows`; this asserts at run time
    Consume { input: Rel },
}
