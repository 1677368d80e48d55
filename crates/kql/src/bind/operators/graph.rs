//! Graphs: `make-graph` and what is asked of a graph.
//!
//! A graph flows through the pipe as a table without columns whose question is not asked yet;
//! each graph operator takes that and asks it, or changes the graph.

use super::super::graph::Variables;
use super::super::naming::{Outputs, Style, make_unique};
use super::{Binder, Column, Env, Expr, Item, Op, Operator, Rel, Row, Type};
use super::{column, rel};
use crate::plan::{
    Graph, GraphCycles, GraphHop, GraphQuestion, GraphStep, GraphVariable, Named, Schema,
};
use crate::syntax::{GraphElement, GraphOutput, Name, OperatorKind};

/// A graph whose question is not asked yet.
pub(super) fn is_graph(input: &Rel) -> bool {
    matches!(&*input.op, Op::Graph(Graph { question: GraphQuestion::Unasked, .. }))
}

impl Binder<'_> {
    pub(super) fn graph(
        &mut self,
        input: Rel,
        operator: &Operator,
        env: &mut Env<'_>,
    ) -> Option<Rel> {
        if let OperatorKind::MakeGraph { source, target, nodes, node_id, partitioned_by } =
            &operator.kind
        {
            let ends = (source, target);
            let node_id = node_id.as_ref();
            return match partitioned_by {
                None => self.make_graph(input, ends, nodes, node_id, env),
                Some((key, body)) => {
                    let at = self.own_column(&input.schema, key)?;
                    let flow = rel(Op::Inner, input.schema.clone());
                    let graph = self.make_graph(flow, ends, nodes, node_id, env)?;
                    let body = self.inner(body, &graph, env)?;
                    let (by, schema) = (column(&input.schema, at), body.schema.clone());
                    Some(rel(Op::Partition { input, by, body }, schema))
                }
            };
        }
        let Op::Graph(graph) = *input.op else {
            let message = "this operator needs a graph: put `make-graph` before it";
            self.error("KQL262", operator.word, message);
            return None;
        };
        match &operator.kind {
            OperatorKind::GraphMarkComponents => self.mark_components(graph, operator, env),
            OperatorKind::GraphWhere { edges, predicate } => {
                self.graph_where(graph, *edges, predicate, env)
            }
            OperatorKind::GraphToTable(outputs) => self.graph_to_table(&graph, outputs, env),
            OperatorKind::GraphMatch { patterns, predicate, project, shortest } => {
                let shortest = shortest.then(|| {
                    let output = self.property(operator, "output", env);
                    output.as_deref() == Some("all")
                });
                let cycles = match self.property(operator, "cycles", env).as_deref() {
                    None | Some("unique_edges") => GraphCycles::UniqueEdges,
                    Some("all") => GraphCycles::All,
                    Some("none") => GraphCycles::None,
                    Some(_) => {
                        let message = "cycles is one of all, none, unique_edges";
                        self.error("KQL261", operator.word, message);
                        return None;
                    }
                };
                let Some(project) = project else {
                    self.error("KQL261", operator.word, "what comes out must be told: `project`");
                    return None;
                };
                let (variables, hops) = self.graph_pattern(&graph, patterns, env)?;
                let predicate = predicate.as_ref();
                let asked = (predicate, &project[..], cycles, shortest);
                self.graph_match(graph, &variables, hops, asked, env)
            }
            _ => None,
        }
    }

    fn own_column(&mut self, schema: &Schema, name: &Name) -> Option<usize> {
        let at = schema.iter().position(|column| column.name == name.text);
        if at.is_none() {
            let near = super::super::names::nearest(
                &name.text,
                schema.iter().map(|column| column.name.as_str()),
            );
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("there is no column `{}`", name.text);
            self.error_hint("KQL202", name.span, message, hint);
        }
        at
    }

    fn make_graph(
        &mut self,
        edges: Rel,
        (source, target): (&Name, &Name),
        tables: &[(Expr, Name)],
        node_id: Option<&Name>,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let source_at = self.own_column(&edges.schema, source);
        let target_at = self.own_column(&edges.schema, target);
        let (source_at, target_at) = (source_at?, target_at?);
        let ty = edges.schema[source_at].ty;
        if edges.schema[target_at].ty != ty {
            self.error("KQL263", target.span, "both ends of edges are of one type");
            return None;
        }
        let mut nodes = Vec::new();
        let mut node_schema: Schema = Vec::new();
        for (table, key) in tables {
            let table = self.tabular(table, env)?;
            let at = self.own_column(&table.schema, key)?;
            if table.schema[at].ty != ty {
                let message = format!("nodes are of type {ty} like the ends of edges");
                self.error("KQL263", key.span, message);
                return None;
            }
            for column in &table.schema {
                if node_schema.iter().all(|known| known.name != column.name) {
                    node_schema.push(column.clone());
                }
            }
            nodes.push((table, at));
        }
        if let Some(name) = node_id {
            node_schema = vec![Column::new(&*name.text, ty)];
        }
        let graph = Graph {
            edges,
            source: source_at,
            target: target_at,
            nodes,
            id_column: node_id.is_some(),
            node_schema,
            steps: Vec::new(),
            question: GraphQuestion::Unasked,
        };
        Some(rel(Op::Graph(graph), Vec::new()))
    }

    fn mark_components(
        &mut self,
        mut graph: Graph,
        operator: &Operator,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let strong = match self.property(operator, "kind", env).as_deref() {
            None | Some("weak") => false,
            Some("strong") => true,
            Some(_) => {
                self.error("KQL261", operator.word, "kind is weak or strong");
                return None;
            }
        };
        let name = self.property(operator, "with_component_id", env);
        let name = name.unwrap_or_else(|| "ComponentId".to_owned());
        graph.node_schema.push(Column::new(name, Type::Long));
        make_unique(&mut graph.node_schema);
        graph.steps.push(GraphStep::MarkComponents { strong });
        Some(rel(Op::Graph(graph), Vec::new()))
    }

    fn graph_where(
        &mut self,
        mut graph: Graph,
        edges: bool,
        predicate: &Expr,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let columns = if edges { &graph.edges.schema } else { &graph.node_schema };
        let row = Row::Element { columns, node: !edges, variables: None };
        let row_id = self.new_row();
        let inside = Env { row, row_id, ..Env::of(env.locals.clone()) };
        let predicate = self.predicate(predicate, &inside)?;
        graph.steps.push(match edges {
            true => GraphStep::WhereEdges(predicate),
            false => GraphStep::WhereNodes(predicate),
        });
        Some(rel(Op::Graph(graph), Vec::new()))
    }

    /// One output flows on; several need names, which later statements know.
    fn graph_to_table(
        &mut self,
        graph: &Graph,
        outputs: &[GraphOutput],
        env: &mut Env<'_>,
    ) -> Option<Rel> {
        let mut first = None;
        for output in outputs {
            let name_of = |property: &str| {
                let found = output.properties.iter().find(|(name, _)| name.text == property);
                found.map(|(_, name)| Column::new(&*name.text, Type::Long))
            };
            let (question, ids, own) = if output.edges {
                let ids = [name_of("with_source_id"), name_of("with_target_id")];
                let (source_id, target_id) = (ids[0].is_some(), ids[1].is_some());
                let question = GraphQuestion::Edges { source_id, target_id };
                (question, ids, &graph.edges.schema)
            } else {
                let ids = [name_of("with_node_id"), None];
                let question = GraphQuestion::Nodes { id: ids[0].is_some() };
                (question, ids, &graph.node_schema)
            };
            let mut schema: Schema = ids.into_iter().flatten().collect();
            schema.extend(own.iter().cloned());
            make_unique(&mut schema);
            let table = rel(Op::Graph(Graph { question, ..graph.clone() }), schema);
            if let Some(name) = &output.name {
                let item = Item::Table { rel: table.clone(), view: false };
                env.locals = env.locals.with(&name.text, item.clone());
                self.named.push((name.text.clone(), item));
            }
            first.get_or_insert(table);
        }
        first
    }

    /// The variables of a pattern and what joins them.
    fn graph_pattern(
        &mut self,
        graph: &Graph,
        patterns: &[Vec<GraphElement>],
        env: &Env<'_>,
    ) -> Option<(Variables, Vec<GraphHop>)> {
        let mut variables = Variables {
            all: Vec::new(),
            nodes: graph.node_schema.clone(),
            edges: graph.edges.schema.clone(),
            id: graph.edges.schema[graph.source].ty,
        };
        let mut hops = Vec::new();
        for pattern in patterns {
            let mut left: Option<usize> = None;
            let mut edge: Option<(usize, Option<bool>)> = None;
            for element in pattern {
                match element {
                    GraphElement::Node(name) => {
                        let node = variable(&mut variables, name.as_ref(), GraphVariable::Node);
                        match (left, edge.take()) {
                            (Some(left), Some((edge, forward))) => {
                                hops.push(GraphHop { left, edge, right: node, forward });
                            }
                            (None, None) => {}
                            _ => return self.broken_pattern(name.as_ref()),
                        }
                        left = Some(node);
                    }
                    GraphElement::Edge { name, forward, hops: range } => {
                        if left.is_none() || edge.is_some() {
                            return self.broken_pattern(name.as_ref());
                        }
                        let kind = match range {
                            None => GraphVariable::Edge,
                            Some((least, most)) => {
                                let least = self.whole_constant(least, env)?;
                                let most = self.whole_constant(most, env)?;
                                GraphVariable::Path { least, most }
                            }
                        };
                        let at = variables.all.len();
                        variables.all.push((name.as_ref().map(|n| n.text.clone()), kind));
                        edge = Some((at, *forward));
                    }
                }
            }
            if edge.is_some() {
                return self.broken_pattern(None);
            }
        }
        Some((variables, hops))
    }

    fn broken_pattern<T>(&mut self, near: Option<&Name>) -> Option<T> {
        let span = near.map(|name| name.span).unwrap_or_default();
        self.error("KQL261", span, "nodes and edges take turns in a pattern, nodes at its ends");
        None
    }

    fn graph_match(
        &mut self,
        mut graph: Graph,
        variables: &Variables,
        hops: Vec<GraphHop>,
        asked: (Option<&Expr>, &[Expr], GraphCycles, Option<bool>),
        env: &Env<'_>,
    ) -> Option<Rel> {
        let (predicate, project, cycles, shortest) = asked;
        let row = Row::Pattern(variables);
        let inside = Env { row, row_id: self.new_row(), ..Env::of(env.locals.clone()) };
        let predicate = match predicate {
            Some(predicate) => Some(self.predicate(predicate, &inside)?),
            None => None,
        };
        let mut outputs = Outputs::default();
        if !self.place_all(&mut outputs, project, Style::Plain, &inside) {
            return None;
        }
        let (schema, scalars) = outputs.into_parts();
        let columns = schema.iter().zip(scalars);
        let columns = columns.map(|(c, value)| Named { name: c.name.clone(), value }).collect();
        graph.question = GraphQuestion::Match {
            variables: variables.all.iter().map(|(_, kind)| *kind).collect(),
            hops,
            predicate,
            columns,
            cycles,
            shortest,
        };
        Some(rel(Op::Graph(graph), schema))
    }
}

/// A variable by its name, a new one where there is none of it.
fn variable(variables: &mut Variables, name: Option<&Name>, kind: GraphVariable) -> usize {
    let name = name.map(|name| name.text.clone());
    let known =
        variables.all.iter().position(|known| name.is_some() && *known == (name.clone(), kind));
    known.unwrap_or_else(|| {
        variables.all.push((name, kind));
        variables.all.len() - 1
    })
}
