//! Attributes of keys as they are typed: times in RFC 3339, tags as NAME=VALUE.

use base::{ExitCode, Fault};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Attributes that were given; the others stay as they are.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Given {
    /// Whether the key may be used
    #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
    enabled: Option<bool>,
    /// Not valid from then on: 2030-01-01T00:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    expires: Option<i64>,
    /// Not valid before that
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    not_before: Option<i64>,
    /// Tags, in place of those it has
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    tags: Option<Vec<String>>,
    /// Operations that are allowed, of encrypt, decrypt, sign, verify, wrapKey, unwrapKey
    #[arg(long, num_args = 1.., value_name = "OPERATION")]
    ops: Option<Vec<String>>,
}

impl Given {
    /// The fields of a REST body; `None` when nothing was given.
    pub(super) fn body(self) -> Result<Option<Value>, Fault> {
        let mut body = Map::new();
        let attributes: Map<String, Value> = [
            ("enabled", self.enabled.map(Value::from)),
            ("exp", self.expires.map(Value::from)),
            ("nbf", self.not_before.map(Value::from)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
        if !attributes.is_empty() {
            body.insert("attributes".to_owned(), Value::Object(attributes));
        }
        if let Some(tags) = self.tags {
            body.insert("tags".to_owned(), Value::Object(named(&tags)?));
        }
        if let Some(ops) = self.ops {
            body.insert("key_ops".to_owned(), json!(ops));
        }
        Ok((!body.is_empty()).then_some(Value::Object(body)))
    }
}

/// `NAME=VALUE`; an empty text means no tags.
fn named(tags: &[String]) -> Result<Map<String, Value>, Fault> {
    let mut all = Map::new();
    for tag in tags.iter().filter(|tag| !tag.is_empty()) {
        let (name, value) =
            tag.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
                Fault::new("usage", format!("\"{tag}\" is no tag"))
                    .hint("write NAME=VALUE")
                    .exit(ExitCode::Usage)
            })?;
        all.insert(name.to_owned(), json!(value));
    }
    Ok(all)
}

/// A moment in RFC 3339 as Unix seconds.
fn moment(text: &str) -> Result<i64, String> {
    let moment: Timestamp = text.parse().map_err(|_| {
        "write a moment with its time zone, for example 2030-01-01T00:00:00Z".to_owned()
    })?;
    Ok(moment.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_need_a_time_zone() {
        assert_eq!(moment("1970-01-01T00:00:01Z"), Ok(1));
        assert_eq!(moment("2030-01-01T02:00:00.9+02:00"), Ok(1_893_456_000));
        for bad in ["", "2030-01-01", "2030-01-01T00:00:00", "1893456000", "soon"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_was_given_is_said() {
        assert_eq!(Given::default().body().unwrap(), None);
        let given = Given {
            enabled: Some(false),
            tags: Some(vec!["a=b=c".to_owned(), "d=".to_owned()]),
            ..Given::default()
        };
        let body = given.body().unwrap().unwrap();
        let tags = json!({ "a": "b=c", "d": "" });
        assert_eq!(body, json!({ "attributes": { "enabled": false }, "tags": tags }));
        let none = Given { tags: Some(vec![String::new()]), ..Given::default() };
        assert_eq!(none.body().unwrap().unwrap(), json!({ "tags": {} }));
        let bad = Given { tags: Some(vec!["=x".to_owned()]), ..Given::default() };
        assert_eq!(bad.body().unwrap_err().exit, ExitCode::Usage);
    }
}
