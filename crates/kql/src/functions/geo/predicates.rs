//! On which side a point lies, and whether edges cross: exact, and never undecided.
//!
//! The rules are those of the S2 library (s2geometry.io, "robust predicates"): the sign of a
//! determinant, exactly where rounding leaves it open (Shewchuk 1997), and where it is zero, of
//! the determinant after infinitely small displacements (Edelsbrunner and Mücke 1990). So an edge
//! never passes exactly through a vertex.

use super::vector::P;

/// Rounding errors of the determinant of three unit vectors stay below this.
const ROUNDING: f64 = 1.8274 * f64::EPSILON;

/// 1 where a, b, c turn left (counterclockwise seen from outside), -1 where right; 0 only where
/// two of them are equal.
pub(super) fn side(a: P, b: P, c: P) -> i32 {
    let fast = a.cross(b).dot(c);
    if fast > ROUNDING {
        return 1;
    }
    if fast < -ROUNDING {
        return -1;
    }
    if a == b || b == c || c == a {
        return 0;
    }
    let (mut a, mut b, mut c, mut turns) = (a, b, c, 1);
    if a > b {
        (a, b, turns) = (b, a, -turns);
    }
    if b > c {
        (b, c, turns) = (c, b, -turns);
    }
    if a > b {
        (a, b, turns) = (b, a, -turns);
    }
    let exact = determinant(a, b, c);
    turns * if exact != 0 { exact } else { displaced(a, b, c) }
}

/// The exact sign of the determinant.
fn determinant(a: P, b: P, c: P) -> i32 {
    let mut sum = Expansion::default();
    for (f, g, h, sign) in [
        (a.x, b.y, c.z, 1.0),
        (a.x, b.z, c.y, -1.0),
        (a.y, b.z, c.x, 1.0),
        (a.y, b.x, c.z, -1.0),
        (a.z, b.x, c.y, 1.0),
        (a.z, b.y, c.x, -1.0),
    ] {
        let (high, low) = product(f, g);
        for part in [high, low] {
            let (high, low) = product(part, h * sign);
            sum.add(high);
            sum.add(low);
        }
    }
    sum.sign()
}

/// The exact sign of a b - c d.
fn difference(a: f64, b: f64, c: f64, d: f64) -> i32 {
    let mut sum = Expansion::default();
    for (high, low) in [product(a, b), product(-c, d)] {
        sum.add(high);
        sum.add(low);
    }
    sum.sign()
}

fn sign(x: f64) -> i32 {
    i32::from(x > 0.0) - i32::from(x < 0.0)
}

/// The sign after displacements, the smaller of the sorted points by infinitely more.
fn displaced(a: P, b: P, c: P) -> i32 {
    let tests: [&dyn Fn() -> i32; 12] = [
        &|| difference(b.x, c.y, b.y, c.x),
        &|| difference(b.z, c.x, b.x, c.z),
        &|| difference(b.y, c.z, b.z, c.y),
        &|| difference(c.x, a.y, c.y, a.x),
        &|| sign(c.x),
        &|| -sign(c.y),
        &|| difference(c.z, a.x, c.x, a.z),
        &|| sign(c.z),
        &|| difference(a.x, b.y, a.y, b.x),
        &|| -sign(b.x),
        &|| sign(b.y),
        &|| sign(a.x),
    ];
    tests.iter().map(|test| test()).find(|sign| *sign != 0).unwrap_or(1)
}

/// A product and its rounding error.
fn product(a: f64, b: f64) -> (f64, f64) {
    let high = a * b;
    (high, a.mul_add(b, -high))
}

/// An exact sum: parts that do not overlap, least first.
#[derive(Default)]
struct Expansion(Vec<f64>);

impl Expansion {
    fn add(&mut self, x: f64) {
        let mut rest = x;
        let mut parts = Vec::with_capacity(self.0.len() + 1);
        for part in &self.0 {
            let high = rest + part;
            let virtual_part = high - rest;
            let low = (rest - (high - virtual_part)) + (part - virtual_part);
            if low != 0.0 {
                parts.push(low);
            }
            rest = high;
        }
        if rest != 0.0 {
            parts.push(rest);
        }
        self.0 = parts;
    }

    fn sign(&self) -> i32 {
        self.0.last().map_or(0, |part| sign(*part))
    }
}

/// Whether the edges a b and c d cross inside both; `None` where they share a vertex.
pub(super) fn cross(a: P, b: P, c: P, d: P) -> Option<bool> {
    if a == c || a == d || b == c || b == d {
        return None;
    }
    if a == b || c == d {
        return Some(false);
    }
    let acb = -side(a, b, c);
    if side(a, b, d) != acb || -side(c, d, b) != acb {
        return Some(false);
    }
    Some(side(c, d, a) == acb)
}

/// Whether, seen from `o`, `b` comes before `c` turning left from `a`.
pub(super) fn ordered_left(a: P, b: P, c: P, o: P) -> bool {
    let sum = i32::from(side(b, o, a) >= 0)
        + i32::from(side(c, o, b) >= 0)
        + i32::from(side(a, o, c) > 0);
    sum >= 2
}

/// Whether an edge crosses another for the purpose of counting crossings, when they may share a
/// vertex: of all edges around a vertex, the count comes out right.
pub(super) fn counts_as_crossing(a: P, b: P, c: P, d: P) -> bool {
    match cross(a, b, c, d) {
        Some(crosses) => crosses,
        None if a == b || c == d => false,
        None if a == c => b == d || ordered_left(a.across(), d, b, a),
        None if b == d => ordered_left(b.across(), c, a, b),
        None if a == d => b == c || ordered_left(a.across(), c, b, a),
        None => ordered_left(b.across(), d, a, b),
    }
}

/// Where two edges that cross meet.
pub(super) fn meeting(a: P, b: P, c: P, d: P) -> P {
    // Distances of a and b from the plane of c d, measured from its nearer end.
    let normal = c.normal(d);
    let distance = |p: P| {
        let from = if p.minus(c).norm() <= p.minus(d).norm() { c } else { d };
        normal.dot(p.minus(from))
    };
    let (da, db) = (distance(a), distance(b));
    if da == db {
        return a.middle(b);
    }
    let point = a.times(db).minus(b.times(da)).times(1.0 / (db - da)).unit();
    if point.dot(a.plus(b)) < 0.0 { point.times(-1.0) } else { point }
}
