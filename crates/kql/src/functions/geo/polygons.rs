//! Polygons: area, centroid, perimeter, union and intersection.

use super::overlay::{Common, all_rings, disjoint, of_polygons, union};
use super::shapes::{self, Polygon, point_json, polygons_json, polygons_of};
use super::vector::{P, Place, RADIUS};
use super::{bool_or_null, json_or_null, real_or_null};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

/// An array of polygons has at most so many vertices.
const VERTICES_MAX: usize = 65_536;

pub(super) const TABLE: Table = &[
    ("geo_polygon_area", area),
    ("geo_polygon_perimeter", perimeter),
    ("geo_polygon_centroid", |a, _| json_or_null(centroid(a))),
    ("geo_union_polygons_array", |a, _| json_or_null(union_of(a))),
    ("geo_intersects_2polygons", |a, _| bool_or_null(common(a).map(|c| !c.is_empty()))),
    ("geo_intersection_2polygons", |a, _| json_or_null(common(a).map(|c| c.to_json()))),
];

fn parts(arguments: &[Value]) -> Option<Vec<Polygon>> {
    disjoint(&polygons_of(arguments.first())?)
}

fn area(arguments: &[Value], _: &Context) -> Value {
    let one = |polygon: &Polygon| {
        let holes: f64 = polygon.holes.iter().map(|hole| hole.area()).sum();
        polygon.shell.area() - holes
    };
    let area = parts(arguments).map(|parts| parts.iter().map(one).sum::<f64>());
    real_or_null(area.map(|area| area * RADIUS * RADIUS))
}

fn perimeter(arguments: &[Value], _: &Context) -> Value {
    let length = |parts: Vec<Polygon>| all_rings(&parts).map(|ring| ring.length()).sum::<f64>();
    real_or_null(parts(arguments).map(length).map(|length| length * RADIUS))
}

fn centroid(arguments: &[Value]) -> Option<Json> {
    let polygons = parts(arguments)?;
    let zero = P { x: 0.0, y: 0.0, z: 0.0 };
    let sum = all_rings(&polygons).fold(zero, |sum, ring| sum.plus(ring.moment()));
    (sum.norm() > 0.0).then(|| point_json(&Place::at(sum.unit())))
}

/// All polygons of an array of shapes; `None` where one is none.
pub(super) fn all_of(value: Option<&Value>) -> Option<Vec<Polygon>> {
    let Some(Value::Dynamic(json)) = value else { return None };
    let Json::Array(all) = &**json else { return None };
    let polygons = all.iter().map(shapes::polygons).collect::<Option<Vec<_>>>()?;
    let polygons: Vec<Polygon> = polygons.into_iter().flatten().collect();
    let n: usize = all_rings(&polygons).map(|ring| ring.vertices().len()).sum();
    (!polygons.is_empty() && n <= VERTICES_MAX).then_some(polygons)
}

fn union_of(arguments: &[Value]) -> Option<Json> {
    polygons_json(&union(&all_of(arguments.first())?)?)
}

fn common(arguments: &[Value]) -> Option<Common> {
    let a = polygons_of(arguments.first())?;
    of_polygons(&a, &polygons_of(arguments.get(1))?)
}
