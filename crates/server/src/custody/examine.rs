//! One look at a key: its attributes, its dates, and whether it opens the test value.
//!
//! A good unwrap alone proves nothing: vaults unwrap with keys that have expired. Good attributes
//! alone prove nothing either: whoever may read a key need not be allowed to use it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base::Random;
use crypto::DataKey;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::customer::{CustomerKey, CustomerKeys, KeyCause, KeyFailure, KeyState};
use crate::doors::Doors;
use crate::record::{Canary, KeyPolicy, WrappedKey, Wrapping};

/// Whose clock validity dates were compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockUsed {
    /// The vault's: no leeway is needed.
    Vault,
    /// This machine's, with leeway.
    Own,
}

/// What a look at a usable key has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The version that wraps the data key.
    pub(crate) state: KeyState,
    /// The newest version, for a key without a version in its address; or why it is not known.
    pub(crate) newest: Option<Result<KeyState, KeyFailure>>,
    /// Whose clock was used.
    pub(crate) clock: ClockUsed,
    /// The time of that clock.
    pub(crate) now: Timestamp,
    /// How far this machine's clock is ahead of the vault's, in seconds.
    pub(crate) ahead_s: Option<i64>,
}

/// Runs `call` for at most `limit`.
pub(crate) async fn timed<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, KeyFailure>>,
) -> Result<T, KeyFailure> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        let message = format!("waited {} s", limit.as_secs());
        Err(KeyFailure::new(KeyCause::Timeout, message))
    })
}

/// Looks at the key behind `wrapping`.
pub(crate) async fn examine<D: Doors>(
    doors: Arc<D>,
    wrapping: Wrapping,
    policy: KeyPolicy,
) -> Result<Seen, KeyFailure> {
    let key = open(&*doors, &wrapping, &policy).await?;
    let limit = policy.call_timeout();
    let version = &wrapping.wrapped_key.key_version;
    // Side by side, so that a denial of one is not hidden behind the silence of the other.
    let (state, opened, newest) = tokio::join!(
        timed(limit, key.state(version)),
        timed(limit, key.unwrap(&wrapping.canary.wrapped)),
        async {
            match wrapping.pinned {
                true => None,
                false => Some(timed(limit, key.newest()).await),
            }
        },
    );
    let own = doors.clock().now();
    let judged = state.and_then(|state| {
        let clock = judge(&state, version, own, policy.leeway())?;
        Ok((state, clock))
    });
    let opened = opened.and_then(|value| fits(&wrapping.canary, &value));
    let (state, clock) = match (judged, opened) {
        (Ok(seen), Ok(())) => seen,
        (Err(attributes), Err(canary)) => return Err(weightier(attributes, canary)),
        (Err(failure), Ok(())) | (Ok(_), Err(failure)) => return Err(failure),
    };
    Ok(Seen {
        newest,
        clock,
        now: state.as_of.unwrap_or(own),
        ahead_s: state.as_of.map(|theirs| own.as_second() - theirs.as_second()),
        state,
    })
}

/// What is certain counts before what is not, and the vault's own word before our conclusion.
fn weightier(attributes: KeyFailure, canary: KeyFailure) -> KeyFailure {
    let weight = |f: &KeyFailure| (f.cause.is_denial(), f.http_status.is_some());
    if weight(&canary) > weight(&attributes) { canary } else { attributes }
}

/// The key behind `wrapping`, asked for by the same identity that wrapped it.
pub(crate) async fn open<D: Doors>(
    doors: &D,
    wrapping: &Wrapping,
    policy: &KeyPolicy,
) -> Result<<D::CustomerKeys as CustomerKeys>::Key, KeyFailure> {
    let reference = &wrapping.reference;
    let key = timed(policy.call_timeout(), doors.customer_keys().open(reference)).await?;
    match (&wrapping.principal, key.principal()) {
        (Some(noted), Some(found)) if *noted != found => Err(KeyFailure::new(
            KeyCause::IdentityUnknown,
            format!("another identity is called \"{}\" now", reference.identity),
        )),
        _ => Ok(key),
    }
}

/// Says whether a version may be used at this time, and by whose clock.
pub(crate) fn judge(
    state: &KeyState,
    wanted: &str,
    own: Timestamp,
    leeway: Duration,
) -> Result<ClockUsed, KeyFailure> {
    let denied = |cause, message: String| Err(KeyFailure::new(cause, message));
    if state.version != wanted {
        let message = format!("asked for version {wanted}, told of {}", state.version);
        return denied(KeyCause::BadAnswer, message);
    }
    if !state.enabled {
        return denied(KeyCause::Disabled, format!("version {wanted}"));
    }
    let (clock, now, leeway) = match state.as_of {
        Some(theirs) => (ClockUsed::Vault, theirs, SignedDuration::ZERO),
        None => (ClockUsed::Own, own, signed(leeway)),
    };
    let whose = if clock == ClockUsed::Vault { "the vault" } else { "this machine" };
    if let Some(begins) = state.not_before
        && now.saturating_add(leeway).is_ok_and(|now| now < begins)
    {
        let message = format!("version {wanted} begins at {begins:.0} by the clock of {whose}");
        return denied(KeyCause::NotYetValid, message);
    }
    if let Some(ends) = state.expires
        && now.saturating_sub(leeway).is_ok_and(|now| now >= ends)
    {
        let message = format!("version {wanted} ended at {ends:.0} by the clock of {whose}");
        return denied(KeyCause::Expired, message);
    }
    Ok(clock)
}

/// A duration as the calendar counts.
pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// A new test value and its digest.
pub(crate) fn new_canary(random: &dyn Random) -> (DataKey, String) {
    let value = DataKey::generate(random);
    let digest = digest(&value);
    (value, digest)
}

/// The test value as the record keeps it.
pub(crate) fn canary(wrapped: WrappedKey, digest: String) -> Canary {
    Canary { wrapped, digest }
}

/// Refuses a value that is not the one which was wrapped.
pub(crate) fn fits(canary: &Canary, value: &DataKey) -> Result<(), KeyFailure> {
    if crypto::constant_time_eq(digest(value).as_bytes(), canary.digest.as_bytes()) {
        return Ok(());
    }
    Err(KeyFailure::new(KeyCause::DoesNotOpen, "the test value came back changed"))
}

fn digest(value: &DataKey) -> String {
    hex::encode(crypto::sha256(value.expose()))
}
