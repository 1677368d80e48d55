//! Cells of Uber's H3 grid (h3geo.org); the crate `h3o` does the mathematics.

use std::collections::{BTreeSet, VecDeque};

use h3o::{CellIndex, LatLng, Resolution};

use super::buffer::around_polygons;
use super::shapes::{Polygon, object, point_json, polygons_of};
use super::vector::Place;
use super::{json_or_null, level_or, number, number_or, place, text, texts};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("geo_point_to_h3cell", point_to_cell),
    ("geo_h3cell_to_central_point", |a, _| json_or_null(central_point(a))),
    ("geo_h3cell_to_polygon", |a, _| json_or_null(to_polygon(a))),
    ("geo_h3cell_level", level),
    ("geo_h3cell_parent", parent),
    ("geo_h3cell_children", |a, _| json_or_null(children(a))),
    ("geo_h3cell_neighbors", |a, _| json_or_null(neighbours(a))),
    ("geo_h3cell_rings", |a, _| json_or_null(rings(a))),
    ("geo_polygon_to_h3cells", |a, _| json_or_null(fill(a))),
];

/// The resolution where none is given, and the finest.
const LEVEL: u8 = 6;
const LEVEL_MAX: u8 = 15;
/// Most levels between a cell and its children.
const DEPTH_MAX: u8 = 5;
/// The farthest ring.
const RING_MAX: f64 = 142.0;
/// So many cells fill a polygon at most.
const CELLS_MAX: usize = 61_680;

fn resolution(level: u8) -> Option<Resolution> {
    Resolution::try_from(level).ok()
}

fn cell(arguments: &[Value]) -> Option<CellIndex> {
    text(arguments.first())?.parse().ok()
}

fn cell_at(lng: f64, lat: f64, resolution: Resolution) -> Option<CellIndex> {
    Some(LatLng::new(lat, lng).ok()?.to_cell(resolution))
}

fn point_to_cell(arguments: &[Value], _: &Context) -> Value {
    let cell = || {
        let resolution = resolution(level_or(arguments.get(2), LEVEL, 0, LEVEL_MAX)?)?;
        let place = place(arguments, 0)?;
        cell_at(place.lng, place.lat, resolution)
    };
    Value::text(cell().map_or(String::new(), |cell| cell.to_string()))
}

fn place_of(at: LatLng) -> Option<Place> {
    Place::of(at.lng(), at.lat())
}

fn central_point(arguments: &[Value]) -> Option<Json> {
    Some(point_json(&place_of(cell(arguments)?.into())?))
}

fn to_polygon(arguments: &[Value]) -> Option<Json> {
    let boundary = cell(arguments)?.boundary();
    let ring = boundary.iter().chain(boundary.first());
    let ring = ring.map(|at| Json::Array(vec![Json::Real(at.lng()), Json::Real(at.lat())]));
    Some(object("Polygon", "coordinates", vec![Json::Array(ring.collect())]))
}

fn level(arguments: &[Value], _: &Context) -> Value {
    cell(arguments).map_or(Value::Null, |cell| Value::Int(u8::from(cell.resolution()).into()))
}

fn parent(arguments: &[Value], _: &Context) -> Value {
    let parent = || {
        let cell = cell(arguments)?;
        let own = u8::from(cell.resolution());
        let level = match arguments.get(1) {
            None => own.checked_sub(1)?,
            given => level_or(given, 0, 0, LEVEL_MAX)?,
        };
        cell.parent(resolution(level)?)
    };
    Value::text(parent().map_or(String::new(), |cell: CellIndex| cell.to_string()))
}

fn children(arguments: &[Value]) -> Option<Json> {
    let cell = cell(arguments)?;
    let own = u8::from(cell.resolution());
    let level = level_or(arguments.get(1), own + 1, 0, LEVEL_MAX)?;
    if level < own || level - own > DEPTH_MAX {
        return None;
    }
    Some(texts(cell.children(resolution(level)?).map(|child| child.to_string())))
}

/// The cells around, ring by ring, beginning with the cell itself.
fn disk(cell: CellIndex, distance: u32) -> Vec<Vec<CellIndex>> {
    let fast: Option<Vec<(CellIndex, u32)>> = cell.grid_disk_distances_fast(distance).collect();
    let all = fast.unwrap_or_else(|| cell.grid_disk_distances_safe(distance).collect());
    let mut rings = vec![Vec::new(); distance as usize + 1];
    for (cell, distance) in all {
        rings[distance as usize].push(cell);
    }
    rings
}

fn neighbours(arguments: &[Value]) -> Option<Json> {
    let around = disk(cell(arguments)?, 1).pop()?;
    Some(texts(around.into_iter().map(|cell| cell.to_string())))
}

fn rings(arguments: &[Value]) -> Option<Json> {
    let distance = number(arguments.get(1)).filter(|n| (0.0..=RING_MAX).contains(n))?;
    let rings = disk(cell(arguments)?, distance as u32);
    let ring = |ring: Vec<CellIndex>| texts(ring.into_iter().map(|cell| cell.to_string()));
    Some(Json::Array(rings.into_iter().map(ring).collect()))
}

/// Cells whose centres lie in a polygon, its edges straight on the map.
fn fill(arguments: &[Value]) -> Option<Json> {
    let given = polygons_of(arguments.first())?;
    let resolution = resolution(level_or(arguments.get(1), LEVEL, 0, LEVEL_MAX)?)?;
    let radius = number_or(arguments.get(2), 0.0, 0.0, 1e7)?;
    let around;
    let polygons: &[Polygon] = if radius > 0.0 {
        around = around_polygons(&given, radius, radius / 10.0)?;
        &around
    } else {
        &given
    };
    // Whatever is inside is next to something inside, or to a cell on an edge.
    let step = resolution.edge_length_km() * 1000.0 / 111_000.0 / 2.0;
    let mut queue: VecDeque<CellIndex> = VecDeque::new();
    let mut seen: BTreeSet<CellIndex> = BTreeSet::new();
    for (a, b) in polygons.iter().flat_map(|polygon| polygon.edges()) {
        let n = ((b.lng - a.lng).hypot(b.lat - a.lat) / step).ceil();
        if n > CELLS_MAX as f64 {
            return None;
        }
        for i in 0..=n as u32 {
            let share = f64::from(i) / n.max(1.0);
            let (lng, lat) = (a.lng + (b.lng - a.lng) * share, a.lat + (b.lat - a.lat) * share);
            for cell in disk(cell_at(lng, lat, resolution)?, 1).into_iter().flatten() {
                if seen.insert(cell) {
                    queue.push_back(cell);
                }
            }
        }
        if seen.len() > 8 * CELLS_MAX {
            return None;
        }
    }
    let bands = Bands::new(polygons);
    let mut found: BTreeSet<CellIndex> = BTreeSet::new();
    while let Some(cell) = queue.pop_front() {
        let centre = LatLng::from(cell);
        if !bands.hold(centre.lng(), centre.lat()) {
            continue;
        }
        found.insert(cell);
        if found.len() > CELLS_MAX {
            return None;
        }
        for next in disk(cell, 1).into_iter().flatten() {
            if seen.insert(next) {
                queue.push_back(next);
            }
        }
    }
    Some(texts(found.into_iter().map(|cell| cell.to_string())))
}

/// The edges of polygons by bands of latitude, each with the number of its polygon.
struct Bands {
    least: f64,
    height: f64,
    edges: Vec<Vec<(usize, Place, Place)>>,
}

impl Bands {
    /// All bands together hold about so many edges.
    const SIZE: usize = 2_000_000;

    fn new(polygons: &[Polygon]) -> Self {
        let all = || {
            let of = |(i, polygon): (usize, &Polygon)| {
                polygon.edges().map(move |(a, b)| (i, a, b)).collect::<Vec<_>>()
            };
            polygons.iter().enumerate().flat_map(of)
        };
        let least = all().map(|(_, a, _)| a.lat).fold(f64::INFINITY, f64::min);
        let most = all().map(|(_, a, _)| a.lat).fold(f64::NEG_INFINITY, f64::max);
        let n = (Self::SIZE / all().count().max(1)).clamp(1, 1000);
        let height = (most - least).max(f64::MIN_POSITIVE) / n as f64;
        let mut bands = Self { least, height, edges: vec![Vec::new(); n] };
        for (i, a, b) in all() {
            let (from, to) = (bands.at(a.lat.min(b.lat)), bands.at(a.lat.max(b.lat)));
            for band in &mut bands.edges[from..=to] {
                band.push((i, a, b));
            }
        }
        bands
    }

    fn at(&self, lat: f64) -> usize {
        (((lat - self.least) / self.height) as usize).min(self.edges.len() - 1)
    }

    /// Whether a polygon with straight edges on the map holds a position.
    fn hold(&self, lng: f64, lat: f64) -> bool {
        if lat < self.least {
            return false;
        }
        let above = |a: &Place, b: &Place| {
            (a.lat > lat) != (b.lat > lat)
                && lng < (b.lng - a.lng) * (lat - a.lat) / (b.lat - a.lat) + a.lng
        };
        let mut odd: BTreeSet<usize> = BTreeSet::new();
        for (i, _, _) in self.edges[self.at(lat)].iter().filter(|(_, a, b)| above(a, b)) {
            if !odd.insert(*i) {
                odd.remove(i);
            }
        }
        !odd.is_empty()
    }
}
