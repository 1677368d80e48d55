//! What `server show` says of a key that the owner holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::custody::{ClockUsed, Standing, Verdict};
use crate::customer::KeyFailure;
use crate::history::KeyHealth;
use crate::record::{CustomerManaged, KeyPolicy};

/// A key that the owner holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownKey {
    /// What holds for it.
    pub health: KeyHealth,
    /// Which kind of vault it lies in.
    pub provider: String,
    /// How the data key is wrapped.
    pub algorithm: String,
    /// Whether its version is fixed; a newer one is followed otherwise.
    pub pinned: bool,
    /// When the data key was wrapped by this version.
    pub wrapped_at: Timestamp,
    /// When the version expires, as last seen.
    pub key_expires_at: Option<Timestamp>,
    /// Whose clock its dates were compared with.
    pub clock: Option<ClockUsed>,
    /// When it was last looked at, whatever came of it.
    pub checked_at: Option<Timestamp>,
    /// When it is looked at next.
    pub next_check_at: Option<Timestamp>,
    /// While nothing is known of it: how long the server goes on.
    pub grace_until: Option<Timestamp>,
    /// The last look that failed, until one succeeds.
    pub failure: Option<KeyFailure>,
    /// The wrapping by another version that is under way or has failed.
    pub rewrap: Option<ShownRewrap>,
    /// How it is watched.
    pub policy: KeyPolicy,
}

/// A wrapping of the data key by another version or key, until it is proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRewrap {
    /// The version that is wanted, once it is known.
    pub to_version: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// So long the old version must stay usable at most.
    pub old_version_needed_until: Timestamp,
    /// Why the last attempt failed; it is repeated at the next check.
    pub failure: Option<KeyFailure>,
}

/// What holds for a key, in one word.
pub(crate) fn health(standing: &Standing) -> KeyHealth {
    match standing {
        Standing::Unwatched | Standing::Unchecked => KeyHealth::Unchecked,
        Standing::Usable => KeyHealth::Usable,
        Standing::Doubtful { .. } => KeyHealth::Doubtful,
        Standing::Lost { .. } => KeyHealth::Lost,
    }
}

pub(super) fn show(
    customer: &CustomerManaged,
    algorithm: &str,
    verdict: Option<&Verdict>,
    rewrap: &Option<ShownRewrap>,
) -> ShownKey {
    let seen = verdict.and_then(|verdict| verdict.seen.as_ref());
    let before = match &customer.lost {
        Some(_) => KeyHealth::Lost,
        None => KeyHealth::Unchecked,
    };
    ShownKey {
        health: verdict.map_or(before, |verdict| health(&verdict.standing)),
        provider: customer.provider.clone(),
        algorithm: algorithm.to_owned(),
        pinned: customer.pinned,
        wrapped_at: customer.wrapped_at,
        key_expires_at: seen.and_then(|seen| seen.state.expires),
        clock: seen.map(|seen| seen.clock),
        checked_at: verdict.and_then(|verdict| verdict.checked_at),
        next_check_at: verdict.and_then(|verdict| verdict.next_check_at),
        grace_until: verdict.and_then(|verdict| match &verdict.standing {
            Standing::Doubtful { until, .. } => Some(*until),
            _ => None,
        }),
        failure: verdict.and_then(|verdict| verdict.failure.clone()),
        rewrap: rewrap.clone(),
        policy: customer.policy,
    }
}
