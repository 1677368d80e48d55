//! Points against points, lines and polygons: distances, directions, containment.

use super::shapes::{Line, lines_of, point_json, polygons_of};
use super::vector::{P, Place, RADIUS};
use super::{bool_or_null, flag, json_or_null, number, place, real_or_null, spheroid};
use crate::functions::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("geo_distance_2points", |a, _| real_or_null(distance(a))),
    ("geo_azimuth", |a, _| real_or_null(azimuth(a))),
    ("geo_angle", |a, _| real_or_null(angle(a))),
    ("geo_point_in_circle", |a, _| bool_or_null(in_circle(a))),
    ("geo_point_in_polygon", |a, _| bool_or_null(in_polygon(a))),
    ("geo_distance_point_to_line", distance_to_line),
    ("geo_distance_point_to_polygon", distance_to_polygon),
    ("geo_closest_point_on_line", closest_on_line),
    ("geo_closest_point_on_polygon", closest_on_polygon),
];

fn distance(arguments: &[Value]) -> Option<f64> {
    let (p, q) = (place(arguments, 0)?, place(arguments, 2)?);
    if flag(arguments.get(4)) {
        return Some(spheroid::distance(&p, &q));
    }
    Some(p.at.angle(q.at) * RADIUS)
}

/// Whether two points determine one shortest way.
fn are_apart(a: P, b: P) -> bool {
    a != b && a.plus(b).norm() > 1e-15
}

fn azimuth(arguments: &[Value]) -> Option<f64> {
    let (p, q) = (place(arguments, 0)?.at, place(arguments, 2)?.at);
    are_apart(p, q).then(|| p.bearing(q))
}

/// From the way back to the first point, clockwise to the way on to the third.
fn angle(arguments: &[Value]) -> Option<f64> {
    let [a, b, c] = [place(arguments, 0)?.at, place(arguments, 2)?.at, place(arguments, 4)?.at];
    if !are_apart(a, b) || !are_apart(b, c) {
        return None;
    }
    Some((b.bearing(c) - b.bearing(a)).rem_euclid(std::f64::consts::TAU))
}

fn in_circle(arguments: &[Value]) -> Option<bool> {
    let (p, centre) = (place(arguments, 0)?.at, place(arguments, 2)?.at);
    let radius = number(arguments.get(4)).filter(|radius| *radius > 0.0)?;
    Some(p.angle(centre) * RADIUS <= radius)
}

fn in_polygon(arguments: &[Value]) -> Option<bool> {
    let p = place(arguments, 0)?.at;
    Some(polygons_of(arguments.get(2))?.iter().any(|polygon| polygon.contains(p)))
}

/// The nearest place of edges to a point; a vertex keeps its coordinates.
fn nearest(p: P, edges: impl Iterator<Item = (Place, Place)>) -> Option<Place> {
    let candidates = edges.map(|(a, b)| {
        let at = p.nearest(a.at, b.at);
        if at == a.at {
            a
        } else if at == b.at {
            b
        } else {
            Place { at, lng: f64::NAN, lat: f64::NAN }
        }
    });
    let nearest = candidates
        .map(|place| (place.at.minus(p).norm(), place))
        .min_by(|a, b| a.0.total_cmp(&b.0))?
        .1;
    Some(if nearest.lng.is_nan() { Place::at(nearest.at) } else { nearest })
}

fn line_edges(lines: &[Line]) -> impl Iterator<Item = (Place, Place)> + '_ {
    lines.iter().flat_map(|line| line.windows(2).map(|ends| (ends[0], ends[1])))
}

fn on_line(arguments: &[Value]) -> Option<(P, Place)> {
    let p = place(arguments, 0)?.at;
    let lines = lines_of(arguments.get(2))?;
    Some((p, nearest(p, line_edges(&lines))?))
}

fn on_polygon(arguments: &[Value]) -> Option<(P, Place)> {
    let p = place(arguments, 0)?;
    let polygons = polygons_of(arguments.get(2))?;
    if polygons.iter().any(|polygon| polygon.contains(p.at)) {
        return Some((p.at, p));
    }
    Some((p.at, nearest(p.at, polygons.iter().flat_map(|polygon| polygon.edges()))?))
}

fn distance_to_line(arguments: &[Value], _: &Context) -> Value {
    real_or_null(on_line(arguments).map(|(p, nearest)| p.angle(nearest.at) * RADIUS))
}

fn distance_to_polygon(arguments: &[Value], _: &Context) -> Value {
    real_or_null(on_polygon(arguments).map(|(p, nearest)| p.angle(nearest.at) * RADIUS))
}

fn closest_on_line(arguments: &[Value], _: &Context) -> Value {
    json_or_null(on_line(arguments).map(|(_, nearest)| point_json(&nearest)))
}

fn closest_on_polygon(arguments: &[Value], _: &Context) -> Value {
    json_or_null(on_polygon(arguments).map(|(_, nearest)| point_json(&nearest)))
}
