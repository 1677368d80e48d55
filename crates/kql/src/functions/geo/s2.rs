//! Cells of the S2 grid: six faces of a cube, each a square that is quartered thirty times,
//! numbered along a Hilbert curve (s2geometry.io, "S2 cells").

use super::vector::P;

/// Levels of cells go from 0 to this.
pub(super) const LEVEL_MAX: u8 = 30;
const SIZE: u32 = 1 << LEVEL_MAX;

/// For each orientation of the curve (1: axes swapped, 2: inverted), the quarter (2 i + j) at
/// each position, and the change of orientation there.
const QUARTERS: [[u32; 4]; 4] = [[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]];
const TURNS: [u32; 4] = [1, 0, 0, 3];

/// A cell's number: face, positions of its ancestors, a one, zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cell(u64);

/// The number of the leaf that holds a point, to sort by.
pub(super) fn leaf(p: P) -> u64 {
    Cell::leaf(p).0
}

/// Along a face, the share of the edge (0 to 1) for a coordinate on the cube (-1 to 1): the
/// quadratic form, which makes cells of one level nearly equal.
fn share_of(u: f64) -> f64 {
    if u >= 0.0 { 0.5 * (1.0 + 3.0 * u).sqrt() } else { 1.0 - 0.5 * (1.0 - 3.0 * u).sqrt() }
}

fn of_share(s: f64) -> f64 {
    if s >= 0.5 { (4.0 * s * s - 1.0) / 3.0 } else { (1.0 - 4.0 * (1.0 - s) * (1.0 - s)) / 3.0 }
}

/// Face and coordinates on it.
fn face_of(p: P) -> (u8, f64, f64) {
    let (x, y, z) = (p.x.abs(), p.y.abs(), p.z.abs());
    let axis = if x > y && x > z {
        0
    } else if y > z {
        1
    } else {
        2
    };
    let along = [p.x, p.y, p.z][usize::from(axis)];
    let face = if along < 0.0 { axis + 3 } else { axis };
    let (u, v) = on_face(face, p);
    (face, u, v)
}

/// Coordinates of a point on a face, whichever it lies on.
pub(super) fn on_face(face: u8, p: P) -> (f64, f64) {
    match face {
        0 => (p.y / p.x, p.z / p.x),
        1 => (-p.x / p.y, p.z / p.y),
        2 => (-p.x / p.z, -p.y / p.z),
        3 => (p.z / p.x, p.y / p.x),
        4 => (p.z / p.y, -p.x / p.y),
        _ => (-p.y / p.z, -p.x / p.z),
    }
}

fn off_face(face: u8, u: f64, v: f64) -> P {
    let p = |x, y, z| P { x, y, z };
    match face {
        0 => p(1.0, u, v),
        1 => p(-u, 1.0, v),
        2 => p(-u, -v, 1.0),
        3 => p(-1.0, -v, -u),
        4 => p(v, -1.0, -u),
        _ => p(v, u, -1.0),
    }
    .unit()
}

impl Cell {
    pub(super) fn face(face: u8) -> Self {
        Self((u64::from(face) << 61) | (1 << 60))
    }

    fn leaf(p: P) -> Self {
        let (face, u, v) = face_of(p);
        let index = |u: f64| {
            let at = (share_of(u) * f64::from(SIZE)).floor();
            at.clamp(0.0, f64::from(SIZE - 1)) as u32
        };
        Self::leaf_at(face, index(u), index(v))
    }

    fn leaf_at(face: u8, i: u32, j: u32) -> Self {
        let mut orientation = u32::from(face) & 1;
        let mut number = u64::from(face);
        for bit in (0..LEVEL_MAX).rev() {
            let quarter = ((i >> bit) & 1) << 1 | ((j >> bit) & 1);
            let position = QUARTERS[orientation as usize]
                .iter()
                .position(|q| *q == quarter)
                .expect("because each quarter has a position");
            number = number << 2 | position as u64;
            orientation ^= TURNS[position];
        }
        Self(number << 1 | 1)
    }

    /// The cell of a level that holds a point.
    pub(super) fn at(p: P, level: u8) -> Self {
        Self::leaf(p).parent(level)
    }

    pub(super) fn parent(self, level: u8) -> Self {
        let low = 1_u64 << (2 * u32::from(LEVEL_MAX - level));
        Self((self.0 & low.wrapping_neg()) | low)
    }

    pub(super) fn children(self) -> [Self; 4] {
        let low = (self.0 & self.0.wrapping_neg()) >> 2;
        let first = self.0 - 3 * low;
        [0, 1, 2, 3].map(|i| Self(first + 2 * i * low))
    }

    pub(super) fn level(self) -> u8 {
        LEVEL_MAX - (self.0.trailing_zeros() / 2) as u8
    }

    pub(super) fn face_number(self) -> u8 {
        (self.0 >> 61) as u8
    }

    /// Hex digits without the zeros at the end.
    pub(super) fn token(self) -> String {
        format!("{:016x}", self.0).trim_end_matches('0').to_owned()
    }

    pub(super) fn parse(token: &str) -> Option<Self> {
        if token.is_empty() || token.len() > 16 || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let number = u64::from_str_radix(&format!("{token:0<16}"), 16).ok()?;
        let valid = number >> 61 < 6 && number != 0 && number.trailing_zeros().is_multiple_of(2);
        (valid && number.trailing_zeros() <= 60).then_some(Self(number))
    }

    /// The least i and j on the face, and the size.
    fn square(self) -> (u32, u32, u32) {
        let level = self.level();
        let mut orientation = u32::from(self.face_number()) & 1;
        let (mut i, mut j) = (0, 0);
        for step in 0..level {
            let position = (self.0 >> (59 - 2 * u32::from(step))) as usize & 3;
            let quarter = QUARTERS[orientation as usize][position];
            i = i << 1 | quarter >> 1;
            j = j << 1 | quarter & 1;
            orientation ^= TURNS[position];
        }
        let size = 1_u32 << (LEVEL_MAX - level);
        (i * size, j * size, size)
    }

    /// On its face: least and greatest u, least and greatest v.
    pub(super) fn bounds(self) -> [f64; 4] {
        let (i, j, size) = self.square();
        let at = |index: u32| of_share(f64::from(index) / f64::from(SIZE));
        [at(i), at(i + size), at(j), at(j + size)]
    }

    /// Where the quarters meet.
    pub(super) fn centre(self) -> P {
        let (i, j, size) = self.square();
        let at =
            |index: u32| of_share((f64::from(index) + f64::from(size) / 2.0) / f64::from(SIZE));
        off_face(self.face_number(), at(i), at(j))
    }

    /// The corners, counterclockwise.
    pub(super) fn corners(self) -> [P; 4] {
        let [u0, u1, v0, v1] = self.bounds();
        [(u0, v0), (u1, v0), (u1, v1), (u0, v1)].map(|(u, v)| off_face(self.face_number(), u, v))
    }

    /// The cells of the same level around, in the order of Kusto's page "geo_s2cell_neighbors";
    /// fewer at a corner of the cube.
    pub(super) fn neighbours(self) -> Vec<Self> {
        let (i, j, size) = self.square();
        let mut found: Vec<Self> = Vec::new();
        for (right, up) in [(1, 1), (-1, -1), (1, -1), (0, -1), (0, 1), (1, 0), (-1, 0), (-1, 1)] {
            let (i, j) = (i64::from(i), i64::from(j));
            let cell = self.beside(i + right * i64::from(size), j + up * i64::from(size));
            let cell = cell.parent(self.level());
            if cell != self && !found.contains(&cell) {
                found.push(cell);
            }
        }
        found
    }

    /// The leaf at indices that may lie outside of the face.
    fn beside(self, i: i64, j: i64) -> Self {
        let face = self.face_number();
        let limit = i64::from(SIZE);
        if (0..limit).contains(&i) && (0..limit).contains(&j) {
            return Self::leaf_at(face, i as u32, j as u32);
        }
        // Just outside of the face, straight on, and from there onto the other face.
        let (i, j) = (i.clamp(-1, limit), j.clamp(-1, limit));
        let at = |index: i64| {
            let u = 2.0 / limit as f64 * (index as f64 - limit as f64 / 2.0) + 1.0 / limit as f64;
            u.clamp(-1.0 - f64::EPSILON, 1.0 + f64::EPSILON)
        };
        Self::leaf(off_face(face, at(i), at(j)))
    }
}
