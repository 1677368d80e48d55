//! Follows what pgkeep records of itself into the log lake: the plane's activity, the vault's
//! audit, the states of servers. Nothing is taken from where it was recorded: this is a copy that
//! can be asked and that rules can watch.

use std::sync::Arc;
use std::time::Duration;

use base::Fault;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::Plane;
use super::logs::{Logs, OwnLine, OwnLines, OwnRecord};
use crate::process::blocking;

/// How often each record is looked at; an act can be asked for within two seconds.
const PERIOD: Duration = Duration::from_secs(1);
/// After many failures.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// Lines that are stored at once.
const LINES_MAX: u32 = 1000;

const ACTIVITY: OwnRecord = OwnRecord { source: "pgkeep/plane", parser: "pgkeep-activity" };
const AUDIT: OwnRecord = OwnRecord { source: "pgkeep/vault", parser: "pgkeep-vault-audit" };
const STATES: OwnRecord = OwnRecord { source: "pgkeep/servers", parser: "pgkeep-state" };

/// Runs for ever.
pub(super) async fn run(plane: Arc<Plane>) {
    // Why the lake is not open was said when it was opened.
    let Ok(logs) = plane.logs() else { return std::future::pending().await };
    let follow = |record| follow(&plane, &logs, record);
    tokio::join!(follow(ACTIVITY), follow(AUDIT), follow(STATES));
}

async fn follow(plane: &Arc<Plane>, logs: &Arc<Logs>, record: OwnRecord) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pause = PERIOD;
    let mut is_failing = false;
    loop {
        period.tick().await;
        match round(plane, logs, record).await {
            Ok(()) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!(record.source, "pgkeep's own record is followed again");
                }
                pause = PERIOD;
            }
            Err(fault) => {
                logs.own_failed(record, &fault);
                // It comes again and again; once is enough to say so.
                if !std::mem::replace(&mut is_failing, true) {
                    let Fault { message, detail, .. } = &fault;
                    tracing::warn!(
                        record.source,
                        message,
                        detail,
                        "pgkeep's own record cannot be followed"
                    );
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Stores all that is there.
async fn round(plane: &Arc<Plane>, logs: &Arc<Logs>, record: OwnRecord) -> Result<(), Fault> {
    loop {
        let after = logs.own_position(record);
        let lines = match record {
            AUDIT => audit(plane, after).await?,
            _ => {
                let plane = Arc::clone(plane);
                blocking(move || of_store(&plane, record, after)).await??
            }
        };
        let more = lines.more;
        let for_work = Arc::clone(logs);
        blocking(move || for_work.take_own(record, lines)).await??;
        if !more {
            return Ok(());
        }
    }
}

/// What the plane's own database holds.
fn of_store(plane: &Plane, record: OwnRecord, after: u64) -> Result<OwnLines, Fault> {
    let found = match record {
        ACTIVITY => plane.saved.acts_after(after, LINES_MAX)?,
        _ => plane.saved.states_after(after, LINES_MAX)?,
    };
    if found.is_empty() {
        let list = if record == ACTIVITY { "access_act" } else { "server_state" };
        let last = plane.saved.last_number(list)?;
        if last < after {
            let what = format!("{list} ends at {last}, and {after} is stored already");
            return Err(Fault::new("conflict", "plane.db is older than the log lake")
                .detail(what)
                .hint("bring plane.db and the folder lake/ back from the same backup"));
        }
    }
    let more = found.len() >= LINES_MAX as usize;
    let mut before = after;
    let lines = found.into_iter().map(|(id, line)| {
        // Numbers have no gaps but where old lines were dropped.
        let n_lost = id.saturating_sub(before + 1);
        before = id;
        let concern = (n_lost > 0).then(|| format!("{n_lost} lines before it were dropped unread"));
        OwnLine { text: line.to_string(), end: id, concern }
    });
    Ok(OwnLines { lines: lines.collect(), more })
}

/// What the vault's audit holds.
async fn audit(plane: &Plane, after: u64) -> Result<OwnLines, Fault> {
    let mut answer = plane.peers.vault("audit-read", json!({ "after": after })).await?;
    let bad = || Fault::new("bad_answer", "the vault's audit is not understood");
    let more = answer["more"].as_bool().ok_or_else(bad)?;
    let Value::Array(lines) = answer["lines"].take() else { return Err(bad()) };
    let line = |mut line: Value| {
        let Value::String(text) = line["text"].take() else { return Err(bad()) };
        let end = line["end"].as_u64().ok_or_else(bad)?;
        let concern = match line["intact"].as_bool().ok_or_else(bad)? {
            true => None,
            false => Some("its hash does not fit its bytes: the audit was changed".to_owned()),
        };
        Ok(OwnLine { text, end, concern })
    };
    let lines: Result<Vec<OwnLine>, Fault> = lines.into_iter().map(line).collect();
    Ok(OwnLines { lines: lines?, more })
}
