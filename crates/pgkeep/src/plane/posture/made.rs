//! One assessment: the agent reads, the plane judges and keeps.

use std::sync::Arc;

use api::plane::model::{BaselineBrief, BaselineCreate};
use base::{ExitCode, Fault, ServerName};
use baseline::{Assessment, Bundle, Declared, Profile, assess};
use jiff::Timestamp;
use serde_json::json;

use super::beside::judged;
use super::profiles;
use super::store::Kept;
use crate::plane::Plane;
use crate::plane::peers::Say;
use crate::process::blocking;

/// The kind of declarations that say when a server was assessed.
const SCAN: &str = "scan";

/// What is to be assessed, understood.
pub(in crate::plane) struct Wish {
    checks: Vec<String>,
    profiles: Vec<Profile>,
    declared: Option<Declared>,
    asked: Vec<String>,
}

impl Wish {
    /// All checks, by pgkeep's own values.
    pub(super) fn all() -> Self {
        let (checks, profiles, asked) = (Vec::new(), Vec::new(), Vec::new());
        Self { checks, profiles, declared: None, asked }
    }

    /// One check.
    pub(super) fn of(check: &str, profiles: Vec<Profile>) -> Self {
        Self { checks: vec![check.to_owned()], profiles, ..Self::all() }
    }

    /// Reads what somebody wants.
    pub(in crate::plane) fn read(wish: BaselineCreate) -> Result<Self, Fault> {
        let BaselineCreate { mut checks, profile, declare, asked } = wish;
        checks.sort();
        checks.dedup();
        let read = |declare| {
            let text = serde_json::Value::Object(declare).to_string();
            Declared::parse(&text).map_err(|error| error.fault())
        };
        let declared = declare.map(read).transpose()?;
        Ok(Self { checks, profiles: profiles(profile.as_deref())?, declared, asked })
    }
}

/// Assesses a server for `by` and keeps what came of it.
pub(in crate::plane) async fn make(
    plane: &Arc<Plane>,
    name: &ServerName,
    by: &str,
    wish: Wish,
    say: Say<'_>,
) -> Result<BaselineBrief, Fault> {
    let library = plane.posture.library()?;
    let Wish { checks, profiles, declared, asked } = wish;
    let _ = library.chosen(&checks).map_err(|error| error.fault())?;
    let declared = declared_for(plane, name, declared)?.to_json();
    let args = json!({ "checks": checks, "asked": asked });
    let (told, bytes) = plane
        .peers
        .agent_for_bytes(name, "baseline-collect", args, declared.as_bytes(), say)
        .await?;
    say("judging");
    let (plane, name, by) = (Arc::clone(plane), name.clone(), by.to_owned());
    let hash = told["hash"].as_str().unwrap_or_default().to_owned();
    let work = move || -> Result<BaselineBrief, Fault> {
        let bundle = Bundle::from_json(&bytes).map_err(|error| error.fault())?;
        let now = Timestamp::now();
        let assessment = assess(&library, &bundle, &checks, &profiles, now.as_millisecond())
            .map_err(|error| error.fault())?;
        genuine(&assessment, &name, &hash)?;
        let kept = Kept { by: &by, checks: &checks, assessment: &assessment, bundle: &bytes };
        plane.saved.keep_assessment(&name, &kept, now)
    };
    blocking(work).await?
}

/// What an agent hands over is what it has read, and of its own server.
fn genuine(assessment: &Assessment, name: &ServerName, hash: &str) -> Result<(), Fault> {
    if assessment.server == name.as_str() && assessment.evidence_hash == hash {
        return Ok(());
    }
    Err(Fault::new("bad_answer", "the evidence is not what the server's agent has read")
        .detail(format!("of {}, hash {}, told {hash}", assessment.server, assessment.evidence_hash))
        .exit(ExitCode::Gate))
}

/// The declaration that counts: that of the wish, else the server's own; with its waivers, and
/// when it was assessed last.
pub(super) fn declared_for(
    plane: &Plane,
    name: &ServerName,
    given: Option<Declared>,
) -> Result<Declared, Fault> {
    let mut declared = match given {
        Some(given) => given,
        None => plane.saved.declaration(name)?,
    };
    let waivers = plane.saved.waivers(Timestamp::now())?;
    let waivers = waivers.iter().map(judged).filter(|waiver| waiver.is_on(name.as_str()));
    waivers.for_each(|waiver| waiver.declare(&mut declared));
    let all = plane.saved.assessments(name)?;
    if let Some(last) = all.iter().find(|brief| brief.checks.is_empty()) {
        let said = [
            ("at", last.assessed_at.to_string()),
            ("hash", last.evidence_hash.clone()),
            ("by", last.by.clone()),
        ];
        let value = said.map(|(member, text)| (member.to_owned(), text.into()));
        declared.add(SCAN, name.as_str(), value.into_iter().collect());
    }
    Ok(declared)
}
