//! Looks at a server: bounded, read-only, in nobody's way.

use testkit::TestCluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_look_writes_nothing_waits_for_nobody_and_is_cut() {
    let test = TestCluster::start().await;
    let other = test.connect().await;
    other.batch("prepare", "create table t (n int)").await.unwrap();
    other.batch("hold", "begin; lock table t in access exclusive mode").await.unwrap();

    let connection = test.connect().await;
    let some = connection.sample("select n from generate_series(1, 9) as n -- all", 3).await;
    let some = some.unwrap();
    assert_eq!(
        (some.rows.as_slice(), some.is_cut),
        (["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"].map(String::from).as_slice(), true)
    );
    let all = connection.sample("select n from generate_series(1, 3) as n", 3).await.unwrap();
    assert_eq!((all.rows.len(), all.is_cut), (3, false));

    // Somebody holds what is asked for: given up soon, and the connection is as good as before.
    let begun = std::time::Instant::now();
    assert!(connection.sample("select n from public.t", 3).await.is_err());
    assert!(begun.elapsed().as_secs() < 4, "{:?}", begun.elapsed());
    assert!(connection.sample("select nextval('public.s')", 3).await.is_err());
    // A name that somebody put before the catalog's is not found.
    other
        .batch("end", "rollback; create function public.look() returns int return 1")
        .await
        .unwrap();
    assert!(connection.sample("select look()", 3).await.is_err());
    let names = connection.databases(9).await.unwrap();
    assert!(names.contains(&"postgres".to_owned()), "{names:?}");
    assert!(!names.contains(&"template1".to_owned()));
}
