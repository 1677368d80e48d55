//! Rotation on demand, and the policy that rotates by itself.

use jiff::{Span, Timestamp, tz::TimeZone};

use super::call::Request;
use super::change::{living, vault_of};
use super::create::{NewKey, generate};
use super::model::{
    Action, Attributes, LifetimeAction, Refusal, Reply, RotationAttributes, RotationPolicy, Trigger,
};
use super::state::{KeyRecord, KeyState};
use super::{KeyVaults, refusals};
use crate::core::Planned;

const DAY_SECONDS: i64 = 24 * 3600;
const SHORTEST_DAYS: i64 = 7;
const DURATION_MAX_BYTES: usize = 32;
const NOTIFY_BEFORE: &str = "P30D";
pub(super) const ROTATE: &str = "Rotate";
pub(super) const NOTIFY: &str = "Notify";

/// `from` and an ISO 8601 duration later, or earlier; months and years by the calendar, UTC.
pub(super) fn shifted(from: i64, duration: &str, back: bool) -> Option<i64> {
    if duration.len() > DURATION_MAX_BYTES {
        return None;
    }
    let span: Span = duration.parse().ok()?;
    if span.is_negative() || span.is_zero() {
        return None;
    }
    let span = if back { -span } else { span };
    let from = Timestamp::from_second(from).ok()?.to_zoned(TimeZone::UTC);
    Some(from.checked_add(span).ok()?.timestamp().as_second())
}

/// The policy of a key that has none.
fn default_policy() -> RotationPolicy {
    RotationPolicy { id: None, lifetime_actions: vec![notify()], attributes: None }
}

fn notify() -> LifetimeAction {
    LifetimeAction {
        trigger: Trigger {
            time_before_expiry: Some(NOTIFY_BEFORE.to_owned()),
            time_after_create: None,
        },
        action: Action { kind: NOTIFY.to_owned() },
    }
}

/// The action of a key's policy, where it has one of this kind.
pub(super) fn action<'a>(policy: &'a RotationPolicy, kind: &str) -> Option<&'a Trigger> {
    let is = |a: &&LifetimeAction| a.action.kind == kind;
    policy.lifetime_actions.iter().find(is).map(|a| &a.trigger)
}

/// A policy as it is kept: checked, `Notify` put back, kinds in Azure's writing.
fn checked(policy: RotationPolicy, now: i64) -> Result<RotationPolicy, Refusal> {
    let check = |name: &str, duration: &str| {
        let shown: String = duration.chars().take(40).collect();
        match shifted(now, duration, false) {
            Some(at) if at - now >= SHORTEST_DAYS * DAY_SECONDS => Ok(()),
            Some(_) => Err(refusals::bad(format!(
                "Property {name} must be at least {SHORTEST_DAYS} days: {shown}"
            ))),
            None => Err(refusals::bad(format!(
                "Property {name} is no ISO 8601 duration such as P90D or P1Y6M: {shown}"
            ))),
        }
    };
    let mut actions: Vec<LifetimeAction> = Vec::new();
    for LifetimeAction { trigger, action } in policy.lifetime_actions.into_iter().take(8) {
        let kind = [ROTATE, NOTIFY].into_iter().find(|k| action.kind.eq_ignore_ascii_case(k));
        let kind = kind.ok_or_else(|| {
            let shown: String = action.kind.chars().take(32).collect();
            refusals::bad(format!("A lifetime action has an unknown type: {shown}"))
        })?;
        match (&trigger.time_after_create, &trigger.time_before_expiry) {
            (Some(duration), None) if kind == ROTATE => check("timeAfterCreate", duration)?,
            (None, Some(duration)) => check("timeBeforeExpiry", duration)?,
            _ => {
                return Err(refusals::bad(
                    "A Rotate action has one of timeAfterCreate and timeBeforeExpiry, a Notify \
                     action has timeBeforeExpiry.",
                ));
            }
        }
        if actions.iter().any(|known| known.action.kind == kind) {
            return Err(refusals::bad(format!("There is more than one {kind} action.")));
        }
        actions.push(LifetimeAction { trigger, action: Action { kind: kind.to_owned() } });
    }
    if actions.iter().all(|known| known.action.kind != NOTIFY) {
        actions.push(notify());
    }
    let expiry_time = policy.attributes.and_then(|attributes| attributes.expiry_time);
    if let Some(expiry) = &expiry_time {
        check("expiryTime", expiry)?;
        check_rotation_before(&actions, expiry, now)?;
    }
    let attributes = RotationAttributes { expiry_time, created: Some(now), updated: Some(now) };
    Ok(RotationPolicy { id: None, lifetime_actions: actions, attributes: Some(attributes) })
}

/// A version must not be due for rotation as soon as it is made.
fn check_rotation_before(
    actions: &[LifetimeAction],
    expiry: &str,
    now: i64,
) -> Result<(), Refusal> {
    let rotate = actions.iter().find(|known| known.action.kind == ROTATE);
    let before = rotate.and_then(|rotate| rotate.trigger.time_before_expiry.as_deref());
    let at = shifted(now, expiry, false).zip(before);
    match at.and_then(|(end, before)| shifted(end, before, true)) {
        Some(at) if at - now < SHORTEST_DAYS * DAY_SECONDS => Err(refusals::bad(format!(
            "A Rotate action must come at least {SHORTEST_DAYS} days after creation: \
             timeBeforeExpiry is too long for this expiryTime."
        ))),
        _ => Ok(()),
    }
}

impl KeyVaults {
    pub(super) fn rotation_policy(
        &self,
        request: &Request<'_>,
        name: &str,
    ) -> Result<Reply, Refusal> {
        let world = self.core.world()?;
        let record = &living(vault_of(&world, request)?, name)?.record;
        Ok(Reply::Policy(match &record.policy {
            Some(policy) => self.with_id(request, record, policy.clone()),
            None => default_policy(),
        }))
    }

    fn with_id(
        &self,
        request: &Request<'_>,
        record: &KeyRecord,
        policy: RotationPolicy,
    ) -> RotationPolicy {
        let uri = self.uri_of(request.vault);
        let id = Some(format!("{uri}/keys/{}/rotationpolicy", record.name));
        RotationPolicy { id, ..policy }
    }

    pub(super) fn set_rotation_policy(
        &self,
        request: &Request<'_>,
        name: &str,
        policy: RotationPolicy,
    ) -> Result<Planned<Reply>, Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let key = living(vault, name)?;
        let mut policy = checked(policy, request.now)?;
        let before = key.record.policy.as_ref().and_then(|policy| policy.attributes.as_ref());
        if let (Some(attributes), Some(before)) = (&mut policy.attributes, before) {
            attributes.created = before.created;
        }
        let record = KeyRecord { policy: Some(policy.clone()), ..key.record.clone() };
        let reply = Reply::Policy(self.with_id(request, &record, policy));
        Ok(self.new_record(request, vault, name, record, reply))
    }

    /// Makes the key that follows the newest version, before any lock is taken: of the same type,
    /// with the same operations and tags.
    pub(super) fn successor(&self, request: &Request<'_>, name: &str) -> Result<NewKey, Refusal> {
        let world = self.core.world()?;
        let key = living(vault_of(&world, request)?, name)?;
        let latest =
            key.latest().ok_or_else(|| refusals::internal("The key has no version."))?.clone();
        drop(world);
        let spec =
            latest.key().map_err(|_| refusals::internal("The key could not be read."))?.spec();
        let (ops, tags) = (latest.record.key_ops.clone(), latest.record.tags.clone());
        NewKey::new(generate(&successor_spec(spec))?, ops, None, tags)
    }

    pub(super) fn rotate(
        &self,
        request: &Request<'_>,
        name: &str,
        mut key: NewKey,
    ) -> Result<Planned<Reply>, Refusal> {
        let world = self.core.world()?;
        let state = living(vault_of(&world, request)?, name)?;
        let exp = expiry(state, request.now);
        let name = state.record.name.clone();
        drop(world);
        key.attributes = Attributes { exp, ..Attributes::default() };
        self.new_version(request, &name, key)
    }
}

/// An imported key may have another exponent; the library makes none but the usual one.
fn successor_spec(spec: crypto::KeySpec) -> crypto::KeySpec {
    match spec {
        crypto::KeySpec::Rsa { bits, .. } => {
            crypto::KeySpec::Rsa { bits, public_exponent: crypto::RSA_PUBLIC_EXPONENT }
        }
        other => other,
    }
}

/// When a version that is made now by rotation ends.
fn expiry(key: &KeyState, now: i64) -> Option<i64> {
    let attributes = key.record.policy.as_ref()?.attributes.as_ref()?;
    shifted(now, attributes.expiry_time.as_deref()?, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_go_by_the_calendar() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let jan = at("2027-01-31T12:00:00Z");
        assert_eq!(shifted(jan, "P1M", false), Some(at("2027-02-28T12:00:00Z")));
        assert_eq!(shifted(jan, "P18M", false), Some(at("2028-07-31T12:00:00Z")));
        assert_eq!(shifted(jan, "P2Y", false), Some(at("2029-01-31T12:00:00Z")));
        assert_eq!(shifted(jan, "P30D", true), Some(at("2027-01-01T12:00:00Z")));
        for bad in ["", "30D", "P", "-P30D", "P0D", "P9999999Y", "P1Dx", &"P1D".repeat(20)] {
            assert_eq!(shifted(jan, bad, false), None, "{bad}");
        }
    }
}
