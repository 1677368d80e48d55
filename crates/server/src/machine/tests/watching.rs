//! Disk space, certificate, key, tamper findings, verification.

use std::time::Duration;

use base::ServerState::{self, Ready, Stopped, Updating};

use super::bench::Bench;
use crate::handle::Command;
use crate::record::ServerRecord;

const GIB: u64 = 1 << 30;

async fn seconds(n: u64) {
    tokio::time::sleep(Duration::from_secs(n)).await;
}

#[tokio::test(start_paused = true)]
async fn a_filling_disk_makes_the_server_read_only_and_room_makes_it_writable() {
    let bench = Bench::ready().await;
    seconds(2).await;
    assert!(bench.layout.ballast().exists(), "no ballast was laid in");
    bench.world.take_log();
    *bench.world.free_bytes.lock().unwrap() = 3 * GIB;
    seconds(3).await;
    let (state, reason) = bench.state();
    assert_eq!(state, Ready);
    assert!(reason.starts_with("storage nearly full: read-only since 20"), "{reason}");
    assert!(bench.server.show().unwrap().storage.read_only_since.is_some());
    assert_eq!(bench.world.take_log(), ["read-only"]);
    assert!(bench.layout.ballast().exists());
    *bench.world.free_bytes.lock().unwrap() = GIB / 2;
    seconds(2).await;
    assert!(!bench.layout.ballast().exists(), "the ballast was not given up");
    // A little room is not enough: the switch does not flutter.
    *bench.world.free_bytes.lock().unwrap() = 9 * GIB / 2;
    seconds(5).await;
    assert!(bench.world.take_log().is_empty());
    *bench.world.free_bytes.lock().unwrap() = 10 * GIB;
    seconds(2).await;
    assert_eq!(bench.world.take_log(), ["writable"]);
    assert_eq!(bench.state().0, Ready);
    assert!(bench.server.show().unwrap().storage.read_only_since.is_none());
    assert!(bench.layout.ballast().exists(), "the ballast was not laid in again");
}

#[tokio::test(start_paused = true)]
async fn a_read_only_server_is_still_known_as_one_after_the_agent_was_replaced() {
    let bench = Bench::ready().await;
    *bench.world.free_bytes.lock().unwrap() = 3 * GIB;
    seconds(2).await;
    *bench.world.free_bytes.lock().unwrap() = 500 * GIB;
    let bench = bench.again().await;
    seconds(5).await;
    assert!(bench.world.take_log().contains(&"writable".to_owned()));
    let record = ServerRecord::load(&bench.layout.record()).unwrap().unwrap();
    assert_eq!(record.read_only_since, None);
}

#[tokio::test(start_paused = true)]
async fn the_certificate_is_renewed_after_two_thirds_of_its_life() {
    let bench = Bench::ready().await;
    let before = bench.server.show().unwrap().tls;
    assert!(before.renew_at.is_some());
    tokio::time::advance(Duration::from_secs(59 * 86_400)).await;
    seconds(400).await;
    assert_eq!(bench.server.show().unwrap().tls.fingerprint, before.fingerprint);
    bench.world.fail("sign", "away");
    tokio::time::advance(Duration::from_secs(2 * 86_400)).await;
    seconds(400).await;
    let show = bench.server.show().unwrap();
    assert!(show.warnings.iter().any(|w| w.contains("could not be renewed")), "{show:?}");
    assert_eq!(show.state.state, Ready);
    bench.world.heal();
    seconds(400).await;
    let show = bench.server.show().unwrap();
    assert_ne!(show.tls.fingerprint, before.fingerprint);
    assert!(show.warnings.is_empty(), "{:?}", show.warnings);
}

#[tokio::test(start_paused = true)]
async fn rotation_passes_through_updating_and_a_failed_one_leaves_the_server_ready() {
    let bench = Bench::ready().await;
    seconds(1).await;
    let before = bench.server.show().unwrap().tls.fingerprint;
    bench.world.fail("install", "certificate_not_taken");
    let fault = bench.run(Command::CertificateRotate).await.unwrap_err();
    assert_eq!(fault.code, "certificate_not_taken");
    assert_eq!(bench.state().0, Ready);
    assert_eq!(bench.server.show().unwrap().tls.fingerprint, before);
    bench.world.heal();
    bench.run(Command::CertificateRotate).await.unwrap();
    assert_ne!(bench.server.show().unwrap().tls.fingerprint, before);
    let history = std::fs::read_to_string(bench.layout.history()).unwrap();
    assert!(history.contains(&format!("\"{Updating}\"")));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_longer_opens_is_a_warning_while_the_server_runs() {
    let bench = Bench::ready().await;
    bench.world.fail("unwrap", "forbidden");
    seconds(400).await;
    let show = bench.server.show().unwrap();
    assert_eq!(show.state.state, Ready);
    assert!(show.warnings.iter().any(|w| w.contains("would not start again")), "{show:?}");
    bench.world.heal();
    seconds(400).await;
    let show = bench.server.show().unwrap();
    assert!(show.warnings.is_empty());
    assert!(show.data_encryption.last_validated_at > show.created_at);
}

#[tokio::test(start_paused = true)]
async fn tamper_findings_are_shown_counted_and_kept_in_the_journal() {
    let bench = Bench::ready().await;
    for unit in [1, 1, 2] {
        bench.world.report_event(cryptfs::Event::Tamper {
            file: "pgdata/base/1/2".to_owned(),
            unit: Some(unit),
            reason: "code".to_owned(),
        });
    }
    seconds(1).await;
    let show = bench.server.show().unwrap();
    assert_eq!((show.storage.n_tampers, show.storage.tampers.len()), (3, 2));
    assert!(show.warnings[0].contains("not what was written"));
    let history = std::fs::read_to_string(bench.layout.history()).unwrap();
    assert_eq!(history.matches("\"tamper\"").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn verification_wants_a_stopped_server_or_stops_it() {
    let bench = Bench::ready().await;
    let refused = bench.run(Command::StorageVerify { stop: false }).await.unwrap_err();
    assert_eq!(refused.code, "server_running");
    assert!(refused.hint.unwrap().contains("--stop"));
    bench.world.report.lock().unwrap().tampered.push(cryptfs::Event::Tamper {
        file: "pgdata/base/1/2".to_owned(),
        unit: Some(9),
        reason: "code".to_owned(),
    });
    let report = bench.run(Command::StorageVerify { stop: true }).await.unwrap();
    assert_eq!(report["intact"], false);
    assert_eq!(report["tampered"][0]["unit"], 9);
    assert_eq!(bench.state().0, Ready);
    assert_eq!(bench.server.show().unwrap().storage.n_tampers, 1);
    bench.run(Command::Stop).await.unwrap();
    *bench.world.report.lock().unwrap() = cryptfs::check::Report::default();
    let report = bench.run(Command::StorageVerify { stop: false }).await.unwrap();
    assert_eq!(report["intact"], true);
    assert_eq!(bench.state().0, Stopped);
}

#[tokio::test(start_paused = true)]
async fn parameters_need_a_ready_server() {
    let bench = Bench::ready().await;
    let name = "work_mem".to_owned();
    let set = Command::ParameterSet { name: name.clone(), value: Some("8MB".to_owned()) };
    assert_eq!(bench.run(set).await.unwrap()["value"], "8MB");
    bench.run(Command::Stop).await.unwrap();
    let fault = bench.run(Command::ParameterShow { name }).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("not_ready", base::ExitCode::Conflict));
    assert_eq!(bench.state().0, ServerState::Stopped);
}
