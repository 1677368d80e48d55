//! Side-cars of terms: beside a data file stands one that says which terms its texts may have, a
//! filter for each row group, so that a query for a rare term reads little. It can only say that a
//! term is absent; one that is missing, damaged or of another version says nothing.
//!
//! A term is a run of letters and digits ([`char::is_alphanumeric`]) of the text as it is compared
//! without regard to case, of three characters or more: what `has` looks for.
//!
//! `_terms/PATH.terms` beside the data file `PATH` (names that begin with `_` are not part of a
//! Delta table). All numbers are little-endian.
//! ```text
//! magic "pgkeepT1" | data_size u64 | n_groups u32 | group … | crc u32
//! group = n_rows u64 | len u32 | filter of len bytes; 0: nothing is known
//! ```
//! `crc` is CRC-32C over all before it. A filter is a split-block Bloom filter (Parquet format,
//! "Bloom Filter", any number of blocks) of the FNV-1a hashes (64 bits) of terms, each inserted as
//! an INT64.

mod cache;
mod need;
mod split;

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use datafusion::arrow::array::{ArrayRef, AsArray as _, RecordBatch};
use datafusion::parquet::bloom_filter::Sbbf;
use kql::value::{Json, Type, Value};

pub(super) use cache::Sidecars;
pub(super) use need::Need;
use split::{each_hash, each_term};

use super::wal::crc32c;

const MAGIC: [u8; 8] = *b"pgkeepT1";
const BLOCK_BYTES: usize = 32;
/// Bits of a filter for each term: about one in forty is found that is not there.
const TERM_BITS: usize = 8;
/// More different terms of one row group are not kept: nothing is known then.
const TERMS_MOST: usize = 2 << 20;
/// The longest side-car that is read.
pub(super) const SIDECAR_MOST: u64 = 256 << 20;
/// More groups than any file has.
const GROUPS_MOST: u32 = 1 << 20;

/// The folder of side-cars in that of a table.
pub(super) const TERMS: &str = "_terms/";

/// Where the side-car of a data file is.
pub(super) fn sidecar_name(path: &str) -> String {
    format!("{TERMS}{path}.terms")
}

/// A hash of a hash: one multiplication spreads its bits (Knuth, TAOCP 6.4, "multiplicative
/// hashing").
#[derive(Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |sum, byte| sum << 8 ^ u64::from(*byte));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The terms of a file while it is written.
#[derive(Debug, Default)]
pub(super) struct Builder {
    hashes: HashSet<u64, BuildHasherDefault<Spread>>,
    is_over: bool,
    n_rows: u64,
    /// Rows of each group
    rows: Vec<u64>,
    groups: Vec<u8>,
}

impl Builder {
    /// Takes the texts of rows, whose columns have these types.
    pub(super) fn add(&mut self, rows: &RecordBatch, types: impl Iterator<Item = Type>) {
        self.n_rows += rows.num_rows() as u64;
        for (array, ty) in rows.columns().iter().zip(types) {
            match ty {
                Type::String => self.add_each(array, |text, take| each_hash(text, take)),
                Type::Dynamic => self.add_each(array, |text, take| {
                    json_terms(text, &mut |term| take(hash(term)));
                }),
                _ => {}
            }
        }
    }

    fn add_each(&mut self, array: &ArrayRef, of: impl Fn(&str, &mut dyn FnMut(u64))) {
        let Some(texts) = array.as_string_view_opt() else {
            // Not what the store writes: nothing is known.
            self.is_over = true;
            return;
        };
        let mut last = None;
        for text in texts.iter().flatten() {
            if self.is_over {
                return;
            }
            if last == Some(text) {
                continue;
            }
            last = Some(text);
            of(text, &mut |hash| {
                self.hashes.insert(hash);
            });
            self.is_over = self.hashes.len() > TERMS_MOST;
        }
    }

    /// Ends a row group.
    pub(super) fn end_group(&mut self) {
        let hashes = std::mem::take(&mut self.hashes);
        let n_blocks = match std::mem::take(&mut self.is_over) {
            true => 0,
            false => (hashes.len() * TERM_BITS).div_ceil(BLOCK_BYTES * 8).max(1),
        };
        let mut bits = Vec::new();
        if n_blocks > 0 {
            let mut filter = Sbbf::new(&vec![0; n_blocks * BLOCK_BYTES]);
            hashes.iter().for_each(|hash| filter.insert(&hash.cast_signed()));
            filter.write_bitset(&mut bits).expect("because memory takes it");
        }
        let len = u32::try_from(bits.len()).unwrap_or(0);
        let n_rows = std::mem::take(&mut self.n_rows);
        self.rows.push(n_rows);
        self.groups.extend_from_slice(&n_rows.to_le_bytes());
        self.groups.extend_from_slice(&len.to_le_bytes());
        self.groups.extend_from_slice(&bits[..len as usize]);
    }

    /// Whether the groups of a file, as its footer has them, are those of this.
    pub(super) fn is_of(&self, groups: &[i64]) -> bool {
        let rows = self.rows.iter().map(|n| i64::try_from(*n).ok());
        self.rows.len() <= GROUPS_MOST as usize && rows.eq(groups.iter().copied().map(Some))
    }

    /// The side-car of a data file of this size.
    pub(super) fn finish(self, data_size: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&data_size.to_le_bytes());
        let n_groups = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&n_groups.to_le_bytes());
        bytes.extend_from_slice(&self.groups);
        let crc = crc32c(&[&bytes]);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// The terms of a dynamic's text, and of all texts that a part of it can become: a string without
/// its quotes and escapes, a number as `tostring()` writes it.
fn json_terms(text: &str, take: &mut dyn FnMut(&str)) {
    fn walk(json: &Json, take: &mut dyn FnMut(&str)) {
        match json {
            Json::Array(all) => all.iter().for_each(|json| walk(json, take)),
            Json::Bag(members) => {
                for (name, json) in members {
                    each_term(name, take);
                    walk(json, take);
                }
            }
            scalar => each_term(&Value::of_json(scalar).to_text(), take),
        }
    }
    each_term(text, take);
    if let Some(json) = Json::parse(text) {
        walk(&json, take);
    }
}

/// FNV-1a, 64 bits: xor a byte, multiply by the prime.
fn hash(term: &str) -> u64 {
    term.bytes().fold(HASH_START, hash_byte)
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

fn hash_byte(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// A side-car as it was read.
#[derive(Debug)]
pub(super) struct Sidecar {
    groups: Vec<Option<Sbbf>>,
}

impl Sidecar {
    /// `None` where it is damaged, of another version, or of another file.
    pub(super) fn read(bytes: &[u8], data_size: u64, n_rows: u64) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        let mut rest = Rest(body);
        let is_whole = rest.take(8)? == MAGIC
            && u32::from_le_bytes(*crc) == crc32c(&[body])
            && rest.u64()? == data_size;
        let n_groups = rest.u32()?;
        if !is_whole || n_groups > GROUPS_MOST {
            return None;
        }
        let (mut groups, mut n_found) = (Vec::new(), 0_u64);
        for _ in 0..n_groups {
            n_found = n_found.checked_add(rest.u64()?)?;
            let len = rest.u32()? as usize;
            let bits = rest.take(len)?;
            if !len.is_multiple_of(BLOCK_BYTES) {
                return None;
            }
            groups.push((len > 0).then(|| Sbbf::new(bits)));
        }
        (rest.0.is_empty() && n_found == n_rows).then_some(Self { groups })
    }

    /// For each row group, whether it can have rows that are needed.
    pub(super) fn groups(&self, need: &Need) -> Vec<bool> {
        let may = |filter: &Option<Sbbf>| {
            need.may(None, |hash| filter.as_ref().is_none_or(|f| f.check(&hash.cast_signed())))
        };
        self.groups.iter().map(may).collect()
    }
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}
