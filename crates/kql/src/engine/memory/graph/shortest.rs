//! `graph-shortest-paths`: for each pair of ends the paths with the fewest edges.
//!
//! Only simple paths count: no node comes twice. Which paths are eligible is told by the
//! predicate first, the shortest are chosen then.

use std::collections::HashMap;

use super::Net;
use super::pattern::{Binding, Pattern};
use crate::engine::env::Tally;
use crate::engine::rows::row_bytes;
use crate::engine::{EngineError, Env, Result, Row};
use crate::plan::GraphVariable;

struct Search<'m, 'p> {
    net: &'m Net<'p>,
    pattern: &'m Pattern<'p>,
    env: &'m Env<'m>,
    left: usize,
    edge: usize,
    right: usize,
    forward: Option<bool>,
    least: usize,
    most: usize,
    all: bool,
    tally: Tally<'m>,
    out: Vec<Row>,
}

/// A path so far: its last node, its last edge, and the path before that.
#[derive(Clone, Copy)]
struct Link {
    node: usize,
    edge: usize,
    before: Option<usize>,
}

/// Shortest paths over one hop of several edges.
pub(super) fn run(net: &Net<'_>, all: bool, env: &Env<'_>) -> Result<Vec<Row>> {
    let pattern = Pattern::of(net, env)?;
    let [hop] = pattern.hops else {
        let message = "graph-shortest-paths takes two nodes with an edge of variable length";
        return Err(EngineError::Invalid(message.to_owned()));
    };
    let (least, most) = match pattern.variables[hop.edge] {
        GraphVariable::Path { least, most } => (least, most),
        _ => (1, 1),
    };
    let n_nodes = net.nodes.len() as u64;
    let mut search = Search {
        net,
        pattern: &pattern,
        env,
        left: hop.left,
        edge: hop.edge,
        right: hop.right,
        forward: hop.forward,
        least: least.min(n_nodes) as usize,
        // A simple path has no more edges than there are nodes.
        most: most.min(n_nodes) as usize,
        all,
        tally: env.meter().tally(),
        out: Vec::new(),
    };
    if least > n_nodes {
        return Ok(Vec::new());
    }
    for start in 0..net.nodes.len() {
        search.tally.work()?;
        search.from(start)?;
    }
    Ok(search.out)
}

impl Search<'_, '_> {
    fn from(&mut self, start: usize) -> Result<()> {
        let (net, pattern) = (self.net, self.pattern);
        let mut binding = pattern.unbound();
        pattern.bind_node(net, &mut binding, self.left, start);
        let left = 1 << self.left;
        if !pattern.fulfils(net, &binding, 0, left, self.env) {
            return Ok(());
        }
        // Without conditions about the whole path one path to a node is as good as another of
        // its length, so each node needs to be reached at its least distance only.
        let free = left | 1 << self.right;
        let by_distance =
            self.least <= 1 && pattern.conditions.iter().all(|c| c.needs & !free == 0);
        let mut distance: HashMap<usize, usize> = HashMap::from([(start, 0)]);
        // Targets that have their paths.
        let mut done: HashMap<usize, usize> = HashMap::new();
        let mut links: Vec<Link> = Vec::new();
        let mut tip: Vec<Option<usize>> = vec![None];
        if self.least == 0 {
            self.offer(&mut binding, start, &[], &links, &mut done, 0)?;
        }
        for length in 1..=self.most {
            let mut next = Vec::new();
            for before in std::mem::take(&mut tip) {
                let end = before.map_or(start, |at| links[at].node);
                for (edge, node) in net.steps(end, self.forward) {
                    self.tally.work()?;
                    let inner = before.map(|_| end);
                    if !pattern.may_go(net, self.edge, edge, inner, self.env) {
                        continue;
                    }
                    if by_distance {
                        // Any one path: the first to arrive. All: those as short as it.
                        match distance.get(&node) {
                            None => {
                                distance.insert(node, length);
                            }
                            Some(known) if self.all && *known == length => {}
                            Some(_) => continue,
                        }
                    } else if node == start || self.is_on(&links, before, node) {
                        continue;
                    }
                    self.tally.grow(size_of::<Link>())?;
                    links.push(Link { node, edge, before });
                    next.push(Some(links.len() - 1));
                }
            }
            if length >= self.least {
                for at in next.iter().flatten() {
                    let chain = chain(&links, *at);
                    let target = links[*at].node;
                    self.offer(&mut binding, target, &chain, &links, &mut done, length)?;
                }
            }
            if next.is_empty() {
                break;
            }
            tip = next;
        }
        Ok(())
    }

    fn is_on(&self, links: &[Link], mut at: Option<usize>, node: usize) -> bool {
        while let Some(link) = at.and_then(|at| links.get(at)) {
            if link.node == node {
                return true;
            }
            at = link.before;
        }
        false
    }

    /// Puts out a path to a target if none is shorter and the predicate wants it.
    fn offer(
        &mut self,
        binding: &mut Binding,
        target: usize,
        chain: &[usize],
        links: &[Link],
        done: &mut HashMap<usize, usize>,
        length: usize,
    ) -> Result<()> {
        self.tally.work()?;
        match done.get(&target) {
            Some(least) if !self.all || *least < length => return Ok(()),
            _ => {}
        }
        if self.left == self.right && binding.nodes[self.left] != Some(target) {
            return Ok(());
        }
        let edges = chain.iter().map(|at| links[*at].edge).collect();
        let inner = chain.iter().rev().skip(1).rev().map(|at| links[*at].node).collect();
        self.pattern.bind_edges(self.net, binding, self.edge, edges, inner);
        self.pattern.bind_node(self.net, binding, self.right, target);
        let (left, all) = (1 << self.left, u64::MAX);
        if self.pattern.fulfils(self.net, binding, left, all, self.env) {
            done.insert(target, length);
            let row = self.pattern.columns(self.net, binding, self.env);
            self.tally.row(row_bytes(&row))?;
            self.out.push(row);
        }
        Ok(())
    }
}

/// The links of a path from its start on.
fn chain(links: &[Link], last: usize) -> Vec<usize> {
    let mut chain = vec![last];
    let mut at = links[last].before;
    while let Some(link) = at {
        chain.push(link);
        at = links[link].before;
    }
    chain.reverse();
    chain
}
