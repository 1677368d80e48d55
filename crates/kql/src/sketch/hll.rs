//! HyperLogLog: counts distinct values, exactly while they are few.
//!
//! Registers as in Flajolet et al. 2007; the estimate is Ertl's improved one (arXiv 1702.01284,
//! algorithm 6), which needs no tables. As a dynamic it is
//! `[[most exact, precision], [hashes as text], [registers in Base64]]`.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::xxh64;
use crate::value::{Json, Value};

const PRECISION_MIN: u8 = 4;
const PRECISION_MAX: u8 = 18;

/// A hash is its own hash.
#[derive(Debug, Default, Clone)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Hashes = HashSet<u64, BuildHasherDefault<AsIs>>;

/// A count of distinct values.
#[derive(Debug, Clone)]
pub struct Hll {
    exact_max: usize,
    precision: u8,
    exact: Hashes,
    registers: Vec<u8>,
}

impl Hll {
    /// For an accuracy of 0 to 4 (Kusto page "dcount", estimation accuracy); others mean 1.
    pub fn new(accuracy: Option<i64>) -> Self {
        let (exact_max, precision) = match accuracy {
            Some(0) => (1024, 12),
            Some(2) => (8192, 16),
            Some(3) => (8192, 17),
            Some(4) => (8192, 18),
            _ => (1024, 14),
        };
        Self { exact_max, precision, exact: Hashes::default(), registers: Vec::new() }
    }

    /// Counts a value that is not null.
    pub(crate) fn add(&mut self, value: &Value) {
        self.add_hash(hash(value));
    }

    /// Counts the value of this hash.
    pub fn add_hash(&mut self, hash: u64) {
        if self.registers.is_empty() {
            self.exact.insert(hash);
            if self.exact.len() > self.exact_max {
                self.spill();
            }
        } else {
            self.register(hash);
        }
    }

    fn spill(&mut self) {
        self.registers = vec![0; 1 << self.precision];
        for hash in std::mem::take(&mut self.exact) {
            self.register(hash);
        }
    }

    fn register(&mut self, hash: u64) {
        let at = (hash >> (64 - self.precision)) as usize;
        let rest = hash << self.precision;
        let rank = (rest.leading_zeros() as u8).min(64 - self.precision) + 1;
        self.registers[at] = self.registers[at].max(rank);
    }

    /// Counts what the other counted; the coarser precision wins.
    pub fn merge(&mut self, other: &Self) {
        if other.precision < self.precision {
            let mut coarse = other.clone();
            coarse.merge(self);
            *self = coarse;
            return;
        }
        if other.registers.is_empty() {
            for hash in &other.exact {
                self.add_hash(*hash);
            }
            return;
        }
        if self.registers.is_empty() {
            self.spill();
        }
        let more = other.precision - self.precision;
        for (i, rank) in other.registers.iter().enumerate().filter(|(_, rank)| **rank > 0) {
            let low = i & ((1 << more) - 1);
            let rank = if low == 0 {
                rank + more
            } else {
                more - (usize::BITS - low.leading_zeros()) as u8 + 1
            };
            let register = &mut self.registers[i >> more];
            *register = (*register).max(rank);
        }
    }

    /// How many distinct values, about.
    pub fn count(&self) -> i64 {
        if self.registers.is_empty() {
            return self.exact.len() as i64;
        }
        let q = usize::from(64 - self.precision);
        let mut counts = vec![0_u32; q + 2];
        for rank in &self.registers {
            counts[usize::from(*rank).min(q + 1)] += 1;
        }
        let m = self.registers.len() as f64;
        let mut z = m * tau(1.0 - f64::from(counts[q + 1]) / m);
        for n in counts[1..=q].iter().rev() {
            z = 0.5 * (z + f64::from(*n));
        }
        z += m * sigma(f64::from(counts[0]) / m);
        let alpha = 0.5 / std::f64::consts::LN_2;
        (alpha * m * m / z).round() as i64
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.registers.len() + self.exact.capacity() * 9 + size_of::<Self>()
    }

    /// As a dynamic.
    pub(crate) fn to_json(&self) -> Json {
        let mut hashes: Vec<i64> = self.exact.iter().map(|hash| *hash as i64).collect();
        hashes.sort_unstable();
        let hashes = hashes.iter().map(|hash| Json::String(hash.to_string().into())).collect();
        let registers = if self.registers.is_empty() {
            Vec::new()
        } else {
            vec![Json::String(STANDARD.encode(&self.registers).into())]
        };
        let head = vec![Json::Long(self.exact_max as i64), Json::Long(self.precision.into())];
        Json::Array(vec![Json::Array(head), Json::Array(hashes), Json::Array(registers)])
    }

    /// As bytes: the numbers of `new`, then hashes or registers.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(6 + self.registers.len() + self.exact.len() * 8);
        bytes.extend((self.exact_max as u32).to_le_bytes());
        bytes.extend([self.precision, u8::from(self.registers.is_empty())]);
        bytes.extend(&self.registers);
        bytes.extend(self.exact.iter().flat_map(|hash| hash.to_le_bytes()));
        bytes
    }

    /// From such bytes; `None` where they are none of ours.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, precision, exact, rest @ ..] = bytes else { return None };
        if !(PRECISION_MIN..=PRECISION_MAX).contains(precision) {
            return None;
        }
        let exact_max = u32::from_le_bytes([*a, *b, *c, *d]).min(8192) as usize;
        let (precision, registers) = (*precision, Vec::new());
        let mut hll = Self { exact_max, precision, exact: Hashes::default(), registers };
        if *exact == 0 {
            hll.registers = rest.to_vec();
            return (rest.len() == 1 << precision).then_some(hll);
        }
        for hash in rest.chunks_exact(8) {
            hll.add_hash(u64::from_le_bytes(hash.try_into().ok()?));
        }
        Some(hll)
    }

    /// From a dynamic; `None` where it is none of ours.
    pub(crate) fn of_json(json: &Json) -> Option<Self> {
        let Json::Array(parts) = json else { return None };
        let [Json::Array(head), Json::Array(hashes), Json::Array(registers)] = &parts[..] else {
            return None;
        };
        let [Json::Long(exact_max), Json::Long(precision)] = &head[..] else { return None };
        let precision = u8::try_from(*precision).ok()?;
        if !(PRECISION_MIN..=PRECISION_MAX).contains(&precision) {
            return None;
        }
        let exact_max = usize::try_from(*exact_max).ok().filter(|most| *most <= 8192)?;
        let mut hll =
            Self { exact_max, precision, exact: Hashes::default(), registers: Vec::new() };
        if let Some(Json::String(text)) = registers.first() {
            hll.registers = STANDARD.decode(text.as_bytes()).ok()?;
            let rank_max = 64 - precision + 1;
            if hll.registers.len() != 1 << precision
                || hll.registers.iter().any(|rank| *rank > rank_max)
            {
                return None;
            }
        }
        for hash in hashes {
            let Json::String(hash) = hash else { return None };
            hll.add_hash(hash.parse::<i64>().ok()? as u64);
        }
        Some(hll)
    }
}

/// The hash of a text.
pub fn hash_text(text: &str) -> u64 {
    xxh64(text.as_bytes())
}

/// The hash of a whole number or a time.
pub fn hash_whole(n: i64) -> u64 {
    xxh64(&n.to_le_bytes())
}

/// The hash of a value: whole numbers and times as 8 bytes, so that `int` and `long` agree.
fn hash(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::Bool(b) => xxh64(&[u8::from(*b)]),
        Value::Int(n) => xxh64(&i64::from(*n).to_le_bytes()),
        Value::Long(n) | Value::DateTime(n) | Value::TimeSpan(n) => xxh64(&n.to_le_bytes()),
        Value::Real(x) => xxh64(&(if *x == 0.0 { 0.0 } else { *x }).to_bits().to_le_bytes()),
        Value::Decimal(d) => xxh64(&d.normalize().serialize()),
        Value::Guid(g) => xxh64(&g.to_le_bytes()),
        Value::String(s) => xxh64(s.as_bytes()),
        Value::Dynamic(j) => match &**j {
            Json::String(s) => xxh64(s.as_bytes()),
            other => xxh64(other.to_string().as_bytes()),
        },
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
