//! Who may come in: TLS or not, with or without a client certificate.

use base::Changed;
use pg::{
    ClientCertificateRule, ClientCertificates, Error, PlainAnswer, Policy, parameter, probe_plain,
};
use testkit::TestCluster;
use tokio_postgres::NoTls;

#[tokio::test(flavor = "multi_thread")]
async fn secure_transport_is_required_until_it_is_not() {
    let test = TestCluster::start().await;
    let (cluster, port) = (test.cluster(), test.cluster().port);
    let connection = test.connect().await;
    assert_eq!(probe_plain("localhost", port).await.unwrap(), PlainAnswer::Refused);
    assert!(plain_login(&test).await.unwrap_err().contains("no encryption"));
    let over_tls = test.connect_tls().await.unwrap();
    let sql = "select version, current_setting('ssl') from pg_stat_ssl \
               where pid = pg_backend_pid()";
    let row = over_tls.query_one("look at the session", sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "TLSv1.3");

    let name = "require_secure_transport";
    let set = cluster.set_parameter(&connection, name, "off").await.unwrap();
    assert_eq!((set.changed, set.needs_restart), (Changed::Changed, false));
    assert_eq!(set.value, "off");
    plain_login(&test).await.expect("plain connections are allowed now");
    test.connect_tls().await.expect("and encrypted ones still are");
    let set = cluster.set_parameter(&connection, name, "off").await.unwrap();
    assert_eq!(set.changed, Changed::Unchanged);

    let set = cluster.reset_parameter(&connection, name).await.unwrap();
    assert_eq!((set.changed, set.value.as_str()), (Changed::Changed, "on"));
    assert!(plain_login(&test).await.is_err());
    let bad = cluster.set_parameter(&connection, name, "perhaps").await;
    assert!(matches!(bad, Err(Error::Rejected { .. })));
    assert_eq!(parameter(cluster, &connection, name).await.unwrap().value, "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_authority_is_refused() {
    let test = TestCluster::start().await;
    let password = base::Secret::new("wrong".to_owned());
    let login = pg::TlsLogin { password: &password, ..test.login() };
    assert!(matches!(pg::connect_tls(&test.target(), &login).await, Err(Error::Connect { .. })));
    let mut target = test.target();
    target.ca_pem = testkit::TestCa::new().pem().into_bytes();
    assert!(matches!(pg::connect_tls(&target, &test.login()).await, Err(Error::Connect { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_are_asked_for_where_the_policy_says_so() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    let rule = |role: &str| ClientCertificateRule { database: "all".into(), role: role.into() };
    let wanted = |role| ClientCertificates { ca_pem: test.ca().pem(), rules: vec![rule(role)] };
    let policy = Policy { client_certificates: Some(wanted("postgres")), ..Policy::default() };
    let changed = test.cluster().apply_policy(&connection, &policy).await.unwrap();
    assert_eq!(changed, Changed::Changed);
    let refused = test.connect_tls().await.unwrap_err().fault();
    assert!(refused.detail.unwrap().contains("client certificate"));
    for (name, expected) in [("postgres", true), ("somebody", false)] {
        let pair = test.ca().client(name).pair();
        let login = pg::TlsLogin { certificate: Some(&pair), ..test.login() };
        let connected = pg::connect_tls(&test.target(), &login).await;
        assert_eq!(connected.is_ok(), expected, "a certificate for {name}: {connected:?}");
    }
    let policy = Policy { client_certificates: Some(wanted("somebody")), ..Policy::default() };
    let _ = test.cluster().apply_policy(&connection, &policy).await.unwrap();
    test.connect_tls().await.expect("the rule is about another role");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_postgres_refuses_are_taken_back() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    let hba = test.cluster().data_dir.join("pg_hba.conf");
    let sound = std::fs::read_to_string(&hba).unwrap();
    let begin = "# >>> lines of your own begin\n";
    let broken = sound.replace(begin, &format!("{begin}hostssl all all nonsense\n"));
    std::fs::write(&hba, &broken).unwrap();
    let off = Policy { require_secure_transport: false, ..Policy::default() };
    let error = test.cluster().apply_policy(&connection, &off).await.unwrap_err();
    assert!(error.fault().detail.unwrap().contains("line"), "{error}");
    assert!(plain_login(&test).await.is_err());
    assert!(test.cluster().policy().unwrap().require_secure_transport);

    let own = format!("{begin}hostssl all nobody_here all reject\n");
    std::fs::write(&hba, sound.replace(begin, &own)).unwrap();
    let _ = test.cluster().apply_policy(&connection, &off).await.unwrap();
    assert!(std::fs::read_to_string(&hba).unwrap().contains("nobody_here all reject"));
}

/// Signs in over TCP without TLS.
async fn plain_login(test: &TestCluster) -> Result<(), String> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(test.cluster().port).user("postgres").dbname("postgres");
    config.password(test.password().expose());
    match config.connect(NoTls).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.as_db_error().expect("an answer").message().to_owned()),
    }
}
