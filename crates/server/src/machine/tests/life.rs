//! Created, stopped, started, restarted, deleted; and the agent that ends in between.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use base::ServerState;

use super::bench::Bench;
use crate::handle::{Command, CreateSpec};
use crate::record::{DesiredState, ServerRecord};

#[tokio::test(start_paused = true)]
async fn creation_ends_ready_and_leaves_no_secret_in_the_record() {
    let bench = Bench::empty();
    assert_eq!(bench.server.show().unwrap_err().code, "not_found");
    let answer =
        bench.run(Command::Create(CreateSpec { port: 5433, customer_key: None })).await.unwrap();
    assert_eq!(answer["state"], "Ready");
    assert_eq!(answer["changed"], "changed");
    assert_eq!(
        bench.world.take_log(),
        ["find", "wrap", "mount", "initdb", "sign", "install", "start", "probe"]
    );
    let pgpass = std::fs::read_to_string(bench.layout.pgpass()).unwrap();
    let password = pgpass.trim().strip_prefix("*:*:*:postgres:").unwrap();
    let mode = bench.layout.pgpass().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let record = std::fs::read_to_string(bench.layout.record()).unwrap();
    let history = std::fs::read_to_string(bench.layout.history()).unwrap();
    assert!(!record.contains(password) && !history.contains(password));
    for text in ["\"Provisioning\"", "\"Ready\""] {
        assert!(history.contains(text), "{text} is not in the journal");
    }
    let again = bench
        .run(Command::Create(CreateSpec { port: 5433, customer_key: None }))
        .await
        .unwrap_err();
    assert_eq!((again.code.as_str(), again.exit), ("exists", base::ExitCode::Conflict));
}

#[tokio::test(start_paused = true)]
async fn stop_and_start_are_safe_to_repeat() {
    let bench = Bench::ready().await;
    for expected in ["changed", "unchanged"] {
        let answer = bench.run(Command::Stop).await.unwrap();
        assert_eq!((&answer["state"], &answer["changed"]), (&"Stopped".into(), &expected.into()));
        assert!(!bench.world.is_mounted() && !bench.world.is_running());
    }
    assert_eq!(bench.world.take_log(), ["stop fast", "unmount"]);
    for expected in ["changed", "unchanged"] {
        let answer = bench.run(Command::Start).await.unwrap();
        assert_eq!((&answer["state"], &answer["changed"]), (&"Ready".into(), &expected.into()));
    }
    assert_eq!(bench.world.take_log(), ["unwrap", "mount", "start", "probe"]);
    let answer = bench.run(Command::Restart).await.unwrap();
    assert_eq!(answer["state"], "Ready");
    assert_eq!(
        bench.world.take_log(),
        ["stop fast", "unmount", "unwrap", "mount", "start", "probe"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_agent_obeys_what_the_owner_wanted() {
    let bench = Bench::ready().await.again().await;
    bench.server.wait_for(|show| show.state.state == ServerState::Ready).await.unwrap();
    bench.run(Command::Stop).await.unwrap();
    let bench = bench.again().await;
    let show = bench.server.wait_for(|show| show.state.reason.contains("owner")).await.unwrap();
    assert_eq!(show.state.state, ServerState::Stopped);
    assert_eq!(show.desired_state, DesiredState::Stopped);
    assert!(bench.world.take_log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_start_that_is_under_way() {
    let bench = Bench::ready().await;
    bench.run(Command::Stop).await.unwrap();
    *bench.world.start_takes.lock().unwrap() = Duration::from_secs(1800);
    let began = tokio::time::Instant::now();
    let (started, stopped) = tokio::join!(bench.run(Command::Start), async {
        bench.server.wait_for(|show| show.state.state == ServerState::Starting).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        bench.run(Command::Stop).await
    });
    assert_eq!(started.unwrap_err().code, "interrupted");
    assert_eq!(stopped.unwrap()["state"], "Stopped");
    assert!(began.elapsed() < Duration::from_secs(60));
    assert!(!bench.world.is_mounted());
}

#[tokio::test(start_paused = true)]
async fn deletion_removes_everything_but_never_under_a_mount() {
    let bench = Bench::ready().await;
    for step in ["unmount", "kill"] {
        bench.world.fail(step, "busy");
    }
    bench.run(Command::Delete).await.unwrap_err();
    assert!(bench.layout.record().exists());
    assert_eq!(bench.state().0, ServerState::Stopped);
    bench.world.heal();
    assert_eq!(bench.run(Command::Delete).await.unwrap()["changed"], "changed");
    assert!(!bench.layout.dir().exists());
    assert_eq!(bench.server.show().unwrap_err().exit, base::ExitCode::NotFound);
    assert_eq!(bench.run(Command::Delete).await.unwrap()["changed"], "unchanged");
    bench.run(Command::Create(CreateSpec { port: 5433, customer_key: None })).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_creation_is_said_and_can_be_repeated() {
    let bench = Bench::ready().await;
    let mut record = ServerRecord::load(&bench.layout.record()).unwrap().unwrap();
    let layout = bench.layout.clone();
    bench.run(Command::Stop).await.unwrap();
    record.provisioned = false;
    record.save(&layout.record()).unwrap();
    let bench = bench.again_with(&record).await;
    let show =
        bench.server.wait_for(|show| show.state.reason.contains("interrupted")).await.unwrap();
    assert_eq!(show.state.state, ServerState::Stopped);
    assert_eq!(bench.run(Command::Start).await.unwrap_err().code, "not_provisioned");
    let answer =
        bench.run(Command::Create(CreateSpec { port: 5434, customer_key: None })).await.unwrap();
    assert_eq!((&answer["state"], &answer["port"]), (&"Ready".into(), &5434.into()));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_said_and_nothing_is_touched() {
    let bench = Bench::ready().await;
    bench.run(Command::Stop).await.unwrap();
    let path = bench.layout.record();
    let bench = bench.again_writing("{").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.server.show().unwrap_err().code, "record_damaged");
    for command in [
        Command::Start,
        Command::Delete,
        Command::Create(CreateSpec { port: 1, customer_key: None }),
    ] {
        assert_eq!(bench.run(command).await.unwrap_err().code, "record_damaged");
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), "{");
}
