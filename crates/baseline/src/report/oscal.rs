//! OSCAL 1.1.3 assessment results (NIST), JSON: an observation a check with its evidence, a finding
//! where the check was answered or should have been.
//!
//! There is no assessment plan: what `import-ap` must name is a resource of the document itself
//! that says so. Identifiers are made from what they name.

use serde_json::{Map, Value, json};

use super::text::{one_line, token, uuid};
use super::verdicts::words;
use super::{NAMESPACE, TOOL, VERSION, points, pretty, sentence, severity};
use crate::assess::{Assessment, Evidence, Outcome};

const OSCAL: &str = "1.1.3";

/// The identifiers that others refer to.
struct Names {
    server: String,
    tool: String,
    plan: String,
}

/// OSCAL assessment results.
pub fn oscal(assessment: &Assessment) -> String {
    let at = assessment.assessed_at.as_str();
    let of = [assessment.server.as_str(), at, assessment.evidence_hash.as_str()];
    // Two profiles over one evidence are two results.
    let id = |what: &str| {
        let profile = assessment.profile.as_deref().unwrap_or_default();
        uuid(&[what, of[0], of[1], of[2], profile])
    };
    let names = Names {
        server: uuid(&["server", &assessment.server]),
        tool: uuid(&["tool", VERSION]),
        plan: uuid(&["plan"]),
    };
    let outcomes = &assessment.results;
    let observations: Vec<Value> = outcomes
        .iter()
        .map(|o| observation(assessment, o, &names, id(&format!("o:{}", o.id))))
        .collect();
    let findings: Vec<Value> = outcomes
        .iter()
        .filter_map(|o| {
            finding(o, &names, &id(&format!("f:{}", o.id)), &id(&format!("o:{}", o.id)))
        })
        .collect();
    let mut result = json!({
        "uuid": id("result"),
        "title": one_line(&format!("Security baseline of {}", assessment.server)),
        "description": format!(
            "PostgreSQL {} as read by the role {}; {} checks.",
            assessment.major, assessment.role, outcomes.len()
        ),
        "start": at,
        "end": at,
        "props": props(&facts(assessment)),
        "local-definitions": {"components": [
            component(&names.server, "service", &assessment.server, "The server that was read"),
            component(&names.tool, "software", &format!("{TOOL} {VERSION}"), "What read it"),
        ]},
        "reviewed-controls": reviewed(outcomes),
    });
    // Lists of OSCAL are absent rather than empty.
    for (name, list) in [("observations", observations), ("findings", findings)] {
        if !list.is_empty() {
            result[name] = Value::Array(list);
        }
    }
    pretty(&json!({"assessment-results": {
        "uuid": id("document"),
        "metadata": {
            "title": one_line(&format!("Security baseline of {}", assessment.server)),
            "last-modified": at,
            "version": one_line(&format!("{at} {}", assessment.evidence_hash)),
            "oscal-version": OSCAL,
        },
        "import-ap": {"href": format!("#{}", names.plan)},
        "results": [result],
        "back-matter": {"resources": [{
            "uuid": names.plan,
            "title": "No assessment plan",
            "description": "There is no plan beside this document: the checks of pgkeep's \
                            baseline were run as the program ships them.",
        }]},
    }}))
}

fn facts(assessment: &Assessment) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("evidence-hash", assessment.evidence_hash.clone()),
        ("role", assessment.role.clone()),
    ];
    facts.extend(assessment.profile.iter().map(|of| ("profile", of.clone())));
    facts.extend(assessment.score.map(|score| ("score", score.to_string())));
    facts.extend(assessment.coverage.map(|coverage| ("coverage", coverage.to_string())));
    facts
}

fn props(facts: &[(&'static str, String)]) -> Vec<Value> {
    let prop = |(name, value): &(&str, String)| {
        let value = one_line(value);
        json!({"name": name, "ns": NAMESPACE, "value": value})
    };
    facts.iter().map(prop).collect()
}

fn component(uuid: &str, kind: &str, title: &str, description: &str) -> Value {
    json!({
        "uuid": uuid,
        "type": kind,
        "title": one_line(title),
        "description": description,
        "status": {"state": "operational"},
    })
}

/// Controls of NIST SP 800-53 as OSCAL's own catalogues name them: `AC-2(1)` is `ac-2.1`.
fn reviewed(outcomes: &[Outcome]) -> Value {
    let mut controls: Vec<String> = outcomes
        .iter()
        .flat_map(|outcome| &outcome.nist)
        .map(|id| id.to_ascii_lowercase().replace('(', ".").replace([')', ' '], ""))
        .map(|id| token(&id))
        .collect();
    controls.sort();
    controls.dedup();
    let selection = if controls.is_empty() {
        json!({"include-all": {}})
    } else {
        let ids = controls.iter().map(|id| json!({"control-id": id}));
        json!({"include-controls": ids.collect::<Vec<_>>()})
    };
    json!({"control-selections": [selection]})
}

fn observation(assessment: &Assessment, outcome: &Outcome, names: &Names, uuid: String) -> Value {
    let facts = [
        ("check", outcome.id.clone()),
        ("verdict", words(outcome.verdict).name.to_owned()),
        ("severity", severity(outcome.severity).to_owned()),
    ];
    let mut observation = json!({
        "uuid": uuid,
        "title": one_line(&format!("{}: {}", outcome.id, outcome.title)),
        "description": outcome.reason,
        "props": props(&facts),
        "methods": ["TEST"],
        "types": ["control-objective"],
        "origins": [origin(names)],
        "subjects": [{"subject-uuid": names.server, "type": "component"}],
        "collected": assessment.assessed_at,
    });
    let evidence: Vec<Value> = outcome.evidence.iter().map(evidence).collect();
    if !evidence.is_empty() {
        observation["relevant-evidence"] = Value::Array(evidence);
    }
    observation
}

fn evidence(evidence: &Evidence) -> Value {
    let mut out = Map::new();
    out.insert("description".to_owned(), json!(sentence(evidence)));
    if let Evidence::Offending { rows, .. } | Evidence::Read { rows, .. } = evidence {
        // Remarks are Markdown: rows are a block of code in it, indented so that no row can end it.
        let rows: Vec<String> = rows.iter().map(|row| format!("    {}", json!(row))).collect();
        if !rows.is_empty() {
            out.insert("remarks".to_owned(), json!(rows.join("\n")));
        }
    }
    Value::Object(out)
}

fn origin(names: &Names) -> Value {
    json!({"actors": [{"type": "tool", "actor-uuid": names.tool}]})
}

fn finding(outcome: &Outcome, names: &Names, uuid: &str, observed: &str) -> Option<Value> {
    let (state, reason) = words(outcome.verdict).oscal?;
    let mut finding = json!({
        "uuid": uuid,
        "title": one_line(&format!("{}: {}", outcome.id, outcome.title)),
        "description": outcome.why,
        "origins": [origin(names)],
        "target": {
            "type": "objective-id",
            "target-id": token(&outcome.id),
            "title": one_line(&outcome.title),
            "status": {"state": state, "reason": reason, "remarks": outcome.reason},
        },
        "related-observations": [{"observation-uuid": observed}],
    });
    // Waivers refer to fingerprints.
    let fingerprint = |point: super::Point<'_>| {
        let finding = point.finding?;
        let value = one_line(&format!("{} {}", finding.fingerprint, point.text));
        Some(json!({"name": "finding", "ns": NAMESPACE, "value": value}))
    };
    let fingerprints: Vec<Value> = points(outcome).into_iter().filter_map(fingerprint).collect();
    if !fingerprints.is_empty() {
        finding["props"] = Value::Array(fingerprints);
    }
    Some(finding)
}
