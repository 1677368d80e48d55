//! Who may connect, what a change would do, and what it does.

use base::Changed;
use pg::{ConnectionKind, Error, FirewallRule, Method, NetworkingChange, RefusedKind};
use testkit::TestCluster;
use tokio_postgres::NoTls;

fn rule(role: &str, address: &str, method: Method) -> FirewallRule {
    FirewallRule {
        connection: ConnectionKind::Host,
        database: "all".to_owned(),
        role: role.to_owned(),
        address: address.to_owned(),
        method,
    }
}

fn firewall(rules: Vec<FirewallRule>) -> NetworkingChange {
    NetworkingChange { rules: Some(rules), ..NetworkingChange::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_names_plain_sessions_and_roles_without_a_rule_and_changes_nothing() {
    let test = TestCluster::start().await;
    let (cluster, connection) = (test.cluster(), test.connect().await);
    let off =
        NetworkingChange { require_secure_transport: Some(false), ..NetworkingChange::default() };
    let outcome = cluster.set_networking(&connection, &off).await.unwrap();
    assert_eq!((outcome.changed, outcome.needs_restart), (Changed::Changed, false));
    let _plain = plain_login(&test, "postgres", test.password().expose()).await.unwrap();
    let _tls = test.connect_tls().await.unwrap();
    connection.batch("make a role", "create role anna login password 'x'").await.unwrap();

    let on =
        NetworkingChange { require_secure_transport: Some(true), ..NetworkingChange::default() };
    let before = cluster.networking(&connection).await.unwrap();
    let preview = cluster.preview_networking(&connection, &on).await.unwrap();
    assert_eq!(preview.would_refuse.len(), 1, "{preview:?}");
    let refused = &preview.would_refuse[0];
    assert_eq!(refused.kind, RefusedKind::Session);
    assert!(refused.who.contains("postgres@postgres from 127.0.0.1"), "{refused:?}");
    assert!(refused.why.contains("not encrypted"), "{refused:?}");
    assert!(preview.changes.contains(&"+hostnossl all all all reject".to_owned()), "{preview:?}");
    assert!(!preview.restart_needed && preview.unsure.is_empty(), "{preview:?}");

    let only = firewall(vec![rule("postgres", "192.0.2.0/24", Method::ScramSha256)]);
    let preview = cluster.preview_networking(&connection, &only).await.unwrap();
    let of = |kind| preview.would_refuse.iter().filter(|r| r.kind == kind).collect::<Vec<_>>();
    assert_eq!(of(RefusedKind::Session).len(), 2, "{preview:?}");
    assert_eq!(of(RefusedKind::Role).len(), 1, "{preview:?}");
    assert_eq!(of(RefusedKind::Role)[0].who, "anna");

    let newer = NetworkingChange {
        max_tls_version: Some("TLSv1.2".to_owned()),
        listen_addresses: Some("*".to_owned()),
        ..NetworkingChange::default()
    };
    let preview = cluster.preview_networking(&connection, &newer).await.unwrap();
    assert!(preview.restart_needed, "{preview:?}");
    assert!(preview.would_refuse[0].why.contains("TLSv1.3 is above"), "{preview:?}");
    let after = cluster.networking(&connection).await.unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"), "a preview changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_in_force_at_once_and_gone_when_they_are_taken_away() {
    let test = TestCluster::start().await;
    let (cluster, connection) = (test.cluster(), test.connect().await);
    test.connect_tls().await.expect("without rules everybody with a password");
    let elsewhere = firewall(vec![
        rule("guest", "all", Method::Reject),
        rule("all", "192.0.2.0/24", Method::ScramSha256),
    ]);
    let outcome = cluster.set_networking(&connection, &elsewhere).await.unwrap();
    assert_eq!(outcome.changed, Changed::Changed);
    let refused = test.connect_tls().await.unwrap_err().fault();
    assert!(format!("{refused:?}").contains("no pg_hba.conf entry"), "{refused:?}");
    drop(test.connect().await);
    let again = cluster.set_networking(&connection, &elsewhere).await.unwrap();
    assert_eq!(again.changed, Changed::Unchanged);

    let here = firewall(vec![
        rule("all", "samehost", Method::ScramSha256),
        rule("guest", "127.0.0.1", Method::Reject),
    ]);
    let preview = cluster.preview_networking(&connection, &here).await.unwrap();
    assert!(preview.would_refuse.is_empty(), "{preview:?}");
    let _ = cluster.set_networking(&connection, &here).await.unwrap();
    test.connect_tls().await.expect("the rule lets this machine in");
    let shown = cluster.networking(&connection).await.unwrap();
    assert_eq!(shown.rules.len(), 2, "{shown:?}");
    let samehost = |rule: &pg::EffectiveRule| rule.address.as_deref() == Some("samehost");
    let effective = shown.effective.iter().find(|rule| samehost(rule)).expect("it is in force");
    assert_eq!((effective.connection.as_str(), effective.error.as_deref()), ("hostssl", None));
    assert!(!effective.managed && shown.effective[0].managed, "{shown:?}");

    let _ = cluster.set_networking(&connection, &firewall(vec![])).await.unwrap();
    assert_eq!(cluster.policy().unwrap(), pg::Policy::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_a_half_done_change_is_taken_back() {
    let test = TestCluster::start().await;
    let (cluster, connection) = (test.cluster(), test.connect().await);
    let text = |value: &str| Some(value.to_owned());
    let change = NetworkingChange::default;
    for bad in [
        NetworkingChange { min_tls_version: text("TLSv1.1"), ..change() },
        NetworkingChange { listen_addresses: text("192.0.2.1"), ..change() },
        NetworkingChange { listen_addresses: text("localhost, x y"), ..change() },
        NetworkingChange {
            min_tls_version: text("TLSv1.3"),
            max_tls_version: text("TLSv1.2"),
            ..change()
        },
        firewall(vec![rule("all", "nonsense", Method::ScramSha256)]),
        firewall(vec![rule("all", "all", Method::Cert)]),
    ] {
        let refused = cluster.preview_networking(&connection, &bad).await.unwrap_err().fault();
        assert_ne!(refused.exit, base::ExitCode::Error, "{bad:?}: a caller's fault: {refused:?}");
        assert!(cluster.set_networking(&connection, &bad).await.is_err(), "{bad:?}");
    }
    // PostgreSQL cannot write the second part: the first must not stay.
    std::fs::create_dir(cluster.data_dir.join("postgresql.auto.conf.tmp")).unwrap();
    let half = NetworkingChange {
        require_secure_transport: Some(false),
        min_tls_version: text("TLSv1.3"),
        ..change()
    };
    let error = cluster.set_networking(&connection, &half).await.unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    let now = cluster.networking(&connection).await.unwrap();
    assert!(now.require_secure_transport && now.min_tls_version == "TLSv1.2", "{now:?}");
}

/// Signs in over TCP without TLS and stays.
async fn plain_login(
    test: &TestCluster,
    role: &str,
    password: &str,
) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(test.cluster().port).user(role).dbname("postgres");
    config.password(password);
    let (client, driver) = config.connect(NoTls).await?;
    tokio::spawn(driver);
    Ok(client)
}
