//! Each step of a start fails once; the file system and PostgreSQL die in every way.

use std::time::Duration;

use base::ServerState::{Inaccessible, Ready, Stopped};
use base::{Fault, ServerState};

use super::bench::Bench;
use crate::handle::{Command, CreateSpec};

async fn settled(bench: &Bench, state: ServerState) -> String {
    let show = tokio::time::timeout(
        Duration::from_secs(3600),
        bench.server.wait_for(|show| show.state.state == state),
    );
    show.await.unwrap_or_else(|_| panic!("{state} was never entered")).unwrap().state.reason
}

/// Waits until restart number `n` has ended in Ready; answers the reason.
async fn restarted(bench: &Bench, n: u64) -> String {
    let done =
        |show: &crate::status::Show| show.restarts.n_restarts == n && show.state.state == Ready;
    let show = tokio::time::timeout(Duration::from_secs(3600), bench.server.wait_for(done));
    let history = || std::fs::read_to_string(bench.layout.history()).unwrap();
    let show = show.await.expect("it was not restarted").unwrap();
    assert!(history().contains("\"Restarting\""));
    show.state.reason
}

async fn failed_start(step: &'static str, code: &str) -> (Bench, Fault) {
    let bench = Bench::ready().await;
    bench.run(Command::Stop).await.unwrap();
    bench.world.fail(step, code);
    let fault = bench.run(Command::Start).await.unwrap_err();
    assert!(!bench.world.is_mounted() && !bench.world.is_running(), "{step} left something");
    assert!(bench.layout.backing().is_dir() && bench.layout.record().exists());
    (bench, fault)
}

#[tokio::test(start_paused = true)]
async fn every_failed_step_of_a_start_says_so_and_leaves_nothing_up() {
    for (step, code, state) in [
        ("unwrap", "forbidden", Inaccessible),
        ("mount", "wrong_key", Inaccessible),
        ("mount", "tampered", Stopped),
        ("start", "port_taken", Stopped),
        ("probe", "tls_untrusted", Stopped),
    ] {
        let (bench, fault) = failed_start(step, code).await;
        assert_eq!(fault.code, code, "{step}");
        let (seen, reason) = bench.state();
        assert_eq!(seen, state, "{step}");
        assert!(reason.contains(&format!("as {code}")), "{step}: {reason}");
        bench.world.heal();
        assert_eq!(bench.run(Command::Start).await.unwrap()["state"], "Ready", "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sealed_vault_keeps_its_exit_code_and_the_server_comes_back_by_itself() {
    let bench = Bench::ready().await;
    bench.run(Command::Stop).await.unwrap();
    let sealed = Fault::new("sealed", "the vault is sealed").exit(base::ExitCode::Sealed);
    bench.world.failing.lock().unwrap().push(("unwrap", sealed));
    let fault = bench.run(Command::Start).await.unwrap_err();
    assert_eq!(fault.exit, base::ExitCode::Sealed);
    assert!(bench.state().1.contains("the vault is sealed"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.state().0, Inaccessible);
    bench.world.heal();
    let reason = settled(&bench, Ready).await;
    assert!(reason.contains("the key came back"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_or_empty_backing_folder_is_damage_and_is_not_made_anew() {
    let bench = Bench::ready().await;
    bench.run(Command::Stop).await.unwrap();
    let store = bench.layout.backing();
    for (change, word) in [("empty", "is empty"), ("remove", "is missing")] {
        std::fs::remove_dir_all(&store).unwrap();
        if change == "empty" {
            std::fs::create_dir(&store).unwrap();
        }
        let fault = bench.run(Command::Start).await.unwrap_err();
        assert_eq!(fault.code, "backing_damaged");
        assert!(fault.message.ends_with(word), "{fault}");
        assert_eq!(bench.state().0, Stopped);
    }
    assert!(!store.exists());
}

#[tokio::test(start_paused = true)]
async fn a_failed_creation_leaves_nothing() {
    for step in ["find", "wrap", "mount", "initdb"] {
        let bench = Bench::empty();
        bench.world.fail(step, "broken");
        let fault = bench
            .run(Command::Create(CreateSpec { port: 1, customer_key: None }))
            .await
            .unwrap_err();
        assert_eq!(fault.code, "broken", "{step}");
        assert!(!bench.world.is_mounted(), "{step}");
        assert!(!bench.layout.dir().exists(), "{step} left files");
        assert_eq!(bench.server.show().unwrap_err().code, "not_found", "{step}");
        bench.world.heal();
        bench.run(Command::Create(CreateSpec { port: 1, customer_key: None })).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_first_start_fails_keeps_the_server() {
    let bench = Bench::empty();
    bench.world.fail("start", "port_taken");
    bench.run(Command::Create(CreateSpec { port: 1, customer_key: None })).await.unwrap_err();
    assert_eq!(bench.state().0, Stopped);
    bench.world.heal();
    assert_eq!(bench.run(Command::Start).await.unwrap()["state"], "Ready");
}

#[tokio::test(start_paused = true)]
async fn foreign_files_are_left_alone() {
    let bench = Bench::empty();
    let theirs = bench.layout.dir().join("theirs");
    std::fs::create_dir(bench.layout.dir()).unwrap();
    std::fs::write(&theirs, "").unwrap();
    let fault =
        bench.run(Command::Create(CreateSpec { port: 1, customer_key: None })).await.unwrap_err();
    assert_eq!(fault.code, "not_empty");
    assert!(theirs.exists());
}

#[tokio::test(start_paused = true)]
async fn a_dead_file_system_brings_everything_down_and_up_again() {
    let bench = Bench::ready().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench.world.take_log();
    bench.world.kill_fs();
    let reason = restarted(&bench, 1).await;
    assert!(reason.contains("the file system process ended (signal 9)"), "{reason}");
    assert_eq!(
        bench.world.take_log(),
        ["stop immediate", "kill", "unwrap", "mount", "start", "probe"]
    );
    assert!(bench.server.show().unwrap().restarts.last_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_dead_postgres_keeps_a_mount_that_works() {
    let bench = Bench::ready().await;
    for n in 1..=20 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        bench.world.take_log();
        bench.world.kill_postgres();
        let reason = restarted(&bench, n).await;
        assert!(reason.contains("PostgreSQL ended (signal 9)"), "{reason}");
        assert_eq!(bench.world.take_log(), ["stop immediate", "start", "probe"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_come_back_is_given_up_and_a_person_can_start_it() {
    let bench = Bench::ready().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench.world.take_log();
    bench.world.fail("start", "damaged_data");
    bench.world.kill_postgres();
    let reason = settled(&bench, Stopped).await;
    assert!(reason.contains("5 failures within 10 minutes"), "{reason}");
    assert!(reason.contains("as damaged_data"), "{reason}");
    assert!(!bench.world.is_mounted() && !bench.world.is_running());
    let starts = bench.world.take_log().iter().filter(|step| *step == "start").count();
    assert_eq!(starts, 5);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(bench.world.take_log().is_empty(), "it goes on trying");
    bench.world.heal();
    assert_eq!(bench.run(Command::Start).await.unwrap()["state"], "Ready");
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_file_needs_a_new_mount() {
    let bench = Bench::ready().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench.world.take_log();
    let (file, reason) = ("pg_wal/1".to_owned(), "no space left".to_owned());
    bench.world.report_event(cryptfs::Event::Poisoned { file, reason });
    let reason = restarted(&bench, 1).await;
    assert!(reason.contains("writing the backing file of \"pg_wal/1\" failed"), "{reason}");
    assert_eq!(
        bench.world.take_log(),
        ["stop immediate", "unmount", "unwrap", "mount", "start", "probe"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_gone_when_the_file_system_dies_makes_the_server_inaccessible() {
    let bench = Bench::ready().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench.world.fail("unwrap", "forbidden");
    bench.world.kill_fs();
    settled(&bench, Inaccessible).await;
    assert!(!bench.world.is_mounted() && !bench.world.is_running());
}
