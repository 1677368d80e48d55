//! Hashes. `hash()` is xxHash64; the cryptographic ones are of the text of the value.

use super::arguments::{long, or_null, text};
use super::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("hash", hash),
    ("hash_xxhash64", hash),
    ("__hash_xxh64", hash),
    ("__hash_djb2", djb2),
    ("__hash_crc32", crc32),
    ("__hash_many_crc32", many_crc32),
    ("hash_combine", combine),
    ("hash_many", many),
    ("hash_md5", |a, _| Value::text(hex::encode(crypto::md5(text(a, 0).as_bytes())))),
    ("hash_sha1", |a, _| Value::text(hex::encode(crypto::sha1(text(a, 0).as_bytes())))),
    ("hash_sha256", |a, _| Value::text(hex::encode(crypto::sha256(text(a, 0).as_bytes())))),
];

/// What is hashed: text as it is, numbers and times as 8 bytes.
fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(b) => vec![u8::from(*b)],
        Value::Int(n) => i64::from(*n).to_le_bytes().to_vec(),
        Value::Long(n) | Value::DateTime(n) | Value::TimeSpan(n) => n.to_le_bytes().to_vec(),
        Value::Real(x) => x.to_le_bytes().to_vec(),
        Value::Guid(g) => guid_bytes(*g).to_vec(),
        other => other.to_text().as_bytes().to_vec(),
    }
}

/// A guid in memory as .NET has it: the first three parts with their low byte first.
pub(super) fn guid_bytes(guid: u128) -> [u8; 16] {
    let mut bytes = guid.to_be_bytes();
    bytes[0..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

fn xxhash(value: &Value, seed: u64) -> i64 {
    twox_hash::XxHash64::oneshot(seed, &bytes(value)) as i64
}

/// The hash brought below `mod`, where one is given.
fn reduced(hash: i64, arguments: &[Value]) -> Value {
    match arguments.get(1) {
        None => Value::Long(hash),
        Some(modulus) => or_null(modulus.to_long().filter(|m| *m > 0), |modulus| {
            Value::Long(((hash as u64) % (modulus as u64)) as i64)
        }),
    }
}

fn hash(arguments: &[Value], _: &Context) -> Value {
    let Some(value) = arguments.first() else { return Value::Null };
    let seed = long(arguments, 2).unwrap_or(0) as u64;
    reduced(xxhash(value, seed), arguments)
}

fn join(hashes: impl Iterator<Item = i64>) -> Value {
    let joined = hashes.map(|hash| hash as u64).reduce(|a, b| {
        a ^ b.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_add(a << 6).wrapping_add(a >> 2)
    });
    or_null(joined, |hash| Value::Long(hash as i64))
}

fn combine(arguments: &[Value], _: &Context) -> Value {
    join(arguments.iter().map(|value| value.to_long().unwrap_or(0)))
}

fn many(arguments: &[Value], _: &Context) -> Value {
    join(arguments.iter().map(|value| xxhash(value, 0)))
}

fn djb2(arguments: &[Value], _: &Context) -> Value {
    let Some(value) = arguments.first() else { return Value::Null };
    let step = |hash: u64, byte: u8| hash.wrapping_mul(33).wrapping_add(byte.into());
    reduced(bytes(value).into_iter().fold(5381, step) as i64, arguments)
}

/// CRC-32 of ISO 3309, as zip has it.
fn crc(bytes: &[u8], seed: u32) -> u32 {
    let mut crc = !seed;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

fn crc32(arguments: &[Value], _: &Context) -> Value {
    let Some(value) = arguments.first() else { return Value::Null };
    let seed = long(arguments, 2).unwrap_or(0) as u32;
    reduced(crc(&bytes(value), seed).into(), arguments)
}

fn many_crc32(arguments: &[Value], _: &Context) -> Value {
    let hash = arguments.iter().fold(0, |seed, value| crc(&bytes(value), seed));
    Value::Long(hash.into())
}
