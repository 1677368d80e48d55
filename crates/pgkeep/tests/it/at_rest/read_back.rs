//! A changed unit read through the mount is an error, never wrong data.

use super::cluster::Cluster;
use super::damage::stopped_store;
use super::plant::{one, path_of};
use super::units::{Raw, Unit};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_unit_is_an_error_and_not_wrong_data() {
    let rig = stopped_store().await;
    rig.mount();
    let cluster = Cluster::adopt(&rig).await;
    cluster.start();
    let client = cluster.connect().await;
    let path = path_of(&client, "ledger").await;
    let whole = one(&client, "select md5(string_agg(body, '' order by id)) from ledger").await;
    drop(client);
    cluster.stop();
    rig.unmount();

    // A block of PostgreSQL is two units. One byte changes in the first half of block 5 and in
    // the second half of block 7.
    let file = format!("pgdata/{path}");
    let raw = Raw::open(&rig.tree().join(&file));
    let flip_both = || {
        for number in [10, 15] {
            raw.flip(Unit { file: file.clone(), number }.offset() + 1234, 0x40);
        }
    };
    flip_both();

    rig.mount();
    // Any program gets EIO for these units; their neighbours can still be read.
    let read = |unit: u64| {
        let mut dd = rig.command("dd");
        dd.args(["bs=4096", "count=1", &format!("skip={unit}"), "status=none"]);
        dd.arg(format!("if={}", rig.data().join(&path).display())).output().unwrap()
    };
    for unit in [10, 15] {
        let bad = read(unit);
        let said = String::from_utf8_lossy(&bad.stderr).into_owned();
        assert!(!bad.status.success() && said.contains("Input/output error"), "{said}");
        assert!(bad.stdout.is_empty(), "bytes of a changed unit were handed out");
    }
    for unit in [9, 11, 14, 16] {
        let good = read(unit);
        assert!(good.status.success() && good.stdout.len() == 4096, "unit {unit} is whole");
    }
    let n_tampered = rig.stat()["n_tampered"].as_u64();
    assert!(n_tampered >= Some(2), "the mount counts what it refused: {n_tampered:?}");

    cluster.start();
    let client = cluster.connect().await;
    // The half that is whole may arrive first; a block that is there in part is an error too.
    for (block, reasons) in [
        (5, ["Input/output error", "Input/output error"]),
        (7, ["Input/output error", "read only 4096 of 8192 bytes"]),
    ] {
        let sql = format!("select body from ledger where ctid = '({block},1)'");
        let error = client.query(&sql, &[]).await.unwrap_err();
        let said = error.as_db_error().expect("because the server says it").message().to_owned();
        println!("PostgreSQL says  {said}");
        assert!(said.contains(&format!("could not read block {block} in file")), "{said}");
        assert!(reasons.iter().any(|reason| said.contains(reason)), "{said}");
    }
    // The server lives on, and rows of other blocks are what they were.
    let others = "select count(*) || ' ' || bool_and(body = md5(id::text) || md5((id + 1)::text))
                  from ledger where ctid = any (array(
                    select ('(' || n || ',1)')::tid from generate_series(8, 207) as n))";
    assert_eq!(one(&client, others).await, "200 true");
    drop(client);
    cluster.stop();
    rig.unmount();

    flip_both();
    assert_eq!(rig.check().0, 0, "the store is whole again");
    rig.mount();
    cluster.start();
    let client = cluster.connect().await;
    let again = one(&client, "select md5(string_agg(body, '' order by id)) from ledger").await;
    assert_eq!(again, whole);
    drop(client);
    cluster.stop();
    rig.unmount();
}
