//! What expressions in graph operators see: variables of a pattern, their properties, and the
//! functions about nodes and edges.

use super::env::Row;
use super::{Binder, Env, Typed, call, literal, names};
use crate::plan::{GraphAsk, GraphVariable, Scalar, ScalarKind, Schema};
use crate::syntax::{Expr, Kind, Name, Span};
use crate::value::{Json, Type, Value};

/// Columns of a node's row behind those that are shown: its id, edges in, edges out.
const HIDDEN: [Type; 3] = [Type::Dynamic, Type::Long, Type::Long];

/// The variables of a graph pattern.
#[derive(Debug, Clone)]
pub(crate) struct Variables {
    /// Each with its name, if it has one
    pub(crate) all: Vec<(Option<String>, GraphVariable)>,
    /// Columns of a node that are shown
    pub(crate) nodes: Schema,
    /// Columns of an edge
    pub(crate) edges: Schema,
    /// The type of ids
    pub(crate) id: Type,
}

impl Variables {
    fn find(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|(known, _)| known.as_deref() == Some(name))
    }

    fn node_width(&self) -> usize {
        self.nodes.len() + HIDDEN.len()
    }

    /// Where the row of a variable begins in the row of a match.
    fn offset(&self, variable: usize) -> usize {
        let width = |(_, variable): &(_, GraphVariable)| match variable {
            GraphVariable::Node => self.node_width(),
            GraphVariable::Edge => self.edges.len(),
            GraphVariable::Path { .. } => 0,
        };
        self.all[..variable].iter().map(width).sum()
    }
}

/// The variables in sight, and the columns in front of theirs.
fn variables<'e>(env: &Env<'e>) -> Option<(&'e Variables, usize)> {
    match env.row {
        Row::Pattern(variables) => Some((variables, 0)),
        Row::Element { columns, node, variables: Some(variables) } => {
            let hidden = if node { HIDDEN.len() } else { 0 };
            Some((variables, columns.len() + hidden))
        }
        _ => None,
    }
}

fn ask(variable: usize, inner: bool, ask: GraphAsk, ty: Type) -> Scalar {
    Scalar { kind: ScalarKind::Graph { variable, inner, ask }, ty }
}

fn at(column: usize, ty: Type) -> Scalar {
    Scalar { kind: ScalarKind::Column(column), ty }
}

impl Binder<'_> {
    /// A variable as a whole: a bag, or an array of bags.
    pub(super) fn graph_variable(&self, name: &str, env: &Env<'_>) -> Option<Typed> {
        let variable = variables(env)?.0.find(name)?;
        let value = ask(variable, false, GraphAsk::Whole, Type::Dynamic);
        Some(Typed { value, name: Some(name.to_owned()) })
    }

    /// `variable.property`; nothing where there is no such variable.
    pub(super) fn graph_property(
        &mut self,
        variable: &str,
        property: &Name,
        env: &Env<'_>,
    ) -> Option<Option<Typed>> {
        let (variables, before) = variables(env)?;
        let found = variables.find(variable)?;
        let kind = variables.all[found].1;
        let schema = match kind {
            GraphVariable::Node => &variables.nodes,
            _ => &variables.edges,
        };
        let Some(place) = schema.iter().position(|column| column.name == property.text) else {
            let known = schema.iter().map(|column| column.name.as_str());
            let near = names::nearest(&property.text, known);
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("`{variable}` has no property `{}`", property.text);
            self.error_hint("KQL202", property.span, message, hint);
            return Some(None);
        };
        let ty = schema[place].ty;
        let value = match kind {
            GraphVariable::Path { .. } => {
                let each = GraphAsk::Map(Box::new(at(place, ty)));
                ask(found, false, each, Type::Dynamic)
            }
            _ => at(before + variables.offset(found) + place, ty),
        };
        Some(Some(Typed { value, name: Some(format!("{variable}_{}", property.text)) }))
    }

    /// Functions that only graph operators know; nothing for other functions.
    pub(super) fn graph_call(
        &mut self,
        name: &Name,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Option<Typed>> {
        if !matches!(env.row, Row::Pattern(_) | Row::Element { .. }) {
            return None;
        }
        let value = match name.text.as_str() {
            "all" | "any" | "map" if variables(env).is_some() => {
                self.along(&name.text, arguments, span, env)
            }
            "node_id" | "node_degree_in" | "node_degree_out" => {
                self.of_node(&name.text, arguments, span, env)
            }
            // Graphs made of tables have no labels.
            "labels" => Some(literal(Value::json(Json::Array(Vec::new())), Type::Dynamic)),
            "inner_nodes" => {
                let message = "`inner_nodes` is the first argument of `all`, `any` or `map`";
                self.error("KQL261", span, message);
                None
            }
            _ => return None,
        };
        Some(value.map(|value| Typed { value, name: None }))
    }

    /// `all(e, …)`, `any(e, …)`, `map(e, …)`, of edges or of `inner_nodes(e)`.
    fn along(
        &mut self,
        function: &str,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Scalar> {
        let (variables, _) = variables(env)?;
        let [of, body] = arguments else {
            self.error("KQL314", span, format!("`{function}` takes 2 arguments"));
            return None;
        };
        let (of, inner) = match &*of.kind {
            Kind::Call { name, arguments } if name.text == "inner_nodes" => match &arguments[..] {
                [edge] => (edge, true),
                _ => (of, true),
            },
            _ => (of, false),
        };
        let variable = match &*of.kind {
            Kind::Name(name) => variables.find(name),
            _ => None,
        };
        let Some(variable) = variable else {
            self.error("KQL261", of.span, "a variable of the pattern is needed here");
            return None;
        };
        let node = inner || variables.all[variable].1 == GraphVariable::Node;
        let columns = if node { &variables.nodes } else { &variables.edges };
        let row = Row::Element { columns, node, variables: Some(variables) };
        let inside = Env { row, row_id: self.new_row(), ..Env::of(env.locals.clone()) };
        let body = self.scalar(body, &inside)?.value;
        if function == "map" {
            return Some(ask(variable, inner, GraphAsk::Map(Box::new(body)), Type::Dynamic));
        }
        if body.ty != Type::Bool {
            let message = format!("a condition is of type bool, not {}", body.ty);
            self.error("KQL320", arguments[1].span, message);
            return None;
        }
        let body = Box::new(body);
        let each = if function == "all" { GraphAsk::All(body) } else { GraphAsk::Any(body) };
        Some(ask(variable, inner, each, Type::Bool))
    }

    /// `node_id(n)`, `node_degree_in(n)`, `node_degree_out(n)`; without argument of the node
    /// that is being looked at.
    fn of_node(
        &mut self,
        function: &str,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Scalar> {
        let first = match (arguments, env.row) {
            ([], Row::Element { columns, node: true, .. }) => Some(columns.len()),
            ([node], _) => match (&*node.kind, variables(env)) {
                (Kind::Name(name), Some((variables, before))) => {
                    let found = variables.find(name);
                    let node = found.filter(|at| variables.all[*at].1 == GraphVariable::Node);
                    node.map(|node| before + variables.offset(node) + variables.nodes.len())
                }
                _ => None,
            },
            _ => None,
        };
        let Some(first) = first else {
            self.error("KQL261", span, format!("`{function}` needs a node"));
            return None;
        };
        let id = variables(env).map_or(Type::Dynamic, |(variables, _)| variables.id);
        Some(match function {
            "node_id" => call("tostring", vec![at(first, id)], Type::String),
            "node_degree_in" => at(first + 1, Type::Long),
            _ => at(first + 2, Type::Long),
        })
    }
}
