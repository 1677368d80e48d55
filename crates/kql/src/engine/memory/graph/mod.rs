//! Graphs: made of a table of edges and tables of nodes, changed, and asked for rows.
//!
//! Every row of the edges is an edge, repeated ones too; the ends of edges that no table of
//! nodes has are nodes without properties. A null id is a node like others. Where one id is in
//! several tables, the row of the first counts.

mod components;
mod matching;
mod pattern;
mod shortest;

use std::collections::HashMap;

use crate::engine::env::Tally;
use crate::engine::eval::{compile, holds};
use crate::engine::rows::row_bytes;
use crate::engine::{EngineError, Env, Part, Result, Row, Rows};
use crate::functions;
use crate::plan::{Graph, GraphQuestion, GraphStep, Schema};
use crate::value::{Type, Value};

/// Columns of a node's row that are not shown: id, edges in, edges out.
const HIDDEN: usize = 3;

/// An edge and where it leads.
#[derive(Clone, Copy)]
struct Ends {
    source: usize,
    target: usize,
}

/// A graph in memory: nodes and edges by number.
struct Net<'p> {
    plan: &'p Graph,
    nodes: Vec<Row>,
    edges: Vec<Row>,
    ends: Vec<Ends>,
    /// Edges that leave each node, and that come in
    leaving: Vec<Vec<usize>>,
    coming: Vec<Vec<usize>>,
}

/// Rows of what is asked; the first of `inputs` are the edges, then the tables of nodes.
pub(super) fn run(plan: &Graph, inputs: Vec<Rows>, schema: Schema, env: &Env<'_>) -> Result<Rows> {
    let mut net = Net::make(plan, inputs, env)?;
    for step in &plan.steps {
        match step {
            GraphStep::WhereNodes(condition) => net.where_nodes(condition, env)?,
            GraphStep::WhereEdges(condition) => net.where_edges(condition, env)?,
            GraphStep::MarkComponents { strong } => components::mark(&mut net, *strong, env)?,
        }
    }
    let rows = match &plan.question {
        GraphQuestion::Unasked => {
            let message = "a graph is no table: ask it with a graph operator".to_owned();
            return Err(EngineError::Invalid(message));
        }
        GraphQuestion::Nodes { id } => net.node_table(*id, env)?,
        GraphQuestion::Edges { source_id, target_id } => {
            net.edge_table(*source_id, *target_id, env)?
        }
        GraphQuestion::Match { shortest, .. } => match shortest {
            None => matching::run(&net, env)?,
            Some(all) => shortest::run(&net, *all, env)?,
        },
    };
    Ok(Rows::new(schema, rows))
}

impl<'p> Net<'p> {
    fn make(plan: &'p Graph, inputs: Vec<Rows>, env: &Env<'_>) -> Result<Self> {
        let mut inputs = inputs.into_iter();
        let edges = inputs.next().unwrap_or_default();
        let tables: Vec<Rows> = inputs.collect();
        // Where the columns of each table stand in a node's row.
        let mut names: Vec<&str> = Vec::new();
        let mut places = Vec::new();
        for table in &tables {
            let place = table.schema.iter().map(|column| {
                let known = names.iter().position(|name| *name == column.name);
                known.unwrap_or_else(|| {
                    names.push(&column.name);
                    names.len() - 1
                })
            });
            places.push(place.collect::<Vec<usize>>());
        }
        let types: Vec<Type> = plan.node_schema.iter().map(|column| column.ty).collect();
        let width = if plan.id_column { 1 } else { names.len() };
        let blank = || -> Row {
            let types = (0..width).map(|at| types.get(at).copied().unwrap_or(Type::Dynamic));
            types.map(Value::absent).collect()
        };

        let mut tally = env.meter().tally();
        let mut index: HashMap<Part, usize> = HashMap::new();
        let mut nodes: Vec<Row> = Vec::new();
        let mut ids: Vec<Value> = Vec::new();
        for ((table, places), (_, key)) in tables.iter().zip(&places).zip(&plan.nodes) {
            for row in &table.rows {
                let Some(id) = row.get(*key) else { continue };
                if index.contains_key(&Part::of(id)) {
                    tally.work()?;
                    continue;
                }
                let mut node = blank();
                for (value, place) in row.iter().zip(places) {
                    node[*place] = value.clone();
                }
                tally.row(row_bytes(&node))?;
                index.insert(Part::of(id), nodes.len());
                nodes.push(node);
                ids.push(id.clone());
            }
        }
        let keys: Vec<usize> = match plan.id_column {
            true => vec![0],
            false => {
                let keys = places.iter().zip(&plan.nodes);
                keys.filter_map(|(places, (_, key))| places.get(*key).copied()).collect()
            }
        };
        let mut ends = Vec::with_capacity(edges.rows.len());
        for row in &edges.rows {
            let mut end = |at: usize| -> Result<usize> {
                let id = row.get(at).cloned().unwrap_or(Value::Null);
                if let Some(node) = index.get(&Part::of(&id)) {
                    return Ok(*node);
                }
                let mut node = blank();
                for &key in &keys {
                    if let Some(place) = node.get_mut(key) {
                        *place = id.clone();
                    }
                }
                tally.row(row_bytes(&node))?;
                index.insert(Part::of(&id), nodes.len());
                nodes.push(node);
                ids.push(id);
                Ok(nodes.len() - 1)
            };
            let (source, target) = (end(plan.source)?, end(plan.target)?);
            ends.push(Ends { source, target });
            tally.work()?;
        }
        for (node, id) in nodes.iter_mut().zip(ids) {
            node.extend([id, Value::Long(0), Value::Long(0)]);
        }
        let mut net =
            Self { plan, nodes, edges: edges.rows, ends, leaving: Vec::new(), coming: Vec::new() };
        net.connect(&mut tally)?;
        Ok(net)
    }

    /// Lists the edges at each node and counts them.
    fn connect(&mut self, tally: &mut Tally<'_>) -> Result<()> {
        self.leaving = vec![Vec::new(); self.nodes.len()];
        self.coming = vec![Vec::new(); self.nodes.len()];
        for (edge, ends) in self.ends.iter().enumerate() {
            tally.grow(2 * size_of::<usize>())?;
            tally.work()?;
            self.leaving[ends.source].push(edge);
            self.coming[ends.target].push(edge);
        }
        for (at, node) in self.nodes.iter_mut().enumerate() {
            let degree = |edges: &Vec<usize>| i64::try_from(edges.len()).unwrap_or(i64::MAX);
            let width = node.len();
            node[width - 2] = Value::Long(degree(&self.coming[at]));
            node[width - 1] = Value::Long(degree(&self.leaving[at]));
        }
        Ok(())
    }

    /// The id of a node.
    fn id(&self, node: usize) -> &Value {
        let row = &self.nodes[node];
        &row[row.len() - HIDDEN]
    }

    fn where_nodes(&mut self, condition: &crate::plan::Scalar, env: &Env<'_>) -> Result<()> {
        let condition = compile(condition, env)?;
        let mut tally = env.meter().tally();
        let mut place = vec![None; self.nodes.len()];
        let mut kept = Vec::new();
        for (at, node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            tally.work()?;
            if holds(&condition.eval(&node, at, &env.context)) {
                place[at] = Some(kept.len());
                kept.push(node);
            }
        }
        self.nodes = kept;
        let ends: Vec<Option<Ends>> = self
            .ends
            .iter()
            .map(|e| Some(Ends { source: place[e.source]?, target: place[e.target]? }))
            .collect();
        self.keep_edges(&ends, &mut tally)
    }

    fn where_edges(&mut self, condition: &crate::plan::Scalar, env: &Env<'_>) -> Result<()> {
        let condition = compile(condition, env)?;
        let mut tally = env.meter().tally();
        let mut ends = Vec::with_capacity(self.ends.len());
        for (at, (row, edge)) in self.edges.iter().zip(&self.ends).enumerate() {
            tally.work()?;
            ends.push(holds(&condition.eval(row, at, &env.context)).then_some(*edge));
        }
        self.keep_edges(&ends, &mut tally)
    }

    /// Keeps the edges that still have ends.
    fn keep_edges(&mut self, ends: &[Option<Ends>], tally: &mut Tally<'_>) -> Result<()> {
        let rows = std::mem::take(&mut self.edges).into_iter().zip(ends);
        let kept = rows.filter_map(|(row, ends)| Some((row, (*ends)?)));
        (self.edges, self.ends) = kept.unzip();
        self.connect(tally)
    }

    fn node_table(&self, with_id: bool, env: &Env<'_>) -> Result<Vec<Row>> {
        let mut tally = env.meter().tally();
        let mut rows = Vec::with_capacity(self.nodes.len());
        for (at, node) in self.nodes.iter().enumerate() {
            let mut row = Row::new();
            if with_id {
                row.push(hash(self.id(at), env)?);
            }
            row.extend_from_slice(&node[..node.len() - HIDDEN]);
            tally.row(row_bytes(&row))?;
            rows.push(row);
        }
        Ok(rows)
    }

    fn edge_table(&self, source_id: bool, target_id: bool, env: &Env<'_>) -> Result<Vec<Row>> {
        let mut tally = env.meter().tally();
        let mut rows = Vec::with_capacity(self.edges.len());
        for (edge, ends) in self.edges.iter().zip(&self.ends) {
            let mut row = Row::new();
            for (asked, node) in [(source_id, ends.source), (target_id, ends.target)] {
                if asked {
                    row.push(hash(self.id(node), env)?);
                }
            }
            row.extend_from_slice(edge);
            tally.row(row_bytes(&row))?;
            rows.push(row);
        }
        Ok(rows)
    }
}

/// What `hash()` gives for an id: the number by which tables of graphs tell nodes.
fn hash(id: &Value, env: &Env<'_>) -> Result<Value> {
    let Some(hash) = functions::scalar("hash") else {
        return Err(EngineError::Unsupported { kind: "function", name: "hash".to_owned() });
    };
    Ok(hash(std::slice::from_ref(id), &env.context))
}
