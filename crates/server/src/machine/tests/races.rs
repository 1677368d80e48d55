//! The key goes at the worst moments: while the server starts, stops, is made or verified.

use std::time::Duration;

use base::ServerState::{Inaccessible, Ready, Restarting, Starting, Stopped, Stopping};

use super::bench::{Bench, spec};
use super::vault::{Hook, KEY};
use crate::handle::{Command, KeyChange};
use crate::history::KeyHealth;

async fn seconds(n: u64) {
    tokio::time::sleep(Duration::from_secs(n)).await;
}

fn hang(bench: &Bench, steps: &[&'static str]) {
    bench.world.hanging.lock().unwrap().extend(steps);
}

fn unhang(bench: &Bench) {
    bench.world.hanging.lock().unwrap().clear();
}

#[tokio::test(start_paused = true)]
async fn denied_while_it_starts() {
    let bench = Bench::with_key().await;
    bench.run(Command::Stop).await.unwrap();
    *bench.world.start_takes.lock().unwrap() = Duration::from_secs(1800);
    let (started, ()) = tokio::join!(bench.run(Command::Start), async {
        bench.enters(Starting).await;
        seconds(100).await;
        bench.world.vault.enable("1", false);
        let (_, took) = bench.enters(Inaccessible).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
    });
    assert_eq!(started.unwrap_err().code, "key_denied");
    assert!(!bench.world.is_mounted() && !bench.world.is_running());
    *bench.world.start_takes.lock().unwrap() = Duration::ZERO;
    bench.world.vault.enable("1", true);
    bench.enters(Ready).await;
}

#[tokio::test(start_paused = true)]
async fn denied_while_it_is_created() {
    for step in ["mount", "initdb"] {
        let bench = Bench::empty();
        hang(&bench, &[step]);
        let (created, ()) = tokio::join!(bench.run(Command::Create(spec(KEY))), async {
            seconds(30).await;
            bench.world.vault.role("hr", false);
        });
        assert_eq!(created.unwrap_err().code, "key_denied", "{step}");
        assert!(!bench.world.is_mounted(), "{step}");
        assert!(!bench.layout.dir().exists(), "{step} left files");
        unhang(&bench);
        bench.world.vault.role("hr", true);
        assert_eq!(bench.run(Command::Create(spec(KEY))).await.unwrap()["state"], "Ready");
    }
}

#[tokio::test(start_paused = true)]
async fn denied_while_its_first_start_is_under_way() {
    let bench = Bench::empty();
    *bench.world.start_takes.lock().unwrap() = Duration::from_secs(600);
    let (created, ()) = tokio::join!(bench.run(Command::Create(spec(KEY))), async {
        seconds(60).await;
        bench.world.vault.enable("1", false);
    });
    assert_eq!(created.unwrap_err().code, "key_denied");
    assert_eq!(bench.state().0, Inaccessible);
    *bench.world.start_takes.lock().unwrap() = Duration::ZERO;
    bench.world.vault.enable("1", true);
    bench.enters(Ready).await;
}

#[tokio::test(start_paused = true)]
async fn denied_while_it_stops_patience_ends() {
    let bench = Bench::with_key().await;
    hang(&bench, &["stop fast"]);
    let (stopped, ()) = tokio::join!(bench.run(Command::Stop), async {
        bench.enters(Stopping).await;
        seconds(20).await;
        bench.world.vault.enable("1", false);
        let (_, took) = bench.enters(Stopped).await;
        assert!(took < Duration::from_secs(4), "{took:?}");
    });
    assert_eq!(stopped.unwrap()["state"], "Stopped");
    assert!(!bench.world.is_mounted() && !bench.world.is_running());
    unhang(&bench);
    seconds(60).await;
    assert_eq!(bench.state().0, Stopped, "what the owner wanted was forgotten");
}

#[tokio::test(start_paused = true)]
async fn denied_while_it_restarts_after_a_death() {
    let bench = Bench::with_key().await;
    seconds(5).await;
    *bench.world.start_takes.lock().unwrap() = Duration::from_secs(600);
    bench.world.kill_postgres();
    bench.enters(Restarting).await;
    seconds(30).await;
    bench.world.vault.enable("1", false);
    let (_, took) = bench.enters(Inaccessible).await;
    assert!(took < Duration::from_secs(4), "{took:?}");
    *bench.world.start_takes.lock().unwrap() = Duration::ZERO;
    bench.world.vault.enable("1", true);
    bench.enters(Ready).await;
}

#[tokio::test(start_paused = true)]
async fn denied_while_its_storage_is_verified() {
    let bench = Bench::with_key().await;
    hang(&bench, &["check"]);
    let (verified, ()) = tokio::join!(bench.run(Command::StorageVerify { stop: true }), async {
        seconds(600).await;
        bench.world.vault.enable("1", false);
    });
    assert_eq!(verified.unwrap_err().code, "key_denied");
    assert_eq!(bench.state().0, Inaccessible);
    unhang(&bench);
    let fault = bench.run(Command::StorageVerify { stop: false }).await.unwrap_err();
    assert_eq!(fault.code, "key_denied");
    bench.world.vault.enable("1", true);
    bench.enters(Ready).await;
}

#[tokio::test(start_paused = true)]
async fn denied_while_a_command_hangs() {
    let bench = Bench::with_key().await;
    hang(&bench, &["set parameter"]);
    let name = "work_mem".to_owned();
    let set = Command::ParameterSet { name, value: Some("8MB".to_owned()) };
    let (set, ()) = tokio::join!(bench.run(set), async {
        seconds(60).await;
        bench.world.vault.enable("1", false);
        let (_, took) = bench.enters(Inaccessible).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
    });
    assert_eq!(set.unwrap_err().code, "key_denied");
}

#[tokio::test(start_paused = true)]
async fn denied_while_a_new_version_is_wrapped() {
    for call in ["wrap", "newest"] {
        let bench = Bench::with_key().await;
        let hook: Hook = Box::new(|vault| vault.enable("1", false));
        *bench.world.vault.on_call.lock().unwrap() = Some((call, hook));
        bench.world.vault.rotate("db", "2");
        bench
            .until("an outcome", |show, _| {
                show.state.state == Inaccessible || show.data_encryption.key_version == "2"
            })
            .await;
        bench.world.vault.enable("1", true);
        bench
            .until("the new version", |show, _| {
                show.state.state == Ready && show.data_encryption.key_version == "2"
            })
            .await;
        bench.world.vault.change("1", |version| version.deleted = true);
        assert_eq!(bench.run(Command::Restart).await.unwrap()["state"], "Ready", "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_under_way_ends_with_the_key_with_a_delete_and_with_the_agent() {
    let change = || {
        let key_uri = Some("https://hr.vault/keys/other".to_owned());
        Command::KeyChange(KeyChange { key_uri, ..KeyChange::default() })
    };
    for ending in ["key", "delete", "shutdown"] {
        let bench = Bench::with_key().await;
        bench.world.vault.rotate("other", "a");
        *bench.world.vault.takes.lock().unwrap() = Some(("wrap", Duration::from_secs(3)));
        let (changed, ()) = tokio::join!(bench.run(change()), async {
            seconds(2).await;
            assert_eq!(bench.run(change()).await.unwrap_err().code, "busy");
            match ending {
                "key" => bench.world.vault.enable("1", false),
                "delete" => drop(bench.run(Command::Delete).await.unwrap()),
                _ => drop(bench.run(Command::Shutdown).await.unwrap()),
            }
        });
        let code = changed.unwrap_err().code;
        let expected = match ending {
            "key" => "key_denied",
            "delete" => "deleted",
            _ => "interrupted",
        };
        assert_eq!(code, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_taken_down_by_force() {
    let bench = Bench::with_key().await;
    hang(&bench, &["stop fast", "stop immediate", "unmount"]);
    bench.world.vault.enable("1", false);
    let (_, took) = bench.enters(Inaccessible).await;
    assert!(took < Duration::from_secs(7), "{took:?}");
    assert_eq!(
        bench.world.take_log(),
        ["stop fast", "stop immediate", "stop kill", "unmount", "kill"]
    );
    unhang(&bench);
    bench.world.vault.enable("1", true);
    bench.enters(Ready).await;
    // Not even then: it is said, and tried until it is so.
    hang(&bench, &["stop fast", "stop immediate", "stop kill", "kill"]);
    bench.world.vault.enable("1", false);
    bench.until("the failure", |show, _| show.state.reason.contains("not down yet")).await;
    assert_eq!(bench.state().0, Stopping);
    unhang(&bench);
    bench.enters(Inaccessible).await;
    assert!(!bench.world.is_mounted() && !bench.world.is_running());
    assert!(bench.show().warnings.is_empty(), "{:?}", bench.show().warnings);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_pushes_makes_few_looks_and_none_is_lost() {
    let bench = Bench::with_key().await;
    let vault = &bench.world.vault;
    seconds(1).await;
    vault.take_calls();
    for _ in 0..10_000 {
        vault.push();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let n = vault.take_calls().iter().filter(|call| *call == "newest").count();
    assert!((15..=25).contains(&n), "{n} looks in 10 s");
    // The last push of a storm is heard as well.
    vault.push();
    vault.enable("1", false);
    let (_, took) = bench.enters(Inaccessible).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_push_during_a_look_is_looked_at_anew() {
    let bench = Bench::with_key().await;
    seconds(15).await;
    // The look has read the attributes when the key is disabled, and hangs on another call.
    *bench.world.vault.takes.lock().unwrap() = Some(("newest", Duration::from_secs(4)));
    bench.world.vault.push();
    seconds(1).await;
    bench.world.vault.enable("1", false);
    let (_, took) = bench.enters(Inaccessible).await;
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_and_goes_wears_the_server_out_less_and_less() {
    let bench = Bench::with_key().await;
    for _ in 0..300 {
        bench.world.vault.enable("1", false);
        seconds(1).await;
        assert!(!bench.world.is_mounted(), "up without its key");
        bench.world.vault.enable("1", true);
        seconds(1).await;
    }
    let log = bench.world.take_log();
    let n_starts = log.iter().filter(|step| *step == "start").count();
    assert!(n_starts <= 30, "{n_starts} starts in 10 minutes");
    let (_, took) = bench.enters(Ready).await;
    assert!(took <= Duration::from_secs(61), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_system_that_dies_as_the_key_goes_ends_in_inaccessible() {
    let bench = Bench::with_key().await;
    seconds(5).await;
    bench.world.vault.enable("1", false);
    bench.world.kill_fs();
    bench.enters(Inaccessible).await;
    seconds(60).await;
    assert_eq!(bench.state().0, Inaccessible);
    assert!(!bench.world.is_mounted() && !bench.world.is_running());
    bench.world.vault.enable("1", true);
    bench.enters(Ready).await;
    assert_eq!(bench.key().health, KeyHealth::Usable);
}
