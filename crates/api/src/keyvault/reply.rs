//! What the vault replied, as the JSON of the API.

use base64::Engine as _;
use serde::Serialize;
use vault::keyvault::model::{OperationResult, Page, Reply};
use zeroize::Zeroizing;

use super::body::BASE64URL;

/// Room for most bodies at once: growing would leave pieces of secrets behind.
const CAPACITY: usize = 4 * 1024;

#[derive(Serialize)]
struct Value<'a> {
    value: &'a str,
}

#[derive(Serialize)]
struct Verified {
    value: bool,
}

#[derive(Serialize)]
struct Listing<'a, T> {
    value: &'a [T],
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

#[derive(Serialize)]
struct KeyResult<'a> {
    kid: &'a str,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aad: Option<String>,
}

/// The body of a reply; `None` for one without (204). `next_link` makes a link of a skip token.
pub(crate) fn json(
    reply: &Reply,
    next_link: impl Fn(&str) -> String,
) -> serde_json::Result<Option<Zeroizing<Vec<u8>>>> {
    match reply {
        Reply::Key(bundle) => write(bundle, 0),
        Reply::Deleted(bundle) => write(bundle, 0),
        Reply::Keys(page) => list(page, next_link),
        Reply::DeletedKeys(page) => list(page, next_link),
        Reply::Backup(blob) => value(blob),
        Reply::Policy(policy) => write(policy, 0),
        Reply::Result(result) => key_result(result),
        Reply::Verified(value) => write(&Verified { value: *value }, 0),
        Reply::Random(bytes) => value(bytes.expose()),
        Reply::Nothing => return Ok(None),
    }
    .map(Some)
}

fn list<T: Serialize>(
    page: &Page<T>,
    next_link: impl Fn(&str) -> String,
) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    write(&Listing { value: &page.items, next_link: page.next.as_deref().map(next_link) }, 0)
}

fn value(bytes: &[u8]) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(BASE64URL.encode(bytes));
    write(&Value { value: &text }, text.len())
}

fn key_result(result: &OperationResult) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(BASE64URL.encode(result.value.expose()));
    let optional = |field: &Option<Vec<u8>>| field.as_ref().map(|bytes| BASE64URL.encode(bytes));
    let body = KeyResult {
        kid: &result.kid,
        value: &text,
        iv: optional(&result.iv),
        tag: optional(&result.tag),
        aad: optional(&result.aad),
    };
    write(&body, text.len())
}

fn write<T: Serialize>(body: &T, more: usize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(CAPACITY + more));
    serde_json::to_writer(&mut *bytes, body)?;
    Ok(bytes)
}
