//! Operators that DataFusion does not have, as one serialisable node of its plans.
//!
//! A node knows its columns by name. Names are unique in a plan, so what the optimiser does to
//! the order and number of the columns below does no harm.

mod exec;
mod expand;
mod first_rows;
mod parse;
mod planner;
mod row_operator;

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use kql::plan::{ParsePart, Rel};
use kql::value::Type;
use serde::{Deserialize, Serialize};

pub(crate) use exec::NodeExec;
pub(crate) use parse::is_plain;
pub(crate) use planner::Planner;
pub(crate) use row_operator::with_env;

use crate::data::arrow_schema;
use crate::error::Error;
use crate::lower::column;
use crate::tables::Range;

/// What a node does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Node {
    /// Sorts, and keeps the order for what follows
    Sort {
        /// Keys, the first one first
        keys: Vec<Key>,
        /// Keeps so many rows only
        fetch: Option<usize>,
    },
    /// The first row of each key, as rows come
    FirstRows {
        /// Columns of the key
        keys: Vec<String>,
    },
    /// `mv-expand`
    Expand {
        /// Columns that are expanded side by side
        columns: Vec<Expanded>,
        /// At most so many rows from one
        limit: Option<u64>,
        /// Name of the column with the index
        item_index: Option<String>,
        /// `bagexpansion=array`
        bags_as_arrays: bool,
    },
    /// `parse` with texts between its captures
    Parse {
        /// The column of text
        value: String,
        pattern: Vec<ParsePart>,
        /// Each capture: its name, its type, and whether it is looked at
        columns: Vec<(String, Type, bool)>,
        /// Captures are converted each by itself
        relaxed: bool,
        /// Rows that do not match are left out
        only_matching: bool,
    },
    /// The rows of `range`
    Range {
        /// The column's name
        column: String,
        range: Range,
    },
    /// One operator of the language, run by the engine in memory over all its input
    Operator {
        /// The operator; its inputs are empty rows of the inputs' schemas
        rel: Rel,
        /// The inputs' columns, in the order of their schemas; one that nobody looks at has no
        /// name
        inputs: Vec<Vec<String>>,
        /// Names of the output, in the order of the operator's schema
        outputs: Vec<String>,
        /// What stands beside the query and is read by its sub-queries
        beside: Beside,
        /// No row sees another, so that it may run over parts of the rows
        by_batch: bool,
        /// `now()`
        now: i64,
    },
}

/// A column that `mv-expand` makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Expanded {
    /// The column of dynamics
    pub(crate) from: String,
    /// The column of their elements
    pub(crate) to: String,
    /// Type of the elements
    pub(crate) ty: Type,
}

/// `materialize(…)` and `toscalar(…)` that read the rows of a sub-query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) shared: Vec<Rel>,
    pub(crate) scalars: Vec<Rel>,
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Its name
    pub(crate) column: String,
    /// Largest first
    pub(crate) descending: bool,
    /// Nulls first
    pub(crate) nulls_first: bool,
}

/// A node of a logical plan.
#[derive(Debug, Clone)]
pub(crate) struct KqlNode {
    pub(crate) node: Arc<Node>,
    /// The node as text: what tells one from another
    text: String,
    inputs: Vec<LogicalPlan>,
    schema: DFSchemaRef,
}

impl KqlNode {
    /// A node over its inputs.
    pub(crate) fn new(node: Node, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let text = serde_json::to_string(&node).map_err(|e| Error::Query(e.to_string()))?;
        let schema = node.schema(&inputs)?;
        Ok(Self { node: Arc::new(node), text, inputs, schema })
    }

    /// What it is made from, as text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// From such text.
    pub(crate) fn of_text(text: &str, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let node = serde_json::from_str(text).map_err(|e| Error::Query(e.to_string()))?;
        Self::new(node, inputs)
    }
}

impl Node {
    fn name(&self) -> &'static str {
        match self {
            Self::Sort { .. } => "KqlSort",
            Self::FirstRows { .. } => "KqlFirstRows",
            Self::Expand { .. } => "KqlExpand",
            Self::Parse { .. } => "KqlParse",
            Self::Range { .. } => "KqlRange",
            Self::Operator { .. } => "KqlOperator",
        }
    }

    /// Columns of input `at` that the node itself reads.
    fn reads(&self, at: usize) -> Vec<&String> {
        match self {
            Self::Sort { keys, .. } => keys.iter().map(|key| &key.column).collect(),
            Self::FirstRows { keys } => keys.iter().collect(),
            Self::Expand { columns, .. } => columns.iter().map(|column| &column.from).collect(),
            Self::Parse { value, .. } => vec![value],
            Self::Range { .. } => Vec::new(),
            Self::Operator { inputs, .. } => {
                inputs.get(at).into_iter().flatten().filter(|name| !name.is_empty()).collect()
            }
        }
    }

    /// Columns that it makes, beside those of the input that it hands on.
    fn makes(&self) -> Vec<(&str, Type)> {
        match self {
            Self::Sort { .. } | Self::FirstRows { .. } => Vec::new(),
            Self::Expand { columns, item_index, .. } => {
                let made = columns.iter().map(|column| (column.to.as_str(), column.ty));
                made.chain(item_index.iter().map(|name| (name.as_str(), Type::Long))).collect()
            }
            Self::Parse { columns, .. } => {
                columns.iter().map(|(name, ty, _)| (name.as_str(), *ty)).collect()
            }
            Self::Range { column, range } => vec![(column.as_str(), range.ty)],
            Self::Operator { rel, outputs, .. } => {
                let types = rel.schema.iter().map(|column| column.ty);
                outputs.iter().map(String::as_str).zip(types).collect()
            }
        }
    }

    /// Whether the input's columns are handed on.
    fn hands_on(&self) -> bool {
        !matches!(self, Self::Operator { .. } | Self::Range { .. })
    }

    fn schema(&self, inputs: &[LogicalPlan]) -> Result<DFSchemaRef> {
        let made = DFSchema::try_from(arrow_schema(self.makes().into_iter()))?;
        match inputs.first().filter(|_| self.hands_on()) {
            Some(input) => Ok(Arc::new(input.schema().join(&made)?)),
            None => Ok(Arc::new(made)),
        }
    }
}

impl PartialEq for KqlNode {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.inputs == other.inputs
    }
}

impl Eq for KqlNode {}

impl PartialOrd for KqlNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.text.cmp(&other.text) {
            Ordering::Equal => self.inputs.partial_cmp(&other.inputs),
            order => Some(order),
        }
    }
}

impl Hash for KqlNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
        self.inputs.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for KqlNode {
    fn name(&self) -> &str {
        self.node.name()
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let reads: BTreeSet<&String> =
            (0..self.inputs.len()).flat_map(|at| self.node.reads(at)).collect();
        reads.into_iter().map(|name| column(name)).collect()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let all = || self.schema.fields().iter().map(|field| field.name().clone()).collect();
        match &*self.node {
            // Which row of a key comes first is free: it may as well be one that a filter keeps.
            Node::Sort { fetch: None, .. } | Node::FirstRows { .. } => HashSet::new(),
            Node::Expand { .. } | Node::Parse { .. } => {
                self.node.makes().into_iter().map(|(name, _)| name.to_owned()).collect()
            }
            Node::Sort { .. } | Node::Operator { .. } | Node::Range { .. } => all(),
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.node.name(), self.node.summary())
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let schema = self.node.schema(&inputs)?;
        let (node, text) = (Arc::clone(&self.node), self.text.clone());
        Ok(Self { node, text, inputs, schema })
    }

    fn necessary_children_exprs(&self, outputs: &[usize]) -> Option<Vec<Vec<usize>>> {
        if !self.node.hands_on() {
            // What it reads stands in `expressions`; nothing else is needed.
            return Some(self.inputs.iter().map(|_| Vec::new()).collect());
        }
        let width = self.inputs.first()?.schema().fields().len();
        Some(vec![outputs.iter().copied().filter(|at| *at < width).collect()])
    }
}

impl Node {
    /// What EXPLAIN shows.
    fn summary(&self) -> String {
        match self {
            Self::Sort { keys, fetch } => {
                let keys: Vec<String> = keys
                    .iter()
                    .map(|k| format!("{} {}", k.column, if k.descending { "desc" } else { "asc" }))
                    .collect();
                let fetch = fetch.map(|n| format!(", fetch={n}")).unwrap_or_default();
                format!("{}{fetch}", keys.join(", "))
            }
            Self::FirstRows { keys } => keys.join(", "),
            Self::Expand { columns, .. } => {
                let names: Vec<&str> = columns.iter().map(|c| c.from.as_str()).collect();
                names.join(", ")
            }
            Self::Parse { value, .. } => value.clone(),
            Self::Range { column, range } => {
                format!("{column} from {:?} to {:?}", range.from, range.to)
            }
            Self::Operator { rel, .. } => {
                let text = format!("{:?}", rel.op);
                text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
            }
        }
    }
}
