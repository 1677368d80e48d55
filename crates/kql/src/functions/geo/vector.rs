//! Points of the unit sphere.
//!
//! Kusto takes the earth for a sphere and edges for geodesics on it (its pages on `geo_…`
//! functions); the radius follows from their figures.

/// Mean radius of the earth in metres.
pub(super) const RADIUS: f64 = 6_371_010.0;

/// A vector, nearly always of length 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct P {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) z: f64,
}

impl P {
    /// The point at a longitude and a latitude in degrees.
    pub(super) fn of(lng: f64, lat: f64) -> Self {
        let ((sin_lng, cos_lng), (sin_lat, cos_lat)) =
            (lng.to_radians().sin_cos(), lat.to_radians().sin_cos());
        Self { x: cos_lat * cos_lng, y: cos_lat * sin_lng, z: sin_lat }
    }

    pub(super) fn lng(self) -> f64 {
        self.y.atan2(self.x).to_degrees()
    }

    pub(super) fn lat(self) -> f64 {
        self.z.atan2(self.x.hypot(self.y)).to_degrees()
    }

    pub(super) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn cross(self, other: Self) -> Self {
        Self {
            x: self.y * other.z - self.z * other.y,
            y: self.z * other.x - self.x * other.z,
            z: self.x * other.y - self.y * other.x,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y, z: self.z + other.z }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y, z: self.z - other.z }
    }

    pub(super) fn times(self, by: f64) -> Self {
        Self { x: self.x * by, y: self.y * by, z: self.z * by }
    }

    pub(super) fn norm(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// Of length 1; nothing stays nothing.
    pub(super) fn unit(self) -> Self {
        let norm = self.norm();
        if norm > 0.0 { self.times(1.0 / norm) } else { self }
    }

    /// Twice the cross product, without cancellation for near points.
    pub(super) fn normal(self, other: Self) -> Self {
        let normal = self.plus(other).cross(other.minus(self));
        if normal.norm() > 0.0 { normal } else { self.across() }
    }

    /// Some point at a right angle.
    pub(super) fn across(self) -> Self {
        let (x, y, z) = (self.x.abs(), self.y.abs(), self.z.abs());
        let mut other = Self { x: 0.012, y: 0.0053, z: 0.00457 };
        // The axis before the longest one, so that the product is long.
        if x > y && x > z {
            other.z = 1.0;
        } else if y > z {
            other.x = 1.0;
        } else {
            other.y = 1.0;
        }
        self.cross(other).unit()
    }

    /// The angle between two points in radians.
    pub(super) fn angle(self, other: Self) -> f64 {
        let sine = self.plus(other).cross(other.minus(self)).norm();
        sine.atan2(2.0 * self.dot(other))
    }

    /// The point at a share of the way along the shorter arc.
    pub(super) fn towards(self, other: Self, share: f64) -> Self {
        if share <= 0.0 {
            return self;
        }
        if share >= 1.0 {
            return other;
        }
        self.ahead(other, share * self.angle(other))
    }

    /// The point at an angle from here in the direction of another.
    pub(super) fn ahead(self, other: Self, angle: f64) -> Self {
        let direction = self.normal(other).cross(self).unit();
        self.times(angle.cos()).plus(direction.times(angle.sin())).unit()
    }

    /// Halfway along the shorter arc.
    pub(super) fn middle(self, other: Self) -> Self {
        self.plus(other).unit()
    }

    /// The nearest point of the arc from `a` to `b`.
    pub(super) fn nearest(self, a: Self, b: Self) -> Self {
        let normal = a.normal(b).unit();
        let beside = self.minus(normal.times(self.dot(normal))).unit();
        // Between the ends if on the inner side of both planes through them.
        if normal.cross(a).dot(beside) > 0.0 && b.cross(normal).dot(beside) > 0.0 && a != b {
            return beside;
        }
        if self.minus(a).norm() <= self.minus(b).norm() { a } else { b }
    }

    /// The angle to the arc from `a` to `b`.
    pub(super) fn angle_to_arc(self, a: Self, b: Self) -> f64 {
        self.angle(self.nearest(a, b))
    }

    /// The bearing of another point, clockwise from north, 0 to 2π.
    pub(super) fn bearing(self, other: Self) -> f64 {
        let pole = Self { x: 0.0, y: 0.0, z: 1.0 };
        let north = self.normal(pole).cross(self).unit();
        let way = self.normal(other).cross(self).unit();
        let east = north.cross(self);
        way.dot(east).atan2(way.dot(north)).rem_euclid(std::f64::consts::TAU)
    }

    /// The value as bits, to find equal points by.
    pub(super) fn key(self) -> [u64; 3] {
        // Both zeros are one.
        [self.x + 0.0, self.y + 0.0, self.z + 0.0].map(f64::to_bits)
    }
}

/// A point and the coordinates that it was given with, so that they come out as they went in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) at: P,
    pub(super) lng: f64,
    pub(super) lat: f64,
}

impl Place {
    /// From degrees; `None` outside of the globe.
    pub(super) fn of(lng: f64, lat: f64) -> Option<Self> {
        ((-180.0..=180.0).contains(&lng) && (-90.0..=90.0).contains(&lat)).then(|| Self {
            at: P::of(lng, lat),
            lng,
            lat,
        })
    }

    /// From a computed point.
    pub(super) fn at(at: P) -> Self {
        Self { at, lng: at.lng(), lat: at.lat() }
    }
}
