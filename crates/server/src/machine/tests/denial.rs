//! The owner takes the key away, in every way there is, and gives it back.

use std::time::Duration;

use base::ServerState::{self, Inaccessible, Ready, Stopped};
use base::{ExitCode, Fault};
use jiff::SignedDuration;

use super::bench::{Bench, spec};
use super::vault::{KEY, Vault};
use crate::customer::{KeyCause, KeyFailure};
use crate::handle::{Command, KeyChange};
use crate::history::{Event, History, KeyHealth};
use crate::record::{EncryptionMode, KeyPolicy};

/// What happens at once still takes a simulated moment.
const AT_ONCE: Duration = Duration::from_millis(600);
/// One round of the watch and its calls.
const ONE_ROUND: Duration = Duration::from_secs(11);

type Act = fn(&Vault, &Bench);
type Spoil = fn(&Vault);

/// How the key is taken away and given back, and what the journal has to say of it.
fn ways() -> [(&'static str, Act, Act, KeyCause, Option<u16>); 9] {
    fn after(bench: &Bench, seconds: i64) -> jiff::Timestamp {
        bench.world.true_time() + SignedDuration::from_secs(seconds)
    }
    [
        (
            "disabled",
            |vault, _| vault.enable("1", false),
            |vault, _| vault.enable("1", true),
            KeyCause::Disabled,
            Some(403),
        ),
        (
            "deleted, and recovered",
            |vault, _| vault.change("1", |version| version.deleted = true),
            |vault, _| vault.change("1", |version| version.deleted = false),
            KeyCause::NotFound,
            Some(404),
        ),
        (
            "expired, which unwraps all the same",
            |vault, bench| {
                let ends = after(bench, -3);
                vault.change("1", |version| version.expires = Some(ends));
            },
            |vault, _| vault.change("1", |version| version.expires = None),
            KeyCause::Expired,
            None,
        ),
        (
            "not valid yet, which unwraps all the same",
            |vault, bench| {
                let begins = after(bench, 3600);
                vault.change("1", |version| version.not_before = Some(begins));
            },
            |vault, _| vault.change("1", |version| version.not_before = None),
            KeyCause::NotYetValid,
            None,
        ),
        (
            "role removed",
            |vault, _| vault.role("hr", false),
            |vault, _| vault.role("hr", true),
            KeyCause::Forbidden,
            Some(403),
        ),
        (
            "identity deleted",
            |vault, _| vault.identity("hr", None),
            |vault, _| vault.identity("hr", Some("principal of hr")),
            KeyCause::IdentityUnknown,
            None,
        ),
        (
            "identity replaced by another one of the same name",
            |vault, _| vault.identity("hr", Some("somebody else")),
            |vault, _| vault.identity("hr", Some("principal of hr")),
            KeyCause::IdentityUnknown,
            None,
        ),
        (
            "firewall",
            |vault, _| {
                let failure = KeyFailure::new(KeyCause::Firewall, "");
                vault.fail(Some(failure.answered(403, Some("ForbiddenByFirewall"))));
                vault.push();
            },
            |vault, _| {
                vault.fail(None);
                vault.push();
            },
            KeyCause::Firewall,
            Some(403),
        ),
        (
            "another key under the same version",
            |vault, _| {
                *vault.garbles.lock().unwrap() = true;
                vault.push();
            },
            |vault, _| {
                *vault.garbles.lock().unwrap() = false;
                vault.push();
            },
            KeyCause::DoesNotOpen,
            None,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_denial_makes_the_server_inaccessible_and_its_end_brings_it_back() {
    for (pushes, limit) in [(true, AT_ONCE), (false, ONE_ROUND)] {
        for (way, take, give, cause, http_status) in ways() {
            let bench = Bench::with_key().await;
            let vault = &bench.world.vault;
            *vault.tells_changes.lock().unwrap() = pushes;
            take(vault, &bench);
            let (reason, took) = bench.enters(Inaccessible).await;
            assert!(took <= limit, "{way}: {took:?}");
            assert!(reason.contains(cause.words()), "{way}: {reason}");
            assert!(reason.contains(KEY) && reason.contains("\"hr\""), "{way}: {reason}");
            assert!(!bench.world.is_mounted() && !bench.world.is_running(), "{way}");
            assert_eq!(bench.world.take_log(), ["stop fast", "unmount"], "{way}");
            assert_eq!(bench.key().health, KeyHealth::Lost);
            let failure = bench.key().failure.unwrap();
            assert_eq!((failure.cause, failure.http_status), (cause, http_status), "{way}");
            // The looks go on at the same pace.
            vault.take_calls();
            tokio::time::sleep(Duration::from_secs(100)).await;
            assert_eq!(bench.state().0, Inaccessible, "{way}");
            let opens = matches!(cause, KeyCause::IdentityUnknown);
            let n_looks = vault.take_calls().iter().filter(|call| *call == "state 1").count();
            assert!(opens || (9..=12).contains(&n_looks), "{way}: {n_looks} looks");
            give(vault, &bench);
            let (reason, took) = bench.enters(Ready).await;
            assert!(took <= limit, "{way}: back after {took:?}");
            assert!(reason.contains("the key is usable again"), "{way}: {reason}");
            assert_eq!(bench.key().health, KeyHealth::Usable);
            assert_eq!(bench.key().failure, None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_journal_tells_each_transition_with_cause_code_identity_and_time() {
    let bench = Bench::with_key().await;
    let (vault, before) = (&bench.world.vault, bench.world.true_time());
    vault.role("hr", false);
    bench.enters(Inaccessible).await;
    vault.role("hr", true);
    bench.enters(Ready).await;
    let entries = History::open(&bench.layout.history()).unwrap().entries().unwrap();
    let seen: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Key(event) => Some((entry.at, event.clone())),
            _ => None,
        })
        .collect();
    let steps: Vec<_> = seen.iter().map(|(_, event)| (event.from, event.to)).collect();
    assert_eq!(
        steps,
        [
            (KeyHealth::Unchecked, KeyHealth::Usable),
            (KeyHealth::Usable, KeyHealth::Lost),
            (KeyHealth::Lost, KeyHealth::Usable)
        ]
    );
    let (at, lost) = &seen[1];
    assert!(*at >= before);
    let failure = lost.failure.as_ref().unwrap();
    assert_eq!((failure.http_status, failure.cause), (Some(403), KeyCause::Forbidden));
    assert_eq!(failure.inner_code.as_deref(), Some("ForbiddenByRbac"));
    assert_eq!((&*lost.reference.identity, &*lost.reference.key_uri), ("hr", KEY));
    assert_eq!(lost.key_version, "1");
    for state in ["Stopping", "Inaccessible", "Ready"] {
        assert!(bench.history().contains(&format!("\"state\":\"{state}\"")), "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expiry_is_met_when_it_comes_and_by_the_clock_that_counts() {
    for tells_time in [true, false] {
        let bench = Bench::with_key().await;
        let vault = &bench.world.vault;
        *vault.tells_time.lock().unwrap() = tells_time;
        let ends = bench.world.true_time() + SignedDuration::from_secs(33);
        vault.change("1", |version| version.expires = Some(ends));
        bench.until("the end", |_, key| key.key_expires_at == Some(ends)).await;
        let clock = if tells_time { crate::ClockUsed::Vault } else { crate::ClockUsed::Own };
        assert_eq!(bench.key().clock, Some(clock));
        assert!(bench.show().warnings.iter().any(|w| w.contains("ends at")), "no warning");
        bench.enters(Inaccessible).await;
        let late = bench.world.true_time().duration_since(ends);
        let leeway = if tells_time { 0 } else { 2 };
        let expected = SignedDuration::from_secs(leeway)..SignedDuration::from_secs(leeway + 1);
        assert!(expected.contains(&late), "{late:?} late");
    }
}

#[tokio::test(start_paused = true)]
async fn setting_this_machines_clock_matters_only_where_the_vault_tells_no_time() {
    for tells_time in [true, false] {
        let bench = Bench::with_key().await;
        let vault = &bench.world.vault;
        *vault.tells_time.lock().unwrap() = tells_time;
        let ends = bench.world.true_time() + SignedDuration::from_hours(24 * 365);
        vault.change("1", |version| version.expires = Some(ends));
        *bench.world.clock_set_s.lock().unwrap() = 400 * 86_400;
        tokio::time::sleep(Duration::from_secs(30)).await;
        if tells_time {
            assert_eq!(bench.state().0, Ready);
            assert!(bench.show().warnings.iter().any(|w| w.contains("differ by")));
        } else {
            let reason = bench.state().1;
            assert_eq!(bench.state().0, Inaccessible);
            assert!(reason.contains("by the clock of this machine"), "{reason}");
        }
        // Back in time a key is not valid before it begins, for whoever has only this clock.
        *bench.world.clock_set_s.lock().unwrap() = 0;
        bench.enters(Ready).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_its_key_stays_inaccessible_over_a_restart_of_the_agent() {
    let bench = Bench::with_key().await;
    bench.world.vault.enable("1", false);
    let (reason, _) = bench.enters(Inaccessible).await;
    let since = bench.show().state.since;
    let bench = bench.again().await;
    // From the first moment on, and not only when the vault was asked.
    assert_eq!(bench.state(), (Inaccessible, reason.clone()));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.state().0, Inaccessible);
    assert_eq!(bench.show().state.since, since);
    let bench = bench.killed().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.state().0, Inaccessible);
    assert!(!bench.history().contains("\"Stopped\""), "it passed for stopped");
    assert!(!bench.world.take_log().iter().any(|step| step == "mount"));
    bench.world.vault.enable("1", true);
    bench.enters(Ready).await;
    assert_eq!(bench.record().data_encryption.customer.unwrap().lost, None);
}

#[tokio::test(start_paused = true)]
async fn a_person_may_stop_start_and_delete_a_server_without_its_key() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    vault.enable("1", false);
    bench.enters(Inaccessible).await;
    for command in [Command::Start, Command::Restart] {
        let fault = bench.run(command).await.unwrap_err();
        assert_eq!((&*fault.code, fault.exit), ("key_denied", ExitCode::Forbidden));
        assert_eq!(bench.state().0, Inaccessible);
    }
    let fault = bench.run(Command::ParameterList).await.unwrap_err();
    assert_eq!(fault.code, "not_ready");
    let answer = bench.run(Command::Stop).await.unwrap();
    assert_eq!((&answer["state"], &answer["changed"]), (&"Stopped".into(), &"unchanged".into()));
    // It was stopped on purpose: the key does not start it.
    vault.enable("1", true);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.state().0, Stopped);
    vault.enable("1", false);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.state().0, Stopped);
    assert_eq!(bench.key().health, KeyHealth::Lost);
    bench.run(Command::Start).await.unwrap_err();
    assert_eq!(bench.state().0, Inaccessible);
    // Started means wanted: it comes up with the key.
    vault.enable("1", true);
    bench.enters(Ready).await;
    vault.enable("1", false);
    bench.enters(Inaccessible).await;
    assert_eq!(bench.run(Command::Delete).await.unwrap()["changed"], "changed");
    assert!(!bench.layout.dir().exists());
    vault.take_calls();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(vault.take_calls().is_empty(), "the key of a deleted server is still watched");
}

#[tokio::test(start_paused = true)]
async fn creation_proves_the_key_and_writes_nothing_without_it() {
    let denied: [(&str, Spoil); 5] = [
        ("key_denied", |vault| vault.enable("1", false)),
        ("key_denied", |vault| vault.role("hr", false)),
        ("key_denied", |vault| vault.identity("hr", None)),
        ("key_denied", |vault| *vault.garbles.lock().unwrap() = true),
        ("key_unknown", |vault| vault.fail(Some(KeyFailure::new(KeyCause::Unreachable, "")))),
    ];
    for (code, prepare) in denied {
        let bench = Bench::empty();
        prepare(&bench.world.vault);
        let fault = bench.run(Command::Create(spec(KEY))).await.unwrap_err();
        assert_eq!(fault.code, code, "{fault:?}");
        assert!(!bench.layout.record().exists());
        assert!(!bench.world.take_log().iter().any(|step| step == "mount"));
    }
    let bench = Bench::empty();
    for bad in ["", "a b", "a\n", &"x".repeat(2000)] {
        let fault = bench.run(Command::Create(spec(bad))).await.unwrap_err();
        assert_eq!((&*fault.code, fault.exit), ("bad_key", ExitCode::Usage), "{bad}");
    }
    let mut wild = spec(KEY);
    let policy = KeyPolicy { check_interval_s: 0, ..KeyPolicy::default() };
    wild.customer_key.as_mut().unwrap().policy = Some(policy);
    assert_eq!(bench.run(Command::Create(wild)).await.unwrap_err().code, "bad_key_policy");
}

#[tokio::test(start_paused = true)]
async fn show_and_record_say_what_the_contract_wants_and_hold_no_secret() {
    let bench = Bench::with_key().await;
    let shown = serde_json::to_value(bench.show()).unwrap();
    let encryption = &shown["data_encryption"];
    assert_eq!(encryption["mode"], "CustomerManaged");
    assert_eq!(encryption["key_uri"], KEY);
    assert_eq!(encryption["key_version"], "1");
    assert_eq!(encryption["identity"], "hr");
    assert_eq!(encryption["health"], "usable");
    for field in ["last_validated_at", "checked_at", "next_check_at", "wrapped_at"] {
        assert!(encryption[field].is_string(), "{field}: {encryption}");
    }
    assert_eq!(encryption["policy"]["grace_s"], 300);
    let back: crate::Show = serde_json::from_value(shown).unwrap();
    assert_eq!(back, bench.show());
    let record = bench.record();
    assert_eq!(record.data_encryption.mode, EncryptionMode::CustomerManaged);
    let canary = &record.data_encryption.customer.as_ref().unwrap().canary;
    assert_ne!(canary.wrapped.value, record.data_encryption.wrapped_key.value);
    let before = record.data_encryption.last_validated_at;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(bench.show().data_encryption.last_validated_at > before);
    // A look opens the test value, never the data key.
    bench.world.vault.take_calls();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let calls = bench.world.vault.take_calls();
    let n = |name: &str| calls.iter().filter(|call| call.starts_with(name)).count();
    assert_eq!(n("unwrap"), n("state"), "{calls:?}");
    assert_eq!(n("wrap"), 0, "wrapping proves nothing");
    let answer = bench.run(Command::KeyCheck).await.unwrap();
    assert_eq!((&answer["health"], &answer["failure"]), (&"usable".into(), &().into()));
}

#[tokio::test(start_paused = true)]
async fn who_holds_the_key_is_settled_at_creation() {
    let bench = Bench::ready().await;
    let change = KeyChange { key_uri: Some(KEY.to_owned()), ..KeyChange::default() };
    for command in [Command::KeyChange(change), Command::KeyCheck] {
        let Fault { code, exit, .. } = bench.run(command).await.unwrap_err();
        assert_eq!((&*code, exit), ("mode_fixed", ExitCode::Conflict));
    }
    assert!(bench.world.vault.take_calls().is_empty());
    assert_eq!(bench.state().0, ServerState::Ready);
}
