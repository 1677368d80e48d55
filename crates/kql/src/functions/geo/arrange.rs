//! The edges of two shapes, cut where they meet.

use std::collections::HashMap;

use super::predicates::{cross, meeting};
use super::sweep::{Edge, MERGE, are_one, near};
use super::vector::{P, Place};

/// A part of an edge that meets nothing but at its ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) from: Place,
    pub(super) to: Place,
    /// Of the edge it is part of: those of the first shape before those of the second
    pub(super) id: usize,
}

type Key = [u64; 3];

/// Distances along an arc are no more exact than this.
const ROUNDING: f64 = 1e-14;

impl Piece {
    pub(super) fn key(&self) -> (Key, Key) {
        (self.from.at.key(), self.to.at.key())
    }

    pub(super) fn reverse_key(&self) -> (Key, Key) {
        (self.to.at.key(), self.from.at.key())
    }

    pub(super) fn middle(&self) -> P {
        self.from.at.middle(self.to.at)
    }
}

/// The pieces of both shapes, and where edges that cross meet.
pub(super) struct Arrangement {
    pub(super) a: Vec<Piece>,
    pub(super) b: Vec<Piece>,
    pub(super) meetings: Vec<Place>,
}

impl Arrangement {
    /// Without `crossings` edges are cut only where a vertex of the other shape lies on them.
    /// `None` where there are too many edges near each other.
    pub(super) fn of(a: &[Edge], b: &[Edge], crossings: bool) -> Option<Self> {
        let (a, b) = merged(a, b);
        let mut cuts_a: Vec<Vec<Place>> = vec![Vec::new(); a.len()];
        let mut cuts_b: Vec<Vec<Place>> = vec![Vec::new(); b.len()];
        let mut meetings = Vec::new();
        near(&a, &b, |i, j| {
            let (e, f) = (a[i], b[j]);
            let mut touches = false;
            for end in [f.0, f.1].into_iter().filter(|end| lies_on(end.at, e)) {
                cuts_a[i].push(end);
                touches = true;
            }
            for end in [e.0, e.1].into_iter().filter(|end| lies_on(end.at, f)) {
                cuts_b[j].push(end);
                touches = true;
            }
            let crosses = crossings && !touches;
            if crosses && cross(e.0.at, e.1.at, f.0.at, f.1.at) == Some(true) {
                let at = meeting(e.0.at, e.1.at, f.0.at, f.1.at);
                let end = [e.0, e.1, f.0, f.1].into_iter().find(|end| are_one(end.at, at));
                let meeting = end.unwrap_or_else(|| Place::at(at));
                cuts_a[i].push(meeting);
                cuts_b[j].push(meeting);
                meetings.push(meeting);
            }
        })?;
        let n = a.len();
        Some(Self { a: pieces(&a, cuts_a, 0), b: pieces(&b, cuts_b, n), meetings })
    }
}

fn lies_on(p: P, (a, b): Edge) -> bool {
    let (a, b) = (a.at, b.at);
    if p == a || p == b {
        return false;
    }
    // From the nearer end, where the direction of the plane matters least.
    let from = if p.minus(a).norm() <= p.minus(b).norm() { a } else { b };
    let normal = a.normal(b).unit();
    normal.dot(p.minus(from)).abs() <= MERGE && p.angle_to_arc(a, b) <= ROUNDING
}

/// The same edges, with one vertex for those that are as good as one; edges that vanish are left
/// out.
fn merged(a: &[Edge], b: &[Edge]) -> (Vec<Edge>, Vec<Edge>) {
    let mut places: Vec<Place> = a.iter().chain(b).flat_map(|(p, q)| [*p, *q]).collect();
    // Stable, so that of equal ones the first shape's coordinates stay.
    places.sort_by(|p, q| p.at.x.total_cmp(&q.at.x));
    let mut one: HashMap<Key, Place> = HashMap::new();
    for i in 0..places.len() {
        let place = places[i];
        if one.contains_key(&place.at.key()) {
            continue;
        }
        one.insert(place.at.key(), place);
        for other in &places[i + 1..] {
            if other.at.x - place.at.x > MERGE {
                break;
            }
            if are_one(place.at, other.at) {
                one.entry(other.at.key()).or_insert(place);
            }
        }
    }
    let merge = |edges: &[Edge]| {
        let edges = edges.iter().map(|(p, q)| (one[&p.at.key()], one[&q.at.key()]));
        edges.filter(|(p, q)| p.at != q.at).collect()
    };
    (merge(a), merge(b))
}

fn pieces(edges: &[Edge], cuts: Vec<Vec<Place>>, first_id: usize) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(edges.len());
    for (i, (edge, mut cuts)) in edges.iter().zip(cuts).enumerate() {
        let far = |place: &Place| place.at.minus(edge.0.at).norm();
        cuts.sort_by(|p, q| far(p).total_cmp(&far(q)));
        let mut from = edge.0;
        for to in cuts.into_iter().chain([edge.1]) {
            if from.at != to.at {
                pieces.push(Piece { from, to, id: first_id + i });
                from = to;
            }
        }
    }
    pieces
}
