//! Wrapping the data key: for a new server, and anew by another version, key or identity.
//!
//! Anew goes in two steps with a durable record between them. [`prepare`] makes a candidate; the
//! record then holds both wrappings; [`prove`] shows that both hold the same key; only then is
//! the old one forgotten. A crash anywhere leaves at least one wrapping that opens the storage.

use std::sync::Arc;
use std::time::Duration;

use crypto::DataKey;

use super::examine::{canary, examine, fits, judge, new_canary, open, timed};
use crate::customer::{CustomerKey, CustomerKeys, KeyCause, KeyFailure, KeyReference};
use crate::doors::Doors;
use crate::record::{KeyPolicy, Wrapping};

/// Wraps `data_key` by the key of `reference` and proves that it opens.
pub(crate) async fn establish<D: Doors>(
    doors: &D,
    reference: &KeyReference,
    policy: &KeyPolicy,
    data_key: &DataKey,
) -> Result<Wrapping, KeyFailure> {
    let limit = policy.call_timeout();
    let key = timed(limit, doors.customer_keys().open(reference)).await?;
    let pinned = key.pinned_version();
    let wrapping = wrap(doors, &key, reference, limit, data_key).await?;
    if let Some(version) = &pinned
        && *version != wrapping.wrapped_key.key_version
    {
        let used = &wrapping.wrapped_key.key_version;
        let message = format!("asked for version {version}, wrapped by {used}");
        return Err(KeyFailure::new(KeyCause::BadAnswer, message));
    }
    let wrapping = Wrapping { pinned: pinned.is_some(), ..wrapping };
    let version = &wrapping.wrapped_key.key_version;
    let state = timed(limit, key.state(version)).await?;
    judge(&state, version, doors.clock().now(), policy.leeway())?;
    opens(&key, &wrapping, limit, data_key).await?;
    Ok(wrapping)
}

async fn wrap<D: Doors>(
    doors: &D,
    key: &impl CustomerKey,
    reference: &KeyReference,
    limit: Duration,
    data_key: &DataKey,
) -> Result<Wrapping, KeyFailure> {
    let (value, digest) = new_canary(doors.random());
    let wrapped_key = timed(limit, key.wrap(data_key)).await?;
    let wrapped_canary = timed(limit, key.wrap(&value)).await?;
    let (one, other) = (&wrapped_key.key_version, &wrapped_canary.key_version);
    if one != other {
        // The test value would tell of another version than the one that is needed.
        let message = format!("it was rotated from version {one} to {other} meanwhile");
        return Err(KeyFailure::new(KeyCause::BadAnswer, message));
    }
    Ok(Wrapping {
        reference: reference.clone(),
        principal: key.principal(),
        provider: key.provider(),
        pinned: false,
        wrapped_key,
        canary: canary(wrapped_canary, digest),
        wrapped_at: doors.clock().now(),
    })
}

/// Unwraps both values in the vault; a wrap may have been made without it.
async fn opens(
    key: &impl CustomerKey,
    wrapping: &Wrapping,
    limit: Duration,
    data_key: &DataKey,
) -> Result<(), KeyFailure> {
    let opened = timed(limit, key.unwrap(&wrapping.wrapped_key)).await?;
    if !crypto::constant_time_eq(opened.expose(), data_key.expose()) {
        return Err(KeyFailure::new(KeyCause::DoesNotOpen, "the data key came back changed"));
    }
    fits(&wrapping.canary, &timed(limit, key.unwrap(&wrapping.canary.wrapped)).await?)
}

/// Makes a candidate: the data key, opened by `current` and wrapped by the key of `target`.
/// Both keys must be usable; out of a key that is lost nothing is wrapped anew.
pub(crate) async fn prepare<D: Doors>(
    doors: Arc<D>,
    current: Wrapping,
    target: KeyReference,
    policy: KeyPolicy,
) -> Result<Wrapping, KeyFailure> {
    examine(Arc::clone(&doors), current.clone(), policy).await?;
    let data_key = unwrap(&*doors, &current, &policy).await?;
    establish(&*doors, &target, &policy, &data_key).await
}

/// Proves that `candidate` holds the same data key as `current`.
pub(crate) async fn prove<D: Doors>(
    doors: Arc<D>,
    current: Wrapping,
    candidate: Wrapping,
    policy: KeyPolicy,
) -> Result<(), KeyFailure> {
    let data_key = unwrap(&*doors, &current, &policy).await?;
    let key = open(&*doors, &candidate, &policy).await?;
    opens(&key, &candidate, policy.call_timeout(), &data_key).await
}

/// The same wrapping under another identity, proved to be usable for that one.
pub(crate) async fn reassign<D: Doors>(
    doors: Arc<D>,
    current: Wrapping,
    identity: String,
    policy: KeyPolicy,
) -> Result<Wrapping, KeyFailure> {
    let reference = KeyReference { identity, ..current.reference.clone() };
    let key = timed(policy.call_timeout(), doors.customer_keys().open(&reference)).await?;
    let wrapping = Wrapping { reference, principal: key.principal(), ..current };
    drop(key);
    examine(doors, wrapping.clone(), policy).await?;
    Ok(wrapping)
}

/// Opens the data key.
pub(crate) async fn unwrap<D: Doors>(
    doors: &D,
    wrapping: &Wrapping,
    policy: &KeyPolicy,
) -> Result<DataKey, KeyFailure> {
    let key = open(doors, wrapping, policy).await?;
    timed(policy.call_timeout(), key.unwrap(&wrapping.wrapped_key)).await
}
