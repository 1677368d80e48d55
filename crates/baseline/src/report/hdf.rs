//! Heimdall Data Format: what InSpec's JSON reporter writes, as Heimdall and MITRE's SAF read it.
//!
//! A DISA rule `SV-N` is of the group `V-N` (the two share the number); its STIG id is not in the
//! checks and is left out. CCIs are not known either.

use serde_json::{Value, json};

use super::verdicts::words;
use super::{TOOL, VERSION, fix, gaps, points, pretty, severity};
use crate::assess::{Assessment, Evidence, Outcome};
use crate::check::Severity;

/// HDF.
pub fn hdf(assessment: &Assessment) -> String {
    let controls: Vec<Value> =
        assessment.results.iter().map(|outcome| control(assessment, outcome)).collect();
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for outcome in &assessment.results {
        match groups.iter_mut().find(|(topic, _)| *topic == outcome.topic) {
            Some((_, ids)) => ids.push(&outcome.id),
            None => groups.push((&outcome.topic, vec![&outcome.id])),
        }
    }
    let group =
        |(topic, ids): &(&str, Vec<&str>)| json!({"id": topic, "title": topic, "controls": ids});
    // What was asked, not what came of it: two runs of the same checks have the same one.
    let asked: Vec<Value> =
        assessment.results.iter().map(|o| json!([o.id, o.title, o.why])).collect();
    let hash = crypto::sha256(json!(asked).to_string().as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    pretty(&json!({
        "platform": {
            "name": "postgresql",
            "release": assessment.major.to_string(),
            "target_id": assessment.server,
        },
        "version": VERSION,
        "statistics": {},
        "profiles": [{
            "name": "pgkeep-baseline",
            "title": "Security baseline of PostgreSQL",
            "version": VERSION,
            "maintainer": TOOL,
            "summary": assessment.profile.as_ref().map(|of| format!("values of profile {of}")),
            "sha256": hash,
            "supports": [],
            "attributes": [],
            "groups": groups.iter().map(group).collect::<Vec<_>>(),
            "status": "loaded",
            "controls": controls,
        }],
    }))
}

fn control(assessment: &Assessment, outcome: &Outcome) -> Value {
    let words = words(outcome.verdict);
    let statements: Vec<&str> = outcome
        .evidence
        .iter()
        .filter_map(|evidence| match evidence {
            Evidence::Source { statement, .. } => Some(statement.trim()),
            _ => None,
        })
        .collect();
    let mut tags = json!({
        "nist": outcome.nist,
        "cci": [],
        "stig": outcome.stig,
        "cis": outcome.cis,
        "mcsb": outcome.mcsb,
        "severity": severity(outcome.severity),
        "verdict": words.name,
    });
    if let Some(number) = outcome.stig.iter().find_map(|rule| rule.strip_prefix("SV-")) {
        tags["gid"] = json!(format!("V-{number}"));
        tags["rid"] = json!(format!("SV-{number}"));
    }
    let impact = if words.is_without_impact { 0.0 } else { impact(outcome.severity) };
    json!({
        "id": outcome.id,
        "title": outcome.title,
        "desc": outcome.why,
        "descriptions": [
            {"label": "default", "data": outcome.why},
            {"label": "fix", "data": fix(outcome)},
        ],
        "impact": impact,
        "refs": [],
        "tags": tags,
        "code": statements.join("\n\n"),
        "source_location": {},
        "results": results(assessment, outcome, words.hdf),
    })
}

fn results(assessment: &Assessment, outcome: &Outcome, status: &str) -> Vec<Value> {
    let gaps: Vec<String> = gaps(outcome).collect();
    let result = |text: String| {
        let mut lines = vec![text];
        lines.extend(gaps.iter().cloned());
        let mut result = json!({
            "status": status,
            "code_desc": outcome.title,
            "start_time": assessment.assessed_at,
        });
        let place = if status == "skipped" { "skip_message" } else { "message" };
        result[place] = json!(lines.join("\n"));
        result
    };
    points(outcome).into_iter().map(|point| result(point.text)).collect()
}

/// The lower ends of InSpec's ranges; 0 would be "not applicable", so what is for information is
/// the least that is not.
fn impact(severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 0.9,
        Severity::High => 0.7,
        Severity::Medium => 0.5,
        Severity::Low => 0.3,
        Severity::Info => 0.1,
    }
}
