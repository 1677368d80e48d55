//! What is said of assessments: how a server stands, one check, what differs between two.
//!
//! A server stands as its last assessment of all checks says, each check by its newest reading;
//! waivers count as they are now.

use std::collections::BTreeMap;

use api::plane::model::{
    Baseline, BaselineBrief, BaselineCheck, BaselineDriftQuery, BaselineFix, BaselineItem,
    BaselineServer, BaselineWaived,
};
use base::{ExitCode, Fault, ServerName};
use baseline::{Assessment, Check, Drift, Outcome, waive};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::beside::{Schedule, judged};
use super::profiles;
use crate::plane::Plane;
use crate::plane::store::SqliteStore;

/// A value of one type as another of the same shape.
fn same<T: DeserializeOwned>(value: &impl Serialize) -> Result<T, Fault> {
    json_of(value).and_then(|value| {
        serde_json::from_value(value)
            .map_err(|e| Fault::from_error("internal", "an assessment has another shape", &e))
    })
}

fn json_of(value: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value)
        .map_err(|e| Fault::from_error("internal", "an assessment is no JSON", &e))
}

fn of_profile(brief: &BaselineBrief, profile: Option<&str>) -> bool {
    brief.profile.as_deref() == profile
}

fn is_whole(brief: &BaselineBrief) -> bool {
    brief.checks.is_empty()
}

/// A check as it is told.
pub(in crate::plane) fn check(check: &Check) -> Result<BaselineCheck, Fault> {
    same(&json!({
        "id": check.id,
        "topic": check.topic,
        "title": check.title,
        "severity": check.severity,
        "access": check.access,
        "why": check.why,
        "fix": {
            "class": check.fix.class,
            "automatic": check.fix.class.is_automatic(),
            "why": check.fix.why,
        },
        "mcsb": check.mcsb,
        "cis": check.cis,
        "stig": check.stig,
        "nist": check.nist,
    }))
}

/// All servers with their last assessments.
pub(in crate::plane) fn servers(plane: &Plane) -> Result<Vec<BaselineServer>, Fault> {
    let server = |row: crate::plane::store::ServerRow| {
        let all = plane.saved.assessments(&row.name)?;
        let last = all.into_iter().find(|brief| is_whole(brief) && of_profile(brief, None));
        let schedule = Schedule::told(plane.saved.schedule(&row.name)?);
        Ok(BaselineServer { name: row.name.to_string(), last, schedule })
    };
    plane.store.servers()?.into_iter().map(server).collect()
}

/// The newest readings of a server's checks.
struct Standing {
    last: Option<BaselineBrief>,
    assessment: Assessment,
    /// By check: when it was read, and in which assessment.
    read: BTreeMap<String, (Timestamp, u64)>,
}

fn standing(
    store: &SqliteStore,
    name: &ServerName,
    profile: Option<&str>,
) -> Result<Option<Standing>, Fault> {
    let _ = profiles(profile)?;
    let all = store.assessments(name)?;
    let mut fitting = all.into_iter().filter(|brief| of_profile(brief, profile));
    let mut parts = Vec::new();
    let last = fitting.by_ref().find(|brief| {
        let whole = is_whole(brief);
        if !whole {
            parts.push(brief.id);
        }
        whole
    });
    // Oldest first; the whole one, or the oldest part where there is none, is what others overlay.
    let mut ids: Vec<u64> = last.iter().map(|brief| brief.id).collect();
    ids.extend(parts.into_iter().rev());
    let mut read = BTreeMap::new();
    let mut stands: Option<Assessment> = None;
    for id in ids {
        let found = store.assessment(name, id)?;
        let at = found.brief.assessed_at;
        read.extend(found.assessment.results.iter().map(|one| (one.id.clone(), (at, id))));
        match &mut stands {
            None => stands = Some(found.assessment),
            Some(stands) => stands.overlay(found.assessment.results),
        }
    }
    let Some(mut assessment) = stands else { return Ok(None) };
    let now = Timestamp::now();
    let waivers: Vec<_> = store.waivers(now)?.iter().map(judged).collect();
    waive(&mut assessment, &waivers, now);
    Ok(Some(Standing { last, assessment, read }))
}

/// How a server stands.
pub(in crate::plane) fn baseline(
    store: &SqliteStore,
    name: &ServerName,
    profile: Option<&str>,
) -> Result<Baseline, Fault> {
    let schedule = Schedule::told(store.schedule(name)?);
    let Some(Standing { last, assessment, read }) = standing(store, name, profile)? else {
        return Ok(Baseline { server: name.to_string(), schedule, ..Baseline::default() });
    };
    let item = |outcome: &Outcome| -> Result<BaselineItem, Fault> {
        let waived: Option<BaselineWaived> = outcome.waived.as_ref().map(same).transpose()?;
        let fix: BaselineFix = same(&outcome.fix)?;
        Ok(BaselineItem {
            id: outcome.id.clone(),
            title: outcome.title.clone(),
            topic: outcome.topic.clone(),
            severity: same(&outcome.severity)?,
            access: same(&outcome.access)?,
            verdict: same(&outcome.verdict)?,
            reason: outcome.reason.clone(),
            fix,
            n_findings: outcome.findings.len() as u64,
            waived,
            read_at: read.get(&outcome.id).map(|(at, _)| *at).unwrap_or_default(),
        })
    };
    Ok(Baseline {
        server: name.to_string(),
        last,
        score: assessment.score,
        counts: same(&assessment.counts)?,
        n_waived: assessment.n_waived.unwrap_or_default() as u64,
        results: assessment.results.iter().map(item).collect::<Result<_, Fault>>()?,
        schedule,
    })
}

/// The newest reading of a check.
pub(in crate::plane) fn result(
    store: &SqliteStore,
    name: &ServerName,
    check: &str,
    profile: Option<&str>,
) -> Result<Value, Fault> {
    let found = standing(store, name, profile)?.and_then(|standing| {
        let (at, id) = *standing.read.get(check)?;
        let outcome = standing.assessment.results.into_iter().find(|one| one.id == check)?;
        Some((at, id, outcome))
    });
    let Some((at, id, outcome)) = found else {
        return Err(Fault::new("not_assessed", format!("{check} was not assessed here yet"))
            .hint(format!("pgkeep baseline assess -s {name} --id {check}"))
            .exit(ExitCode::NotFound));
    };
    Ok(json!({ "read_at": at, "assessment": id, "outcome": json_of(&outcome)? }))
}

/// One assessment, with the waivers that hold now.
pub(in crate::plane) fn assessment(
    store: &SqliteStore,
    name: &ServerName,
    id: u64,
) -> Result<Value, Fault> {
    let mut found = store.assessment(name, id)?.assessment;
    let now = Timestamp::now();
    let waivers: Vec<_> = store.waivers(now)?.iter().map(judged).collect();
    waive(&mut found, &waivers, now);
    json_of(&found)
}

/// What is different between two.
pub(in crate::plane) fn drift(
    store: &SqliteStore,
    name: &ServerName,
    query: &BaselineDriftQuery,
) -> Result<Value, Fault> {
    let profile = query.profile.as_deref();
    let _ = profiles(profile)?;
    let all = store.assessments(name)?;
    let whole = |brief: &&BaselineBrief| is_whole(brief) && of_profile(brief, profile);
    let too_few = || {
        Fault::new("not_assessed", "there are no two assessments of all checks to compare")
            .hint(format!("pgkeep baseline assess -s {name}"))
            .exit(ExitCode::NotFound)
    };
    let to = match query.to {
        Some(to) => to,
        None => all.iter().find(whole).map(|brief| brief.id).ok_or_else(too_few)?,
    };
    let from = match query.from {
        Some(from) => from,
        None => {
            let mut earlier = all.iter().filter(whole).filter(|brief| brief.id < to);
            earlier.next().map(|brief| brief.id).ok_or_else(too_few)?
        }
    };
    let (from, to) = (store.assessment(name, from)?, store.assessment(name, to)?);
    json_of(&Drift::between(&from.assessment, &to.assessment))
}
