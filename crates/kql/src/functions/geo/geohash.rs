//! Geohashes: rectangles of longitude and latitude, halved by turns, five halvings a character.

use super::shapes::{object, point_json};
use super::vector::Place;
use super::{json_or_null, level_or, place, text, texts};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("geo_point_to_geohash", point_to_geohash),
    ("geo_geohash_to_central_point", |a, _| json_or_null(central_point(a))),
    ("geo_geohash_to_polygon", |a, _| json_or_null(to_polygon(a))),
    ("geo_geohash_neighbors", |a, _| json_or_null(neighbours(a))),
];

const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// Characters where their number is not given, and most.
const ACCURACY: u8 = 5;
const ACCURACY_MAX: u8 = 18;

/// A rectangle: how often each axis was halved, and which part it is.
#[derive(Debug, Clone, Copy)]
struct Rectangle {
    lng_bits: u32,
    lat_bits: u32,
    lng: u64,
    lat: u64,
}

impl Rectangle {
    fn bits(accuracy: u8) -> (u32, u32) {
        let bits = 5 * u32::from(accuracy);
        (bits.div_ceil(2), bits / 2)
    }

    fn at(place: &Place, accuracy: u8) -> Self {
        let (lng_bits, lat_bits) = Self::bits(accuracy);
        let part = |share: f64, bits: u32| {
            let n = 1_u64 << bits;
            ((share * n as f64) as u64).min(n - 1)
        };
        Self {
            lng_bits,
            lat_bits,
            lng: part((place.lng + 180.0) / 360.0, lng_bits),
            lat: part((place.lat + 90.0) / 180.0, lat_bits),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let accuracy = u8::try_from(text.len()).ok().filter(|n| (1..=ACCURACY_MAX).contains(n))?;
        let (lng_bits, lat_bits) = Self::bits(accuracy);
        let (mut lng, mut lat, mut even) = (0, 0, true);
        for byte in text.bytes() {
            let byte = byte.to_ascii_lowercase();
            let five = ALPHABET.iter().position(|b| *b == byte)? as u64;
            for shift in (0..5).rev() {
                let bit = five >> shift & 1;
                if even {
                    lng = lng << 1 | bit;
                } else {
                    lat = lat << 1 | bit;
                }
                even = !even;
            }
        }
        Some(Self { lng_bits, lat_bits, lng, lat })
    }

    fn text(&self) -> String {
        let bits = self.lng_bits + self.lat_bits;
        let bit = |i: u32| match i % 2 {
            0 => self.lng >> (self.lng_bits - 1 - i / 2) & 1,
            _ => self.lat >> (self.lat_bits - 1 - i / 2) & 1,
        };
        let five = |i: u32| (5 * i..5 * i + 5).fold(0, |five, i| five << 1 | bit(i));
        (0..bits / 5).map(|i| char::from(ALPHABET[five(i) as usize])).collect()
    }

    /// The longitude at a share of the width, and the latitude at one of the height.
    fn position(&self, right: f64, up: f64) -> (f64, f64) {
        let width = 360.0 / (1_u64 << self.lng_bits) as f64;
        let height = 180.0 / (1_u64 << self.lat_bits) as f64;
        ((self.lng as f64 + right) * width - 180.0, (self.lat as f64 + up) * height - 90.0)
    }

    /// The rectangle some widths and heights away; around the globe, but not over the poles.
    fn beside(&self, right: i64, up: i64) -> Option<Self> {
        let lng = (self.lng as i64 + right).rem_euclid(1 << self.lng_bits) as u64;
        let lat =
            u64::try_from(self.lat as i64 + up).ok().filter(|lat| *lat < 1 << self.lat_bits)?;
        Some(Self { lng, lat, ..*self })
    }
}

fn point_to_geohash(arguments: &[Value], _: &Context) -> Value {
    let accuracy = level_or(arguments.get(2), ACCURACY, 1, ACCURACY_MAX);
    match (place(arguments, 0), accuracy) {
        (Some(place), Some(accuracy)) => Value::text(Rectangle::at(&place, accuracy).text()),
        _ => Value::text(""),
    }
}

fn rectangle(arguments: &[Value]) -> Option<Rectangle> {
    let text = text(arguments.first())?;
    Rectangle::parse(&text)
}

fn central_point(arguments: &[Value]) -> Option<Json> {
    let (lng, lat) = rectangle(arguments)?.position(0.5, 0.5);
    Some(point_json(&Place::of(lng, lat)?))
}

fn to_polygon(arguments: &[Value]) -> Option<Json> {
    let rectangle = rectangle(arguments)?;
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)];
    let ring = corners.map(|(right, up)| {
        let (lng, lat) = rectangle.position(right, up);
        Json::Array(vec![Json::Real(lng), Json::Real(lat)])
    });
    Some(object("Polygon", "coordinates", vec![Json::Array(ring.into())]))
}

fn neighbours(arguments: &[Value]) -> Option<Json> {
    let rectangle = rectangle(arguments)?;
    let around = NEIGHBOURS.iter().filter_map(|(right, up)| rectangle.beside(*right, *up));
    Some(texts(around.map(|rectangle| rectangle.text())))
}

/// In the order of Kusto's page "geo_geohash_neighbors".
const NEIGHBOURS: [(i64, i64); 8] =
    [(-1, -1), (-1, 1), (1, -1), (0, 1), (-1, 0), (1, 1), (1, 0), (0, -1)];
