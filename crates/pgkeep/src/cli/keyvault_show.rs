//! Keys for a person: one table instead of the body of the REST API, times in RFC 3339.

use base::{ExitCode, Fault};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::{self, Format};

/// Columns of a listing of keys.
pub(super) const KEYS: [&str; 5] = ["name", "enabled", "not_before", "expires", "updated"];
/// Columns of a listing of versions.
pub(super) const VERSIONS: [&str; 5] = ["version", "enabled", "not_before", "expires", "created"];
/// Columns of a listing of deleted keys.
pub(super) const DELETED: [&str; 4] = ["name", "deleted", "purged_at", "enabled"];

const KEY: [&str; 11] = [
    "name",
    "version",
    "kid",
    "type",
    "operations",
    "enabled",
    "not_before",
    "expires",
    "created",
    "updated",
    "tags",
];

/// Prints a key bundle, of a key or of a deleted one.
pub(super) fn key(format: Format, bundle: &Value) -> Result<ExitCode, Fault> {
    if !for_a_person(format) {
        return output::show(format, bundle, &[]).map(|()| ExitCode::Ok);
    }
    let mut columns = KEY.to_vec();
    if bundle["recoveryId"].is_string() {
        columns.extend(["deleted", "purged_at"]);
    }
    output::show(format, &plain(&bundle["key"]["kid"], bundle), &columns).map(|()| ExitCode::Ok)
}

/// Prints a listing.
pub(super) fn list(format: Format, items: Vec<Value>, columns: &[&str]) -> Result<ExitCode, Fault> {
    let items = match for_a_person(format) {
        true => items.iter().map(|item| plain(&item["kid"], item)).collect(),
        false => Value::Array(items),
    };
    output::show(format, &items, columns).map(|()| ExitCode::Ok)
}

fn for_a_person(format: Format) -> bool {
    matches!(format, Format::Table | Format::Tsv)
}

fn plain(kid: &Value, item: &Value) -> Value {
    let kid = kid.as_str().unwrap_or_default();
    let (name, version) = parts(kid);
    let (key, attributes) = (&item["key"], &item["attributes"]);
    let time = |value: &Value| {
        let moment = value.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
        moment.map(|moment| moment.to_string())
    };
    json!({
        "name": name,
        "version": version,
        "kid": kid,
        "type": kind(key, attributes),
        "operations": key["key_ops"],
        "enabled": attributes["enabled"],
        "not_before": time(&attributes["nbf"]),
        "expires": time(&attributes["exp"]),
        "created": time(&attributes["created"]),
        "updated": time(&attributes["updated"]),
        "tags": tags(&item["tags"]),
        "deleted": time(&item["deletedDate"]),
        "purged_at": time(&item["scheduledPurgeDate"]),
    })
}

/// Name and version of a key's address, `https://HOST/keys/NAME[/VERSION]`.
fn parts(kid: &str) -> (&str, Option<&str>) {
    let path = kid.split_once("://").map_or(kid, |(_, rest)| rest);
    let mut parts = path.splitn(4, '/').skip(2);
    (parts.next().unwrap_or_default(), parts.next().filter(|version| !version.is_empty()))
}

/// `RSA 2048`, `EC P-256`.
fn kind(key: &Value, attributes: &Value) -> String {
    let kty = key["kty"].as_str().unwrap_or_default();
    match (key["crv"].as_str(), attributes["key_size"].as_u64()) {
        (Some(curve), _) => format!("{kty} {curve}"),
        (None, Some(bits)) => format!("{kty} {bits}"),
        (None, None) => kty.to_owned(),
    }
}

fn tags(tags: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tags = tags.as_object()?;
    Some(tags.iter().map(|(name, value)| format!("{name}={}", text(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_words() {
        let kid = "https://pay.vault.localhost:9443/keys/Tde/0123";
        assert_eq!(parts(kid), ("Tde", Some("0123")));
        assert_eq!(parts("https://pay.vault.localhost:9443/keys/Tde"), ("Tde", None));
        assert_eq!(parts(""), ("", None));
        let bundle = json!({
            "key": { "kid": kid, "kty": "EC", "crv": "P-256", "key_ops": ["sign"] },
            "attributes": { "enabled": true, "exp": 1_893_456_000 },
            "tags": { "a": "b" },
        });
        let shown = plain(&bundle["key"]["kid"], &bundle);
        assert_eq!(shown["type"], "EC P-256");
        assert_eq!(shown["expires"], "2030-01-01T00:00:00Z");
        assert_eq!(shown["tags"], json!(["a=b"]));
        assert_eq!(shown["not_before"], Value::Null);
        for column in KEY.iter().chain(&KEYS).chain(&VERSIONS).chain(&DELETED) {
            assert!(shown.get(column).is_some(), "{column} is no field");
        }
    }
}
