//! Limits of what bodies may say, as openapi/keyvault.json publishes them. What fits a key, a
//! vault or a role is the backend's business.

use vault::keyvault::model::{Attributes, Op, Refusal, RotationPolicy, Tags};

use super::refuse::bad_parameter;

const MAX_TAGS: usize = 15;
const MAX_TAG_LEN: usize = 256;
const MAX_KEY_OPS: usize = 16;
const KEY_OPS: &[&str] = &[
    "encrypt",
    "decrypt",
    "sign",
    "verify",
    "wrapKey",
    "unwrapKey",
    "import",
    "export",
    "secureWrapKey",
    "secureUnwrapKey",
];
/// The last second of the year 9999.
const MAX_TIME_S: i64 = 253_402_300_799;
const MAX_ACTIONS: usize = 2;
const MAX_DURATION_LEN: usize = 32;
const MAX_RANDOM: u32 = 128;

/// Refuses what exceeds the published limits.
pub(crate) fn limits(op: &Op) -> Result<(), Refusal> {
    match op {
        Op::Create { parameters, .. } => {
            key_ops(parameters.key_ops.as_deref())?;
            attributes(parameters.attributes.as_ref())?;
            tags(parameters.tags.as_ref())
        }
        Op::Import { parameters, .. } => {
            key_ops(parameters.key.key_ops.as_deref())?;
            attributes(parameters.attributes.as_ref())?;
            tags(parameters.tags.as_ref())
        }
        Op::Update { parameters, .. } => {
            key_ops(parameters.key_ops.as_deref())?;
            attributes(parameters.attributes.as_ref())?;
            tags(parameters.tags.as_ref())
        }
        Op::SetRotationPolicy { policy, .. } => rotation(policy),
        Op::Random { count } if !(1..=MAX_RANDOM).contains(count) => {
            Err(bad_parameter(format!("count must be from 1 to {MAX_RANDOM}.")))
        }
        _ => Ok(()),
    }
}

fn key_ops(ops: Option<&[String]>) -> Result<(), Refusal> {
    let ops = ops.unwrap_or_default();
    if ops.len() > MAX_KEY_OPS {
        return Err(bad_parameter(format!("key_ops has more than {MAX_KEY_OPS} entries.")));
    }
    match ops.iter().all(|op| KEY_OPS.contains(&op.as_str())) {
        true => Ok(()),
        false => Err(bad_parameter("key_ops names an operation that does not exist.")),
    }
}

fn attributes(attributes: Option<&Attributes>) -> Result<(), Refusal> {
    let Some(Attributes { nbf, exp, .. }) = attributes else { return Ok(()) };
    match [nbf, exp].into_iter().flatten().all(|time| (0..=MAX_TIME_S).contains(time)) {
        true => Ok(()),
        false => Err(bad_parameter("nbf and exp must be Unix seconds up to the year 9999.")),
    }
}

fn tags(tags: Option<&Tags>) -> Result<(), Refusal> {
    let Some(tags) = tags else { return Ok(()) };
    let fits = |text: &String| text.chars().count() <= MAX_TAG_LEN;
    match tags.len() <= MAX_TAGS && tags.iter().all(|(name, value)| fits(name) && fits(value)) {
        true => Ok(()),
        false => Err(bad_parameter(format!(
            "There may be {MAX_TAGS} tags, their names and values of {MAX_TAG_LEN} characters."
        ))),
    }
}

fn rotation(policy: &RotationPolicy) -> Result<(), Refusal> {
    let too_long =
        |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_DURATION_LEN);
    let expiry = policy.attributes.as_ref().is_some_and(|a| too_long(&a.expiry_time));
    let triggers = policy.lifetime_actions.iter().any(|action| {
        too_long(&action.trigger.time_after_create)
            || too_long(&action.trigger.time_before_expiry)
            || action.action.kind.len() > MAX_DURATION_LEN
    });
    match expiry || triggers || policy.lifetime_actions.len() > MAX_ACTIONS {
        false => Ok(()),
        true => Err(bad_parameter(
            "A rotation policy has at most one Rotate and one Notify action, and durations of at \
             most 32 characters.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyvault::body;

    #[test]
    fn takes_the_limits_and_refuses_what_exceeds_them() {
        let tag = |n_tags: usize, len: usize| {
            let tags: Vec<String> =
                (0..n_tags).map(|n| format!("\"t{n}\":\"{}\"", "é".repeat(len))).collect();
            format!("{{\"tags\":{{{}}}}}", tags.join(","))
        };
        for (text, fits) in [
            (tag(15, 256), true),
            (tag(16, 1), false),
            (tag(1, 257), false),
            (r#"{"key_ops":["wrapKey","unwrapKey"],"attributes":{"exp":0}}"#.into(), true),
            (r#"{"key_ops":["wrapkey"]}"#.into(), false),
            (r#"{"attributes":{"exp":-1}}"#.into(), false),
            (r#"{"attributes":{"nbf":253402300800}}"#.into(), false),
            (r#"{"attributes":{},"tags":null,"key_ops":null}"#.into(), true),
        ] {
            let parameters = body::json(text.as_bytes()).unwrap();
            let op = Op::Update { name: "k".into(), version: None, parameters };
            assert_eq!(limits(&op).is_ok(), fits, "{text}");
        }
        for (count, fits) in [(0, false), (1, true), (128, true), (129, false)] {
            assert_eq!(limits(&Op::Random { count }).is_ok(), fits);
        }
    }
}
