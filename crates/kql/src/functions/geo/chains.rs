//! Pieces put together to rings and lines, in the order in which S2 puts them: chains begin
//! behind the piece of the last input edge, and come in the order of input.

use std::collections::HashMap;

use super::arrange::Piece;
use super::predicates::ordered_left;
use super::rings::Ring;
use super::s2::leaf;
use super::shapes::{Line, Polygon};
use super::vector::Place;

/// Pieces in the order of their ends along the space-filling curve, with those that leave each
/// vertex.
struct Graph {
    pieces: Vec<Piece>,
    leaving: HashMap<[u64; 3], Vec<usize>>,
    arriving: HashMap<[u64; 3], usize>,
}

impl Graph {
    fn new(mut pieces: Vec<Piece>) -> Self {
        pieces.sort_by_cached_key(|piece| (leaf(piece.from.at), leaf(piece.to.at)));
        let mut leaving: HashMap<_, Vec<usize>> = HashMap::new();
        let mut arriving: HashMap<_, usize> = HashMap::new();
        for (i, piece) in pieces.iter().enumerate() {
            leaving.entry(piece.from.at.key()).or_default().push(i);
            *arriving.entry(piece.to.at.key()).or_default() += 1;
        }
        Self { pieces, leaving, arriving }
    }

    /// The unused piece that turns off to the left most behind another.
    fn left_of(&self, piece: usize, used: &[bool]) -> Option<usize> {
        let piece = &self.pieces[piece];
        let mut best: Option<usize> = None;
        for next in self.leaving.get(&piece.to.at.key())?.iter().filter(|next| !used[**next]) {
            let to = |i: usize| self.pieces[i].to.at;
            best = match best {
                Some(best) if !ordered_left(piece.from.at, to(best), to(*next), piece.to.at) => {
                    Some(best)
                }
                _ => Some(*next),
            };
        }
        best
    }

    /// Whether exactly one piece arrives at a vertex and one leaves it.
    fn passes(&self, key: &[u64; 3]) -> bool {
        self.arriving.get(key) == Some(&1) && self.leaving.get(key).is_some_and(|l| l.len() == 1)
    }
}

/// Rings of pieces that have the inside on their left; each vertex once in a ring.
fn rings(pieces: Vec<Piece>) -> Vec<Ring> {
    let graph = Graph::new(pieces);
    let mut used = vec![false; graph.pieces.len()];
    let mut found: Vec<Vec<Piece>> = Vec::new();
    for start in 0..used.len() {
        let mut path: Vec<usize> = Vec::new();
        let mut at: HashMap<[u64; 3], usize> = HashMap::new();
        let mut next = (!used[start]).then_some(start);
        while let Some(piece) = next {
            used[piece] = true;
            at.insert(graph.pieces[piece].from.at.key(), path.len());
            path.push(piece);
            let last = *path.last().expect("because it was just pushed");
            if let Some(first) = at.get(&graph.pieces[last].to.at.key()).copied() {
                let ring: Vec<Piece> =
                    path.drain(first..).map(|piece| graph.pieces[piece]).collect();
                for piece in &ring {
                    at.remove(&piece.from.at.key());
                }
                found.push(ring);
            }
            next = graph.left_of(last, &used);
        }
    }
    found.retain(|ring| ring.len() >= 3);
    found.iter_mut().for_each(|ring| turn(ring));
    found.sort_by_key(|ring| ring[0].id);
    found.iter().map(|ring| Ring::new(ring.iter().map(|piece| piece.from).collect())).collect()
}

/// Turns a ring so that the pieces of the last input edge come last.
fn turn(ring: &mut [Piece]) {
    let (mut last, mut gap) = (0, false);
    for i in 1..ring.len() {
        if ring[i].id < ring[last].id {
            gap = true;
        } else if ring[i].id > ring[last].id || !gap {
            last = i;
            gap = false;
        }
    }
    ring.rotate_left((last + 1) % ring.len());
}

/// Polygons of pieces that have the inside on their left.
pub(super) fn polygons(pieces: Vec<Piece>) -> Vec<Polygon> {
    let (shells, holes): (Vec<Ring>, Vec<Ring>) =
        rings(pieces).into_iter().partition(Ring::is_small);
    let mut polygons: Vec<Polygon> =
        shells.into_iter().map(|shell| Polygon { shell, holes: Vec::new() }).collect();
    let areas: Vec<f64> = polygons.iter().map(|polygon| polygon.shell.area()).collect();
    for hole in holes {
        let Some((a, b)) = hole.edges().next() else { continue };
        let middle = a.at.middle(b.at);
        let around = (0..polygons.len())
            .filter(|i| polygons[*i].shell.contains(middle))
            .min_by(|i, j| areas[*i].total_cmp(&areas[*j]));
        if let Some(around) = around {
            polygons[around].holes.push(hole.inverted());
        }
    }
    polygons
}

/// Lines as long as no vertex has a choice.
pub(super) fn lines(pieces: Vec<Piece>) -> Vec<Line> {
    let graph = Graph::new(pieces);
    let mut used = vec![false; graph.pieces.len()];
    let mut found: Vec<(usize, Line)> = Vec::new();
    // First from where lines begin, then what is left, which runs in circles.
    for begins in [true, false] {
        for start in 0..used.len() {
            let first = &graph.pieces[start];
            if used[start] || (begins && graph.passes(&first.from.at.key())) {
                continue;
            }
            let mut line: Line = vec![first.from];
            let mut next = Some(start);
            while let Some(piece) = next {
                used[piece] = true;
                let to: Place = graph.pieces[piece].to;
                line.push(to);
                let key = to.at.key();
                next = if graph.passes(&key) {
                    graph.leaving[&key].iter().copied().find(|next| !used[*next])
                } else {
                    None
                };
            }
            found.push((first.id, line));
        }
    }
    found.sort_by_key(|(id, _)| *id);
    found.into_iter().map(|(_, line)| line).collect()
}
