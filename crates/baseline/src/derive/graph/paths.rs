//! Shortest paths to a goal, and the statements that cut them.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{Graph, Node};

/// The steps of a path, as numbers of edges.
pub(super) type Path = Vec<usize>;

/// Statements that are looked for in one cut.
const CUTS_MAX: usize = 64;
/// The number of no statement.
const NONE: usize = 0;

/// How a goal is reached, over strong edges or all.
pub(super) struct Goal<'a> {
    graph: &'a Graph,
    to: usize,
    strong: bool,
    /// Edges by where they lead
    into: Vec<Vec<usize>>,
    /// By edge: the statement that is its cut, and another that takes it away too
    cuts: Vec<[usize; 2]>,
    /// The next edge on the shortest path, by node
    next: Vec<Option<usize>>,
    /// By statement on a shortest path of a role that can log in
    effects: HashMap<usize, Effect>,
}

/// What the goal would be without a statement's edges.
#[derive(Default)]
struct Effect {
    /// Nodes that would not reach it
    lost: BTreeSet<usize>,
    /// How many of them are roles that can log in
    n_logins: usize,
}

impl<'a> Goal<'a> {
    pub(super) fn new(graph: &'a Graph, to: usize, strong: bool) -> Self {
        let mut into = vec![Vec::new(); graph.nodes.len()];
        let mut numbers = HashMap::new();
        let mut cuts = Vec::with_capacity(graph.edges.len());
        for (at, edge) in graph.edges.iter().enumerate() {
            into[edge.to].push(at);
            cuts.push([&edge.cut, &edge.also_cut].map(|cut| {
                let next = numbers.len() + 1;
                // The same words in two databases are two statements.
                if cut.is_empty() {
                    return NONE;
                }
                *numbers.entry((&edge.database, cut)).or_insert(next)
            }));
        }
        let (next, effects) = (Vec::new(), HashMap::new());
        let mut goal = Self { graph, to, strong, into, cuts, next, effects };
        goal.next = goal.search(&[]);
        let number = |login: &String| graph.numbers.get(&Node::Role(login.clone())).copied();
        let logins: BTreeSet<usize> = graph.logins.iter().filter_map(number).collect();
        let paths = logins.iter().filter_map(|login| goal.path(*login));
        let statements: BTreeSet<usize> = paths.flatten().map(|at| goal.cuts[at][0]).collect();
        for cut in statements.into_iter().filter(|cut| *cut != NONE) {
            let without = goal.search(&[cut]);
            let is_lost = |node: &usize| goal.next[*node].is_some() && without[*node].is_none();
            let lost: BTreeSet<usize> = (0..graph.nodes.len()).filter(is_lost).collect();
            let n_logins = lost.intersection(&logins).count();
            goal.effects.insert(cut, Effect { lost, n_logins });
        }
        goal
    }

    /// For each node the first edge of its shortest path, without what some statements take away.
    fn search(&self, without: &[usize]) -> Vec<Option<usize>> {
        let mut next = vec![None; self.graph.nodes.len()];
        let mut open = VecDeque::from([self.to]);
        while let Some(node) = open.pop_front() {
            for at in &self.into[node] {
                let edge = &self.graph.edges[*at];
                let is_there = (edge.strong || !self.strong)
                    && !self.cuts[*at].iter().any(|cut| without.contains(cut));
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

    /// How many roles that can log in the cut of an edge takes off the goal.
    fn weight(&self, edge: usize) -> usize {
        self.effects.get(&self.cuts[edge][0]).map_or(0, |effect| effect.n_logins)
    }

    /// Edges whose statements together leave no path from a node: a single one wherever one is
    /// enough, among several the one that takes most other roles off too. Where more are needed
    /// none of them is superfluous, but there may be a smaller set (to find the smallest set of
    /// statements, where one takes several edges, is NP-hard). None where nothing cuts them all.
    pub(super) fn cuts(&self, from: usize) -> Vec<usize> {
        let Some(path) = self.path(from) else { return Vec::new() };
        let is_enough = |at: &&usize| {
            let effect = self.effects.get(&self.cuts[**at][0]);
            effect.is_some_and(|effect| effect.lost.contains(&from))
        };
        // Of two that take as many off, the first on the path concerns fewer others.
        let alone = path.iter().rev().filter(is_enough).max_by_key(|at| self.weight(**at));
        if let Some(best) = alone {
            return vec![*best];
        }
        let mut chosen: Vec<usize> = Vec::new();
        let statements = |chosen: &[usize]| -> Vec<usize> {
            chosen.iter().map(|at| self.cuts[*at][0]).collect()
        };
        while let Some(path) = self.follow(from, &self.search(&statements(&chosen))) {
            let usable = path.iter().rev().filter(|at| self.cuts[**at][0] != NONE);
            let best = usable.max_by_key(|at| self.weight(**at)).copied();
            let Some(best) = best.filter(|_| chosen.len() < CUTS_MAX) else { return Vec::new() };
            chosen.push(best);
        }
        for at in chosen.clone() {
            let fewer: Vec<usize> = chosen.iter().copied().filter(|kept| *kept != at).collect();
            if self.search(&statements(&fewer))[from].is_none() {
                chosen = fewer;
            }
        }
        chosen
    }
}
