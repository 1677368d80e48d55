//! All that is no farther than a radius from a point, a line or a polygon.
//!
//! A round edge becomes a polygon around the circle, so that no point is left out, and no corner
//! farther out than the tolerance.

use std::f64::consts::{PI, TAU};

use super::overlay::{boundary, union};
use super::rings::Ring;
use super::shapes::{Line, Polygon, lines_of, polygons_json, polygons_of};
use super::sweep::Edge;
use super::vector::{P, Place, RADIUS};
use super::{json_or_null, number, number_or, place};
use crate::functions::Table;
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("geo_point_buffer", |a, _| json_or_null(point(a))),
    ("geo_line_buffer", |a, _| json_or_null(line(a))),
    ("geo_polygon_buffer", |a, _| json_or_null(polygon(a))),
];

/// Metres where no tolerance is given.
const TOLERANCE: f64 = 10.0;
/// A radius is less than a quarter of the globe.
const RADIUS_MAX: f64 = 10_000_000.0;
/// So many corners a circle has at most.
const CORNERS_MAX: f64 = 2000.0;
/// So many parts of edges are widened at most, and so many corners they have together: circles
/// are coarser where there are more.
const PARTS_MAX: usize = 4000;
const ALL_CORNERS_MAX: usize = 200_000;

/// Radius and tolerance as angles.
#[derive(Clone, Copy)]
struct Pen {
    radius: f64,
    tolerance: f64,
    corners: u32,
}

impl Pen {
    fn new(radius: f64, tolerance: f64) -> Option<Self> {
        if !(radius > 0.0 && radius < RADIUS_MAX && tolerance > 0.0) {
            return None;
        }
        let tolerance = tolerance.clamp(radius * 1e-6, radius * 0.99);
        // A corner of a polygon of n sides around a circle is farther out by 1 / cos(π / n).
        let corners = (PI / (radius / (radius + tolerance)).acos()).ceil();
        Some(Self {
            radius: radius / RADIUS,
            tolerance: tolerance / RADIUS,
            corners: corners.clamp(4.0, CORNERS_MAX) as u32,
        })
    }

    fn of(arguments: &[Value], at: usize) -> Option<Self> {
        let radius = number(arguments.get(at))?;
        let tolerance = number_or(arguments.get(at + 1), TOLERANCE, f64::MIN_POSITIVE, f64::MAX)?;
        Self::new(radius, tolerance)
    }

    /// Corners around a point between two bearings, from the greater to the smaller.
    fn arc(&self, centre: P, from: f64, to: f64) -> impl Iterator<Item = Place> + '_ {
        let n = (f64::from(self.corners) * (from - to) / TAU).ceil().max(1.0) as u32;
        let step = (from - to) / f64::from(n);
        let out = (self.radius.tan() / (step / 2.0).cos()).atan();
        (0..n).map(move |i| {
            let bearing = from - step * (f64::from(i) + 0.5);
            Place::at(centre.off(bearing, out))
        })
    }

    fn around_point(&self, centre: P) -> Polygon {
        polygon_of(self.arc(centre, TAU, 0.0).collect())
    }

    /// Edges in parts so short that the way beside them stays within the tolerance.
    fn parts(&self, edges: &[Edge]) -> Option<Vec<(P, P)>> {
        let longest = (4.0 * self.tolerance / self.radius).sqrt().min(0.5);
        let mut parts = Vec::new();
        for (a, b) in edges {
            let n = (a.at.angle(b.at) / longest).ceil().max(1.0);
            if n + parts.len() as f64 > PARTS_MAX as f64 {
                return None;
            }
            let at = |i: u32| a.at.towards(b.at, f64::from(i) / n);
            parts.extend((0..n as u32).map(|i| (at(i), at(i + 1))));
        }
        Some(parts)
    }

    fn around_edge(&self, a: P, b: P) -> Polygon {
        let (there, back) = (a.bearing(b), b.bearing(a));
        let behind = self.arc(a, there + 1.5 * PI, there + 0.5 * PI);
        let ahead = self.arc(b, back + 1.5 * PI, back + 0.5 * PI);
        polygon_of(behind.chain(ahead).collect())
    }

    fn around(&self, edges: &[Edge], inside: &[Polygon]) -> Option<Vec<Polygon>> {
        let mut all = inside.to_vec();
        let parts = self.parts(edges)?;
        let most = (ALL_CORNERS_MAX / parts.len().max(1)) as u32;
        let pen = Self { corners: self.corners.min(most), ..*self };
        all.extend(parts.into_iter().map(|(a, b)| pen.around_edge(a, b)));
        union(&all)
    }
}

impl P {
    /// The point in a direction at an angle.
    fn off(self, bearing: f64, angle: f64) -> Self {
        let pole = P { x: 0.0, y: 0.0, z: 1.0 };
        let north = self.normal(pole).cross(self).unit();
        let east = north.cross(self);
        let way = north.times(bearing.cos()).plus(east.times(bearing.sin()));
        self.times(angle.cos()).plus(way.times(angle.sin())).unit()
    }
}

fn polygon_of(places: Vec<Place>) -> Polygon {
    Polygon { shell: Ring::new(places).small(), holes: Vec::new() }
}

fn point(arguments: &[Value]) -> Option<Json> {
    let pen = Pen::of(arguments, 2)?;
    polygons_json(&[pen.around_point(place(arguments, 0)?.at)])
}

fn line(arguments: &[Value]) -> Option<Json> {
    let lines = lines_of(arguments.first())?;
    polygons_json(&Pen::of(arguments, 1)?.around(&line_edges(&lines), &[])?)
}

fn line_edges(lines: &[Line]) -> Vec<Edge> {
    lines.iter().flat_map(|line| line.windows(2).map(|ends| (ends[0], ends[1]))).collect()
}

fn polygon(arguments: &[Value]) -> Option<Json> {
    let polygons = polygons_of(arguments.first())?;
    polygons_json(&Pen::of(arguments, 1)?.around(&boundary(&polygons), &polygons)?)
}

/// What is around lines, with radius and tolerance in metres.
pub(super) fn around_lines(lines: &[Line], radius: f64, tolerance: f64) -> Option<Vec<Polygon>> {
    Pen::new(radius, tolerance)?.around(&line_edges(lines), &[])
}

/// Polygons and what is around them, with radius and tolerance in metres.
pub(super) fn around_polygons(
    polygons: &[Polygon],
    radius: f64,
    tolerance: f64,
) -> Option<Vec<Polygon>> {
    Pen::new(radius, tolerance)?.around(&boundary(polygons), polygons)
}
