//! The sample database `demo`: a clinic and a shop that later parts scan, watch and assess.
//!
//! Not random: everything is computed by SQL from row numbers, so that each load gives the same
//! rows. Nobody in it exists; numbers that claim to be valid come from ranges kept for tests.
//!
//! The files are loaded into a database of another name, which is renamed when all is there.
//! So `demo` is complete or absent, and a database that someone else called `demo` is left alone.

mod dsn;

use base::{Changed, ExitCode, Fault};
use pg::{Connection, Progress};

use dsn::Dsn;

/// Name of the sample database.
const DATABASE: &str = "demo";
/// Where a load is under way; what is found here was interrupted.
const LOADING: &str = "pgkeep_sample_loading";
/// The comment by which the database is known as ours. A later edition gets another number.
const MARK: &str = "Sample data of pgkeep, edition 1";
/// Key of the advisory lock that keeps two loads apart ("pgkeep" in ASCII, then 1).
const LOCK: i64 = 0x0070_676b_6565_7001;

/// What a session needs so that the rows come out the same everywhere, and quickly.
const SESSION: &str = "
    set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set client_min_messages = warning;
    set default_transaction_read_only = off; set synchronous_commit = off; set jit = off;
    set work_mem = '32MB'; set maintenance_work_mem = '64MB'";

/// The files in the order of their execution: what is said of each, and its SQL.
const FILES: [(&str, &str); 12] = [
    ("tools", include_str!("../../../../content/sample/00-tools.sql")),
    ("roles", include_str!("../../../../content/sample/01-roles.sql")),
    ("clinic: people", include_str!("../../../../content/sample/10-clinic-people.sql")),
    ("clinic: care", include_str!("../../../../content/sample/11-clinic-care.sql")),
    ("clinic: paper", include_str!("../../../../content/sample/12-clinic-paper.sql")),
    ("shop: customers", include_str!("../../../../content/sample/20-shop-customers.sql")),
    ("shop: orders", include_str!("../../../../content/sample/21-shop-orders.sql")),
    ("personnel", include_str!("../../../../content/sample/30-hr.sql")),
    ("analytics", include_str!("../../../../content/sample/31-analytics.sql")),
    ("staging", include_str!("../../../../content/sample/40-staging.sql")),
    ("grants", include_str!("../../../../content/sample/90-grants.sql")),
    ("statistics", include_str!("../../../../content/sample/99-finish.sql")),
];

/// Loads the sample database into the server of a connection string, unless it is there.
///
/// The role of the string must be a superuser. An interrupted load is started again from nothing.
/// Fails with a conflict when another database is called `demo` or while another load is under
/// way, and when a role of the sample exists for another purpose.
pub(crate) async fn load(
    dsn: &str,
    progress: impl Fn(&str) + Send + Sync,
) -> Result<Changed, Fault> {
    let dsn = Dsn::read(dsn)?;
    load_through(|database| dsn.connect(database), &progress).await
}

/// The same through connections of any kind.
async fn load_through<C, F>(connect: C, progress: Progress<'_>) -> Result<Changed, Fault>
where
    C: Fn(&'static str) -> F,
    F: Future<Output = pg::Result<Connection>>,
{
    let admin = connect("postgres").await?;
    admin.batch("prepare the session", SESSION).await?;
    lock(&admin).await?;
    if is_there(&admin).await? {
        return Ok(Changed::Unchanged);
    }
    let drop = format!("drop database if exists {LOADING} with (force)");
    admin.batch("remove an interrupted load", &drop).await?;
    let create = format!("create database {LOADING} template template0 encoding 'UTF8'");
    admin.batch("create the sample database", &create).await?;
    fill(connect(LOADING).await?, progress).await?;
    // One transaction: the database gets its mark and its name, or neither.
    let publish = format!(
        "begin; comment on database {LOADING} is '{MARK}';
         alter database {LOADING} rename to {DATABASE}; commit"
    );
    admin.batch("name the sample database", &publish).await?;
    Ok(Changed::Changed)
}

/// Takes the lock that ends with the connection.
async fn lock(admin: &Connection) -> Result<(), Fault> {
    let sql = format!("select pg_try_advisory_lock({LOCK})");
    let row = admin.query_one("lock the sample database", &sql, &[]).await?;
    if row.get(0) {
        return Ok(());
    }
    Err(Fault::new("sample_busy", "the sample data are being loaded by another session")
        .hint("Wait until that load has ended.")
        .exit(ExitCode::Conflict))
}

/// Whether the sample database exists; a fault when a database of its name is not ours.
async fn is_there(admin: &Connection) -> Result<bool, Fault> {
    let sql = format!(
        "select shobj_description(oid, 'pg_database') from pg_database where datname = '{DATABASE}'"
    );
    let rows = admin.query("look for the sample database", &sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let comment: Option<String> = row.get(0);
    if comment.as_deref() == Some(MARK) {
        return Ok(true);
    }
    Err(Fault::new(
        "sample_conflict",
        format!("database \"{DATABASE}\" is not the sample database"),
    )
    .detail("Its comment is not the one that marks the sample data.")
    .hint("Rename or drop that database, or go on without the sample data.")
    .exit(ExitCode::Conflict))
}

/// Executes all files, each in one transaction, and ends the connection.
async fn fill(connection: Connection, progress: Progress<'_>) -> Result<(), Fault> {
    connection.batch("prepare the session", SESSION).await?;
    for (number, (name, sql)) in (1..).zip(&FILES) {
        progress(&format!("sample data {number}/{}: {name}", FILES.len()));
        connection.batch("load the sample data", &format!("begin;\n{sql}\ncommit")).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
