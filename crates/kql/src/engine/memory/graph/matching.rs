//! `graph-match`: all ways to bind a pattern's variables to nodes and edges.
//!
//! The pattern is walked from the node variable with the fewest candidates on, one hop at a
//! time; each condition is tested as soon as all that it reads is bound.

use super::Net;
use super::pattern::{Binding, Pattern, Set};
use crate::engine::env::Tally;
use crate::engine::rows::row_bytes;
use crate::engine::{Env, Result, Row};
use crate::plan::{GraphCycles, GraphHop, GraphVariable};

struct Matcher<'m, 'p> {
    net: &'m Net<'p>,
    pattern: &'m Pattern<'p>,
    env: &'m Env<'m>,
    moves: Vec<Move>,
    binding: Binding,
    used_edges: Vec<bool>,
    used_nodes: Vec<u32>,
    tally: Tally<'m>,
    out: Vec<Row>,
}

/// One step of the walk through the pattern, and what is bound before and after it.
struct Move {
    kind: MoveKind,
    before: Set,
    after: Set,
}

#[derive(Clone, Copy)]
enum MoveKind {
    /// Any node for this variable
    Start(usize),
    /// Over this hop, from its left end or from its right one
    Hop { hop: usize, from_left: bool },
}

/// All matches.
pub(super) fn run(net: &Net<'_>, env: &Env<'_>) -> Result<Vec<Row>> {
    let pattern = Pattern::of(net, env)?;
    let moves = moves(net, &pattern, env)?;
    let mut matcher = Matcher {
        net,
        pattern: &pattern,
        env,
        moves,
        binding: pattern.unbound(),
        used_edges: vec![false; net.edges.len()],
        used_nodes: vec![0; net.nodes.len()],
        tally: env.meter().tally(),
        out: Vec::new(),
    };
    matcher.go(0)?;
    Ok(matcher.out)
}

fn moves(net: &Net<'_>, pattern: &Pattern<'_>, env: &Env<'_>) -> Result<Vec<Move>> {
    let mut moves = Vec::new();
    let mut bound: Set = 0;
    let mut left: Vec<usize> = (0..pattern.hops.len()).collect();
    loop {
        let is_bound = |variable: usize| bound & (1 << variable) != 0;
        let next = left.iter().position(|hop| {
            let hop = &pattern.hops[*hop];
            is_bound(hop.left) || is_bound(hop.right)
        });
        let (kind, more) = match next {
            Some(at) => {
                let hop = left.remove(at);
                let GraphHop { left, edge, right, .. } = pattern.hops[hop];
                let from_left = is_bound(left);
                (MoveKind::Hop { hop, from_left }, 1 << left | 1 << edge | 1 << right)
            }
            None => match pattern.first(net, bound, env)? {
                Some(variable) => (MoveKind::Start(variable), 1 << variable),
                None => return Ok(moves),
            },
        };
        moves.push(Move { kind, before: bound, after: bound | more });
        bound |= more;
    }
}

impl Matcher<'_, '_> {
    fn go(&mut self, at: usize) -> Result<()> {
        let Some(step) = self.moves.get(at) else {
            let row = self.pattern.columns(self.net, &self.binding, self.env);
            self.tally.row(row_bytes(&row))?;
            self.out.push(row);
            return Ok(());
        };
        match step.kind {
            MoveKind::Start(variable) => {
                for node in 0..self.net.nodes.len() {
                    self.tally.work()?;
                    self.arrive(at, variable, node)?;
                }
                Ok(())
            }
            MoveKind::Hop { hop, from_left } => {
                let hop = &self.pattern.hops[hop];
                let (near, far) =
                    if from_left { (hop.left, hop.right) } else { (hop.right, hop.left) };
                let forward = hop.forward.map(|forward| forward == from_left);
                let Some(start) = self.binding.nodes[near] else { return Ok(()) };
                let edge = hop.edge;
                match self.pattern.variables[edge] {
                    GraphVariable::Path { least, most } => {
                        let walk = Walk { at, edge, far, forward, from_left, least, most };
                        self.walk(&walk, start)
                    }
                    _ => self.cross(at, edge, far, forward, start),
                }
            }
        }
    }

    /// Binds a node variable that may be bound already, and goes on.
    fn arrive(&mut self, at: usize, variable: usize, node: usize) -> Result<()> {
        match self.binding.nodes[variable] {
            Some(bound) if bound != node => return Ok(()),
            Some(_) => return self.check_and_go(at),
            None => {}
        }
        let alone = self.pattern.cycles == GraphCycles::None;
        if alone && self.used_nodes[node] > 0 {
            return Ok(());
        }
        self.used_nodes[node] += 1;
        self.pattern.bind_node(self.net, &mut self.binding, variable, node);
        let result = self.check_and_go(at);
        self.binding.nodes[variable] = None;
        self.used_nodes[node] -= 1;
        result
    }

    fn check_and_go(&mut self, at: usize) -> Result<()> {
        let Move { before, after, .. } = self.moves[at];
        if self.pattern.fulfils(self.net, &self.binding, before, after, self.env) {
            self.go(at + 1)?;
        }
        Ok(())
    }

    fn may_use(&self, edge: usize) -> bool {
        self.pattern.cycles == GraphCycles::All || !self.used_edges[edge]
    }

    /// Over one edge.
    fn cross(
        &mut self,
        at: usize,
        variable: usize,
        far: usize,
        forward: Option<bool>,
        start: usize,
    ) -> Result<()> {
        let net = self.net;
        for (edge, node) in net.steps(start, forward) {
            self.tally.work()?;
            if !self.may_use(edge) {
                continue;
            }
            let was_used = std::mem::replace(&mut self.used_edges[edge], true);
            self.pattern.bind_edges(net, &mut self.binding, variable, vec![edge], vec![]);
            let result = self.arrive(at, far, node);
            self.used_edges[edge] = was_used;
            result?;
        }
        Ok(())
    }

    /// Over several edges: each path is a match of its own.
    fn walk(&mut self, walk: &Walk, start: usize) -> Result<()> {
        let net = self.net;
        let alone = self.pattern.cycles == GraphCycles::None;
        let mut edges: Vec<usize> = Vec::new();
        let mut nodes = vec![start];
        let mut open: Vec<Vec<(usize, usize)>> = Vec::new();
        loop {
            let end = nodes[nodes.len() - 1];
            // A path that was just reached, before it is made longer.
            if open.len() == edges.len() {
                if edges.len() as u64 >= walk.least {
                    self.end(walk, &edges, &nodes)?;
                }
                let mut next = Vec::new();
                if (edges.len() as u64) < walk.most {
                    let inner = (!edges.is_empty()).then_some(end);
                    for (edge, node) in net.steps(end, walk.forward) {
                        self.tally.work()?;
                        let is_free = self.may_use(edge)
                            && !(alone && nodes.contains(&node))
                            && !(alone && inner.is_some_and(|node| self.used_nodes[node] > 0));
                        if is_free && self.pattern.may_go(net, walk.edge, edge, inner, self.env) {
                            next.push((edge, node));
                        }
                    }
                }
                self.tally.grow(next.len() * size_of::<(usize, usize)>())?;
                next.reverse();
                open.push(next);
            }
            let depth = open.len() - 1;
            match open[depth].pop() {
                Some((edge, node)) => {
                    if !self.may_use(edge) {
                        continue;
                    }
                    if self.pattern.cycles != GraphCycles::All {
                        self.used_edges[edge] = true;
                    }
                    edges.push(edge);
                    nodes.push(node);
                }
                None => {
                    open.pop();
                    nodes.pop();
                    let Some(edge) = edges.pop() else { return Ok(()) };
                    if self.pattern.cycles != GraphCycles::All {
                        self.used_edges[edge] = false;
                    }
                }
            }
        }
    }

    fn end(&mut self, walk: &Walk, edges: &[usize], nodes: &[usize]) -> Result<()> {
        let mut edges = edges.to_vec();
        let mut inner = nodes.get(1..nodes.len() - 1).unwrap_or_default().to_vec();
        if !walk.from_left {
            edges.reverse();
            inner.reverse();
        }
        // Inner nodes are taken too where nothing may come twice.
        inner.iter().for_each(|node| self.used_nodes[*node] += 1);
        let taken = inner.clone();
        self.pattern.bind_edges(self.net, &mut self.binding, walk.edge, edges, inner);
        let result = self.arrive(walk.at, walk.far, nodes[nodes.len() - 1]);
        taken.iter().for_each(|node| self.used_nodes[*node] -= 1);
        result
    }
}

/// A hop over several edges.
struct Walk {
    at: usize,
    edge: usize,
    far: usize,
    forward: Option<bool>,
    from_left: bool,
    least: u64,
    most: u64,
}
