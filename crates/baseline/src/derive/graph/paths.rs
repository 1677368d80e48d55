//! Shortest paths to a goal, and the statements that cut them.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{Graph, Statement};

/// The steps of a path, as numbers of edges.
pub(super) type Path = Vec<usize>;

/// Statements that are looked for in one cut.
const CUTS_MAX: usize = 64;

/// How a goal is reached, over strong edges or all.
pub(super) struct Goal<'a> {
    graph: &'a Graph,
    to: usize,
    strong: bool,
    /// Edges by where they lead
    into: Vec<Vec<usize>>,
    /// The next edge on the shortest path, by node
    next: Vec<Option<usize>>,
    /// By statement: the nodes that would not reach the goal without it
    lost: HashMap<Statement<'a>, BTreeSet<usize>>,
    logins: BTreeSet<usize>,
}

impl<'a> Goal<'a> {
    pub(super) fn new(graph: &'a Graph, to: usize, strong: bool) -> Self {
        let mut into = vec![Vec::new(); graph.nodes.len()];
        for (at, edge) in graph.edges.iter().enumerate() {
            into[edge.to].push(at);
        }
        let logins = graph
            .logins
            .iter()
            .filter_map(|login| graph.numbers.get(&super::Node::Role(login.clone())).copied());
        let logins: BTreeSet<usize> = logins.collect();
        let next = Vec::new();
        let mut goal = Self { graph, to, strong, into, next, lost: HashMap::new(), logins };
        goal.next = goal.search(&BTreeSet::new());
        let paths = goal.logins.iter().filter_map(|login| goal.path(*login));
        let statements: BTreeSet<Statement<'_>> =
            paths.flatten().filter_map(|at| graph.edges[at].cut()).collect();
        for cut in statements {
            let without = goal.search(&BTreeSet::from([cut]));
            let lost = (0..graph.nodes.len())
                .filter(|node| goal.next[*node].is_some() && without[*node].is_none());
            let lost = lost.collect();
            goal.lost.insert(cut, lost);
        }
        goal
    }

    /// For each node the first edge of its shortest path, without what some statements take away.
    fn search(&self, without: &BTreeSet<Statement<'_>>) -> Vec<Option<usize>> {
        let mut next = vec![None; self.graph.nodes.len()];
        let mut open = VecDeque::from([self.to]);
        while let Some(node) = open.pop_front() {
            for at in &self.into[node] {
                let edge = &self.graph.edges[*at];
                let is_there = (edge.strong || !self.strong) && !edge.is_cut(without);
                if is_there && edge.from != self.to && next[edge.from].is_none() {
                    next[edge.from] = Some(*at);
                    open.push_back(edge.from);
                }
            }
        }
        next
    }

    fn follow(&self, from: usize, next: &[Option<usize>]) -> Option<Path> {
        let mut path = vec![next[from]?];
        // No shortest path is longer than there are nodes.
        while path.len() <= self.graph.nodes.len() {
            let node = self.graph.edges[*path.last()?].to;
            if node == self.to {
                return Some(path);
            }
            path.push(next[node]?);
        }
        None
    }

    /// The shortest path from a node.
    pub(super) fn path(&self, from: usize) -> Option<Path> {
        self.follow(from, &self.next)
    }

    /// How many roles that can log in a statement takes off the goal.
    fn weight(&self, cut: Option<Statement<'_>>) -> usize {
        cut.and_then(|cut| self.lost.get(&cut))
            .map_or(0, |lost| lost.intersection(&self.logins).count())
    }

    /// Edges whose statements together leave no path from a node: a single one wherever one is
    /// enough, among several the one that takes most other roles off too. Where more are needed
    /// none of them is superfluous, but there may be a smaller set (to find the smallest set of
    /// statements, where one takes several edges, is NP-hard). None where nothing cuts them all.
    pub(super) fn cuts(&self, from: usize) -> Vec<usize> {
        let Some(path) = self.path(from) else { return Vec::new() };
        let cut = |at: &usize| self.graph.edges[*at].cut();
        let alone = path.iter().filter(|at| {
            cut(at).and_then(|cut| self.lost.get(&cut)).is_some_and(|lost| lost.contains(&from))
        });
        // Of two that take as many off, the first on the path concerns fewer others.
        if let Some(best) = alone.rev().max_by_key(|at| self.weight(cut(at))) {
            return vec![*best];
        }
        let mut chosen: Vec<usize> = Vec::new();
        let mut without = BTreeSet::new();
        while let Some(path) = self.follow(from, &self.search(&without)) {
            let usable = path.iter().rev().filter(|at| cut(at).is_some());
            let Some(best) = usable.max_by_key(|at| self.weight(cut(at))).copied() else {
                return Vec::new();
            };
            if chosen.len() == CUTS_MAX {
                return Vec::new();
            }
            without.extend(cut(&best));
            chosen.push(best);
        }
        for at in chosen.clone() {
            let mut fewer = without.clone();
            fewer.retain(|statement| Some(*statement) != cut(&at));
            if self.search(&fewer)[from].is_none() {
                without = fewer;
                chosen.retain(|kept| *kept != at);
            }
        }
        chosen
    }
}
