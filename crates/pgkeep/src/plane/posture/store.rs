//! What is kept of assessments: the results of the last thirty and of one a day for a year, and
//! the bundles of the last five. Those of some checks alone are kept while they are news.

use api::plane::model::BaselineBrief;
use base::{ExitCode, Fault, ServerName};
use baseline::{Assessment, Bundle};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::packed::{pack, unpack};
use crate::plane::store::{SqliteStore, failed};

/// Assessments of all checks that are kept whatever their age.
const LAST: u32 = 30;
/// One a day is kept for so long.
const DAYS: i64 = 365;
/// Assessments of some checks that are kept.
const PARTS: u32 = 200;
/// Of those that a later assessment of all has overtaken.
const PARTS_OVERTAKEN: u32 = 20;
/// Bundles that are kept: of all checks, and of some.
const BUNDLES: u32 = 5;

/// Part of the plane's schema since version 5. Moments are milliseconds since 1970, `checks` and
/// `counts` JSON, `results` and `bundle` compressed JSON.
pub(in crate::plane) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS assessment (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        server        TEXT NOT NULL REFERENCES server (name) ON DELETE CASCADE,
        assessed_at   INTEGER NOT NULL,
        made_by       TEXT NOT NULL,
        profile       TEXT NOT NULL,
        checks        TEXT NOT NULL,
        evidence_hash TEXT NOT NULL,
        score         REAL,
        coverage      REAL,
        counts        TEXT NOT NULL,
        results       BLOB NOT NULL,
        bundle        BLOB
    ) STRICT;
    CREATE INDEX IF NOT EXISTS assessment_server ON assessment (server, id);
    CREATE TABLE IF NOT EXISTS waiver (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        server     TEXT REFERENCES server (name) ON DELETE CASCADE,
        check_id   TEXT NOT NULL,
        finding    TEXT,
        reason     TEXT NOT NULL,
        owner      TEXT NOT NULL,
        approver   TEXT,
        until      TEXT NOT NULL,
        created_by TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS baseline_schedule (
        server       TEXT PRIMARY KEY REFERENCES server (name) ON DELETE CASCADE,
        enabled      INTEGER NOT NULL,
        hour         INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
        set_at       INTEGER NOT NULL,
        last_run_at  INTEGER,
        last_failure TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS baseline_declaration (
        server TEXT PRIMARY KEY REFERENCES server (name) ON DELETE CASCADE,
        text   TEXT NOT NULL
    ) STRICT;
";

/// All checks, as the column `checks` says it.
const ALL: &str = "[]";

const COLUMNS: &str = "id, assessed_at, made_by, profile, checks, evidence_hash,
    bundle IS NOT NULL, score, coverage, counts";

/// What is put into the store.
pub(in crate::plane) struct Kept<'a> {
    pub(super) by: &'a str,
    pub(super) checks: &'a [String],
    pub(super) assessment: &'a Assessment,
    /// The bundle, byte by byte as it was hashed.
    pub(super) bundle: &'a [u8],
}

/// An assessment from the store.
pub(in crate::plane) struct Found {
    pub(super) brief: BaselineBrief,
    pub(super) assessment: Assessment,
}

fn odd(e: &serde_json::Error) -> Fault {
    Fault::from_error("plane_store", "a kept assessment is not understood", e)
}

fn bad(column: usize, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, e.into())
}

pub(super) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|e| bad(column, e))
}

fn brief(row: &Row<'_>) -> rusqlite::Result<BaselineBrief> {
    let json = |column: usize| row.get::<_, String>(column);
    let profile: String = row.get(3)?;
    Ok(BaselineBrief {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        assessed_at: moment(row, 1)?,
        by: row.get(2)?,
        profile: Some(profile).filter(|profile| !profile.is_empty()),
        checks: serde_json::from_str(&json(4)?).map_err(|e| bad(4, e))?,
        evidence_hash: row.get(5)?,
        has_evidence: row.get(6)?,
        score: row.get(7)?,
        coverage: row.get(8)?,
        counts: serde_json::from_str(&json(9)?).map_err(|e| bad(9, e))?,
    })
}

fn text(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|e| odd(&e))
}

impl SqliteStore {
    /// Keeps an assessment, and lets go of what is kept no longer.
    pub(in crate::plane) fn keep_assessment(
        &self,
        name: &ServerName,
        kept: &Kept<'_>,
        now: Timestamp,
    ) -> Result<BaselineBrief, Fault> {
        let Kept { by, checks, assessment, bundle } = kept;
        let at: Timestamp = assessment.assessed_at.parse().map_err(|e: jiff::Error| {
            Fault::from_error("plane_store", "an assessment has no moment", &e)
        })?;
        let results = pack(text(assessment)?.as_bytes())?;
        let bundle = pack(bundle)?;
        let (checks, counts) = (text(checks)?, text(&assessment.counts)?);
        let profile = assessment.profile.as_deref().unwrap_or_default();
        let mut connection = self.connection();
        let mut keep = || -> rusqlite::Result<BaselineBrief> {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO assessment (server, assessed_at, made_by, profile, checks,
                     evidence_hash, score, coverage, counts, results, bundle)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    name.as_str(),
                    at.as_millisecond(),
                    by,
                    profile,
                    checks,
                    assessment.evidence_hash,
                    assessment.score,
                    assessment.coverage,
                    counts,
                    results,
                    bundle,
                ],
            )?;
            let id = transaction.last_insert_rowid();
            let_go(&transaction, name, profile, now)?;
            let sql = format!("SELECT {COLUMNS} FROM assessment WHERE id = ?1");
            let brief = transaction.query_row(&sql, [id], brief)?;
            transaction.commit()?;
            Ok(brief)
        };
        keep().map_err(|e| failed(&e))
    }

    /// Those of a server that are kept, newest first.
    pub(in crate::plane) fn assessments(
        &self,
        name: &ServerName,
    ) -> Result<Vec<BaselineBrief>, Fault> {
        let sql = format!("SELECT {COLUMNS} FROM assessment WHERE server = ?1 ORDER BY id DESC");
        let connection = self.connection();
        let query = || -> rusqlite::Result<Vec<BaselineBrief>> {
            connection.prepare_cached(&sql)?.query_map([name.as_str()], brief)?.collect()
        };
        query().map_err(|e| failed(&e))
    }

    /// One of them.
    pub(in crate::plane) fn assessment(&self, name: &ServerName, id: u64) -> Result<Found, Fault> {
        let sql =
            format!("SELECT {COLUMNS}, results FROM assessment WHERE server = ?1 AND id = ?2");
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        let found = self
            .connection()
            .query_row(&sql, params![name.as_str(), id], |row| {
                Ok((brief(row)?, row.get::<_, Vec<u8>>(10)?))
            })
            .optional();
        let Some((brief, packed)) = found.map_err(|e| failed(&e))? else {
            return Err(Fault::new("not_found", "there is no such assessment")
                .hint(format!("pgkeep baseline history -s {name}"))
                .exit(ExitCode::NotFound));
        };
        let assessment = serde_json::from_slice(&unpack(&packed)?).map_err(|e| odd(&e))?;
        Ok(Found { brief, assessment })
    }

    /// The bundle of one of them; `None` where it is not kept any more.
    pub(in crate::plane) fn bundle(
        &self,
        name: &ServerName,
        id: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let sql = "SELECT bundle FROM assessment WHERE server = ?1 AND id = ?2";
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        let packed = self
            .connection()
            .query_row(sql, params![name.as_str(), id], |row| row.get::<_, Option<Vec<u8>>>(0))
            .optional();
        let packed = packed.map_err(|e| failed(&e))?.flatten();
        packed.map(|packed| unpack(&packed)).transpose()
    }

    /// The newest bundle that holds all of these tables.
    pub(in crate::plane) fn newest_bundle(
        &self,
        name: &ServerName,
        tables: &[&str],
    ) -> Result<Bundle, Fault> {
        for brief in self.assessments(name)?.iter().filter(|brief| brief.has_evidence) {
            let Some(bytes) = self.bundle(name, brief.id)? else { continue };
            let bundle = Bundle::from_json(&bytes).map_err(|error| error.fault())?;
            if tables.iter().all(|table| bundle.tables.contains_key(*table)) {
                return Ok(bundle);
            }
        }
        Err(Fault::new("not_assessed", format!("there is no evidence of \"{name}\" yet"))
            .hint(format!("pgkeep baseline assess -s {name}"))
            .exit(ExitCode::NotFound))
    }
}

/// Lets go of what is kept no longer.
fn let_go(
    connection: &Connection,
    name: &ServerName,
    profile: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let name = name.as_str();
    let year = now.as_millisecond() - DAYS * 24 * 3600 * 1000;
    connection.execute(
        "DELETE FROM assessment WHERE server = ?1 AND profile = ?2 AND checks = ?3
            AND id NOT IN (SELECT id FROM assessment
                 WHERE server = ?1 AND profile = ?2 AND checks = ?3 ORDER BY id DESC LIMIT ?4)
            AND id NOT IN (SELECT max(id) FROM assessment
                 WHERE server = ?1 AND profile = ?2 AND checks = ?3 AND assessed_at >= ?5
                 GROUP BY assessed_at / 86400000)",
        params![name, profile, ALL, LAST, year],
    )?;
    connection.execute(
        "DELETE FROM assessment WHERE server = ?1 AND checks <> ?2
            AND (id NOT IN (SELECT id FROM assessment
                     WHERE server = ?1 AND checks <> ?2 ORDER BY id DESC LIMIT ?3)
                 OR id < (SELECT max(whole.id) FROM assessment whole
                     WHERE whole.server = ?1 AND whole.checks = ?2
                       AND whole.profile = assessment.profile)
                AND id NOT IN (SELECT id FROM assessment
                     WHERE server = ?1 AND checks <> ?2 ORDER BY id DESC LIMIT ?4))",
        params![name, ALL, PARTS, PARTS_OVERTAKEN],
    )?;
    connection.execute(
        "UPDATE assessment SET bundle = NULL WHERE server = ?1 AND bundle IS NOT NULL
            AND id NOT IN (SELECT id FROM assessment
                 WHERE server = ?1 AND checks = ?2 ORDER BY id DESC LIMIT ?3)
            AND id NOT IN (SELECT id FROM assessment
                 WHERE server = ?1 AND checks <> ?2 ORDER BY id DESC LIMIT ?3)",
        params![name, ALL, BUNDLES],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::store::{ServerRow, Store as _};

    fn assessment(at: Timestamp) -> Assessment {
        serde_json::from_value(serde_json::json!({
            "server": "a", "major": 15, "assessed_at": at.to_string(), "role": "postgres",
            "evidence_hash": "00", "feeds": [], "counts": { "pass": 1 }, "score": 50.0,
            "coverage": null, "results": [], "missing_rights": [],
        }))
        .unwrap()
    }

    fn store() -> (tempfile::TempDir, SqliteStore, ServerName) {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("plane.db")).unwrap();
        let name = ServerName::new("a").unwrap();
        let row = ServerRow { name: name.clone(), port: 1, created_at: Timestamp::UNIX_EPOCH };
        assert!(store.add_server(&row).unwrap());
        (dir, store, name)
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (_dir, store, name) = store();
        let keep = |at: Timestamp, checks: &[&str]| {
            let checks: Vec<String> = checks.iter().map(|check| (*check).to_owned()).collect();
            let assessment = assessment(at);
            let kept = Kept { by: "anna", checks: &checks, assessment: &assessment, bundle: b"{}" };
            store.keep_assessment(&name, &kept, at).unwrap()
        };
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let hours = |n: i64| start + jiff::SignedDuration::from_hours(n);
        for n in 0..300 {
            keep(hours(4 * n), &[]);
        }
        // Fifty days, six a day: the last thirty, and one of each day before them.
        let kept = store.assessments(&name).unwrap();
        assert_eq!(kept.len(), 30 + 45);
        assert_eq!(kept.iter().filter(|brief| brief.has_evidence).count(), 5);
        assert!(kept.windows(2).all(|pair| pair[0].assessed_at > pair[1].assessed_at));
        assert_eq!((kept[0].score, kept[0].counts["pass"], &*kept[0].by), (Some(50.0), 1, "anna"));
        // A year later the days are gone, not the last thirty.
        keep(hours(24 * 500), &[]);
        assert_eq!(store.assessments(&name).unwrap().len(), 30);
        for n in 0..40 {
            keep(hours(24 * 500 + n), &["LOG-17"]);
        }
        let parts = |all: &[BaselineBrief]| all.iter().filter(|b| !b.checks.is_empty()).count();
        let before = store.assessments(&name).unwrap();
        assert_eq!(parts(&before), 40);
        assert_eq!(before.iter().filter(|brief| brief.has_evidence).count(), 10);
        keep(hours(24 * 501 + 1), &[]);
        assert_eq!(parts(&store.assessments(&name).unwrap()), 20);
        let id = store.assessments(&name).unwrap()[0].id;
        assert_eq!(store.assessment(&name, id).unwrap().assessment.server, "a");
        assert_eq!(store.bundle(&name, id).unwrap().unwrap(), b"{}");
        assert_eq!(store.assessment(&name, 1).err().unwrap().exit, ExitCode::NotFound);
        // All of it goes with its server.
        assert!(store.remove_server(&name).unwrap());
        assert!(store.assessments(&name).unwrap().is_empty());
    }
}
