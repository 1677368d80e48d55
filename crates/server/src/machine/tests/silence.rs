//! Nothing is known of the key: the server goes on for a while, says so, and then does not.

use std::time::Duration;

use base::ServerState::{Inaccessible, Ready, Stopped};
use base::{ExitCode, ServerState};

use super::bench::Bench;
use crate::customer::{KeyCause, KeyFailure};
use crate::handle::{Command, KeyChange};
use crate::history::KeyHealth;
use crate::record::KeyPolicy;

const GRACE: Duration = Duration::from_secs(300);

fn silence(cause: KeyCause) -> Option<KeyFailure> {
    Some(KeyFailure::new(cause, "as the test wants"))
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_tells_nothing_costs_the_grace_time_and_is_named_from_the_first_failure() {
    for cause in [
        KeyCause::NameNotResolved,
        KeyCause::Unreachable,
        KeyCause::Timeout,
        KeyCause::Tls,
        KeyCause::Throttled,
        KeyCause::Sealed,
        KeyCause::VaultError,
        KeyCause::BadAnswer,
    ] {
        let bench = Bench::with_key().await;
        bench.world.vault.fail(silence(cause));
        bench.until("doubt", |_, key| key.health == KeyHealth::Doubtful).await;
        let show = bench.show();
        assert_eq!(show.state.state, Ready);
        assert!(show.state.reason.contains(cause.words()), "{}", show.state.reason);
        assert!(show.state.reason.contains("goes on until"), "{}", show.state.reason);
        assert!(show.warnings.iter().any(|w| w.contains("nothing is known")), "no warning");
        let until = bench.key().grace_until.unwrap();
        assert!(bench.world.is_running());
        let (reason, took) = bench.enters(Inaccessible).await;
        assert!(took <= GRACE && took >= GRACE - Duration::from_secs(1), "{cause:?}: {took:?}");
        assert_eq!(until.as_second(), bench.world.true_time().as_second());
        assert!(reason.contains(cause.words()), "{reason}");
        assert!(!bench.world.is_mounted() && !bench.world.is_running());
        bench.world.vault.fail(None);
        let (_, took) = bench.enters(Ready).await;
        assert!(took <= Duration::from_secs(11), "{cause:?}: back after {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_ends_in_time_leaves_nothing_but_the_journal() {
    let bench = Bench::with_key().await;
    bench.world.vault.fail(silence(KeyCause::Timeout));
    bench.until("doubt", |_, key| key.health == KeyHealth::Doubtful).await;
    tokio::time::sleep(Duration::from_secs(250)).await;
    bench.world.vault.fail(None);
    bench.until("usable", |_, key| key.health == KeyHealth::Usable).await;
    let show = bench.show();
    assert_eq!((show.state.state, &*show.state.reason), (Ready, ""));
    assert!(show.warnings.is_empty(), "{:?}", show.warnings);
    assert!(bench.history().contains("\"to\":\"doubtful\""));
    assert!(bench.world.take_log().is_empty(), "the server was touched");
    // A second silence has the whole grace again.
    bench.world.vault.fail(silence(KeyCause::Timeout));
    bench.until("doubt", |_, key| key.health == KeyHealth::Doubtful).await;
    let (_, took) = bench.enters(Inaccessible).await;
    assert!(took >= GRACE - Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_denial_within_the_grace_counts_at_once() {
    let bench = Bench::with_key().await;
    bench.world.vault.fail(silence(KeyCause::Unreachable));
    bench.until("doubt", |_, key| key.health == KeyHealth::Doubtful).await;
    bench.world.vault.fail(None);
    bench.world.vault.enable("1", false);
    let (_, took) = bench.enters(Inaccessible).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_denial_counts_even_when_another_call_hangs() {
    for slow in ["state", "newest"] {
        let bench = Bench::with_key().await;
        *bench.world.vault.takes.lock().unwrap() = Some((slow, Duration::from_secs(1000)));
        bench.world.vault.enable("1", false);
        let (reason, took) = bench.enters(Inaccessible).await;
        assert!(took < Duration::from_secs(6), "{slow}: {took:?}");
        assert!(reason.contains("KeyDisabled"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_hangs_delays_no_command() {
    let bench = Bench::with_key().await;
    for call in ["state", "unwrap", "newest"] {
        *bench.world.vault.takes.lock().unwrap() = Some((call, Duration::from_secs(1000)));
        tokio::time::sleep(Duration::from_secs(12)).await;
        let began = tokio::time::Instant::now();
        bench.run(Command::ParameterList).await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(10), "{call}: {:?}", began.elapsed());
    }
    assert_eq!(bench.state().0, Ready);
    bench.run(Command::Stop).await.unwrap();
    assert_eq!(bench.state().0, Stopped);
}

#[tokio::test(start_paused = true)]
async fn no_server_starts_on_grace() {
    let bench = Bench::with_key().await;
    let sealed = KeyFailure::new(KeyCause::Sealed, "").answered(503, None);
    bench.world.vault.fail(Some(sealed));
    let fault = bench.run(Command::Restart).await.unwrap_err();
    assert_eq!((&*fault.code, fault.exit), ("sealed", ExitCode::Sealed));
    assert_eq!(bench.state().0, Inaccessible);
    bench.world.vault.fail(None);
    bench.enters(Ready).await;
    // But a PostgreSQL that dies on grace comes up again over the mount that is still there.
    bench.world.vault.fail(silence(KeyCause::Unreachable));
    bench.until("doubt", |_, key| key.health == KeyHealth::Doubtful).await;
    bench.world.kill_postgres();
    bench.until("a restart", |show, _| show.restarts.n_restarts == 1).await;
    bench.enters(Ready).await;
    // A file system that dies then cannot: the key is nowhere.
    bench.world.kill_fs();
    bench.enters(Inaccessible).await;
    bench.world.vault.fail(None);
    bench.enters(Ready).await;
}

#[tokio::test(start_paused = true)]
async fn interval_and_grace_are_the_owners_choice() {
    let bench = Bench::with_key().await;
    let policy = KeyPolicy { check_interval_s: 60, grace_s: 5, ..KeyPolicy::default() };
    let change = KeyChange { policy: Some(policy), ..KeyChange::default() };
    let answer = bench.run(Command::KeyChange(change.clone())).await.unwrap();
    assert_eq!(answer["changed"], "changed");
    let answer = bench.run(Command::KeyChange(change)).await.unwrap();
    assert_eq!(answer["changed"], "unchanged");
    assert_eq!(bench.key().policy, policy);
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.world.vault.take_calls();
    tokio::time::sleep(Duration::from_secs(240)).await;
    let n = bench.world.vault.take_calls().iter().filter(|call| *call == "newest").count();
    assert_eq!(n, 4);
    bench.world.vault.fail(silence(KeyCause::Timeout));
    let (_, took) = bench.enters(Inaccessible).await;
    assert!(took <= Duration::from_secs(66), "{took:?}");
    let wild = KeyPolicy { grace_s: 100_000, ..KeyPolicy::default() };
    let change = KeyChange { policy: Some(wild), ..KeyChange::default() };
    let fault = bench.run(Command::KeyChange(change)).await.unwrap_err();
    assert_eq!((&*fault.code, fault.exit), ("bad_key_policy", ExitCode::Usage));
    assert_eq!(bench.record().data_encryption.customer.unwrap().policy, policy);
}

#[tokio::test(start_paused = true)]
async fn looks_are_repeated_soon_and_then_at_the_regular_pace() {
    let bench = Bench::with_key().await;
    bench.world.vault.fail(silence(KeyCause::Throttled));
    bench.until("doubt", |_, key| key.health == KeyHealth::Doubtful).await;
    let began = bench.world.true_time();
    let mut seen = vec![];
    for _ in 0..5 {
        let last = bench.key().checked_at;
        bench.until("another look", |_, key| key.checked_at > last).await;
        seen.push(bench.key().checked_at.unwrap().as_second() - began.as_second());
    }
    assert_eq!(seen, [1, 3, 7, 15, 25]);
    assert_eq!(bench.state().0, ServerState::Ready);
}
