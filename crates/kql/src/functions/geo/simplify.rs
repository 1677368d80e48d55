//! Fewer vertices: those that lie near the way between others are left out (Douglas and Peucker
//! 1973, on the sphere).

use std::collections::{HashMap, HashSet};

use super::overlay::{disjoint, union_of_lines};
use super::polygons::all_of;
use super::rings::Ring;
use super::shapes::{Line, Polygon, lines_json, lines_of, polygons_json, polygons_of};
use super::vector::{Place, RADIUS};
use super::{json_or_null, number_or};
use crate::functions::Table;
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("geo_line_simplify", |a, _| json_or_null(line(a))),
    ("geo_polygon_simplify", |a, _| json_or_null(polygon(a))),
    ("geo_simplify_polygons_array", |a, _| json_or_null(array(a))),
];

/// Metres where no tolerance is given, and most.
const TOLERANCE: f64 = 10.0;
const TOLERANCE_MAX: f64 = 7_800_000.0;
/// So many distances are measured a line; beyond that vertices are kept.
const WORK_MAX: usize = 20_000_000;

type Key = [u64; 3];

/// As an angle.
fn tolerance(value: Option<&Value>) -> Option<f64> {
    Some(number_or(value, TOLERANCE, 0.0, TOLERANCE_MAX)? / RADIUS)
}

/// Keeps both ends and what lies farther than the tolerance from the way between kept ones.
fn simplified(line: &[Place], tolerance: f64) -> Line {
    let mut keep = vec![false; line.len()];
    let (Some(first), Some(last)) = (keep.first().map(|_| 0), line.len().checked_sub(1)) else {
        return Vec::new();
    };
    keep[first] = true;
    keep[last] = true;
    let mut stack = vec![(first, last)];
    let mut work = 0;
    while let Some((from, to)) = stack.pop() {
        work += to - from;
        if work > WORK_MAX {
            keep[from..to].fill(true);
            continue;
        }
        let away = |i: usize| line[i].at.angle_to_arc(line[from].at, line[to].at);
        let farthest = (from + 1..to).map(|i| (away(i), i)).max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, at)) = farthest.filter(|(away, _)| *away > tolerance) {
            keep[at] = true;
            stack.extend([(from, at), (at, to)]);
        }
    }
    line.iter().zip(keep).filter(|(_, keep)| *keep).map(|(place, _)| *place).collect()
}

fn line(arguments: &[Value]) -> Option<Json> {
    let lines = lines_of(arguments.first())?;
    let tolerance = tolerance(arguments.get(1))?;
    let lines: Vec<Line> = union_of_lines(&lines)?
        .iter()
        .map(|line| simplified(line, tolerance))
        // A line that is shorter than the tolerance is not seen any more.
        .filter(|line| line.len() > 2 || line[0].at.angle(line[1].at) > tolerance)
        .collect();
    lines_json(&lines)
}

/// A ring in arcs between vertices where other rings join, or from its first vertex to the one
/// farthest away and back.
fn simplified_ring(ring: &Ring, joints: &HashSet<Key>, tolerance: f64) -> Option<Ring> {
    let mut places = ring.vertices().to_vec();
    let n = places.len();
    let is_joint = |place: &Place| joints.contains(&place.at.key());
    let mut ends: Vec<usize> = (0..n).filter(|i| is_joint(&places[*i])).collect();
    if ends.is_empty() {
        // Of equal rings the same vertex, wherever they begin.
        let first = (0..n).min_by_key(|i| places[*i].at.key()).filter(|_| !joints.is_empty());
        ends.push(first.unwrap_or(0));
    }
    if ends.len() == 1 {
        let from = places[ends[0]].at;
        let far = |i: &usize| places[*i].at.minus(from).norm();
        ends.push((0..n).max_by(|i, j| far(i).total_cmp(&far(j)))?);
        ends.sort_unstable();
        ends.dedup();
    }
    let start = ends[0];
    places.rotate_left(start);
    let closed: Vec<Place> = places.iter().chain(places.first()).copied().collect();
    let mut bounds: Vec<usize> = ends.iter().map(|end| end - start).collect();
    bounds.push(n);
    let mut kept: Vec<Place> = Vec::new();
    for pair in bounds.windows(2) {
        let arc = simplified(&closed[pair[0]..=pair[1]], tolerance);
        kept.extend(&arc[..arc.len() - 1]);
    }
    // As far as it is there, the ring begins where it began.
    if let Some(at) = kept.iter().position(|place| place.at == ring.vertices()[0].at) {
        kept.rotate_left(at);
    }
    if kept.len() < 3 {
        return None;
    }
    let reach = kept.iter().map(|place| place.at.minus(kept[0].at).norm()).fold(0.0, f64::max);
    (reach > tolerance).then(|| Ring::new(kept))
}

fn simplified_polygons(
    polygons: &[Polygon],
    joints: &HashSet<Key>,
    tolerance: f64,
) -> Vec<Polygon> {
    let one = |polygon: &Polygon| {
        let shell = simplified_ring(&polygon.shell, joints, tolerance)?;
        let holes = polygon.holes.iter();
        let holes = holes.filter_map(|hole| simplified_ring(hole, joints, tolerance)).collect();
        Some(Polygon { shell, holes })
    };
    polygons.iter().filter_map(one).collect()
}

fn polygon(arguments: &[Value]) -> Option<Json> {
    let polygons = polygons_of(arguments.first())?;
    let tolerance = tolerance(arguments.get(1))?;
    polygons_json(&simplified_polygons(&disjoint(&polygons)?, &HashSet::new(), tolerance))
}

/// Polygons with borders in common: these stay common.
fn array(arguments: &[Value]) -> Option<Json> {
    let polygons = all_of(arguments.first())?;
    let tolerance = tolerance(arguments.get(1))?;
    let mut beside: HashMap<Key, HashSet<Key>> = HashMap::new();
    for (a, b) in polygons.iter().flat_map(|polygon| polygon.edges()) {
        beside.entry(a.at.key()).or_default().insert(b.at.key());
        beside.entry(b.at.key()).or_default().insert(a.at.key());
    }
    let joints = beside.into_iter().filter(|(_, beside)| beside.len() > 2).map(|(key, _)| key);
    polygons_json(&simplified_polygons(&polygons, &joints.collect(), tolerance))
}
