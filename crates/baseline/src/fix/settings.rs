//! Settings by `ALTER SYSTEM`: written, taken up, and brought back.

use base::Fault;
use pg::Connection;

use super::conf::{self, Kept};
use super::plan::Change;
use super::record::ConfRecord;
use crate::error::Result;

/// A setting that is to be changed.
pub(super) struct Known {
    /// What it is now; absent where the server does not know it or it is a secret
    pub(super) now: Option<String>,
    /// Whether only a start takes it up
    pub(super) restart: bool,
}

/// What a server knows of a setting.
pub(super) async fn known(connection: &Connection, name: &str) -> Result<Known> {
    let sql = "select setting || coalesce(unit, ''), context = 'postmaster' from pg_settings \
               where lower(name) = lower($1)";
    let rows = connection.query("read a setting", sql, &[&name]).await?;
    let is_secret = ["conninfo", "passphrase", "_command", "password"];
    let is_secret =
        is_secret.iter().any(|part| name.contains(part)) && name != "password_encryption";
    let row = rows.first();
    Ok(Known {
        now: row.filter(|_| !is_secret).map(|row| row.get(0)),
        restart: row.is_some_and(|row| row.get(1)),
    })
}

/// The text of `postgresql.auto.conf`.
pub(super) async fn auto_conf(connection: &Connection) -> Result<String> {
    let sql = "select coalesce(pg_read_file('postgresql.auto.conf', 0, 4194304, true), '')";
    let rows = connection.query("read postgresql.auto.conf", sql, &[]).await;
    let rows = rows.map_err(|error| {
        let fault = error.fault();
        Fault::new("missing_right", "postgresql.auto.conf cannot be read, so nothing is changed")
            .detail(fault.detail.unwrap_or(fault.message))
            .hint("sign in as a superuser, or as a role with pg_read_server_files")
    })?;
    Ok(rows.first().map(|row| row.get(0)).unwrap_or_default())
}

/// What is kept before settings are changed.
pub(super) fn kept(text: &str, changes: &[Change]) -> Option<ConfRecord> {
    let lines = conf::lines(text);
    let old: Vec<(String, Option<String>)> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Setting { name, .. } => {
                let line = lines.iter().rev().find(|line| line.name.eq_ignore_ascii_case(name));
                let found = line.map(|line| (line.name.clone(), Some(line.value.clone())));
                Some(found.unwrap_or_else(|| (name.clone(), None)))
            }
            _ => None,
        })
        .collect();
    (!old.is_empty()).then(|| ConfRecord { before: Kept::of(text), after: None, old })
}

/// Writes the settings of a fix. Where one is refused, those before it are taken back.
pub(super) async fn set(
    connection: &Connection,
    changes: &[Change],
    record: &ConfRecord,
) -> Result<()> {
    let mut done = ConfRecord { old: Vec::new(), ..record.clone() };
    for change in changes {
        let Change::Setting { name, to, sql, .. } = change else { continue };
        if name == "shared_preload_libraries" {
            loadable(connection, to.as_deref().unwrap_or_default()).await?;
        }
        if let Err(error) = connection.batch("set a setting", sql).await {
            let fault = error.fault();
            back(connection, &done).await?;
            return Err(Fault::new(
                "fix_failed",
                format!("{name} cannot be set; nothing was changed"),
            )
            .detail(fault.detail.unwrap_or(fault.message))
            .hint("a setting of a library can be set once the library is loaded")
            .into());
        }
        let is_this = |(known, _): &&(String, Option<String>)| known.eq_ignore_ascii_case(name);
        done.old.extend(record.old.iter().find(is_this).cloned());
    }
    Ok(())
}

/// Refuses a list of libraries with one that is not there: the server would not start again.
async fn loadable(connection: &Connection, libraries: &str) -> Result<()> {
    for library in conf::elements(libraries) {
        let sql = format!("load {}", super::state::literal(&library));
        let Err(error) = connection.batch("load a library", &sql).await else { continue };
        // undefined_file; many libraries refuse for other reasons to be loaded so late.
        if error.sqlstate() == Some("58P01") {
            let message = format!("the library {library} is not there; nothing was changed");
            return Err(Fault::new("no_library", message)
                .detail("the server would not start again with it")
                .hint("install the package that brings it first")
                .into());
        }
    }
    Ok(())
}

/// Reloads, and answers the settings that wait for a start.
pub(super) async fn take_up(connection: &Connection, names: &[String]) -> Result<Vec<String>> {
    connection.reload().await?;
    let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let sql = "select name::text from pg_settings where pending_restart and lower(name) = any($1)";
    let rows = connection.query("look for settings that wait", sql, &[&names]).await?;
    let waiting: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let sql = "select name || ': ' || error from pg_file_settings where error is not null \
               and lower(name) = any($1) and not lower(name) = any($2)";
    let lower: Vec<String> = waiting.iter().map(|name| name.to_lowercase()).collect();
    let rows = connection.query("look for errors", sql, &[&names, &lower]).await?;
    if let Some(row) = rows.first() {
        let error: String = row.get(0);
        return Err(Fault::new("fix_failed", "a setting is not taken up").detail(error).into());
    }
    Ok(waiting)
}

/// What somebody else changed since, of the settings of a fix: what is neither as the fix left it
/// nor as it was before.
pub(super) fn changed_since(now: &str, record: &ConfRecord) -> Vec<String> {
    let now = Kept::of(now);
    let Some(after) = &record.after else { return Vec::new() };
    let is_newer = |(name, _): &&(String, Option<String>)| {
        let is = now.value(name);
        is != after.value(name) && is != record.before.value(name)
    };
    record.old.iter().filter(is_newer).map(|(name, _)| format!("setting {name}")).collect()
}

/// Brings the settings back, and the file where nobody else changed it; answers whether the file
/// is as it was, to the byte.
pub(super) async fn back(connection: &Connection, record: &ConfRecord) -> Result<bool> {
    let now = auto_conf(connection).await?;
    let lines = conf::lines(&now);
    for sql in conf::way_back(&lines, &record.before, &record.old) {
        let done = connection.batch("bring a setting back", &sql).await;
        done.map_err(|error| {
            let fault = error.fault();
            Fault::new("undo_failed", "a setting cannot be brought back")
                .detail(format!("{sql}: {}", fault.detail.unwrap_or(fault.message)))
                .hint("a setting of a library can be set only while the library is loaded")
        })?;
    }
    let text = auto_conf(connection).await?;
    let is = Kept::of(&text);
    for (name, value) in &record.old {
        let wanted = value.as_ref().map(|value| conf::hash(value));
        if is.value(name) != wanted.as_deref() {
            let message = format!("{name} is not as it was");
            return Err(Fault::new("undo_failed", message).into());
        }
    }
    Ok(is.sha256 == record.before.sha256)
}
