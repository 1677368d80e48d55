//! `pgkeep keyvault key import`: a private key from a file, as JSON (RFC 7517) or PEM.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use base::{ExitCode, Fault};
use clap::Args;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::keyvault_attributes::Given;
use super::keyvault_key::{OfKey, change};
use super::keyvault_pem as pem;
use super::keyvault_show as shown;
use super::output::Format;
use crate::home::Home;

/// No private key is longer.
const FILE_MAX_BYTES: usize = 64 * 1024;

#[derive(Clone, Debug, Args)]
pub(super) struct ImportCommand {
    #[command(flatten)]
    key: OfKey,
    /// File of the key; - is standard input
    #[arg(long, short, alias = "pem-file")]
    file: PathBuf,
    #[command(flatten)]
    attributes: Given,
}

/// Takes the key in; the file stays where it is.
pub(super) fn run(home: &Home, command: ImportCommand, format: Format) -> Result<ExitCode, Fault> {
    let ImportCommand { key, file, attributes } = command;
    let mut body = attributes.body()?.unwrap_or_else(|| Value::Object(Map::new()));
    let text = if file.as_os_str() == "-" {
        read(std::io::stdin().lock(), "standard input")?
    } else {
        let place = file.display().to_string();
        let opened = File::open(&file).map_err(|e| unreadable(&place, &e))?;
        read(opened, &place)?
    };
    let mut jwk = jwk(&text)?;
    if let Some(ops) = body.get_mut("key_ops").map(Value::take) {
        jwk["key_ops"] = ops;
    }
    body["key"] = jwk;
    // The call overwrites what it sent.
    shown::key(format, &change(home, "import", &key, body)?)
}

fn read(source: impl Read, place: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    // Of its final size: growing would leave pieces of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_MAX_BYTES + 1));
    source
        .take(FILE_MAX_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|e| unreadable(place, &e))?;
    if text.len() > FILE_MAX_BYTES {
        return Err(no_key("it is too long for a key"));
    }
    Ok(text)
}

fn unreadable(place: &str, e: &std::io::Error) -> Fault {
    let fault = Fault::from_error("file", format!("could not read {place}"), e);
    match e.kind() {
        std::io::ErrorKind::NotFound => fault.exit(ExitCode::NotFound),
        std::io::ErrorKind::PermissionDenied => fault.exit(ExitCode::Forbidden),
        _ => fault,
    }
}

/// The key as JSON. Nothing of it is quoted in an error.
fn jwk(text: &[u8]) -> Result<Value, Fault> {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let jwk = match first {
        Some(b'{') => {
            let read: Value =
                serde_json::from_slice(text).map_err(|_| no_key("it is no valid JSON"))?;
            if !read["kty"].is_string() {
                return Err(no_key("it is JSON without \"kty\""));
            }
            read
        }
        _ => pem::jwk(text).map_err(no_key)?,
    };
    if ["d", "k"].into_iter().any(|part| jwk[part].is_string()) {
        return Ok(jwk);
    }
    Err(no_key("it has no private part"))
}

fn no_key(why: &str) -> Fault {
    Fault::new("bad_key", "the file holds no private key that can be imported")
        .detail(why)
        .hint(
            "give a JSON web key, or a private key in PEM (RSA, or EC on P-256, P-256K, P-384, \
             P-521); openssl pkey -in FILE takes a passphrase off",
        )
        .exit(ExitCode::Usage)
}

/// A JSON web key of its parts; base64url without padding (RFC 7515, section 2).
pub(super) fn web_key(words: &[(&str, &str)], parts: &[(&str, &[u8])]) -> Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut key = json!({});
    for (name, word) in words {
        key[*name] = json!(word);
    }
    for (name, part) in parts {
        key[*name] = Value::String(URL_SAFE_NO_PAD.encode(part));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_web_key_passes_as_it_is() {
        let text = br#" {"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}"#;
        assert_eq!(jwk(text).unwrap()["k"], "AAECAwQFBgcICQoLDA0ODw");
    }

    #[test]
    fn what_is_no_private_key_is_refused_without_quoting_it() {
        for text in [
            "",
            "c2VjcmV0",
            "{\"kty\":\"RSA\",\"n\":\"c2VjcmV0\",\"e\":\"AQAB\"}",
            "{\"k\":\"c2VjcmV0\"}",
            "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"",
            "{\"kty\":\"oct\",\"k\":[\"c2VjcmV0\"]}",
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\nc2VjcmV0\n-----END PUBLIC KEY-----\n",
        ] {
            let fault = jwk(text.as_bytes()).unwrap_err();
            assert_eq!(fault.exit, ExitCode::Usage, "{text}");
            assert!(!format!("{fault:?}").contains("c2VjcmV0"), "{fault:?}");
        }
    }
}
