//! Union and intersection of lines and polygons.

use std::collections::HashSet;

use super::arrange::{Arrangement, Piece};
use super::chains;
use super::rings::Ring;
use super::shapes::{Line, Polygon, lines_json, object, points_json, polygons_json};
use super::sweep::Edge;
use super::vector::{P, Place};
use crate::value::Json;

/// What two shapes have in common.
#[derive(Debug, Default)]
pub(super) struct Common {
    points: Vec<Place>,
    lines: Vec<Line>,
    polygons: Vec<Polygon>,
}

impl Common {
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.lines.is_empty() && self.polygons.is_empty()
    }

    /// One object, or a collection where there are several kinds, or nothing.
    pub(super) fn to_json(&self) -> Json {
        let kinds =
            [points_json(&self.points), lines_json(&self.lines), polygons_json(&self.polygons)];
        let mut found: Vec<Json> = kinds.into_iter().flatten().collect();
        if found.len() == 1 {
            return found.swap_remove(0);
        }
        object("GeometryCollection", "geometries", found)
    }
}

pub(super) fn boundary(polygons: &[Polygon]) -> Vec<Edge> {
    let rings = polygons.iter().flat_map(Polygon::boundary);
    rings.flat_map(|ring| ring.edges().collect::<Vec<_>>()).collect()
}

fn line_edges(lines: &[Line]) -> Vec<Edge> {
    lines.iter().flat_map(|line| line.windows(2).map(|ends| (ends[0], ends[1]))).collect()
}

/// Tells which pieces of one shape lie inside another one.
struct Inside<'a> {
    polygons: &'a [Polygon],
    corners: HashSet<[u64; 3]>,
    /// Where the piece before ended, and what was said of it
    last: Option<([u64; 3], bool)>,
}

impl<'a> Inside<'a> {
    fn new(polygons: &'a [Polygon], pieces: &[Piece]) -> Self {
        let corners = pieces.iter().flat_map(|piece| [piece.from, piece.to]);
        Self { polygons, corners: corners.map(|place| place.at.key()).collect(), last: None }
    }

    /// A piece that goes on from the one before is where that was, unless they meet the other
    /// shape there.
    fn holds(&mut self, piece: &Piece) -> bool {
        let (from, to) = piece.key();
        let inside = match self.last {
            Some((end, inside)) if end == from && !self.corners.contains(&from) => inside,
            _ => {
                let middle: P = piece.middle();
                self.polygons.iter().any(|polygon| polygon.contains(middle))
            }
        };
        self.last = Some((to, inside));
        inside
    }
}

type Keys = HashSet<([u64; 3], [u64; 3])>;

fn keys(pieces: &[Piece]) -> Keys {
    pieces.iter().map(Piece::key).collect()
}

/// The union of two sets of polygons, neither of which overlap themselves.
fn union_of_two(a: &[Polygon], b: &[Polygon]) -> Option<Vec<Polygon>> {
    let arrangement = Arrangement::of(&boundary(a), &boundary(b), true)?;
    let (of_a, of_b) = (keys(&arrangement.a), keys(&arrangement.b));
    let mut in_a = Inside::new(a, &arrangement.a);
    let mut in_b = Inside::new(b, &arrangement.b);
    let mut kept: Vec<Piece> = Vec::new();
    for piece in arrangement.a {
        let shared = of_b.contains(&piece.key());
        let against = of_b.contains(&piece.reverse_key());
        if shared || (!against && !in_b.holds(&piece)) {
            kept.push(piece);
        }
    }
    for piece in arrangement.b {
        let on_a = of_a.contains(&piece.key()) || of_a.contains(&piece.reverse_key());
        if !on_a && !in_a.holds(&piece) {
            kept.push(piece);
        }
    }
    Some(chains::polygons(kept))
}

/// The union of polygons: always of the two with the fewest vertices first, as S2 does. `None`
/// where that is too much.
pub(super) fn union(polygons: &[Polygon]) -> Option<Vec<Polygon>> {
    let vertices = |polygons: &[Polygon]| -> usize {
        let rings = polygons.iter().flat_map(|p| std::iter::once(&p.shell).chain(&p.holes));
        rings.map(|ring| ring.vertices().len()).sum()
    };
    let mut queue: Vec<(usize, Vec<Polygon>)> =
        polygons.iter().map(|p| (vertices(std::slice::from_ref(p)), vec![p.clone()])).collect();
    queue.sort_by_key(|(n, _)| *n);
    let mut queue = std::collections::VecDeque::from(queue);
    while queue.len() > 1 {
        let (Some((_, a)), Some((_, b))) = (queue.pop_front(), queue.pop_front()) else { break };
        let both = union_of_two(&a, &b)?;
        let n = vertices(&both);
        let at = queue.partition_point(|(other, _)| *other <= n);
        queue.insert(at, (n, both));
    }
    Some(queue.pop_front().map(|(_, union)| union).unwrap_or_default())
}

/// What polygons have in common: areas, edges along which they touch, vertices where they do.
pub(super) fn of_polygons(a: &[Polygon], b: &[Polygon]) -> Option<Common> {
    let (a, b) = (&disjoint(a)?[..], &disjoint(b)?[..]);
    let arrangement = Arrangement::of(&boundary(a), &boundary(b), true)?;
    let (of_a, of_b) = (keys(&arrangement.a), keys(&arrangement.b));
    let mut in_a = Inside::new(a, &arrangement.a);
    let mut in_b = Inside::new(b, &arrangement.b);
    let (mut kept, mut touching): (Vec<Piece>, Vec<Piece>) = (Vec::new(), Vec::new());
    for piece in &arrangement.a {
        if of_b.contains(&piece.reverse_key()) {
            touching.push(*piece);
        } else if of_b.contains(&piece.key()) || in_b.holds(piece) {
            kept.push(*piece);
        }
    }
    for piece in &arrangement.b {
        let on_a = of_a.contains(&piece.key()) || of_a.contains(&piece.reverse_key());
        if !on_a && in_a.holds(piece) {
            kept.push(*piece);
        }
    }
    let points = lone_points(&arrangement, kept.iter().chain(&touching));
    Some(Common { points, lines: chains::lines(touching), polygons: chains::polygons(kept) })
}

/// What lines have in common with polygons.
pub(super) fn of_lines_and_polygons(lines: &[Line], polygons: &[Polygon]) -> Option<Common> {
    let polygons = &disjoint(polygons)?[..];
    let arrangement = Arrangement::of(&line_edges(lines), &boundary(polygons), true)?;
    let on_edges = keys(&arrangement.b);
    let mut inside = Inside::new(polygons, &arrangement.b);
    let within = |piece: &&Piece| {
        on_edges.contains(&piece.key())
            || on_edges.contains(&piece.reverse_key())
            || inside.holds(piece)
    };
    let kept: Vec<Piece> = arrangement.a.iter().filter(within).copied().collect();
    let points = lone_points(&arrangement, kept.iter());
    Some(Common { points, lines: chains::lines(once_each(kept)), polygons: Vec::new() })
}

/// What lines have in common with lines.
pub(super) fn of_lines(a: &[Line], b: &[Line]) -> Option<Common> {
    let arrangement = Arrangement::of(&line_edges(a), &line_edges(b), true)?;
    let of_b = keys(&arrangement.b);
    let shared =
        |piece: &&Piece| of_b.contains(&piece.key()) || of_b.contains(&piece.reverse_key());
    let kept: Vec<Piece> = arrangement.a.iter().filter(shared).copied().collect();
    let mut points = arrangement.meetings.clone();
    points.extend(lone_points(&arrangement, kept.iter()));
    Some(Common { points, lines: chains::lines(once_each(kept)), polygons: Vec::new() })
}

/// Vertices of both shapes at which no piece of the result ends.
fn lone_points<'a>(arrangement: &Arrangement, kept: impl Iterator<Item = &'a Piece>) -> Vec<Place> {
    let ends = |piece: &Piece| [piece.from.at.key(), piece.to.at.key()];
    let of_b: HashSet<[u64; 3]> = arrangement.b.iter().flat_map(ends).collect();
    let mut seen: HashSet<[u64; 3]> = kept.flat_map(ends).collect();
    seen.extend(arrangement.meetings.iter().map(|place| place.at.key()));
    let mut points = Vec::new();
    for place in arrangement.a.iter().flat_map(|piece| [piece.from, piece.to]) {
        if of_b.contains(&place.at.key()) && seen.insert(place.at.key()) {
            points.push(place);
        }
    }
    points
}

fn once_each(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut seen: Keys = HashSet::new();
    let new = |piece: &Piece| !seen.contains(&piece.reverse_key()) && seen.insert(piece.key());
    let mut new = new;
    pieces.into_iter().filter(|piece| new(piece)).collect()
}

/// Polygons that may overlap as such that do not.
pub(super) fn disjoint(polygons: &[Polygon]) -> Option<Vec<Polygon>> {
    if polygons.len() == 1 { Some(polygons.to_vec()) } else { union(polygons) }
}

/// The union of lines: what is there twice is there once.
pub(super) fn union_of_lines(lines: &[Line]) -> Option<Vec<Line>> {
    if lines.len() == 1 {
        return Some(lines.to_vec());
    }
    let edges = line_edges(lines);
    // Against themselves, so that each is cut at the vertices of all.
    let arrangement = Arrangement::of(&edges, &edges, false)?;
    Some(chains::lines(once_each(arrangement.a)))
}

/// All rings of polygons, for what is summed over them.
pub(super) fn all_rings(polygons: &[Polygon]) -> impl Iterator<Item = Ring> + '_ {
    polygons.iter().flat_map(Polygon::boundary)
}
