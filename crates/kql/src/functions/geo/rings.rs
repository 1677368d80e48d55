//! A closed ring of edges, its inside on the left.

use super::predicates::{counts_as_crossing, ordered_left, side};
use super::vector::{P, Place};

/// A point that lies on no sensible edge, from which crossings are counted.
const ORIGIN: P =
    P { x: -0.009_999_466_435_025_02, y: 0.002_592_454_260_932_412, z: 0.999_946_643_502_502 };

/// At least three vertices; the last is not repeated.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    vertices: Vec<Place>,
    origin_inside: bool,
}

impl Ring {
    pub(super) fn new(vertices: Vec<Place>) -> Self {
        let mut ring = Self { vertices, origin_inside: false };
        let [a, b, c] = [0, 1, 2].map(|i| ring.at(i));
        // Of the angle at b a fixed direction tells whether b counts as inside.
        let inside = ordered_left(b.across(), a, c, b);
        ring.origin_inside = inside != ring.contains(b);
        ring
    }

    pub(super) fn vertices(&self) -> &[Place] {
        &self.vertices
    }

    fn at(&self, i: usize) -> P {
        self.vertices[i % self.vertices.len()].at
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = (Place, Place)> + '_ {
        let next = self.vertices.iter().cycle().skip(1);
        self.vertices.iter().zip(next).map(|(a, b)| (*a, *b))
    }

    /// Whether a point is inside; of rings around a vertex exactly one contains it.
    pub(super) fn contains(&self, p: P) -> bool {
        let crossings = self.edges().filter(|(a, b)| counts_as_crossing(ORIGIN, p, a.at, b.at));
        (crossings.count() % 2 == 1) != self.origin_inside
    }

    /// 2π less the area: the sum of the turns to the left.
    pub(super) fn curvature(&self) -> f64 {
        let turn = |i: usize| {
            let [a, b, c] = [i, i + 1, i + 2].map(|i| self.at(i));
            let angle = a.normal(b).angle_between(b.normal(c));
            if side(a, b, c) > 0 { angle } else { -angle }
        };
        (0..self.vertices.len()).map(turn).sum()
    }

    /// Whether the inside is the smaller part of the globe.
    pub(super) fn is_small(&self) -> bool {
        self.curvature() >= -1e-12
    }

    /// With the smaller part of the globe inside.
    pub(super) fn small(self) -> Self {
        if self.is_small() { self } else { self.inverted() }
    }

    /// With the outside inside. The last edge stays the last.
    pub(super) fn inverted(self) -> Self {
        let mut vertices = self.vertices;
        vertices.reverse();
        Self { vertices, origin_inside: !self.origin_inside }
    }

    /// In units of the sphere, for a ring that holds the smaller part.
    pub(super) fn area(&self) -> f64 {
        let first = self.at(0);
        let curvature = self.curvature();
        if curvature < std::f64::consts::PI {
            return std::f64::consts::TAU - curvature;
        }
        let triangles = (1..self.vertices.len() - 1).map(|i| {
            let (b, c) = (self.at(i), self.at(i + 1));
            let volume = b.minus(first).cross(c.minus(first)).dot(first);
            2.0 * volume.atan2(1.0 + first.dot(b) + b.dot(c) + c.dot(first))
        });
        triangles.sum()
    }

    /// The integral of the position over the inside (Brock 1975: edges alone give it).
    pub(super) fn moment(&self) -> P {
        let zero = P { x: 0.0, y: 0.0, z: 0.0 };
        self.edges().fold(zero, |sum, (a, b)| {
            let normal = a.at.normal(b.at).unit();
            sum.plus(normal.times(a.at.angle(b.at) / 2.0))
        })
    }

    pub(super) fn length(&self) -> f64 {
        self.edges().map(|(a, b)| a.at.angle(b.at)).sum()
    }
}

impl P {
    /// The angle between vectors of any length.
    fn angle_between(self, other: Self) -> f64 {
        self.cross(other).norm().atan2(self.dot(other))
    }
}
