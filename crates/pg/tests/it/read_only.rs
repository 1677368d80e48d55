//! Read-only and back, with what was set before.

use base::Changed;
use pg::parameter;
use testkit::TestCluster;

#[tokio::test(flavor = "multi_thread")]
async fn writers_are_ended_and_the_old_value_comes_back() {
    let test = TestCluster::start().await;
    let (cluster, connection) = (test.cluster(), test.connect().await);
    let writer = test.connect().await;
    writer.batch("prepare", "create table t (n int)").await.unwrap();
    writer.batch("write", "begin; insert into t values (1)").await.unwrap();
    let reader = test.connect().await;
    reader.batch("read", "begin; select count(*) from t").await.unwrap();

    let outcome = cluster.read_only(&connection, true, true).await.unwrap();
    assert_eq!((outcome.changed, outcome.n_ended_sessions), (Changed::Changed, 1));
    testkit::eventually(testkit::DEADLINE, || async { writer.is_closed().then_some(()) }).await;
    reader.batch("go on reading", "select count(*) from t").await.expect("readers stay");
    let late = test.connect().await;
    assert!(late.batch("write", "insert into t values (2)").await.is_err());
    let again = cluster.read_only(&connection, true, true).await.unwrap();
    assert_eq!((again.changed, again.n_ended_sessions), (Changed::Unchanged, 0));

    let outcome = cluster.read_only(&connection, false, false).await.unwrap();
    assert_eq!(outcome.changed, Changed::Changed);
    let name = "default_transaction_read_only";
    assert_eq!(parameter(cluster, &connection, name).await.unwrap().source, "default");
    test.connect().await.batch("write", "insert into t values (3)").await.unwrap();

    // An operator's own choice survives our switching on and off.
    let _ = cluster.set_parameter(&connection, name, "on").await.unwrap();
    let _ = cluster.read_only(&connection, true, false).await.unwrap();
    let _ = cluster.read_only(&connection, false, false).await.unwrap();
    assert_eq!(parameter(cluster, &connection, name).await.unwrap().value, "on");
}
