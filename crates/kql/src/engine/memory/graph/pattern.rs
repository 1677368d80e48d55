//! A graph pattern made ready: its conditions, each with the variables that it reads, and what
//! the variables are bound to.

use super::Net;
use crate::engine::eval::{Element, Expr, Frame, compile, holds};
use crate::engine::{EngineError, Env, Result, Row};
use crate::plan::{
    GraphAsk, GraphCycles, GraphHop, GraphQuestion, GraphVariable, Scalar, ScalarKind,
};
use crate::value::Value;

/// So many variables may a pattern have.
const VARIABLES_MAX: usize = 64;

/// Rows that belong to the graph.
type References<'r> = Vec<&'r [Value]>;

/// A set of variables.
pub(super) type Set = u64;

/// One condition and what it reads.
pub(super) struct Condition {
    pub(super) expr: Expr,
    pub(super) needs: Set,
}

/// What holds for each edge and each inner node of a path.
#[derive(Default)]
pub(super) struct Along {
    pub(super) edges: Vec<Expr>,
    pub(super) inner: Vec<Expr>,
}

/// A pattern made ready.
pub(super) struct Pattern<'p> {
    pub(super) variables: &'p [GraphVariable],
    pub(super) hops: &'p [GraphHop],
    pub(super) cycles: GraphCycles,
    /// Where the row of each variable begins in the row of a match
    offsets: Vec<usize>,
    width: usize,
    pub(super) conditions: Vec<Condition>,
    pub(super) along: Vec<Along>,
    columns: Vec<Expr>,
}

/// What the variables are bound to.
#[derive(Clone)]
pub(super) struct Binding {
    pub(super) nodes: Vec<Option<usize>>,
    /// Edges of each edge variable, in the order of the pattern
    pub(super) edges: Vec<Vec<usize>>,
    /// Nodes between them
    pub(super) inner: Vec<Vec<usize>>,
    /// The row of the match
    row: Row,
}

impl<'p> Pattern<'p> {
    pub(super) fn of(net: &Net<'p>, env: &Env<'_>) -> Result<Self> {
        let GraphQuestion::Match { variables, hops, predicate, columns, cycles, .. } =
            &net.plan.question
        else {
            return Err(EngineError::Plan("a graph pattern was expected".to_owned()));
        };
        if variables.len() > VARIABLES_MAX {
            let limit = VARIABLES_MAX as u64;
            return Err(EngineError::Limit { what: "elements of a graph pattern", limit });
        }
        let (n_node, n_edge) = (net.node_width(), net.plan.edges.schema.len());
        let mut offsets = Vec::new();
        let mut width = 0;
        for variable in variables {
            offsets.push(width);
            width += match variable {
                GraphVariable::Node => n_node,
                GraphVariable::Edge => n_edge,
                GraphVariable::Path { .. } => 0,
            };
        }
        let mut along: Vec<Along> = variables.iter().map(|_| Along::default()).collect();
        let mut conditions = Vec::new();
        let reads = Reads { offsets: &offsets, n_node, n_edge };
        for scalar in predicate.iter().flat_map(conjuncts) {
            if let Some((variable, inner, body)) = all_along(scalar, variables, &reads) {
                let list = &mut along[variable];
                let list = if inner { &mut list.inner } else { &mut list.edges };
                list.push(compile(body, env)?);
                continue;
            }
            conditions.push(Condition { expr: compile(scalar, env)?, needs: reads.set(scalar) });
        }
        let columns = columns.iter().map(|column| compile(&column.value, env));
        let columns = columns.collect::<Result<_>>()?;
        let cycles = *cycles;
        Ok(Self { variables, hops, cycles, offsets, width, conditions, along, columns })
    }

    pub(super) fn unbound(&self) -> Binding {
        let n = self.variables.len();
        Binding {
            nodes: vec![None; n],
            edges: vec![Vec::new(); n],
            inner: vec![Vec::new(); n],
            row: vec![Value::Null; self.width],
        }
    }

    pub(super) fn bind_node(
        &self,
        net: &Net<'_>,
        binding: &mut Binding,
        variable: usize,
        node: usize,
    ) {
        binding.nodes[variable] = Some(node);
        let from = self.offsets[variable];
        for (place, value) in binding.row[from..].iter_mut().zip(&net.nodes[node]) {
            *place = value.clone();
        }
    }

    pub(super) fn bind_edges(
        &self,
        net: &Net<'_>,
        binding: &mut Binding,
        variable: usize,
        edges: Vec<usize>,
        inner: Vec<usize>,
    ) {
        if self.variables[variable] == GraphVariable::Edge
            && let Some(edge) = edges.first()
        {
            let from = self.offsets[variable];
            for (place, value) in binding.row[from..].iter_mut().zip(&net.edges[*edge]) {
                *place = value.clone();
            }
        }
        binding.edges[variable] = edges;
        binding.inner[variable] = inner;
    }

    /// Calls `ask` with what expressions are evaluated over.
    fn over<R>(
        &self,
        net: &Net<'_>,
        binding: &Binding,
        env: &Env<'_>,
        ask: impl FnOnce(&Frame<'_>) -> R,
    ) -> R {
        let rows: Vec<(References<'_>, References<'_>)> = (0..self.variables.len())
            .map(|at| {
                let nodes = |list: &[usize]| list.iter().map(|n| &*net.nodes[*n]).collect();
                match self.variables[at] {
                    GraphVariable::Node => {
                        let node = binding.nodes[at].map(|node| &*net.nodes[node]);
                        (node.into_iter().collect(), Vec::new())
                    }
                    _ => {
                        let edges = binding.edges[at].iter().map(|e| &*net.edges[*e]);
                        (edges.collect(), nodes(&binding.inner[at]))
                    }
                }
            })
            .collect();
        let elements: Vec<Element<'_>> = rows
            .iter()
            .zip(self.variables)
            .map(|((rows, inner), variable)| Element {
                rows,
                inner,
                schema: match variable {
                    GraphVariable::Node => &net.plan.node_schema,
                    _ => &net.plan.edges.schema,
                },
                is_path: matches!(variable, GraphVariable::Path { .. }),
            })
            .collect();
        let context = &env.context;
        ask(&Frame { row: &binding.row, at: 0, states: &[], elements: &elements, context })
    }

    /// Whether all conditions that can be tested, and could not be before, are fulfilled.
    pub(super) fn fulfils(
        &self,
        net: &Net<'_>,
        binding: &Binding,
        before: Set,
        now: Set,
        env: &Env<'_>,
    ) -> bool {
        let due = |c: &&Condition| c.needs & !now == 0 && (before == 0 || c.needs & !before != 0);
        let mut due = self.conditions.iter().filter(due).peekable();
        if due.peek().is_none() {
            return true;
        }
        self.over(net, binding, env, |frame| due.all(|c| holds(&c.expr.over(frame))))
    }

    pub(super) fn columns(&self, net: &Net<'_>, binding: &Binding, env: &Env<'_>) -> Row {
        self.over(net, binding, env, |frame| self.columns.iter().map(|c| c.over(frame)).collect())
    }

    /// Whether a path's variable may take this edge, from this node if that is an inner one.
    pub(super) fn may_go(
        &self,
        net: &Net<'_>,
        variable: usize,
        edge: usize,
        through: Option<usize>,
        env: &Env<'_>,
    ) -> bool {
        let holds = |expr: &Expr, row: &Row| holds(&expr.eval(row, 0, &env.context));
        let along = &self.along[variable];
        along.edges.iter().all(|expr| holds(expr, &net.edges[edge]))
            && through.is_none_or(|node| along.inner.iter().all(|e| holds(e, &net.nodes[node])))
    }

    /// The node variable to begin with, of those left: the one with the fewest candidates.
    pub(super) fn first(&self, net: &Net<'_>, bound: Set, env: &Env<'_>) -> Result<Option<usize>> {
        let mut best = None;
        let mut tally = env.meter().tally();
        for variable in 0..self.variables.len() {
            let only: Set = 1 << variable;
            if self.variables[variable] != GraphVariable::Node || bound & only != 0 {
                continue;
            }
            let mut n = net.nodes.len();
            if self.conditions.iter().any(|condition| condition.needs == only) {
                let mut binding = self.unbound();
                n = 0;
                for node in 0..net.nodes.len() {
                    tally.work()?;
                    self.bind_node(net, &mut binding, variable, node);
                    n += usize::from(self.fulfils(net, &binding, !only, only, env));
                }
            }
            if best.is_none_or(|(least, _)| n < least) {
                best = Some((n, variable));
            }
        }
        Ok(best.map(|(_, variable)| variable))
    }
}

impl Net<'_> {
    /// Columns of a node's row, hidden ones too.
    pub(super) fn node_width(&self) -> usize {
        self.plan.node_schema.len() + super::HIDDEN
    }

    /// The edges that may be walked from a node, and where they lead.
    pub(super) fn steps(
        &self,
        node: usize,
        forward: Option<bool>,
    ) -> impl Iterator<Item = (usize, usize)> + '_ {
        let leaving = if forward == Some(false) { &[][..] } else { &self.leaving[node][..] };
        let coming = if forward == Some(true) { &[][..] } else { &self.coming[node][..] };
        let leaving = leaving.iter().map(|edge| (*edge, self.ends[*edge].target));
        leaving.chain(coming.iter().map(|edge| (*edge, self.ends[*edge].source)))
    }
}

/// The operands of the `and`s at the top of a predicate.
fn conjuncts(scalar: &Scalar) -> Vec<&Scalar> {
    let mut found = Vec::new();
    let mut open = vec![scalar];
    while let Some(scalar) = open.pop() {
        match &scalar.kind {
            ScalarKind::Call { function, arguments } if &**function == "and" => {
                open.extend(arguments.iter().rev());
            }
            _ => found.push(scalar),
        }
    }
    found
}

/// A conjunct that is `all(path, …)` and reads nothing but the path.
fn all_along<'s>(
    scalar: &'s Scalar,
    variables: &[GraphVariable],
    reads: &Reads<'_>,
) -> Option<(usize, bool, &'s Scalar)> {
    let ScalarKind::Graph { variable, inner, ask: GraphAsk::All(body) } = &scalar.kind else {
        return None;
    };
    let is_path = matches!(variables.get(*variable), Some(GraphVariable::Path { .. }));
    let own = reads.set(scalar) == 1 << *variable;
    (is_path && own).then_some((*variable, *inner, &**body))
}

/// Which variables expressions read.
struct Reads<'a> {
    offsets: &'a [usize],
    n_node: usize,
    n_edge: usize,
}

impl Reads<'_> {
    fn set(&self, scalar: &Scalar) -> Set {
        self.within(scalar, 0)
    }

    /// Columns below `own` are those of an element, not of the match.
    fn within(&self, scalar: &Scalar, own: usize) -> Set {
        match &scalar.kind {
            ScalarKind::Column(at) => match at.checked_sub(own) {
                // Of variables that begin at one column the last is the one that has any.
                Some(at) => match self.offsets.partition_point(|offset| *offset <= at) {
                    0 => 0,
                    n => 1 << (n - 1),
                },
                None => 0,
            },
            ScalarKind::Call { arguments, .. } | ScalarKind::Window { arguments, .. } => {
                arguments.iter().map(|a| self.within(a, own)).fold(0, |a, b| a | b)
            }
            ScalarKind::InTable { value, .. } => self.within(value, own),
            ScalarKind::Graph { variable, inner, ask } => {
                let own = if *inner { self.n_node } else { self.n_edge };
                let body = match ask {
                    GraphAsk::Whole => 0,
                    GraphAsk::All(body) | GraphAsk::Any(body) | GraphAsk::Map(body) => {
                        self.within(body, own)
                    }
                };
                body | 1 << *variable
            }
            ScalarKind::Literal(_) | ScalarKind::ToScalar(_) | ScalarKind::ScanState { .. } => 0,
        }
    }
}
