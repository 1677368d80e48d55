//! Well-known text (OGC 06-103r4, clause 7) to GeoJSON.

use super::shapes::object;
use super::{json_or_null, text};
use crate::functions::Table;
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[("geo_from_wkt", |a, _| json_or_null(from_wkt(a)))];

/// Collections are nested no deeper.
const DEPTH_MAX: usize = 32;

fn from_wkt(arguments: &[Value]) -> Option<Json> {
    let text = text(arguments.first())?;
    let mut reader = Reader { rest: text.trim() };
    let shape = reader.shape(0)?;
    reader.rest.trim().is_empty().then_some(shape)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn word(&mut self) -> String {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_ascii_uppercase();
        self.rest = &self.rest[end..];
        word
    }

    fn take(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Option<Json> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')))
            .unwrap_or(self.rest.len());
        let text = &self.rest[..end];
        self.rest = &self.rest[end..];
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Json::Long(whole));
        }
        text.parse::<f64>().ok().filter(|x| x.is_finite()).map(Json::Real)
    }

    fn position(&mut self) -> Option<Json> {
        Some(Json::Array(vec![self.number()?, self.number()?]))
    }

    /// A position that may stand in parentheses of its own.
    fn wrapped_position(&mut self) -> Option<Json> {
        if self.take('(') {
            let position = self.position()?;
            return self.take(')').then_some(position);
        }
        self.position()
    }

    /// `(…, …)`
    fn list(&mut self, item: &mut dyn FnMut(&mut Self) -> Option<Json>) -> Option<Vec<Json>> {
        if !self.take('(') {
            return None;
        }
        let mut items = Vec::new();
        loop {
            items.push(item(self)?);
            if !self.take(',') {
                return self.take(')').then_some(items);
            }
        }
    }

    fn positions(&mut self) -> Option<Json> {
        self.list(&mut Self::position).map(Json::Array)
    }

    fn rings(&mut self) -> Option<Json> {
        self.list(&mut Self::positions).map(Json::Array)
    }

    fn shape(&mut self, depth: usize) -> Option<Json> {
        if depth > DEPTH_MAX {
            return None;
        }
        let word = self.word();
        let (kind, coordinates) = match word.as_str() {
            "POINT" => {
                if !self.take('(') {
                    return None;
                }
                let Json::Array(position) = self.position()? else { return None };
                if !self.take(')') {
                    return None;
                }
                ("Point", position)
            }
            "LINESTRING" => ("LineString", self.list(&mut Self::position)?),
            "POLYGON" => ("Polygon", self.list(&mut Self::positions)?),
            "MULTIPOINT" => ("MultiPoint", self.list(&mut Self::wrapped_position)?),
            "MULTILINESTRING" => ("MultiLineString", self.list(&mut Self::positions)?),
            "MULTIPOLYGON" => ("MultiPolygon", self.list(&mut Self::rings)?),
            "GEOMETRYCOLLECTION" => {
                let shapes = self.list(&mut |reader| reader.shape(depth + 1))?;
                return Some(object("GeometryCollection", "geometries", shapes));
            }
            _ => return None,
        };
        Some(object(kind, "coordinates", coordinates))
    }
}
