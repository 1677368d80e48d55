//! The part of the plan that graphs are.

use serde::{Deserialize, Serialize};

use super::{Named, Rel, Scalar, Schema};

/// A graph, made and asked.
///
/// A node's row has the columns of the tables of nodes (those of the first, then new names of
/// the next), or the id alone where `id_column` is set, then one column for each
/// `MarkComponents`, then three that are not shown: its id, the number of its edges that come in
/// and that go out. An edge's row has the columns of `edges`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Edges
    pub edges: Rel,
    /// Column of edges: source
    pub source: usize,
    /// Column of edges: target
    pub target: usize,
    /// Tables of nodes with their key column
    pub nodes: Vec<(Rel, usize)>,
    /// `with_node_id`, without tables of nodes
    pub id_column: bool,
    /// Columns of a node's row that are shown
    pub node_schema: Schema,
    /// What is done to the graph, in order
    pub steps: Vec<GraphStep>,
    /// What is asked
    pub question: GraphQuestion,
}

/// What makes another graph of a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum GraphStep {
    /// `graph-where-nodes`: over a node's row; edges need both ends
    WhereNodes(Scalar),
    /// `graph-where-edges`: over an edge's row
    WhereEdges(Scalar),
    /// `graph-mark-components`: one more column of nodes
    MarkComponents {
        /// `kind=strong`
        strong: bool,
    },
}

/// What makes rows of a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named after the operator's parts")]
pub enum GraphQuestion {
    /// Nothing yet: what flows is a graph, and only graph operators take it
    Unasked,
    /// `graph-to-table nodes`: with `id` first the hash of the id
    Nodes { id: bool },
    /// `graph-to-table edges`: first the hashes of the ends, as asked
    Edges { source_id: bool, target_id: bool },
    /// `graph-match`, `graph-shortest-paths`. Scalars are over a row with the rows of all
    /// variables, in order; a variable of several edges has no columns there
    Match {
        variables: Vec<GraphVariable>,
        hops: Vec<GraphHop>,
        predicate: Option<Scalar>,
        columns: Vec<Named>,
        cycles: GraphCycles,
        /// Shortest paths only: all of them (`true`) or any one
        shortest: Option<bool>,
    },
}

/// A variable of a pattern, named or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum GraphVariable {
    Node,
    Edge,
    /// `*least..most` edges
    Path {
        least: u64,
        most: u64,
    },
}

/// An edge, or several, between two nodes of a pattern, by the index of their variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct GraphHop {
    pub left: usize,
    pub edge: usize,
    pub right: usize,
    /// `Some(true)` from left to right, `None` either way
    pub forward: Option<bool>,
}

/// What may come twice in one match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GraphCycles {
    /// Nodes and edges
    All,
    /// Nodes
    UniqueEdges,
    /// Nothing
    None,
}

/// What is asked of one variable of a graph pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum GraphAsk {
    /// All that it is: a bag for a node or an edge, an array of bags for several edges
    Whole,
    /// `all(e, …)`: over the row of each edge or inner node, then the row of the match
    All(Box<Scalar>),
    /// `any(e, …)`
    Any(Box<Scalar>),
    /// `map(e, …)`
    Map(Box<Scalar>),
}
