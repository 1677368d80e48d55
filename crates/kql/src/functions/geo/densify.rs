//! Edges that are straight on the map as chains of geodesics.
//!
//! An edge is halved on the map until the arc stays near it, measured where the distance is
//! likely greatest (the method and the constants of S2's edge tessellator).

use super::shapes::{self, Line, Polygon, lines_json, object};
use super::vector::{P, Place, RADIUS};
use super::{flag, json_or_null, number_or};
use crate::functions::Table;
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("geo_line_densify", |a, _| json_or_null(line(a))),
    ("geo_polygon_densify", |a, _| json_or_null(polygon(a))),
];

/// Metres where no tolerance is given, least, most.
const TOLERANCE: f64 = 10.0;
const TOLERANCE_MIN: f64 = 0.1;
const TOLERANCE_MAX: f64 = 10_000.0;
/// So many points a result has at most.
const POINTS_MAX: usize = 10_485_760 / 8;
/// Shares of the edge at which the distance is measured, and what it is measured against.
const PROBE: f64 = 0.312_156_910_822_483_1;
const SCALE: f64 = 0.838_299_925_698_885_1;

struct Chain {
    tolerance: f64,
    across: bool,
    places: Vec<Place>,
}

impl Chain {
    /// Adds what lies between, then `b`.
    fn add(&mut self, a: Place, b: Place) -> Option<()> {
        if self.places.len() > POINTS_MAX {
            return None;
        }
        // Across the antimeridian the way is shorter beyond 180 degrees.
        let mut beyond = b;
        if self.across && (b.lng - a.lng).abs() > 180.0 {
            beyond.lng += if b.lng > a.lng { -360.0 } else { 360.0 };
        }
        if self.deviation(&a, &beyond) <= SCALE * self.tolerance {
            self.places.push(b);
            return Some(());
        }
        let middle = on_map(&a, &beyond, 0.5);
        if middle == a || middle == b {
            self.places.push(b);
            return Some(());
        }
        self.add(a, middle)?;
        self.add(middle, b)
    }

    fn deviation(&self, a: &Place, b: &Place) -> f64 {
        if a.at.dot(b.at) < -1e-14 {
            return f64::INFINITY;
        }
        let at = |share: f64| a.at.towards(b.at, share).minus(on_map(a, b, share).at).norm();
        at(PROBE).max(at(1.0 - PROBE))
    }
}

/// A place on the straight line on the map.
fn on_map(a: &Place, b: &Place, share: f64) -> Place {
    let mut lng = a.lng + (b.lng - a.lng) * share;
    let lat = a.lat + (b.lat - a.lat) * share;
    if lng > 180.0 {
        lng -= 360.0;
    } else if lng < -180.0 {
        lng += 360.0;
    }
    Place { at: P::of(lng, lat), lng, lat }
}

fn densified(line: &[Place], arguments: &[Value]) -> Option<Line> {
    let tolerance = number_or(arguments.get(1), TOLERANCE, TOLERANCE_MIN, TOLERANCE_MAX)? / RADIUS;
    let across = flag(arguments.get(2));
    let mut chain = Chain { tolerance, across, places: vec![*line.first()?] };
    for ends in line.windows(2) {
        chain.add(ends[0], ends[1])?;
    }
    Some(chain.places)
}

fn json_of(value: Option<&Value>) -> Option<&Json> {
    match value? {
        Value::Dynamic(json) => Some(json),
        _ => None,
    }
}

fn line(arguments: &[Value]) -> Option<Json> {
    let lines = shapes::lines(json_of(arguments.first())?)?;
    let lines = lines.iter().map(|line| densified(line, arguments)).collect::<Option<Vec<_>>>()?;
    lines_json(&lines)
}

/// Rings come out as they went in, whichever way they run.
fn polygon(arguments: &[Value]) -> Option<Json> {
    let json = json_of(arguments.first())?;
    let polygons: Vec<Polygon> = shapes::polygons(json)?;
    let Json::Array(coordinates) = json.member("coordinates")? else { return None };
    let ring = |json: &Json| {
        let Json::Array(positions) = json else { return None };
        let places = positions.iter().map(shapes::position).collect::<Option<Vec<_>>>()?;
        let places = densified(&places, arguments)?;
        let position = |p: &Place| Json::Array(vec![Json::Real(p.lng), Json::Real(p.lat)]);
        Some(Json::Array(places.iter().map(position).collect()))
    };
    let rings = |rings: &[Json]| rings.iter().map(ring).collect::<Option<Vec<_>>>();
    if polygons.len() == 1
        && matches!(json.member("type"), Some(Json::String(t)) if &**t == "Polygon")
    {
        return Some(object("Polygon", "coordinates", rings(coordinates)?));
    }
    let all = coordinates
        .iter()
        .map(|polygon| match polygon {
            Json::Array(parts) => Some(Json::Array(rings(parts)?)),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    Some(object("MultiPolygon", "coordinates", all))
}
