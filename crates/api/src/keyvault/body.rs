//! JSON bodies of requests. What serde says of a bad one is not repeated: it quotes the body,
//! and the body may hold a private key.

use std::borrow::Cow;
use std::collections::HashMap;

use base::Secret;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use vault::keyvault::model::{Operation, Refusal, Verification};
use zeroize::{Zeroize as _, Zeroizing};

use super::refuse::bad_parameter;

/// base64url (RFC 4648 §5): written without padding, read with or without.
pub(crate) const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a body as JSON of that shape; unknown fields pass.
pub(crate) fn json<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refusal> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err(bad_parameter("The request needs a JSON body.")),
        // serde would take an array for an object.
        Some(b'[') => Err(bad_parameter("The request body must be a JSON object.")),
        Some(_) => serde_json::from_slice(body).map_err(|e| unreadable(&e)),
    }
}

/// The same for a body of which parts must be objects: serde would take arrays for them.
pub(crate) fn json_of_objects<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refusal> {
    let value = json(body)?;
    json::<Objects>(body)?;
    Ok(value)
}

fn unreadable(e: &serde_json::Error) -> Refusal {
    let at = format!("line {}, column {}", e.line(), e.column());
    bad_parameter(match e.classify() {
        Category::Data => format!(
            "A property of the request body is missing, repeated, of the wrong type or out of \
             range ({at})."
        ),
        _ => format!("The request body is not valid JSON ({at})."),
    })
}

/// The parts of bodies that must be objects; what is in them does not matter here.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read for their shape only")]
struct Objects {
    attributes: Option<Object>,
    key: Option<Object>,
    #[serde(default, rename = "lifetimeActions")]
    lifetime_actions: Vec<HashMap<String, Object>>,
}

/// Any object.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self)
    }
}

/// Body of encrypt, decrypt, wrapkey, unwrapkey, sign.
#[derive(Deserialize)]
struct OperationBody<'b> {
    #[serde(borrow)]
    alg: Cow<'b, str>,
    #[serde(borrow)]
    value: Cow<'b, str>,
    iv: Option<String>,
    aad: Option<String>,
    tag: Option<String>,
}

/// Body of verify.
#[derive(Deserialize)]
struct VerificationBody<'b> {
    #[serde(borrow)]
    alg: Cow<'b, str>,
    #[serde(borrow)]
    digest: Cow<'b, str>,
    #[serde(borrow)]
    value: Cow<'b, str>,
}

/// Body of restore.
#[derive(Deserialize)]
struct RestoreBody<'b> {
    #[serde(borrow)]
    value: Cow<'b, str>,
}

/// Body of rng.
#[derive(Deserialize)]
struct RandomBody {
    count: u32,
}

/// Reads the body of an operation with a key.
pub(crate) fn operation(body: &[u8]) -> Result<Operation, Refusal> {
    let OperationBody { alg, value, iv, aad, tag } = json(body)?;
    let secret = bytes("value", &value);
    if let Cow::Owned(mut text) = value {
        text.zeroize();
    }
    let optional = |name, field: Option<String>| -> Result<Option<Vec<u8>>, Refusal> {
        field.map(|text| bytes(name, &text).map(plain)).transpose()
    };
    Ok(Operation {
        alg: algorithm(&alg)?,
        value: Secret::new(plain(secret?)),
        iv: optional("iv", iv)?,
        aad: optional("aad", aad)?,
        tag: optional("tag", tag)?,
    })
}

/// Reads the body of verify.
pub(crate) fn verification(body: &[u8]) -> Result<Verification, Refusal> {
    let VerificationBody { alg, digest, value } = json(body)?;
    Ok(Verification {
        alg: algorithm(&alg)?,
        digest: plain(bytes("digest", &digest)?),
        signature: plain(bytes("value", &value)?),
    })
}

/// Reads the body of restore.
pub(crate) fn blob(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let RestoreBody { value } = json(body)?;
    Ok(plain(bytes("value", &value)?))
}

/// Reads the body of rng.
pub(crate) fn count(body: &[u8]) -> Result<u32, Refusal> {
    json::<RandomBody>(body).map(|body| body.count)
}

fn algorithm(text: &str) -> Result<String, Refusal> {
    match text.len() {
        1..=64 => Ok(text.to_owned()),
        _ => Err(bad_parameter("The property alg names no algorithm.")),
    }
}

fn bytes(name: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let decoded = BASE64URL.decode(text).map(Zeroizing::new);
    decoded.map_err(|_| bad_parameter(format!("The property {name} is not base64url.")))
}

/// Moves the bytes out without leaving a copy behind.
fn plain(mut bytes: Zeroizing<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_operation_with_and_without_padding() {
        for text in [
            r#"{"alg":"RSA-OAEP-256","value":"-_8"}"#,
            r#"{"alg":"RSA-OAEP-256","value":"-_8=","iv":null,"unknown":[1]}"#,
            r#"{"alg":"RSA-OAEP-256","value":"\u002d_8"}"#,
        ] {
            let read = operation(text.as_bytes()).unwrap();
            assert_eq!(read.alg, "RSA-OAEP-256");
            assert_eq!(read.value.expose().as_slice(), [0xfb, 0xff], "{text}");
            assert_eq!(read.iv, None);
        }
    }

    #[test]
    fn refuses_without_quoting_the_body() {
        let secret = "c2VjcmV0";
        for text in [
            String::new(),
            "{".into(),
            format!(r#"{{"alg":7,"value":"{secret}"}}"#),
            format!(r#"{{"alg":"A","value":["{secret}"]}}"#),
            format!(r#"{{"alg":"A","value":"{secret}+"}}"#),
            format!(r#"{{"alg":"A","value":"{secret}","value":"{secret}"}}"#),
            format!(r#"{{"alg":"","value":"{secret}"}}"#),
            format!(r#""{secret}""#),
            r#"{"alg":"A"}"#.into(),
            r#"{"alg":"A","value":null}"#.into(),
            "[".repeat(100_000),
        ] {
            let refusal = operation(text.as_bytes()).unwrap_err();
            assert_eq!((refusal.status, refusal.code), (400, "BadParameter"));
            assert!(!refusal.message.contains(secret), "{}", refusal.message);
        }
    }

    #[test]
    fn an_array_is_no_object() {
        type Policy = vault::keyvault::model::RotationPolicy;
        type Parameters = vault::keyvault::model::KeyParameters;
        assert!(json::<RandomBody>(b" [1]").is_err());
        for (text, fits) in [
            (r#"{"kty":"RSA","attributes":{"enabled":true}}"#, true),
            (r#"{"kty":"RSA","attributes":null}"#, true),
            (r#"{"kty":"RSA","attributes":[]}"#, false),
            (r#"{"kty":"RSA","attributes":[true]}"#, false),
        ] {
            assert_eq!(json_of_objects::<Parameters>(text.as_bytes()).is_ok(), fits, "{text}");
        }
        for (text, fits) in [
            (r#"{"lifetimeActions":[{"trigger":{},"action":{"type":"Notify"}}]}"#, true),
            (r#"{"lifetimeActions":[{"trigger":["P1D"],"action":{"type":"Notify"}}]}"#, false),
            (r#"{"lifetimeActions":[[{},{"type":"Notify"}]]}"#, false),
            (r#"{"attributes":["P1D"]}"#, false),
        ] {
            assert_eq!(json_of_objects::<Policy>(text.as_bytes()).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn reads_the_other_bodies() {
        assert_eq!(count(br#"{"count":8}"#), Ok(8));
        assert_eq!(blob(br#"{"value":"AQI"}"#), Ok(vec![1, 2]));
        assert!(count(br#"{"count":-1}"#).is_err());
        let read = verification(br#"{"alg":"ES256","digest":"AQ","value":"Ag"}"#).unwrap();
        assert_eq!((read.digest, read.signature), (vec![1], vec![2]));
    }
}
