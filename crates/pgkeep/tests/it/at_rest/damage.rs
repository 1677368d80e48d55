//! Coarser changes of a stopped store: which of them the check notices, and which it cannot.

use serde_json::Value;

use super::cluster::Cluster;
use super::plant::{one, path_of, run};
use super::rig::Rig;
use super::units::{GROUP, PIECE, Raw, Restore, Unit};

/// A store that holds a cluster with a table of several groups, stopped cleanly.
pub(crate) async fn stopped_store() -> Rig {
    let rig = Rig::new();
    rig.mount();
    {
        let cluster = Cluster::initdb(&rig, "").await;
        cluster.start();
        let client = cluster.connect().await;
        run(&client, TABLE).await;
        run(&client, "checkpoint").await;
        drop(client);
        cluster.stop();
    }
    rig.unmount();
    let (code, report) = rig.check();
    assert_eq!((code, tampered(&report)), (0, Vec::new()), "a fresh store is whole");
    assert_eq!(report["unclean"], false, "the store was stopped cleanly: {report}");
    rig
}

/// 6 MB: six groups and a bit.
const TABLE: &str = "create table ledger as
    select n as id, md5(n::text) || md5((n + 1)::text) as body from generate_series(1, 60000) n";

/// What a report names: file and unit.
pub(crate) fn tampered(report: &Value) -> Vec<(String, Option<u64>)> {
    let events = report["tampered"].as_array().expect("because the report has a list");
    events
        .iter()
        .map(|event| {
            assert_eq!(event["event"], "tamper", "{event}");
            (event["file"].as_str().expect("because it is text").to_owned(), event["unit"].as_u64())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn coarse_changes_are_noticed() {
    let rig = Rig::new();
    rig.mount();
    let cluster = Cluster::initdb(&rig, "").await;
    cluster.start();
    let client = cluster.connect().await;
    run(&client, TABLE).await;
    run(&client, "create table other as table ledger").await;
    let ledger = format!("pgdata/{}", path_of(&client, "ledger").await);
    let other = format!("pgdata/{}", path_of(&client, "other").await);
    drop(client);
    cluster.stop();
    rig.unmount();
    assert_eq!(rig.check().0, 0);
    let older = Restore::of(&rig.tree().join(&ledger));

    // A second state of the same file, so that there is an older one to go back to.
    rig.mount();
    cluster.start();
    let client = cluster.connect().await;
    run(&client, "update ledger set body = reverse(body) where id <= 100; checkpoint").await;
    drop(client);
    cluster.stop();
    rig.unmount();
    assert_eq!(rig.check().0, 0);

    let (path, other_path) = (rig.tree().join(&ledger), rig.tree().join(&other));
    let unit = |number| Unit { file: ledger.clone(), number };
    let zeros = |length: u64| vec![0u8; length as usize];
    let mut table = Table { rig: &rig, file: ledger.clone(), kept: &[], missed: Vec::new() };
    let kept = [path.clone(), other_path.clone()];
    table.kept = &kept;

    table.try_one("two units of a file swapped", |raw| {
        let (a, b) = (unit(3).offset(), unit(300).offset());
        let (at_a, at_b) = (raw.read(a, PIECE), raw.read(b, PIECE));
        raw.write(a, &at_b);
        raw.write(b, &at_a);
    });
    table.try_one("two units swapped, with their codes", |raw| {
        for (a, b, length) in [
            (unit(3).offset(), unit(300).offset(), PIECE),
            (unit(3).code_offset(), unit(300).code_offset(), 16),
        ] {
            let (at_a, at_b) = (raw.read(a, length), raw.read(b, length));
            raw.write(a, &at_b);
            raw.write(b, &at_a);
        }
    });
    table.try_one("a unit of another file, with its code", |raw| {
        let other = Raw::open(&other_path);
        raw.write(unit(7).offset(), &other.read(unit(7).offset(), PIECE));
        raw.write(unit(7).code_offset(), &other.read(unit(7).code_offset(), 16));
    });
    table.try_one("a unit zeroed", |raw| raw.write(unit(9).offset(), &zeros(PIECE)));
    table.try_one("a unit zeroed, with its code", |raw| {
        raw.write(unit(9).offset(), &zeros(PIECE));
        raw.write(unit(9).code_offset(), &zeros(16));
    });
    table.try_one("a page of codes zeroed", |raw| raw.write(PIECE + GROUP, &zeros(PIECE)));
    table.try_one("a group zeroed, with its codes", |raw| raw.write(PIECE + GROUP, &zeros(GROUP)));
    table.try_one("a byte in the unused part of the header", |raw| raw.flip(2000, 1));
    table.try_one("the header zeroed", |raw| raw.write(0, &zeros(PIECE)));
    table.try_one("the end cut off by one unit", |raw| raw.set_len(raw.len() - PIECE));
    table.try_one("the end cut off by half a unit", |raw| raw.set_len(raw.len() - PIECE / 2));
    table.try_one("the end cut off by a group", |raw| raw.set_len(raw.len() - GROUP));
    table.try_one("the last groups cut off", |raw| raw.set_len(PIECE + 3 * GROUP));
    table.try_one("cut off after the header", |raw| raw.set_len(PIECE));
    table.try_one("cut to nothing", |raw| raw.set_len(0));
    table.try_one("removed", |_| std::fs::remove_file(&path).unwrap());
    table.try_one("a unit of zeros appended", |raw| raw.set_len(raw.len() + PIECE));
    table.try_one("a unit of noise appended", |raw| {
        raw.write(raw.len(), &raw.read(unit(1).offset(), PIECE));
    });
    table.try_one("another file of the store copied over it", |raw| {
        let bytes = std::fs::read(&other_path).unwrap();
        raw.set_len(bytes.len() as u64);
        raw.write(0, &bytes);
    });
    table.try_one("swapped with another file", |_| {
        let aside = rig.tree().join("aside");
        std::fs::rename(&path, &aside).unwrap();
        std::fs::rename(&other_path, &path).unwrap();
        std::fs::rename(&aside, &other_path).unwrap();
    });
    table.try_one("an older state of a unit, with its code", |raw| {
        raw.write(unit(0).offset(), &older.part(unit(0).offset(), PIECE));
        raw.write(unit(0).code_offset(), &older.part(unit(0).code_offset(), 16));
    });
    table.try_one("an older state of the whole file", |raw| {
        raw.set_len(older.len());
        raw.write(0, &older.part(0, older.len()));
    });

    let missed = table.missed;
    assert_eq!(rig.check().0, 0, "the store is whole again");
    older.forget();
    // No more and no less than we admit.
    assert_eq!(missed, KNOWN_LIMITS, "the limits are others than those we know");

    rig.mount();
    cluster.start();
    let client = cluster.connect().await;
    assert_eq!(one(&client, "select count(*)::text from ledger").await, "60000");
    drop(client);
    cluster.stop();
    rig.unmount();
}

/// Changes that the check cannot see: whole files that are gone or carry another name (their
/// identity is inside them), and states that were true once.
const KNOWN_LIMITS: [&str; 5] = [
    "cut to nothing",
    "removed",
    "swapped with another file",
    "an older state of a unit, with its code",
    "an older state of the whole file",
];

/// Tries one change after the other and prints what came of it.
struct Table<'a> {
    rig: &'a Rig,
    file: String,
    kept: &'a [std::path::PathBuf],
    missed: Vec<&'static str>,
}

impl Table<'_> {
    fn try_one(&mut self, name: &'static str, change: impl FnOnce(&Raw)) {
        let restore: Vec<_> = self.kept.iter().map(|path| Restore::of(path)).collect();
        change(&Raw::open(&self.rig.tree().join(&self.file)));
        let (code, report) = self.rig.check();
        drop(restore);
        let named = tampered(&report);
        let reason = report["tampered"][0]["reason"].as_str().unwrap_or_default();
        let verdict = match named.iter().find(|(file, _)| *file == self.file) {
            Some(_) => format!("noticed, {} reported: {reason}", named.len()),
            None if code == 6 => format!("noticed elsewhere: {named:?}"),
            None => "NOT NOTICED".to_owned(),
        };
        println!("{name:<44} {verdict}");
        assert_eq!(code == 6, !named.is_empty(), "{name}: exit code {code}, {report}");
        if code != 6 {
            self.missed.push(name);
        }
    }
}
