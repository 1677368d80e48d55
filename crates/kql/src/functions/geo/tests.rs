//! Places around Vienna: figures of the S2, H3 and GeographicLib libraries, and properties.

use crate::functions::{Context, scalar};
use crate::value::{Json, Value};

const A: &str = "[[16.30,48.18],[16.45,48.16],[16.47,48.25],[16.36,48.27],[16.30,48.18]]";
const B: &str = "[[16.40,48.20],[16.55,48.20],[16.55,48.30],[16.40,48.30],[16.40,48.20]]";
const VIENNA: [f64; 2] = [16.3738, 48.2082];
const GRAZ: [f64; 2] = [15.4395, 47.0707];

fn json(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap())
}

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap()(arguments, &Context { now: 0 })
}

fn text(name: &str, arguments: &[Value]) -> String {
    call(name, arguments).to_text().to_string()
}

fn real(name: &str, arguments: &[Value]) -> f64 {
    call(name, arguments).as_real().unwrap()
}

fn reals(of: impl IntoIterator<Item = f64>) -> Vec<Value> {
    of.into_iter().map(Value::Real).collect()
}

fn polygon(ring: &str) -> Value {
    json(&format!(r#"{{"type":"Polygon","coordinates":[{ring}]}}"#))
}

fn line(positions: &str) -> Value {
    json(&format!(r#"{{"type":"LineString","coordinates":{positions}}}"#))
}

fn list(of: &[&Value]) -> Value {
    Value::json(Json::Array(of.iter().map(|value| value.to_json()).collect()))
}

/// All numbers of a dynamic, in order.
fn numbers(value: &Value) -> Vec<f64> {
    let text = value.to_text();
    let parts = text.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
    parts.filter_map(|part| part.parse().ok()).collect()
}

fn near(a: &[f64], b: &[f64], by: f64) {
    assert_eq!(a.len(), b.len(), "{a:?} is not {b:?}");
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= by * y.abs().max(1.0), "{a:?} is not {b:?}");
    }
}

#[test]
fn every_geo_function_of_the_signatures_is_there() {
    let signatures = include_str!("../../../../../content/kql/functions.tsv");
    for line in signatures.lines().filter(|line| line.starts_with("geo_")) {
        let name = line.split('\t').next().unwrap();
        assert!(scalar(name).is_some(), "{name}");
        let strange = [Value::Null, json("[]"), json("{}"), Value::text("é"), Value::Real(1e300)];
        for strange in strange {
            call(name, &[strange.clone(), strange.clone(), strange.clone(), strange]);
        }
        call(name, &[]);
    }
}

#[test]
fn distances_and_directions() {
    let mut pair = reals([VIENNA, GRAZ].concat());
    near(&[real("geo_distance_2points", &pair)], &[144_559.783_963_274_62], 1e-12);
    near(&[real("geo_azimuth", &pair).to_degrees()], &[209.3], 1e-2);
    pair.push(Value::Bool(true));
    near(&[real("geo_distance_2points", &pair)], &[144_648.246_927_929], 1e-9);
    let turn = reals([0.0, 10.0, 0.0, 0.0, 10.0, 0.0]);
    near(&[real("geo_angle", &turn).to_degrees()], &[90.0], 1e-12);
    assert_eq!(call("geo_angle", &reals([1.0, 2.0, 1.0, 2.0, 3.0, 4.0])), Value::Null);
    assert_eq!(call("geo_distance_2points", &reals([200.0, 0.0, 1.0, 1.0])), Value::Null);
    let circle = |radius| reals([VIENNA.as_slice(), &GRAZ, &[radius]].concat());
    assert_eq!(call("geo_point_in_circle", &circle(145_000.0)), Value::Bool(true));
    assert_eq!(call("geo_point_in_circle", &circle(144_000.0)), Value::Bool(false));
    assert_eq!(call("geo_point_in_circle", &circle(-1.0)), Value::Null);
}

#[test]
fn points_against_shapes() {
    let with = |shape: &Value| [reals(VIENNA), vec![shape.clone()]].concat();
    assert_eq!(call("geo_point_in_polygon", &with(&polygon(A))), Value::Bool(true));
    assert_eq!(call("geo_point_in_polygon", &with(&polygon(B))), Value::Bool(false));
    assert_eq!(real("geo_distance_point_to_polygon", &with(&polygon(A))), 0.0);
    let closest = numbers(&call("geo_closest_point_on_polygon", &with(&polygon(B))));
    near(&closest, &[16.4, 48.2082], 1e-4);
    let meridian = line("[[16.5,48],[16.5,49]]");
    let away = real("geo_distance_point_to_line", &with(&meridian));
    near(&[away], &[9_353.0], 1e-3);
    // A vertex keeps its coordinates.
    let far = line("[[16.5,48.5],[16.5,49]]");
    let closest = numbers(&call("geo_closest_point_on_line", &with(&far)));
    assert_eq!(closest, [16.5, 48.5]);
    assert_eq!(real("geo_distance_point_to_line", &[reals([16.5, 48.5]), vec![far]].concat()), 0.0);
    for broken in ["[[1,1],[2,2],[1,1]]", "[[0,0],[2,2],[2,0],[0,2],[0,0]]", "[]"] {
        assert_eq!(call("geo_point_in_polygon", &with(&polygon(broken))), Value::Null, "{broken}");
    }
}

#[test]
fn measures_of_polygons() {
    let a = [polygon(A)];
    near(&[real("geo_polygon_area", &a)], &[102_986_769.255_822_51], 1e-10);
    let centroid = numbers(&call("geo_polygon_centroid", &a));
    near(&centroid, &[16.393_337_675_879_945, 48.212_954_963_004_165], 1e-9);
    let both = json(&format!(r#"{{"type":"MultiPolygon","coordinates":[[{A}],[{B}]]}}"#));
    near(&[real("geo_polygon_area", &[both])], &[196_278_693.909_464_4], 1e-10);
    // With a hole, whichever way its ring runs.
    let hole = "[[16.37,48.19],[16.40,48.19],[16.40,48.21],[16.37,48.21],[16.37,48.19]]";
    let holed = polygon(&format!("{A},{hole}"));
    let areas = [&holed, &polygon(A), &polygon(hole)]
        .map(|shape| real("geo_polygon_area", std::slice::from_ref(shape)));
    near(&[areas[0]], &[areas[1] - areas[2]], 1e-10);
    let inside = [reals([16.38, 48.2]), vec![holed]].concat();
    assert_eq!(call("geo_point_in_polygon", &inside), Value::Bool(false));
}

#[test]
fn unions_and_intersections_of_polygons() {
    let (a, b) = (polygon(A), polygon(B));
    let union = numbers(&call("geo_union_polygons_array", &[list(&[&a, &b])]));
    let expected = [
        [16.4, 48.262_741],
        [16.36, 48.27],
        [16.3, 48.18],
        [16.45, 48.16],
        [16.458_885, 48.200_023],
        [16.55, 48.2],
        [16.55, 48.3],
        [16.4, 48.3],
        [16.4, 48.262_741],
    ];
    near(&union, &expected.concat(), 1e-6);
    let common = call("geo_intersection_2polygons", &[a.clone(), b.clone()]);
    let area = |shape: &Value| real("geo_polygon_area", std::slice::from_ref(shape));
    near(&[area(&common)], &[area(&a) + area(&b) - 196_278_693.909_464_4], 1e-8);
    assert_eq!(call("geo_intersects_2polygons", &[a.clone(), b]), Value::Bool(true));
    let apart = polygon("[[10,40],[11,40],[11,41],[10,40]]");
    assert_eq!(call("geo_intersects_2polygons", &[a.clone(), apart.clone()]), Value::Bool(false));
    assert_eq!(
        text("geo_intersection_2polygons", &[a.clone(), apart]),
        r#"{"type":"GeometryCollection","geometries":[]}"#
    );
    // A common vertex, a common edge.
    let corner = polygon("[[16.3,48.18],[16.2,48.17],[16.2,48.1],[16.3,48.18]]");
    let touch = text("geo_intersection_2polygons", &[a.clone(), corner]);
    assert_eq!(touch, r#"{"type":"Point","coordinates":[16.3,48.18]}"#);
    let beside = polygon("[[16.36,48.27],[16.2,48.2],[16.3,48.18],[16.36,48.27]]");
    let touch = text("geo_intersection_2polygons", &[a.clone(), beside.clone()]);
    assert!(touch.starts_with(r#"{"type":"LineString""#), "{touch}");
    let joined = call("geo_union_polygons_array", &[list(&[&a, &beside])]);
    near(&[area(&joined)], &[area(&a) + area(&beside)], 1e-10);
    assert_eq!(call("geo_union_polygons_array", &[list(&[&a, &json("{}")])]), Value::Null);
}

#[test]
fn lines() {
    let way = line("[[16.2,48.10],[16.38,48.22],[16.6,48.4]]");
    let one = std::slice::from_ref(&way);
    near(&[real("geo_line_length", one)], &[44_669.804_636_789_94], 1e-11);
    for share in [0.0, 0.3, 0.9, 1.0] {
        let at = call("geo_line_interpolate_point", &[way.clone(), Value::Real(share)]);
        let place = numbers(&at);
        let found = [vec![way.clone()], reals(place)].concat();
        near(&[real("geo_line_locate_point", &found)], &[share], 1e-9);
    }
    let within = numbers(&call("geo_intersection_line_with_polygon", &[way.clone(), polygon(A)]));
    near(&within[2..4], &[16.38, 48.22], 0.0);
    assert_eq!(within.len(), 6);
    let across = line("[[16.2,48.22],[16.6,48.22]]");
    let meeting = numbers(&call("geo_intersection_2lines", &[way.clone(), across.clone()]));
    near(&meeting, &[16.38, 48.22], 1e-2);
    assert_eq!(call("geo_intersects_2lines", &[way.clone(), across]), Value::Bool(true));
    let middle = line("[[16.38,48.22],[16.6,48.4]]");
    let rest = line("[[16.6,48.4],[16.7,48.4]]");
    let union = numbers(&call("geo_union_lines_array", &[list(&[&way, &middle, &rest])]));
    assert_eq!(union, [16.2, 48.1, 16.38, 48.22, 16.6, 48.4, 16.7, 48.4]);
    let centroid = numbers(&call("geo_line_centroid", &[line("[[16,48],[16,49]]")]));
    near(&centroid, &[16.0, 48.5], 1e-9);
}

#[test]
fn other_outlines() {
    let circle = call("geo_point_buffer", &reals([VIENNA.as_slice(), &[500.0, 1.0]].concat()));
    let area = real("geo_polygon_area", &[circle]);
    let exact = std::f64::consts::PI * 500.0 * 500.0;
    assert!(area > exact && area < exact * 1.01);
    let wide =
        call("geo_line_buffer", &[line("[[16,48],[16,48.1],[16.1,48.1]]"), Value::Real(100.0)]);
    for (lng, lat, inside) in
        [(16.001, 48.05, true), (16.002, 48.05, false), (16.05, 48.1005, true)]
    {
        let place = [reals([lng, lat]), vec![wide.clone()]].concat();
        assert_eq!(call("geo_point_in_polygon", &place), Value::Bool(inside), "{lng} {lat}");
    }
    let wider = call("geo_polygon_buffer", &[polygon(A), Value::Real(1000.0)]);
    let grown = real("geo_polygon_area", &[wider]) - real("geo_polygon_area", &[polygon(A)]);
    let edge = real("geo_polygon_perimeter", &[polygon(A)]);
    assert!(grown > edge * 1000.0 && grown < edge * 1000.0 + 1.1 * exact * 4.0);
    let bent = line("[[16,48],[16.00001,48.01],[16,48.02],[16.5,48.03]]");
    let straight = numbers(&call("geo_line_simplify", std::slice::from_ref(&bent)));
    assert_eq!(straight, [16.0, 48.0, 16.0, 48.02, 16.5, 48.03]);
    assert_eq!(call("geo_line_simplify", &[bent.clone(), Value::Real(1e6)]), Value::Null);
    assert_eq!(call("geo_line_simplify", &[bent, Value::Real(-1.0)]), Value::Null);
    assert_eq!(call("geo_polygon_simplify", &[polygon(A), Value::Real(1e6)]), Value::Null);
    let dense = numbers(&call("geo_line_densify", &[line("[[10,50],[12,50]]")]));
    assert!(dense.len() > 8 && dense.chunks(2).all(|place| place[1] == 50.0));
    let meridian = numbers(&call("geo_line_densify", &[line("[[10,50],[10,52]]")]));
    assert_eq!(meridian, [10.0, 50.0, 10.0, 52.0]);
}

#[test]
fn cells() {
    let at =
        |name: &str, level: i64| text(name, &[reals(VIENNA), vec![Value::Long(level)]].concat());
    assert_eq!(at("geo_point_to_geohash", 12), "u2edk85115y4");
    assert_eq!(text("geo_point_to_geohash", &reals(VIENNA)), "u2edk");
    assert_eq!(at("geo_point_to_geohash", 19), "");
    for (level, token) in
        [(0, "5"), (5, "476c"), (11, "476d07c"), (30, "476d079f105d2fbd"), (31, "")]
    {
        assert_eq!(at("geo_point_to_s2cell", level), token);
    }
    let around = call("geo_s2cell_neighbors", &[Value::text("476d07c")]).to_text();
    for cell in
        ["476da9c", "476d06c", "476d074", "476d084", "476da84", "476d064", "476da7c", "476d08c"]
    {
        assert!(around.contains(cell), "{around}");
    }
    let cells = |name: &str, level| {
        let found = call(name, &[polygon(A), Value::Long(level)]);
        found.to_text().split(',').count()
    };
    assert_eq!(cells("geo_polygon_to_s2cells", 11), 11);
    assert_eq!(cells("geo_polygon_to_h3cells", 8), 138);
    assert_eq!(at("geo_point_to_h3cell", 9), "891e15b712bffff");
    assert_eq!(
        text("geo_h3cell_parent", &[Value::text("891e15b712bffff"), Value::Long(6)]),
        "861e15b77ffffff"
    );
    assert_eq!(call("geo_h3cell_level", &[Value::text("861e15b47ffffff")]), Value::Int(6));
    assert_eq!(
        call("geo_h3cell_rings", &[Value::text("861e15b47ffffff"), Value::Long(150)]),
        Value::Null
    );
    // The middle and the outline of a cell lie in the cell that they came from.
    for (middle, outline, cell) in [
        ("geo_geohash_to_central_point", "geo_geohash_to_polygon", "u2edk"),
        ("geo_s2cell_to_central_point", "geo_s2cell_to_polygon", "476d07c"),
        ("geo_h3cell_to_central_point", "geo_h3cell_to_polygon", "861e15b47ffffff"),
    ] {
        let cell = [Value::text(cell)];
        let place = reals(numbers(&call(middle, &cell)));
        let inside = [place, vec![call(outline, &cell)]].concat();
        assert_eq!(call("geo_point_in_polygon", &inside), Value::Bool(true));
        assert_eq!(call(middle, &[Value::text("!")]), Value::Null);
    }
}

#[test]
fn well_known_text() {
    let of = |wkt: &str| text("geo_from_wkt", &[Value::text(wkt)]);
    assert_eq!(of("point(16.5 48)"), r#"{"type":"Point","coordinates":[16.5,48]}"#);
    assert_eq!(of("MULTIPOINT ((1 2), (3 4))"), of("MULTIPOINT (1 2, 3 4)"));
    assert_eq!(
        of("GEOMETRYCOLLECTION (LINESTRING (1 2, 3 4))"),
        format!(
            r#"{{"type":"GeometryCollection","geometries":[{}]}}"#,
            r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#
        )
    );
    let deep = format!("{}POINT (1 2){}", "GEOMETRYCOLLECTION (".repeat(500), ")".repeat(500));
    for wrong in ["POINT", "POINT (1)", "POINT (1 2", "POINT (1 2) x", "CIRCLE (1 2)", "", &deep] {
        assert_eq!(of(wrong), "", "{wrong}");
    }
}
