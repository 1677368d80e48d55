//! OCSF 1.5.0, events of the class Compliance Finding (2003) as an array: one a finding or verdict.
//!
//! The severity of an event is that of its check only where somebody has something to do; otherwise
//! it is informational, for alarms are raised by severity. The check's own is in
//! `compliance.checks`.

use kql::value::{TICKS_PER_MILLISECOND, UNIX_EPOCH, parse_datetime};
use serde_json::{Value, json};

use super::verdicts::words;
use super::{Point, TOOL, VERSION, fix, gaps, points, pretty, sentence, severity};
use crate::assess::{Assessment, Evidence, Outcome};
use crate::check::Severity;

const OCSF: &str = "1.5.0";
const CATEGORY: u32 = 2;
const CLASS: u32 = 2003;
const CREATE: u32 = 1;

/// OCSF events, a JSON array.
pub fn ocsf(assessment: &Assessment) -> String {
    let mut events = Vec::new();
    for outcome in &assessment.results {
        events.extend(points(outcome).iter().map(|point| event(assessment, outcome, point)));
    }
    pretty(&events)
}

fn event(assessment: &Assessment, outcome: &Outcome, point: &Point<'_>) -> Value {
    let words = words(outcome.verdict);
    let (severity_id, severity_name) =
        if words.is_open { level(outcome.severity) } else { level(Severity::Info) };
    let ticks = parse_datetime(&assessment.assessed_at).unwrap_or(UNIX_EPOCH);
    let time = (ticks - UNIX_EPOCH) / TICKS_PER_MILLISECOND;
    let (uid, item) = match point.finding {
        Some(finding) => (finding.fingerprint.clone(), Some(finding)),
        None => (format!("{} {}", assessment.server, outcome.id), None),
    };
    let mut resources = vec![json!({
        "name": assessment.server,
        "uid": assessment.server,
        "type": "PostgreSQL server",
        "version": assessment.major.to_string(),
    })];
    resources.extend(item.map(|finding| {
        let mut object = json!({"name": finding.item, "type": "PostgreSQL object"});
        if let Some(database) = &finding.database {
            object["namespace"] = json!(database);
        }
        object
    }));
    let mut event = json!({
        "activity_id": CREATE,
        "activity_name": "Create",
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + CREATE,
        "type_name": "Compliance Finding: Create",
        "time": time,
        "severity_id": severity_id,
        "severity": severity_name,
        "message": format!("{}: {}", outcome.title, point.text),
        "status_code": words.name,
        "status_detail": outcome.reason,
        "metadata": {
            "version": OCSF,
            "product": {"name": TOOL, "vendor_name": TOOL, "version": VERSION},
            "event_code": outcome.id,
        },
        "finding_info": {
            "uid": uid,
            "title": outcome.title,
            "desc": outcome.why,
            "types": [outcome.topic],
        },
        "compliance": compliance(outcome),
        "remediation": {"desc": fix(outcome)},
        "resources": resources,
    });
    if words.is_open {
        event["status_id"] = json!(1);
        event["status"] = json!("New");
    }
    let evidence: Vec<Value> = outcome.evidence.iter().map(evidence).collect();
    if !evidence.is_empty() {
        event["evidences"] = Value::Array(evidence);
    }
    event
}

fn compliance(outcome: &Outcome) -> Value {
    let words = words(outcome.verdict);
    let (status_id, status) = words.ocsf;
    let mut standards = Vec::new();
    let mut requirements = Vec::new();
    for (standard, ids) in [
        ("Microsoft cloud security benchmark", &outcome.mcsb),
        ("CIS PostgreSQL Benchmark", &outcome.cis),
        ("Crunchy Data PostgreSQL 16 STIG", &outcome.stig),
        ("NIST SP 800-53", &outcome.nist),
    ] {
        if !ids.is_empty() {
            standards.push(standard);
        }
        requirements.extend(ids.iter().map(|id| format!("{standard} {id}")));
    }
    if standards.is_empty() {
        // The class wants at least one.
        standards.push("pgkeep baseline");
    }
    let (severity_id, _) = level(outcome.severity);
    let mut details = vec![outcome.reason.clone()];
    details.extend(gaps(outcome));
    json!({
        "control": outcome.id,
        "category": outcome.topic,
        "desc": outcome.title,
        "standards": standards,
        "requirements": requirements,
        "status_id": status_id,
        "status": status,
        "status_code": words.name,
        "status_details": details,
        "checks": [{
            "uid": outcome.id,
            "name": outcome.title,
            "desc": outcome.why,
            "severity": severity(outcome.severity),
            "severity_id": severity_id,
            "status": status,
            "status_id": status_id,
            "standards": standards,
        }],
    })
}

fn evidence(evidence: &Evidence) -> Value {
    let data = match evidence {
        Evidence::Offending { rows, total } | Evidence::Read { rows, total } => {
            json!({"rows": rows, "total": total})
        }
        Evidence::Source { table, statement, total } => {
            json!({"table": table, "statement": statement, "total": total})
        }
        Evidence::Gap { table, gap } => json!({"table": table, "gap": gap}),
    };
    json!({"name": sentence(evidence), "data": data})
}

fn level(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}
