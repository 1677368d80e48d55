//! New versions are followed, keys and identities changed, while the server runs.

use std::time::Duration;

use base::ServerState::{Inaccessible, Ready, Starting, Stopped};
use jiff::SignedDuration;

use super::bench::Bench;
use super::vault::{Hook, KEY};
use crate::customer::{KeyCause, KeyFailure, KeyReference};
use crate::handle::{Command, KeyChange};
use crate::history::KeyHealth;
use crate::record::ServerRecord;

fn to_key(key_uri: &str) -> Command {
    Command::KeyChange(KeyChange { key_uri: Some(key_uri.to_owned()), ..KeyChange::default() })
}

fn to_identity(identity: &str) -> Command {
    Command::KeyChange(KeyChange { identity: Some(identity.to_owned()), ..KeyChange::default() })
}

/// Waits until the data key is wrapped by `version`; answers how long that took.
async fn follows(bench: &Bench, version: &str) -> Duration {
    let wanted = |show: &crate::Show, _: &_| show.data_encryption.key_version == version;
    bench.until(version, wanted).await
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_is_followed_without_touching_the_server() {
    for (pushes, limit) in [(true, 1), (false, 11)] {
        let bench = Bench::with_key().await;
        *bench.world.vault.tells_changes.lock().unwrap() = pushes;
        bench.world.vault.rotate("db", "2");
        let took = follows(&bench, "2").await;
        assert!(took <= Duration::from_secs(limit), "{took:?}");
        assert_eq!(bench.show().data_encryption.key_uri, KEY);
        assert!(bench.world.take_log().is_empty(), "the server was touched");
        assert_eq!(bench.state(), (Ready, String::new()));
        // The old version is needed no more, neither by the running server nor by a start.
        bench.world.vault.change("1", |version| version.deleted = true);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(bench.state().0, Ready);
        assert_eq!(bench.run(Command::Restart).await.unwrap()["state"], "Ready");
        let record = bench.record();
        assert_eq!(record.data_encryption.customer.unwrap().candidate, None);
        assert!(bench.history().contains("\"from_version\":\"1\""));
        assert!(bench.history().contains("\"to_version\":\"2\""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_in_the_address_is_never_left() {
    let bench = Bench::with_key_at(&format!("{KEY}/1")).await;
    assert!(bench.key().pinned);
    bench.world.vault.rotate("db", "2");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.show().data_encryption.key_version, "1");
    let calls = bench.world.vault.take_calls();
    assert!(!calls.iter().any(|call| call == "newest"), "{calls:?}");
    let ends = bench.world.true_time() + SignedDuration::from_hours(24 * 20);
    bench.world.vault.change("1", |version| version.expires = Some(ends));
    bench
        .until("the warning", |show, _| {
            show.warnings.iter().any(|w| w.contains("version 1 of the key ends at"))
        })
        .await;
    bench.run(to_key(&format!("{KEY}/2"))).await.unwrap();
    assert_eq!(bench.show().data_encryption.key_version, "2");
    assert!(bench.key().pinned);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_that_cannot_be_used_yet_is_not_followed() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    vault.rotate("db", "2");
    vault.enable("2", false);
    bench
        .until("a warning", |show, _| {
            show.warnings.iter().any(|w| w.contains("is not followed: it is disabled"))
        })
        .await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((bench.state().0, &*bench.show().data_encryption.key_version), (Ready, "1"));
    vault.enable("2", true);
    follows(&bench, "2").await;
    bench.until("no warning", |show, _| show.warnings.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn until_a_version_is_followed_the_status_says_how_long_the_old_one_is_needed() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    // The new version is seen but wrapping does not succeed.
    *vault.takes.lock().unwrap() = Some(("wrap", Duration::from_secs(1000)));
    vault.rotate("db", "2");
    bench
        .until("a failed rewrap", |_, key| {
            key.rewrap.as_ref().is_some_and(|rewrap| rewrap.failure.is_some())
        })
        .await;
    let rewrap = bench.key().rewrap.unwrap();
    assert_eq!(rewrap.to_version.as_deref(), Some("2"));
    let needed = rewrap.old_version_needed_until.duration_since(rewrap.since);
    assert_eq!(needed, SignedDuration::from_hours(2));
    assert_eq!(rewrap.failure.unwrap().cause, KeyCause::Timeout);
    assert_eq!(bench.state().0, Ready);
    tokio::time::sleep(Duration::from_secs(7300)).await;
    assert!(bench.show().warnings.iter().any(|w| w.contains("longer than promised")));
    assert_eq!(bench.key().rewrap.unwrap().since, rewrap.since);
    *vault.takes.lock().unwrap() = None;
    follows(&bench, "2").await;
    assert_eq!(bench.key().rewrap, None);
    bench.until("no warning", |show, _| show.warnings.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_rotated_out_of_an_expired_key() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    let past = bench.world.true_time() - SignedDuration::from_secs(60);
    vault.change("1", |version| version.expires = Some(past));
    bench.enters(Inaccessible).await;
    vault.take_calls();
    vault.rotate("db", "2");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.state().0, Inaccessible);
    assert_eq!(bench.show().data_encryption.key_version, "1");
    let fault = bench.run(to_key(&format!("{KEY}/2"))).await.unwrap_err();
    assert_eq!(fault.code, "key_lost");
    assert!(fault.hint.unwrap().contains("extend its validity"));
    assert!(!vault.take_calls().iter().any(|call| call.starts_with("wrap")));
    // Extended, then Ready, then rotated.
    *bench.world.start_takes.lock().unwrap() = Duration::from_secs(60);
    vault.change("1", |version| version.expires = None);
    bench.enters(Starting).await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(bench.state().0, Starting);
    assert!(!vault.take_calls().iter().any(|call| call.starts_with("wrap")), "not Ready yet");
    bench.enters(Ready).await;
    follows(&bench, "2").await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_server_follows_too_so_that_its_old_version_may_go() {
    let bench = Bench::with_key().await;
    bench.run(Command::Stop).await.unwrap();
    bench.world.vault.rotate("db", "2");
    follows(&bench, "2").await;
    bench.world.vault.change("1", |version| version.deleted = true);
    assert_eq!(bench.state().0, Stopped);
    assert_eq!(bench.run(Command::Start).await.unwrap()["state"], "Ready");
}

#[tokio::test(start_paused = true)]
async fn another_key_takes_over_while_the_server_runs() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    vault.rotate("other", "a");
    let uri = "https://hr.vault/keys/other";
    let answer = bench.run(to_key(uri)).await.unwrap();
    assert_eq!((&answer["changed"], &answer["state"]), (&"changed".into(), &"Ready".into()));
    assert_eq!(answer["data_encryption"]["key_uri"], uri);
    assert_eq!(answer["data_encryption"]["key_version"], "a");
    assert!(bench.world.take_log().is_empty());
    vault.change("1", |version| version.deleted = true);
    assert_eq!(bench.run(Command::Restart).await.unwrap()["state"], "Ready");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_fails_leaves_everything_as_it_was() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = bench.record();
    for (command, code) in [
        (to_key("https://hr.vault/keys/missing"), "key_denied"),
        (to_key("https://hr.vault/nonsense"), "key_denied"),
        (to_key(&format!("{KEY}/77")), "key_denied"),
        (to_key("white space"), "bad_key"),
        (to_identity("nobody"), "key_denied"),
    ] {
        let what = format!("{command:?}");
        assert_eq!(bench.run(command).await.unwrap_err().code, code, "{what}");
    }
    vault.identity("powerless", Some("7"));
    vault.role("powerless", false);
    assert_eq!(bench.run(to_identity("powerless")).await.unwrap_err().code, "key_denied");
    *vault.takes.lock().unwrap() = Some(("wrap", Duration::from_secs(1000)));
    vault.rotate("other", "a");
    let fault = bench.run(to_key("https://hr.vault/keys/other")).await.unwrap_err();
    assert_eq!(fault.exit, base::ExitCode::Timeout);
    let without_time = |mut record: ServerRecord| {
        record.data_encryption.last_validated_at = record.created_at;
        record
    };
    assert_eq!(without_time(bench.record()), without_time(before));
    assert_eq!(bench.state().0, Ready);
    *vault.takes.lock().unwrap() = None;
    bench.run(to_key("https://hr.vault/keys/other")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_identity_can_be_changed_also_when_the_old_one_was_what_is_missing() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    vault.identity("dba", Some("2"));
    assert_eq!(bench.run(to_identity("dba")).await.unwrap()["changed"], "changed");
    assert_eq!(bench.show().data_encryption.identity, "dba");
    assert_eq!(bench.run(to_identity("dba")).await.unwrap()["changed"], "unchanged");
    vault.identity("dba", None);
    let (reason, _) = bench.enters(Inaccessible).await;
    assert!(reason.contains("\"dba\""), "{reason}");
    assert_eq!(bench.run(to_identity("hr")).await.unwrap()["changed"], "changed");
    bench.enters(Ready).await;
    // The same name stands for somebody else now: said again, it is meant.
    vault.identity("hr", Some("another hr"));
    bench.enters(Inaccessible).await;
    assert_eq!(bench.run(to_identity("hr")).await.unwrap()["changed"], "changed");
    bench.enters(Ready).await;
    assert_eq!(bench.key().health, KeyHealth::Usable);
}

/// An agent at the moment when both wrappings are durable and nothing is proved yet.
async fn between_steps() -> Bench {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    // Once the new wrapping opens, the old one answers no more: the proof waits for it.
    let hook: Hook = Box::new(|vault| {
        *vault.takes.lock().unwrap() = Some(("unwrap 1", Duration::from_secs(1_000_000)));
    });
    *vault.on_call.lock().unwrap() = Some(("unwrap 2", hook));
    vault.rotate("db", "2");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(4);
    while bench.record().data_encryption.candidate().is_none() {
        assert!(tokio::time::Instant::now() < deadline, "no candidate was ever written");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    *vault.takes.lock().unwrap() = None;
    bench
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_steps_is_made_good_by_the_next_agent() {
    let bench = between_steps().await;
    assert_eq!(bench.record().data_encryption.wrapped_key.key_version, "1");
    let bench = bench.killed().await;
    bench.enters(Ready).await;
    follows(&bench, "2").await;
    assert_eq!(bench.record().data_encryption.candidate(), None);
    bench.world.vault.change("1", |version| version.deleted = true);
    assert_eq!(bench.run(Command::Restart).await.unwrap()["state"], "Ready");
}

#[tokio::test(start_paused = true)]
async fn the_newer_wrapping_saves_the_data_when_the_old_key_went_in_a_crash() {
    let bench = between_steps().await;
    bench.world.vault.change("1", |version| version.deleted = true);
    let bench = bench.killed().await;
    let (_, took) = bench.enters(Ready).await;
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(bench.show().data_encryption.key_version, "2");
    assert_eq!(bench.record().data_encryption.candidate(), None);
    assert!(bench.history().contains("the newer wrapping of the data key opens the storage"));
}

#[tokio::test(start_paused = true)]
async fn a_newer_wrapping_of_something_else_is_found_out_and_the_old_one_kept() {
    let bench = between_steps().await;
    let mut record = bench.record();
    let customer = record.data_encryption.customer.as_mut().unwrap();
    let candidate = customer.candidate.as_mut().unwrap();
    candidate.wrapped_key.value = candidate.canary.wrapped.value.clone();
    record.save(&bench.layout.record()).unwrap();
    // While the old key opens, the proof fails and the candidate goes.
    let bench = bench.killed().await;
    bench.enters(Ready).await;
    bench.until("no candidate", |_, _| bench.record().data_encryption.candidate().is_none()).await;
    follows(&bench, "2").await;
    // While it does not, the storage itself refuses the other one.
    let bench = between_steps().await;
    record.save(&bench.layout.record()).unwrap();
    bench.world.vault.change("1", |version| version.deleted = true);
    let bench = bench.killed().await;
    bench
        .until("the old wrapping", |_, _| bench.record().data_encryption.candidate().is_none())
        .await;
    assert_eq!(bench.record().data_encryption.wrapped_key.key_version, "1");
    bench.enters(Inaccessible).await;
    bench.world.vault.change("1", |version| version.deleted = false);
    bench.enters(Ready).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_keeps_the_old_wrapping() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    // Where the new record would be written stands something else.
    let obstacle = bench.layout.record().with_extension("new");
    std::fs::create_dir(&obstacle).unwrap();
    vault.rotate("other", "a");
    bench.run(to_key("https://hr.vault/keys/other")).await.unwrap_err();
    assert_eq!(bench.show().data_encryption.key_version, "1");
    assert_eq!(bench.record().data_encryption.wrapped_key.key_version, "1");
    std::fs::remove_dir(&obstacle).unwrap();
    bench.run(to_key("https://hr.vault/keys/other")).await.unwrap();
    assert_eq!(bench.record().data_encryption.wrapped_key.key_version, "a");
    assert_eq!(
        bench.record().data_encryption.wrapping().unwrap().reference,
        KeyReference {
            key_uri: "https://hr.vault/keys/other".to_owned(),
            identity: "hr".to_owned()
        }
    );
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_midst_of_a_rotation_is_overcome() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    let hook: Hook = Box::new(|vault| {
        vault.fail(Some(KeyFailure::new(KeyCause::Unreachable, "")));
    });
    *vault.on_call.lock().unwrap() = Some(("wrap", hook));
    vault.rotate("db", "2");
    bench.until("doubt", |_, key| key.health == KeyHealth::Doubtful).await;
    vault.fail(None);
    follows(&bench, "2").await;
    assert_eq!(bench.state().0, Ready);
}
