//! GeoJSON (RFC 7946) in and out: points, lines and polygons.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use super::rings::Ring;
use super::vector::{P, Place};
use crate::value::{Json, Value};

/// A shape has at most so many vertices.
const VERTICES_MAX: usize = 32_768;

/// A line: at least two vertices.
pub(super) type Line = Vec<Place>;

/// A polygon: an outer ring with the smaller part of the globe inside, and holes the same way.
#[derive(Debug, Clone)]
pub(super) struct Polygon {
    pub(super) shell: Ring,
    pub(super) holes: Vec<Ring>,
}

impl Polygon {
    pub(super) fn contains(&self, p: P) -> bool {
        self.shell.contains(p) && !self.holes.iter().any(|hole| hole.contains(p))
    }

    /// All rings with the polygon on their left: holes turned around.
    pub(super) fn boundary(&self) -> Vec<Ring> {
        let holes = self.holes.iter().map(|hole| hole.clone().inverted());
        std::iter::once(self.shell.clone()).chain(holes).collect()
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = (Place, Place)> + '_ {
        self.shell.edges().chain(self.holes.iter().flat_map(Ring::edges))
    }
}

/// A position: longitude and latitude.
pub(super) fn position(json: &Json) -> Option<Place> {
    let Json::Array(parts) = json else { return None };
    let [lng, lat, ..] = &parts[..] else { return None };
    Place::of(real(lng)?, real(lat)?)
}

fn real(json: &Json) -> Option<f64> {
    match json {
        Json::Long(n) => Some(*n as f64),
        Json::Real(x) => Some(*x),
        _ => None,
    }
}

fn array(json: &Json) -> Option<&[Json]> {
    match json {
        Json::Array(elements) => Some(elements),
        _ => None,
    }
}

/// What a GeoJSON object calls itself, and its coordinates.
fn kind(json: &Json) -> Option<(&str, &[Json])> {
    let Json::String(kind) = json.member("type")? else { return None };
    Some((kind, array(json.member("coordinates")?)?))
}

/// A LineString or MultiLineString.
pub(super) fn lines(json: &Json) -> Option<Vec<Line>> {
    let lines: Vec<Line> = match kind(json)? {
        ("LineString", coordinates) => vec![line(coordinates)?],
        ("MultiLineString", lines) => {
            lines.iter().map(|l| line(array(l)?)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    let n: usize = lines.iter().map(Vec::len).sum();
    (!lines.is_empty() && n <= VERTICES_MAX).then_some(lines)
}

fn line(coordinates: &[Json]) -> Option<Line> {
    let mut line: Line = coordinates.iter().map(position).collect::<Option<_>>()?;
    line.dedup_by_key(|place| place.at.key());
    (line.len() >= 2 && line.windows(2).all(|ends| !opposite(ends[0].at, ends[1].at)))
        .then_some(line)
}

fn opposite(a: P, b: P) -> bool {
    a.plus(b).norm() < 1e-15
}

/// A Polygon or MultiPolygon.
pub(super) fn polygons(json: &Json) -> Option<Vec<Polygon>> {
    let polygons: Vec<Polygon> = match kind(json)? {
        ("Polygon", rings) => vec![polygon(rings)?],
        ("MultiPolygon", polygons) => {
            polygons.iter().map(|p| polygon(array(p)?)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    let n: usize = polygons.iter().flat_map(Polygon::boundary).map(|r| r.vertices().len()).sum();
    (!polygons.is_empty() && n <= VERTICES_MAX).then_some(polygons)
}

fn polygon(rings: &[Json]) -> Option<Polygon> {
    let mut rings = rings.iter().map(|r| ring(array(r)?)).collect::<Option<Vec<_>>>()?.into_iter();
    let polygon = Polygon { shell: rings.next()?, holes: rings.collect() };
    super::sweep::is_simple(&polygon).then_some(polygon)
}

/// A ring repeats its first position at the end, and no other.
fn ring(coordinates: &[Json]) -> Option<Ring> {
    let mut places: Vec<Place> = coordinates.iter().map(position).collect::<Option<_>>()?;
    if places.len() < 4 || places.pop()?.at != places.first()?.at || places.len() > VERTICES_MAX {
        return None;
    }
    let mut seen = HashSet::new();
    if !places.iter().all(|place| seen.insert(place.at.key())) {
        return None;
    }
    let ring = Ring::new(places);
    let odd = ring.edges().any(|(a, b)| opposite(a.at, b.at));
    (!odd).then(|| ring.small())
}

/// The last shape that was read, since a query asks one of many rows.
struct Last<T>(RefCell<Option<Read<T>>>);

/// What was read, and what came of it.
type Read<T> = (Arc<Json>, Option<Arc<T>>);

impl<T> Last<T> {
    fn read(&self, json: &Arc<Json>, read: fn(&Json) -> Option<T>) -> Option<Arc<T>> {
        let mut last = self.0.borrow_mut();
        match &*last {
            Some((key, shape)) if Arc::ptr_eq(key, json) => shape.clone(),
            _ => {
                let shape = read(json).map(Arc::new);
                *last = Some((Arc::clone(json), shape.clone()));
                shape
            }
        }
    }
}

thread_local! {
    static LINES: Last<Vec<Line>> = const { Last(RefCell::new(None)) };
    static POLYGONS: Last<Vec<Polygon>> = const { Last(RefCell::new(None)) };
}

/// The lines in an argument.
pub(super) fn lines_of(value: Option<&Value>) -> Option<Arc<Vec<Line>>> {
    let Some(Value::Dynamic(json)) = value else { return None };
    LINES.with(|last| last.read(json, lines))
}

/// The polygons in an argument.
pub(super) fn polygons_of(value: Option<&Value>) -> Option<Arc<Vec<Polygon>>> {
    let Some(Value::Dynamic(json)) = value else { return None };
    POLYGONS.with(|last| last.read(json, polygons))
}

/// A GeoJSON object.
pub(super) fn object(kind: &str, key: &str, content: Vec<Json>) -> Json {
    Json::Bag(vec![("type".into(), Json::String(kind.into())), (key.into(), Json::Array(content))])
}

fn coordinates(place: &Place) -> Vec<Json> {
    vec![Json::Real(place.lng), Json::Real(place.lat)]
}

/// One or several of a kind; `None` of nothing.
fn one_or_many(kind: &str, mut all: Vec<Vec<Json>>) -> Option<Json> {
    match all.len() {
        0 => None,
        1 => Some(object(kind, "coordinates", all.swap_remove(0))),
        _ => {
            let all = all.into_iter().map(Json::Array).collect();
            Some(object(&format!("Multi{kind}"), "coordinates", all))
        }
    }
}

pub(super) fn point_json(place: &Place) -> Json {
    object("Point", "coordinates", coordinates(place))
}

pub(super) fn points_json(places: &[Place]) -> Option<Json> {
    one_or_many("Point", places.iter().map(coordinates).collect())
}

pub(super) fn lines_json(lines: &[Line]) -> Option<Json> {
    let line = |line: &Line| line.iter().map(|p| Json::Array(coordinates(p))).collect();
    one_or_many("LineString", lines.iter().map(line).collect())
}

/// A polygon with its holes turned around, as the standard wants them.
pub(super) fn polygons_json(polygons: &[Polygon]) -> Option<Json> {
    let ring = |ring: &Ring| {
        let vertices = ring.vertices();
        let closed = vertices.iter().chain(vertices.first());
        Json::Array(closed.map(|p| Json::Array(coordinates(p))).collect())
    };
    let polygon = |polygon: &Polygon| polygon.boundary().iter().map(ring).collect();
    one_or_many("Polygon", polygons.iter().map(polygon).collect())
}
