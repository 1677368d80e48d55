//! gzip (RFC 1952) and zlib (RFC 1950) under base64. What fails gives `""`.

use std::io::{Read as _, Write as _};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::TEXT_MAX_BYTES;
use super::encode::{decode, encode};
use crate::functions::arguments::text;
use crate::functions::{Context, Table};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("gzip_compress_to_base64_string", gzip),
    ("gzip_decompress_from_base64_string", gunzip),
    ("zlib_compress_to_base64_string", zlib),
    ("zlib_decompress_from_base64_string", unzlib),
];

/// Raw deflate (RFC 1951); stored as it is where compression gains nothing.
fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let with = |level: Compression| {
        let mut encoder = DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(bytes).ok()?;
        encoder.finish().ok()
    };
    let packed = with(Compression::default())?;
    if packed.len() >= bytes.len() { with(Compression::none()) } else { Some(packed) }
}

/// What deflate packed, up to a limit, and how many bytes it took.
fn inflate(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut decoder = DeflateDecoder::new(bytes);
    let mut out = Vec::new();
    let limit = TEXT_MAX_BYTES as u64 + 1;
    decoder.by_ref().take(limit).read_to_end(&mut out).ok()?;
    let used = usize::try_from(decoder.total_in()).ok()?;
    (out.len() <= TEXT_MAX_BYTES).then_some((out, used))
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Adler-32 (RFC 1950 section 9).
fn adler(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

fn gzip(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    let Some(packed) = deflate(source.as_bytes()) else { return Value::text("") };
    let mut out = GZIP_HEADER.to_vec();
    out.extend(packed);
    out.extend(crc(source.as_bytes()).to_le_bytes());
    out.extend((source.len() as u32).to_le_bytes());
    Value::text(encode(&out))
}

fn zlib(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    let Some(packed) = deflate(source.as_bytes()) else { return Value::text("") };
    let mut out = ZLIB_HEADER.to_vec();
    out.extend(packed);
    out.extend(adler(source.as_bytes()).to_be_bytes());
    Value::text(encode(&out))
}

/// The text of bytes that end in the checksum that they should have.
fn checked(bytes: &[u8], sum: impl FnOnce(&[u8]) -> u32, big_endian: bool) -> Option<String> {
    let (out, used) = inflate(bytes)?;
    let stored: [u8; 4] = bytes.get(used..used + 4)?.try_into().ok()?;
    let stored = if big_endian { u32::from_be_bytes(stored) } else { u32::from_le_bytes(stored) };
    (stored == sum(&out)).then(|| String::from_utf8(out).ok())?
}

fn gunzip(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let bytes = decode(&text(arguments, 0))?;
        // No optional header fields: the flags are zero.
        let rest = bytes.strip_prefix(&GZIP_HEADER[..4])?.get(6..)?;
        checked(rest, crc, false)
    };
    Value::text(result().unwrap_or_default())
}

fn unzlib(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let bytes = decode(&text(arguments, 0))?;
        let [method, flags, rest @ ..] = &bytes[..] else { return None };
        let header = u16::from_be_bytes([*method, *flags]);
        let valid = method & 0x0f == 8 && header % 31 == 0 && flags & 0x20 == 0;
        if valid { checked(rest, adler, true) } else { None }
    };
    Value::text(result().unwrap_or_default())
}
