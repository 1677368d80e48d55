//! The graph of who can become whom, and the tables `RoleEdges` and `RolePaths`.
//!
//! | file | what is in it |
//! |---|---|
//! | `edges` | what leads from where to where, read from the evidence |
//! | `usage` | who can call a function |
//! | `paths` | shortest paths, and what cuts them |
//!
//! A role is two nodes: who one is (attributes and SET ROLE hang on it) and whose rights one has
//! (they flow by inheritance, without the attributes). An edge is strong where the role needs
//! nobody else and no luck; others are kept apart.

mod edges;
mod paths;
#[cfg(test)]
mod tests;
mod usage;

use std::collections::HashMap;

use kql::plan::Schema;
use kql::value::Json;

use super::{Fault, Given, row};
use paths::{Goal, Path};

/// Edges of a graph.
const EDGES_MAX: usize = 1_000_000;
/// Roles that can log in times edges: each is looked at for each.
const WORK_MAX: usize = 100_000_000;

/// Where one can be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Node {
    /// One is this role
    Role(String),
    /// One has the rights of this role
    Rights(String),
    /// What everybody has
    Public,
    Superuser,
    /// The operating system's account of the server
    System,
}

/// A step from one node to another.
#[derive(Debug, Clone, Default)]
struct Edge {
    kind: &'static str,
    from: usize,
    to: usize,
    why: String,
    /// The statement that takes the step, where one does
    how: String,
    /// The statement that takes the edge away; empty where none does
    cut: String,
    /// Another one that takes this edge away together with others
    also_cut: String,
    /// The one that brings it back
    undo: String,
    /// In which database `cut` and `undo` run; empty where any will do
    database: String,
    strong: bool,
}

/// All nodes and edges.
#[derive(Debug, Default)]
struct Graph {
    nodes: Vec<Node>,
    numbers: HashMap<Node, usize>,
    edges: Vec<Edge>,
    /// Roles that can log in and are no superusers, in order
    logins: Vec<String>,
}

impl Node {
    fn text(&self) -> &str {
        match self {
            Self::Role(name) | Self::Rights(name) => name,
            Self::Public => "PUBLIC",
            Self::Superuser => "superuser",
            Self::System => "operating system",
        }
    }
}

impl Graph {
    fn node(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        *self.numbers.entry(node).or_insert_with_key(|node| {
            self.nodes.push(node.clone());
            next
        })
    }

    fn edge(&mut self, from: Node, to: Node, edge: Edge) {
        let (from, to) = (self.node(from), self.node(to));
        self.edges.push(Edge { from, to, ..edge });
    }

    /// Whether a step only says that somebody has the rights of who they are.
    fn is_implied(edge: &Edge) -> bool {
        edge.kind.is_empty()
    }
}

fn text(text: &str) -> Json {
    Json::String(text.into())
}

fn cells(graph: &Graph, edge: &Edge) -> Vec<(&'static str, Json)> {
    vec![
        ("kind", text(edge.kind)),
        ("source", text(graph.nodes[edge.from].text())),
        ("target", text(graph.nodes[edge.to].text())),
        ("why", text(&edge.why)),
        ("how", text(&edge.how)),
        ("cut", text(&edge.cut)),
        ("undo", text(&edge.undo)),
        ("in_database", text(&edge.database)),
        ("strong", Json::Bool(edge.strong)),
    ]
}

/// What leads from where to where.
pub(super) fn role_edges(given: &Given<'_>, schema: &Schema) -> Result<Vec<Vec<Json>>, Fault> {
    let graph = Graph::read(given)?;
    let edges = graph.edges.iter().filter(|edge| !Graph::is_implied(edge));
    Ok(edges.map(|edge| row(schema, &cells(&graph, edge))).collect())
}

/// One path for each role that can log in, and each goal that it can reach.
pub(super) fn role_paths(given: &Given<'_>, schema: &Schema) -> Result<Vec<Vec<Json>>, Fault> {
    let graph = Graph::read(given)?;
    if graph.logins.len().saturating_mul(graph.edges.len()) > WORK_MAX {
        let (n, m) = (graph.logins.len(), graph.edges.len());
        return Err(Fault::TooMuch(format!("paths of {n} roles over {m} edges")));
    }
    let mut rows = Vec::new();
    for goal in [Node::Superuser, Node::System] {
        let Some(to) = graph.numbers.get(&goal).copied() else { continue };
        let [strong, all] = [true, false].map(|strong| Goal::new(&graph, to, strong));
        for login in &graph.logins {
            let Some(from) = graph.numbers.get(&Node::Role(login.clone())).copied() else {
                continue;
            };
            let found = [(&strong, true), (&all, false)]
                .into_iter()
                .find_map(|(goal, strong)| Some((goal.path(from)?, goal.cuts(from), strong)));
            if let Some((path, cuts, strong)) = found {
                rows.push(said(&graph, login, &goal, &path, cuts, strong, schema));
            }
        }
    }
    Ok(rows)
}

fn said(
    graph: &Graph,
    role: &str,
    goal: &Node,
    path: &Path,
    cuts: Vec<usize>,
    strong: bool,
    schema: &Schema,
) -> Vec<Json> {
    let bag = |edge: &Edge| {
        let members = cells(graph, edge).into_iter().map(|(name, cell)| (name.into(), cell));
        Json::Bag(members.collect())
    };
    let steps: Vec<&Edge> = path.iter().map(|at| &graph.edges[*at]).collect();
    let steps: Vec<&Edge> = steps.into_iter().filter(|edge| !Graph::is_implied(edge)).collect();
    let mut told = role.to_owned();
    for edge in &steps {
        told.push_str(&format!(" → {} ({})", graph.nodes[edge.to].text(), edge.why));
    }
    let cuts: Vec<&Edge> = cuts.into_iter().map(|at| &graph.edges[at]).collect();
    let join = |all: Vec<&str>| text(&all.join("; "));
    let cells = [
        ("role", text(role)),
        ("target", text(goal.text())),
        ("length", Json::Long(i64::try_from(steps.len()).unwrap_or(i64::MAX))),
        ("path", text(&told)),
        ("steps", Json::Array(steps.iter().map(|edge| bag(edge)).collect())),
        ("strong", Json::Bool(strong)),
        ("cut", join(cuts.iter().map(|edge| edge.cut.as_str()).collect())),
        ("undo", join(cuts.iter().rev().map(|edge| edge.undo.as_str()).collect())),
        ("cuts", Json::Array(cuts.iter().map(|edge| bag(edge)).collect())),
    ];
    row(schema, &cells)
}
