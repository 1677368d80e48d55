//! The sample data in a real PostgreSQL: complete, the same each time, and valid where they
//! claim to be.

mod numbers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use base::{Changed, ExitCode};
use pg::Connection;
use testkit::TestCluster;

use super::{DATABASE, FILES, LOADING, load};

/// Rows of each table that holds personal data or belongs to one that does.
const ROWS: [(&str, i64); 29] = [
    ("analytics.customer_value", 8000),
    ("analytics.events", 24000),
    ("clinic.appointments", 30000),
    ("clinic.conditions", 34),
    ("clinic.departments", 12),
    ("clinic.diagnoses", 31435),
    ("clinic.documents", 4000),
    ("clinic.encounters", 20982),
    ("clinic.invoices", 16901),
    ("clinic.lab_results", 50245),
    ("clinic.notes", 8445),
    ("clinic.patients", 10000),
    ("clinic.prescriptions", 18527),
    ("clinic.staff", 320),
    ("hr.absences", 3000),
    ("hr.employees", 420),
    ("hr.salaries", 2100),
    ("shop.addresses", 10002),
    ("shop.carts", 2500),
    ("shop.customers", 8000),
    ("shop.order_items", 49968),
    ("shop.orders", 20000),
    ("shop.payments", 15457),
    ("shop.products", 900),
    ("shop.reviews", 6000),
    ("staging.import_2025_11", 3000),
    ("staging.partner_feed", 2001),
    ("staging.sensor_readings", 6000),
    ("staging.weblog", 12000),
];

#[tokio::test(flavor = "multi_thread")]
async fn two_loads_give_the_same_valid_rows() {
    let (one, other) = tokio::join!(TestCluster::start(), TestCluster::start());
    let said = Mutex::new(Vec::new());
    let started = std::time::Instant::now();
    let dsn = dsn(&one);
    let outcome = load(&dsn, |step| said.lock().unwrap().push(step.to_owned())).await;
    println!("loaded in {:?}", started.elapsed());
    assert_eq!(outcome, Ok(Changed::Changed));
    assert_eq!(said.lock().unwrap().len(), FILES.len(), "each file is announced");
    assert_eq!(load(&dsn, |step| panic!("{step}")).await, Ok(Changed::Unchanged));
    assert_eq!(load(&self::dsn(&other), |_| ()).await, Ok(Changed::Changed));

    let first = database(&one).await;
    let sums = checksums(&first).await;
    assert_eq!(sums, checksums(&database(&other).await).await, "two loads differ");
    for (table, rows) in ROWS {
        let counted: i64 = value(&first, &format!("select count(*) from {table}")).await;
        assert_eq!(counted, rows, "{table}");
    }
    let total: i64 = sums.values().map(|(rows, _)| rows).sum();
    println!("{} tables, {total} rows", sums.len());
    assert!((300_000..400_000).contains(&total), "{total} rows");

    numbers::all_are_valid(&first).await;
    grants_are_as_told(&first).await;
    let tools: i64 =
        value(&first, "select count(*) from pg_namespace where nspname = 'seed'").await;
    assert_eq!(tools, 0, "the drawing tools are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_load_starts_again() {
    let test = TestCluster::start().await;
    test.connect().await.batch("test", &format!("create database {LOADING}")).await.unwrap();
    let half = test.cluster().connect_local(LOADING).await.unwrap();
    half.batch("test", "create schema clinic; create role payroll nologin").await.unwrap();
    half.batch("test", "comment on role payroll is 'Sample data: from before'").await.unwrap();
    // The session of the interrupted load may still be there.
    assert_eq!(load(&dsn(&test), |_| ()).await, Ok(Changed::Changed));
    let left: i64 = value(
        &test.connect().await,
        &format!("select count(*) from pg_database where datname = '{LOADING}'"),
    )
    .await;
    assert_eq!(left, 0);
    drop(half);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_is_left_alone() {
    let test = TestCluster::start().await;
    let admin = test.connect().await;
    admin.batch("test", "create role intern superuser").await.unwrap();
    let fault = load(&dsn(&test), |_| ()).await.unwrap_err();
    let said = format!("{fault:?}");
    assert!(said.contains(r#"role \"intern\" exists"#), "{said}");
    let databases: i64 =
        value(&admin, &format!("select count(*) from pg_database where datname = '{DATABASE}'"))
            .await;
    assert_eq!(databases, 0, "no half-made database has the name");

    admin.batch("test", &format!("create database {DATABASE}")).await.unwrap();
    let fault = load(&dsn(&test), |_| ()).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("sample_conflict", ExitCode::Conflict));
    assert_eq!(fault.message, "database \"demo\" is not the sample database");

    let lock = format!("select pg_advisory_lock({})", super::LOCK);
    admin.batch("test", &lock).await.unwrap();
    let fault = load(&dsn(&test), |_| ()).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("sample_busy", ExitCode::Conflict));
}

/// A connection string as the server shows it, with its two files.
fn dsn(test: &TestCluster) -> String {
    let (ca, pass) = (test.dir().join("ca.pem"), test.dir().join("pgpass"));
    std::fs::write(&ca, test.ca().pem()).unwrap();
    let escaped = test.password().expose().replace('\\', "\\\\").replace(':', "\\:");
    std::fs::write(&pass, format!("*:*:*:postgres:{escaped}\n")).unwrap();
    let show = |path: PathBuf| path.to_str().unwrap().to_owned();
    format!(
        "postgresql://postgres@localhost:{}/postgres?sslmode=verify-full\
         &sslrootcert={}&passfile={}",
        test.cluster().port,
        show(ca),
        show(pass)
    )
}

async fn database(test: &TestCluster) -> Connection {
    let connection = test.cluster().connect_local(DATABASE).await.unwrap();
    connection.batch("test", "set timezone = 'UTC'; set datestyle = 'ISO'").await.unwrap();
    connection
}

/// Rows and a sum over the hashes of all rows, for each table and materialised view.
async fn checksums(connection: &Connection) -> BTreeMap<String, (i64, String)> {
    let tables = connection
        .query(
            "test",
            "select format('%I.%I', nspname, relname) from pg_class c
             join pg_namespace n on n.oid = relnamespace
             where relkind in ('r', 'm')
               and nspname in ('clinic', 'shop', 'hr', 'analytics', 'staging')",
            &[],
        )
        .await
        .unwrap();
    let mut sums = BTreeMap::new();
    for row in tables {
        let table: String = row.get(0);
        let sql = format!(
            "select count(*), coalesce(sum(hashtextextended(t::text, 7)::numeric), 0)::text
             from {table} as t"
        );
        let sum = connection.query_one("test", &sql, &[]).await.unwrap();
        sums.insert(table, (sum.get(0), sum.get(1)));
    }
    sums
}

/// What later parts are to find is there: grants too broad, and nobody who can sign in.
async fn grants_are_as_told(connection: &Connection) {
    for (what, sql) in [
        (
            "no role has a password",
            "select bool_and(rolpassword is null) from pg_authid
          where rolname in ('app_clinic', 'app_shop', 'analyst', 'intern', 'etl')",
        ),
        (
            "the intern reads notes",
            "select has_table_privilege('intern', 'clinic.notes', 'select')",
        ),
        ("the analyst reads all", "select has_table_privilege('analyst', 'hr.salaries', 'select')"),
        (
            "the shop does not read notes",
            "select not has_table_privilege('app_shop', 'clinic.notes', 'select')",
        ),
        (
            "everybody may look up patients",
            "select has_function_privilege('public', 'analytics.lookup(text, text)', 'execute')",
        ),
        (
            "a function runs as its owner without a search path",
            "select count(*) = 1 from pg_proc
          where prosecdef and proconfig is null and pronamespace = 'analytics'::regnamespace",
        ),
        (
            "foreign keys hold",
            "select count(*) >= 25 and bool_and(convalidated) from pg_constraint
          where contype = 'f' and conparentid = 0",
        ),
        (
            "long notes are out of line",
            "select pg_relation_size(reltoastrelid) > 100000
          from pg_class where oid = 'clinic.notes'::regclass",
        ),
        ("two businesses share people", "select count(*) > 100 from analytics.shared_people"),
    ] {
        assert!(value::<bool>(connection, sql).await, "{what}");
    }
}

/// The only value of the only row.
async fn value<T>(connection: &Connection, sql: &str) -> T
where
    T: for<'a> tokio_postgres::types::FromSql<'a>,
{
    connection.query_one("test", sql, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}")).get(0)
}
