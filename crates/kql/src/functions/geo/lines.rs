//! Lines: length, centroid, places on them, union and intersection.

use super::overlay::{of_lines, of_lines_and_polygons, union_of_lines};
use super::shapes::{self, Line, lines_json, lines_of, point_json, polygons_of};
use super::vector::{P, Place, RADIUS};
use super::{bool_or_null, flag, json_or_null, number, place, real_or_null, spheroid};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("geo_line_length", length),
    ("geo_line_centroid", |a, _| json_or_null(centroid(a))),
    ("geo_line_interpolate_point", |a, _| json_or_null(interpolate(a))),
    ("geo_line_locate_point", |a, _| real_or_null(locate(a))),
    ("geo_union_lines_array", |a, _| json_or_null(union(a))),
    ("geo_intersects_2lines", |a, _| bool_or_null(common_lines(a).map(|c| !c.is_empty()))),
    ("geo_intersection_2lines", |a, _| json_or_null(common_lines(a).map(|c| c.to_json()))),
    ("geo_intersects_line_with_polygon", |a, _| {
        bool_or_null(common_polygon(a).map(|c| !c.is_empty()))
    }),
    ("geo_intersection_line_with_polygon", |a, _| {
        json_or_null(common_polygon(a).map(|c| c.to_json()))
    }),
];

fn length_of(line: &Line) -> f64 {
    line.windows(2).map(|ends| ends[0].at.angle(ends[1].at)).sum()
}

fn length(arguments: &[Value], _: &Context) -> Value {
    let lines = lines_of(arguments.first()).and_then(|lines| union_of_lines(&lines));
    real_or_null(lines.map(|lines| lines.iter().map(length_of).sum::<f64>() * RADIUS))
}

/// The integral of the position along the lines, as a point.
fn centroid(arguments: &[Value]) -> Option<Json> {
    let lines = lines_of(arguments.first())?;
    let mut sum = P { x: 0.0, y: 0.0, z: 0.0 };
    for line in union_of_lines(&lines)? {
        for ends in line.windows(2) {
            let (a, b) = (ends[0].at, ends[1].at);
            // Along the arc the positions add up to this multiple of its middle.
            let half = a.angle(b) / 2.0;
            sum = sum.plus(a.middle(b).times(2.0 * half.sin()));
        }
    }
    (sum.norm() > 0.0).then(|| point_json(&Place::at(sum.unit())))
}

fn single(value: Option<&Value>) -> Option<Line> {
    let lines = lines_of(value)?;
    if lines.len() == 1 { lines.first().cloned() } else { None }
}

fn interpolate(arguments: &[Value]) -> Option<Json> {
    let line = single(arguments.first())?;
    let share = number(arguments.get(1)).filter(|share| (0.0..=1.0).contains(share))?;
    let mut rest = share * length_of(&line);
    for ends in line.windows(2) {
        let (a, b) = (ends[0], ends[1]);
        let length = a.at.angle(b.at);
        if rest <= 0.0 {
            return Some(point_json(&a));
        }
        if rest < length {
            return Some(point_json(&Place::at(a.at.ahead(b.at, rest))));
        }
        rest -= length;
    }
    line.last().map(point_json)
}

/// The share of the line up to its place nearest to a point.
fn locate(arguments: &[Value]) -> Option<f64> {
    let line = single(arguments.first())?;
    let p = place(arguments, 1)?.at;
    let spheroid = flag(arguments.get(3));
    let distance = |a: &Place, b: &Place| {
        if spheroid { spheroid::distance(a, b) } else { a.at.angle(b.at) }
    };
    let (mut before, mut best) = (0.0, (f64::INFINITY, 0.0));
    for ends in line.windows(2) {
        let nearest = Place::at(p.nearest(ends[0].at, ends[1].at));
        let away = p.minus(nearest.at).norm();
        if away < best.0 {
            best = (away, before + distance(&ends[0], &nearest));
        }
        before += distance(&ends[0], &ends[1]);
    }
    Some((best.1 / before).clamp(0.0, 1.0))
}

fn union(arguments: &[Value]) -> Option<Json> {
    let Some(Value::Dynamic(json)) = arguments.first() else { return None };
    let Json::Array(all) = &**json else { return None };
    let lines: Vec<Line> =
        all.iter().map(shapes::lines).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    if lines.is_empty() {
        return None;
    }
    lines_json(&union_of_lines(&lines)?)
}

fn common_lines(arguments: &[Value]) -> Option<super::overlay::Common> {
    of_lines(&lines_of(arguments.first())?, &lines_of(arguments.get(1))?)
}

fn common_polygon(arguments: &[Value]) -> Option<super::overlay::Common> {
    let (lines, polygons) = (lines_of(arguments.first())?, polygons_of(arguments.get(1))?);
    of_lines_and_polygons(&lines, &polygons)
}
