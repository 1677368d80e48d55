//! Waivers, schedules and declarations, as they are kept.

use api::plane::model::{BaselineWaiver, BaselineWaiverCreate};
use base::{Changed, ExitCode, Fault, ServerName};
use baseline::{Declared, Waiver};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::store::moment;
use crate::plane::store::{SqliteStore, failed};

/// So many waivers may be there.
const WAIVERS_MAX: u32 = 5000;
/// The hour of a schedule that was never set.
pub(super) const HOUR: u8 = 3;

/// When a server is assessed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plane) struct Schedule {
    pub(super) enabled: bool,
    /// Of the day, in UTC.
    pub(super) hour: u8,
    pub(super) set_at: Timestamp,
    pub(super) last_run_at: Option<Timestamp>,
    pub(super) last_failure: Option<String>,
}

fn waiver(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<BaselineWaiver> {
    let until: String = row.get(7)?;
    let mut waiver = BaselineWaiver {
        id: row.get::<_, i64>(0)?.to_string(),
        server: row.get(1)?,
        check: row.get(2)?,
        finding: row.get(3)?,
        reason: row.get(4)?,
        owner: row.get(5)?,
        approver: row.get(6)?,
        until: until.parse().map_err(|e: jiff::Error| {
            rusqlite::Error::FromSqlConversionFailure(7, rusqlite::types::Type::Text, e.into())
        })?,
        created_by: row.get(8)?,
        created_at: moment(row, 9)?,
        lapsed: false,
    };
    waiver.lapsed = !judged(&waiver).holds(now);
    Ok(waiver)
}

/// A waiver as it is judged by.
pub(super) fn judged(waiver: &BaselineWaiver) -> Waiver {
    let BaselineWaiver { id, check, server, finding, reason, owner, approver, until, .. } =
        waiver.clone();
    Waiver { id, check, server, finding, reason, owner, approver, until }
}

fn schedule(row: &Row<'_>) -> rusqlite::Result<Schedule> {
    let last: Option<i64> = row.get(4)?;
    Ok(Schedule {
        enabled: row.get(1)?,
        hour: row.get(2)?,
        set_at: moment(row, 3)?,
        last_run_at: last.map(|_| moment(row, 4)).transpose()?,
        last_failure: row.get(5)?,
    })
}

impl SqliteStore {
    /// All waivers by check; those whose day is over too.
    pub(in crate::plane) fn waivers(&self, now: Timestamp) -> Result<Vec<BaselineWaiver>, Fault> {
        let connection = self.connection();
        let query = || -> rusqlite::Result<Vec<BaselineWaiver>> {
            connection
                .prepare_cached(
                    "SELECT id, server, check_id, finding, reason, owner, approver, until,
                            created_by, created_at
                       FROM waiver ORDER BY check_id, id",
                )?
                .query_map([], |row| waiver(row, now))?
                .collect()
        };
        query().map_err(|e| failed(&e))
    }

    /// Adds one.
    pub(in crate::plane) fn add_waiver(
        &self,
        by: &str,
        name: Option<&ServerName>,
        wish: BaselineWaiverCreate,
        now: Timestamp,
    ) -> Result<BaselineWaiver, Fault> {
        let connection = self.connection();
        let add = || -> rusqlite::Result<Option<i64>> {
            let n: u32 =
                connection.query_row("SELECT count(*) FROM waiver", [], |row| row.get(0))?;
            if n >= WAIVERS_MAX {
                return Ok(None);
            }
            connection.execute(
                "INSERT INTO waiver (server, check_id, finding, reason, owner, approver, until,
                     created_by, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    name.map(ServerName::as_str),
                    wish.check,
                    wish.finding,
                    wish.reason,
                    wish.owner,
                    wish.approver,
                    wish.until.to_string(),
                    by,
                    now.as_millisecond(),
                ],
            )?;
            Ok(Some(connection.last_insert_rowid()))
        };
        let Some(id) = add().map_err(|e| failed(&e))? else {
            return Err(Fault::new("too_many", format!("there are {WAIVERS_MAX} waivers already"))
                .exit(ExitCode::Conflict));
        };
        let BaselineWaiverCreate { check, finding, reason, owner, approver, until } = wish;
        Ok(BaselineWaiver {
            id: id.to_string(),
            check,
            server: name.map(ToString::to_string),
            finding,
            reason,
            owner,
            approver,
            until,
            created_by: by.to_owned(),
            created_at: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
            lapsed: false,
        })
    }

    /// Takes one away that is for this server, or for all.
    pub(in crate::plane) fn remove_waiver(
        &self,
        name: Option<&ServerName>,
        id: &str,
    ) -> Result<Changed, Fault> {
        let sql = "DELETE FROM waiver WHERE id = ?1 AND server IS ?2";
        let id: i64 = id.parse().unwrap_or(-1);
        let removed = self.connection().execute(sql, params![id, name.map(ServerName::as_str)]);
        let n = removed.map_err(|e| failed(&e))?;
        Ok(if n > 0 { Changed::Changed } else { Changed::Unchanged })
    }

    /// The schedule of a server, where one was ever set.
    pub(in crate::plane) fn schedule(&self, name: &ServerName) -> Result<Option<Schedule>, Fault> {
        let sql = "SELECT server, enabled, hour, set_at, last_run_at, last_failure
                     FROM baseline_schedule WHERE server = ?1";
        let found = self.connection().query_row(sql, [name.as_str()], schedule).optional();
        found.map_err(|e| failed(&e))
    }

    /// Those that are enabled.
    pub(in crate::plane) fn schedules(&self) -> Result<Vec<(ServerName, Schedule)>, Fault> {
        let connection = self.connection();
        let query = || -> rusqlite::Result<Vec<(String, Schedule)>> {
            connection
                .prepare_cached(
                    "SELECT server, enabled, hour, set_at, last_run_at, last_failure
                       FROM baseline_schedule WHERE enabled ORDER BY server",
                )?
                .query_map([], |row| Ok((row.get(0)?, schedule(row)?)))?
                .collect()
        };
        let all = query().map_err(|e| failed(&e))?;
        let named = |(name, schedule): (String, Schedule)| match ServerName::new(&name) {
            Ok(name) => Ok((name, schedule)),
            Err(e) => Err(Fault::from_error("plane_store", "a schedule has an odd name", &e)),
        };
        all.into_iter().map(named).collect()
    }

    /// Sets it; a change begins anew to count.
    pub(in crate::plane) fn set_schedule(
        &self,
        name: &ServerName,
        enabled: bool,
        hour: Option<u8>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let set = self.connection().execute(
            "INSERT INTO baseline_schedule (server, enabled, hour, set_at)
             VALUES (?1, ?2, coalesce(?3, ?4), ?5)
             ON CONFLICT (server) DO UPDATE SET
                 set_at = CASE WHEN enabled = ?2 AND hour = coalesce(?3, hour)
                               THEN set_at ELSE ?5 END,
                 last_failure = CASE WHEN enabled = ?2 AND hour = coalesce(?3, hour)
                                     THEN last_failure END,
                 enabled = ?2, hour = coalesce(?3, hour)",
            params![name.as_str(), enabled, hour, HOUR, now.as_millisecond()],
        );
        set.map(drop).map_err(|e| failed(&e))
    }

    /// Notes that it was tried, and how that ended.
    pub(in crate::plane) fn note_run(
        &self,
        name: &ServerName,
        at: Timestamp,
        failure: Option<&str>,
    ) -> Result<(), Fault> {
        let noted = self.connection().execute(
            "UPDATE baseline_schedule SET last_run_at = ?2, last_failure = ?3 WHERE server = ?1",
            params![name.as_str(), at.as_millisecond(), failure],
        );
        noted.map(drop).map_err(|e| failed(&e))
    }

    /// What is meant to be so on a server.
    pub(in crate::plane) fn declaration(&self, name: &ServerName) -> Result<Declared, Fault> {
        let sql = "SELECT text FROM baseline_declaration WHERE server = ?1";
        let text: Option<String> = self
            .connection()
            .query_row(sql, [name.as_str()], |row| row.get(0))
            .optional()
            .map_err(|e| failed(&e))?;
        let read = text.map(|text| Declared::parse(&text)).transpose();
        read.map(Option::unwrap_or_default).map_err(|error| error.fault())
    }

    /// Changes that.
    pub(in crate::plane) fn set_declaration(
        &self,
        name: &ServerName,
        declared: &Declared,
    ) -> Result<(), Fault> {
        let set = self.connection().execute(
            "INSERT OR REPLACE INTO baseline_declaration (server, text) VALUES (?1, ?2)",
            params![name.as_str(), declared.to_json()],
        );
        set.map(drop).map_err(|e| failed(&e))
    }
}
