//! Functions of S2 cells, and which cells of a level cover a shape.

use super::buffer::{around_lines, around_polygons};
use super::overlay::{boundary, disjoint};
use super::predicates::counts_as_crossing;
use super::s2::{Cell, LEVEL_MAX};
use super::shapes::{Polygon, lines_of, object, point_json, polygons_of};
use super::sweep::Edge;
use super::vector::{P, Place};
use super::{json_or_null, level_or, number_or, place, text, texts};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("geo_point_to_s2cell", point_to_cell),
    ("geo_s2cell_to_central_point", |a, _| json_or_null(central_point(a))),
    ("geo_s2cell_to_polygon", |a, _| json_or_null(to_polygon(a))),
    ("geo_s2cell_neighbors", |a, _| json_or_null(neighbours(a))),
    ("geo_polygon_to_s2cells", |a, _| json_or_null(cover_polygon(a))),
    ("geo_line_to_s2cells", |a, _| json_or_null(cover_line(a))),
];

/// The level where none is given.
const LEVEL: u8 = 11;
/// So many cells cover a shape at most.
const CELLS_MAX: usize = 65_536;
/// Edges nearer to a cell than this touch it.
const TOUCH: f64 = 1e-15;

fn point_to_cell(arguments: &[Value], _: &Context) -> Value {
    let level = level_or(arguments.get(2), LEVEL, 0, LEVEL_MAX);
    match (place(arguments, 0), level) {
        (Some(place), Some(level)) => Value::text(Cell::at(place.at, level).token()),
        _ => Value::text(""),
    }
}

fn cell(arguments: &[Value]) -> Option<Cell> {
    Cell::parse(&text(arguments.first())?)
}

fn central_point(arguments: &[Value]) -> Option<Json> {
    Some(point_json(&Place::at(cell(arguments)?.centre())))
}

fn to_polygon(arguments: &[Value]) -> Option<Json> {
    let corners = cell(arguments)?.corners();
    let position = |p: P| Json::Array(vec![Json::Real(p.lng()), Json::Real(p.lat())]);
    let ring = corners.into_iter().chain([corners[0]]).map(position).collect();
    Some(object("Polygon", "coordinates", vec![Json::Array(ring)]))
}

fn neighbours(arguments: &[Value]) -> Option<Json> {
    Some(texts(cell(arguments)?.neighbours().into_iter().map(Cell::token)))
}

/// Arguments behind the shape: level, radius in metres.
fn wish(arguments: &[Value]) -> Option<(u8, f64)> {
    let level = level_or(arguments.get(1), LEVEL, 0, LEVEL_MAX)?;
    Some((level, number_or(arguments.get(2), 0.0, 0.0, 1e7)?))
}

fn cover_polygon(arguments: &[Value]) -> Option<Json> {
    let polygons = polygons_of(arguments.first())?;
    let (level, radius) = wish(arguments)?;
    let polygons = if radius > 0.0 {
        around_polygons(&polygons, radius, radius / 10.0)?
    } else {
        disjoint(&polygons)?
    };
    cells(&boundary(&polygons), &polygons, level)
}

fn cover_line(arguments: &[Value]) -> Option<Json> {
    let lines = lines_of(arguments.first())?;
    let (level, radius) = wish(arguments)?;
    if radius > 0.0 {
        let polygons = around_lines(&lines, radius, radius / 10.0)?;
        return cells(&boundary(&polygons), &polygons, level);
    }
    let edges: Vec<Edge> =
        lines.iter().flat_map(|line| line.windows(2).map(|ends| (ends[0], ends[1]))).collect();
    cells(&edges, &[], level)
}

/// The cells of a level that touch an edge or lie in a polygon, in their order.
fn cells(edges: &[Edge], polygons: &[Polygon], level: u8) -> Option<Json> {
    let mut cover = Cover { level, fills: !polygons.is_empty(), found: Vec::new() };
    let all: Vec<&Edge> = edges.iter().collect();
    for face in 0..6 {
        let face = Cell::face(face);
        let inside = polygons.iter().any(|polygon| polygon.contains(face.centre()));
        cover.add(face, &all, inside)?;
    }
    Some(texts(cover.found.into_iter().map(Cell::token)))
}

struct Cover {
    level: u8,
    /// Whether edges are borders of what is to be covered
    fills: bool,
    found: Vec<Cell>,
}

impl Cover {
    /// `inside`: whether the centre of the cell is.
    fn add(&mut self, cell: Cell, edges: &[&Edge], inside: bool) -> Option<()> {
        let planes = planes(cell);
        let touching: Vec<&Edge> =
            edges.iter().copied().filter(|(a, b)| touches(&planes, a.at, b.at)).collect();
        if touching.is_empty() && !inside {
            return Some(());
        }
        if cell.level() == self.level {
            self.found.push(cell);
            return (self.found.len() <= CELLS_MAX).then_some(());
        }
        if touching.is_empty() {
            // All of it is inside.
            let all = 4_usize.checked_pow(u32::from(self.level - cell.level()))?;
            let fits = self.found.len().saturating_add(all) <= CELLS_MAX;
            return fits.then(|| descend(cell, self.level, &mut self.found));
        }
        let centre = cell.centre();
        cell.children().into_iter().try_for_each(|child| {
            // On the way from centre to centre only borders that touch the cell are crossed.
            let way = child.centre();
            let crosses = |(a, b): &&&Edge| counts_as_crossing(centre, way, a.at, b.at);
            let odd = self.fills && touching.iter().filter(crosses).count() % 2 == 1;
            self.add(child, &touching, inside != odd)
        })
    }
}

fn descend(cell: Cell, level: u8, found: &mut Vec<Cell>) {
    if cell.level() == level {
        found.push(cell);
        return;
    }
    for child in cell.children() {
        descend(child, level, found);
    }
}

/// Four planes through the centre of the globe; the cell is where all are not negative.
fn planes(cell: Cell) -> [P; 4] {
    let [u0, u1, v0, v1] = cell.bounds();
    let (axis, along_u, along_v) = axes(cell.face_number());
    [
        along_u.minus(axis.times(u0)),
        axis.times(u1).minus(along_u),
        along_v.minus(axis.times(v0)),
        axis.times(v1).minus(along_v),
    ]
}

/// The directions of a face: out, u, v.
fn axes(face: u8) -> (P, P, P) {
    let p = |x, y, z| P { x, y, z };
    match face {
        0 => (p(1.0, 0.0, 0.0), p(0.0, 1.0, 0.0), p(0.0, 0.0, 1.0)),
        1 => (p(0.0, 1.0, 0.0), p(-1.0, 0.0, 0.0), p(0.0, 0.0, 1.0)),
        2 => (p(0.0, 0.0, 1.0), p(-1.0, 0.0, 0.0), p(0.0, -1.0, 0.0)),
        3 => (p(-1.0, 0.0, 0.0), p(0.0, 0.0, -1.0), p(0.0, -1.0, 0.0)),
        4 => (p(0.0, -1.0, 0.0), p(0.0, 0.0, -1.0), p(1.0, 0.0, 0.0)),
        _ => (p(0.0, 0.0, -1.0), p(0.0, 1.0, 0.0), p(1.0, 0.0, 0.0)),
    }
}

/// Whether a part of the chord from `a` to `b` is on the good side of all planes; seen from the
/// centre, chord and arc are one.
fn touches(planes: &[P; 4], a: P, b: P) -> bool {
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for plane in planes {
        let (at_a, at_b) = (plane.dot(a) + TOUCH, plane.dot(b) + TOUCH);
        match (at_a >= 0.0, at_b >= 0.0) {
            (true, true) => {}
            (false, false) => return false,
            (true, false) => to = to.min(at_a / (at_a - at_b)),
            (false, true) => from = from.max(at_a / (at_a - at_b)),
        }
    }
    from <= to
}
