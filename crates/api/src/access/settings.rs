//! How people sign in: length of sessions, lock-out, the provider of OpenID Connect.

use base::{ExitCode, Fault};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::principal::Scope;
use super::store::AccessStore;

const KEY: &str = "sign_in";

/// All of it, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A session that is not used ends after so many minutes.
    pub session_idle_minutes: u32,
    /// Every session ends after so many minutes.
    pub session_minutes: u32,
    /// So many failures in a row lock an account.
    pub lock_after: u32,
    /// No lock is longer.
    pub lock_max_seconds: u32,
    /// The provider.
    pub oidc: Option<Oidc>,
}

/// A provider of OpenID Connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oidc {
    /// What the button says.
    pub label: String,
    /// Its issuer.
    pub issuer: String,
    /// Who pgkeep is there.
    pub client_id: String,
    /// The secret of a confidential client.
    pub client_secret: Option<HiddenText>,
    /// The claim that holds the groups.
    pub groups_claim: String,
    /// The scopes to ask for, beside `openid`.
    pub scopes: Vec<String>,
    /// What a group is given.
    pub groups: Vec<GroupRole>,
    /// Certificates to trust for it, beside the machine's.
    pub ca_pem: Option<String>,
}

/// What the members of a group are given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRole {
    /// A value of the groups claim.
    #[schema(max_length = 256)]
    pub group: String,
    /// The role that its members get.
    #[schema(example = "reader", max_length = 64)]
    pub role: String,
    /// Where.
    #[schema(value_type = String, example = "/", max_length = 80)]
    pub scope: Scope,
}

/// A text that is stored but not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HiddenText(pub(super) String);

impl std::fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HiddenText(…)")
    }
}

impl Drop for HiddenText {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_idle_minutes: 60,
            session_minutes: 12 * 60,
            lock_after: 5,
            lock_max_seconds: 15 * 60,
            oidc: None,
        }
    }
}

/// The first lock is so long; each further failure doubles it.
const LOCK_FIRST: u32 = 15;

impl Settings {
    pub(super) fn load(store: &dyn AccessStore) -> Result<Self, Fault> {
        let Some(text) = store.setting(KEY)? else { return Ok(Self::default()) };
        serde_json::from_str(&text)
            .map_err(|e| Fault::from_error("access", "the settings of sign-in cannot be read", &e))
    }

    pub(super) fn save(&self, store: &dyn AccessStore) -> Result<(), Fault> {
        let text = serde_json::to_string(self).expect("because it has only string keys");
        store.set_setting(KEY, &text)
    }

    /// Refuses what would let nobody in or everybody try.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let bad = |what: &str| Err(Fault::new("bad_request", what).exit(ExitCode::Usage));
        if !(1..=24 * 60).contains(&self.session_idle_minutes)
            || !(5..=30 * 24 * 60).contains(&self.session_minutes)
        {
            return bad("a session is idle for 1 to 1440 minutes and lasts 5 to 43200");
        }
        if !(3..=20).contains(&self.lock_after)
            || !(LOCK_FIRST..=24 * 3600).contains(&self.lock_max_seconds)
        {
            return bad("an account locks after 3 to 20 failures, for 15 to 86400 seconds at most");
        }
        let Some(oidc) = &self.oidc else { return Ok(()) };
        if !is_safe_issuer(&oidc.issuer) {
            return bad("the issuer must be an https address; http is for loopback only");
        }
        let short = |text: &String| (1..=256).contains(&text.len());
        let texts = [&oidc.label, &oidc.client_id, &oidc.groups_claim];
        let more = oidc.scopes.iter().chain(oidc.groups.iter().map(|group| &group.group));
        if !texts.into_iter().chain(more).all(short)
            || oidc.groups.len() > 256
            || oidc.scopes.len() > 16
            || oidc.client_secret.as_ref().is_some_and(|secret| !short(&secret.0))
            || oidc.ca_pem.as_ref().is_some_and(|pem| pem.len() > 64 << 10)
        {
            return bad("a text of the provider is missing or too long");
        }
        Ok(())
    }

    pub(super) fn idle(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.session_idle_minutes))
    }

    pub(super) fn lifetime(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.session_minutes))
    }

    /// Until when an account is locked after its `n`th failure in a row.
    pub(super) fn locked_until(&self, n: u32, now: Timestamp) -> Option<Timestamp> {
        let over = n.checked_sub(self.lock_after)?;
        let seconds = LOCK_FIRST.saturating_mul(2_u32.saturating_pow(over));
        let seconds = i64::from(seconds.min(self.lock_max_seconds));
        now.checked_add(SignedDuration::from_secs(seconds)).ok()
    }
}

/// https, or http on this machine; without anything that belongs to one request.
fn is_safe_issuer(issuer: &str) -> bool {
    is_safe_address(issuer) && issuer.len() <= 512 && !issuer.contains(['?', '#'])
}

/// https, or http on this machine.
pub(super) fn is_safe_address(address: &str) -> bool {
    let Ok(url) = openidconnect::url::Url::parse(address) else { return false };
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let safe = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    safe && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_grow_and_end() {
        let settings = Settings::default();
        let now = Timestamp::UNIX_EPOCH;
        let seconds = |n| settings.locked_until(n, now).map(|at| at.as_second());
        let expected = [
            (0, None),
            (4, None),
            (5, Some(15)),
            (6, Some(30)),
            (7, Some(60)),
            (12, Some(900)),
            (u32::MAX, Some(900)),
        ];
        for (n, lock) in expected {
            assert_eq!(seconds(n), lock, "{n}");
        }
    }

    #[test]
    fn issuers_are_https_or_here() {
        for good in ["https://id.example.org", "https://id.example.org/x", "http://localhost:8080"]
        {
            assert!(is_safe_issuer(good), "{good}");
        }
        for bad in [
            "http://id.example.org",
            "http://localhost.example.org",
            "ftp://localhost",
            "https://a:b@id.example.org",
            "https://id.example.org/?x=1",
            "",
        ] {
            assert!(!is_safe_issuer(bad), "{bad}");
        }
    }
}
