//! Base64 there and back.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::TEXT_MAX_BYTES;
use crate::functions::arguments::{array, array_value, or_null, text};
use crate::functions::hash::guid_bytes;
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("base64_decode_toarray", decode_to_array),
    ("base64_decode_toguid", decode_to_guid),
    ("base64_decode_tostring", decode_to_string),
    ("base64_decodestring", decode_to_string),
    ("base64_encode_fromarray", encode_from_array),
    ("base64_encode_fromguid", encode_from_guid),
    ("base64_encode_tostring", |a, _| Value::text(encode(text(a, 0).as_bytes()))),
    ("base64_encodestring", |a, _| Value::text(encode(text(a, 0).as_bytes()))),
];

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Base64 of bytes; `""` where there are too many.
pub(super) fn encode(bytes: &[u8]) -> String {
    if bytes.len() > TEXT_MAX_BYTES / 4 * 3 {
        return String::new();
    }
    ENGINE.encode(bytes)
}

/// Bytes of base64; white space is skipped.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.contains(|c: char| c.is_ascii_whitespace()) {
        let bare: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        return ENGINE.decode(bare).ok();
    }
    ENGINE.decode(text).ok()
}

/// Bytes that are no UTF-8 give `""`.
fn decode_to_string(arguments: &[Value], _: &Context) -> Value {
    let decoded = decode(&text(arguments, 0)).and_then(|bytes| String::from_utf8(bytes).ok());
    Value::text(decoded.unwrap_or_default())
}

fn decode_to_array(arguments: &[Value], _: &Context) -> Value {
    let source = text(arguments, 0);
    if source.len() > TEXT_MAX_BYTES / 16 {
        return Value::Null;
    }
    or_null(decode(&source), |bytes| {
        array_value(bytes.into_iter().map(|byte| Json::Long(byte.into())).collect())
    })
}

fn decode_to_guid(arguments: &[Value], _: &Context) -> Value {
    let bytes = decode(&text(arguments, 0)).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    or_null(bytes, |bytes| Value::Guid(u128::from_be_bytes(guid_bytes(u128::from_be_bytes(bytes)))))
}

fn encode_from_array(arguments: &[Value], _: &Context) -> Value {
    let byte = |element: &Json| u8::try_from(Value::of_json(element).to_long()?).ok();
    let bytes: Option<Vec<u8>> =
        array(arguments, 0).and_then(|elements| elements.iter().map(byte).collect());
    Value::text(bytes.map(|bytes| encode(&bytes)).unwrap_or_default())
}

fn encode_from_guid(arguments: &[Value], _: &Context) -> Value {
    let guid = arguments.first().and_then(Value::to_guid);
    Value::text(guid.map(|guid| encode(&guid_bytes(guid))).unwrap_or_default())
}
