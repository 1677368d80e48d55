//! Which edges are near each other.

use std::collections::HashMap;

use super::predicates::cross;
use super::shapes::Polygon;
use super::vector::{P, Place};

pub(super) type Edge = (Place, Place);

/// What encloses an edge: least and greatest x, y, z.
struct Bounds {
    least: [f64; 3],
    most: [f64; 3],
}

impl Bounds {
    fn of((a, b): &Edge) -> Self {
        let (a, b) = (a.at, b.at);
        // The arc rises above its chord by less than this.
        let chord = a.minus(b);
        let rise = chord.dot(chord) / 4.0 + 1e-14;
        let pairs = [(a.x, b.x), (a.y, b.y), (a.z, b.z)];
        Self {
            least: pairs.map(|(p, q)| p.min(q) - rise),
            most: pairs.map(|(p, q)| p.max(q) + rise),
        }
    }

    fn meets(&self, other: &Self) -> bool {
        (1..3).all(|i| self.least[i] <= other.most[i] && other.least[i] <= self.most[i])
    }
}

/// So many pairs of edges are compared at most, and so many of them closely.
const GLANCES_MAX: usize = 1_000_000_000;
const PAIRS_MAX: usize = 20_000_000;

/// Calls `found` with all pairs of edges of two lists whose bounds meet; `None` where there are
/// too many.
pub(super) fn near(a: &[Edge], b: &[Edge], mut found: impl FnMut(usize, usize)) -> Option<()> {
    let bounds = |edges: &[Edge]| edges.iter().map(Bounds::of).collect::<Vec<_>>();
    let (of_a, of_b) = (bounds(a), bounds(b));
    let mut starts: Vec<(f64, bool, usize)> = Vec::with_capacity(a.len() + b.len());
    starts.extend(of_a.iter().enumerate().map(|(i, bounds)| (bounds.least[0], true, i)));
    starts.extend(of_b.iter().enumerate().map(|(i, bounds)| (bounds.least[0], false, i)));
    starts.sort_by(|p, q| p.0.total_cmp(&q.0));
    let (mut active_a, mut active_b): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let (mut n_glances, mut n_pairs) = (0, 0);
    for (x, is_a, i) in starts {
        if is_a {
            active_b.retain(|j| of_b[*j].most[0] >= x);
            n_glances += active_b.len();
            for j in active_b.iter().filter(|j| of_a[i].meets(&of_b[**j])) {
                n_pairs += 1;
                found(i, *j);
            }
            active_a.push(i);
        } else {
            active_a.retain(|j| of_a[*j].most[0] >= x);
            n_glances += active_a.len();
            for j in active_a.iter().filter(|j| of_b[i].meets(&of_a[**j])) {
                n_pairs += 1;
                found(*j, i);
            }
            active_b.push(i);
        }
        if n_glances > GLANCES_MAX || n_pairs > PAIRS_MAX {
            return None;
        }
    }
    Some(())
}

/// Whether no two edges of a polygon cross or are one; a polygon too large to tell is not.
pub(super) fn is_simple(polygon: &Polygon) -> bool {
    let edges: Vec<Edge> = polygon.edges().collect();
    let mut undirected: HashMap<[[u64; 3]; 2], ()> = HashMap::new();
    for (a, b) in &edges {
        let (a, b) = (a.at.key(), b.at.key());
        if undirected.insert([a.min(b), a.max(b)], ()).is_some() {
            return false;
        }
    }
    let mut simple = true;
    let all = near(&edges, &edges, |i, j| {
        let (e, f) = (&edges[i], &edges[j]);
        if i < j && simple && cross(e.0.at, e.1.at, f.0.at, f.1.at) == Some(true) {
            simple = false;
        }
    });
    simple && all.is_some()
}

/// Points nearer than this are one (twice the error of an intersection, as in S2).
pub(super) const MERGE: f64 = 1.8e-15;

pub(super) fn are_one(a: P, b: P) -> bool {
    a.minus(b).norm() <= MERGE
}
