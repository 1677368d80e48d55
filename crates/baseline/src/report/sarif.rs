//! SARIF 2.1.0: one rule a check, one result a finding or verdict.
//!
//! A server has no files that an assessment could point into: places are logical ones, server →
//! database → object. A result that is no failure has the level `none` (section 3.27.10), so a
//! program that counts errors, warnings and notes alone sees neither passes nor what could not be
//! told: the latter is also a warning among the notifications of the run.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::text::message;
use super::verdicts::words;
use super::{NAMESPACE, TOOL, VERSION, fix, gaps, points, pretty, severity};
use crate::assess::{Assessment, Finding, Outcome};
use crate::check::Severity;
use crate::judge::Verdict;
use crate::waiver::Waiver;

/// The name of fingerprints, with the version of how they are made.
const FINGERPRINT: &str = "pgkeepFinding/v1";

/// SARIF.
pub fn sarif(assessment: &Assessment) -> String {
    let mut places = Places::of(&assessment.server);
    let mut results = Vec::new();
    let mut notes = Vec::new();
    for (at, outcome) in assessment.results.iter().enumerate() {
        for point in points(outcome) {
            let place = point.finding.map_or(0, |finding| {
                let database = finding.database.as_deref();
                places.find(database, &finding.item)
            });
            let mut result = json!({
                "ruleId": outcome.id,
                "ruleIndex": at,
                "kind": words(outcome.verdict).sarif,
                "level": level(outcome),
                "message": {"text": said(outcome, &point.text)},
                "locations": [{"logicalLocations": [places.reference(place)]}],
                "properties": {"verdict": words(outcome.verdict).name},
            });
            if let Some(finding) = point.finding {
                result["partialFingerprints"] = json!({FINGERPRINT: finding.fingerprint});
            }
            let suppressions = suppressions(outcome, point.finding);
            if !suppressions.is_empty() {
                result["suppressions"] = json!(suppressions);
            }
            results.push(result);
        }
        let mut missing: Vec<String> = gaps(outcome).collect();
        if missing.is_empty() && outcome.verdict == Verdict::CannotTell {
            missing.push(outcome.reason.clone());
        }
        notes.extend(missing.iter().map(|lack| {
            json!({
                "level": "warning",
                "message": {"text": message(lack)},
                "associatedRule": {"id": outcome.id, "index": at},
            })
        }));
    }
    let mut properties = json!({
        "server": assessment.server,
        "major": assessment.major,
        "role": assessment.role,
        "evidenceHash": assessment.evidence_hash,
        "score": assessment.score,
        "coverage": assessment.coverage,
    });
    if let Some(profile) = &assessment.profile {
        properties["profile"] = json!(profile);
    }
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": TOOL,
                "version": VERSION,
                "rules": assessment.results.iter().map(rule).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("{NAMESPACE}/{}", assessment.server)},
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": assessment.assessed_at,
                "toolExecutionNotifications": notes,
            }],
            "columnKind": "unicodeCodePoints",
            "logicalLocations": places.all,
            "results": results,
            "properties": properties,
        }],
    }))
}

fn said(outcome: &Outcome, point: &str) -> String {
    let title = &outcome.title;
    message(&match outcome.verdict {
        Verdict::Pass => format!("{title}: {point}."),
        Verdict::Fail => format!("Not so: {title}. {point}."),
        Verdict::NotApplicable => format!("Does not apply: {title}. {point}."),
        Verdict::Provider => format!("The provider keeps it to itself: {title}. {point}."),
        Verdict::CannotTell => format!("Cannot tell: {title}. {point}."),
    })
}

/// Waivers that hold for a result (section 3.27.23): it stays one, and is shown as suppressed.
fn suppressions(outcome: &Outcome, finding: Option<&Finding>) -> Vec<Value> {
    let waivers = outcome.waived.iter().flat_map(|waived| &waived.waivers);
    let is_about = |waiver: &&Waiver| {
        waiver.finding.is_none() || waiver.finding.as_ref() == finding.map(|one| &one.fingerprint)
    };
    let said = |waiver: &Waiver| {
        let Waiver { owner, reason, until, .. } = waiver;
        json!({
            "kind": "external",
            "status": "accepted",
            "justification": format!("{reason} ({owner} answers for it until {until})"),
        })
    };
    waivers.filter(is_about).map(said).collect()
}

fn rule(outcome: &Outcome) -> Value {
    let mut tags = vec!["security".to_owned(), format!("postgresql/{}", outcome.topic)];
    for (of, ids) in [
        ("mcsb", &outcome.mcsb),
        ("cis", &outcome.cis),
        ("stig", &outcome.stig),
        ("nist-800-53", &outcome.nist),
    ] {
        tags.extend(ids.iter().map(|id| format!("external/{of}/{id}")));
    }
    let mut properties = Map::new();
    properties.insert("tags".to_owned(), json!(tags));
    properties.insert("severity".to_owned(), json!(severity(outcome.severity)));
    properties.insert("access".to_owned(), json!(outcome.access));
    if let Some(number) = security_severity(outcome.severity) {
        properties.insert("security-severity".to_owned(), json!(number));
    }
    let help = format!("{}\n\nWhat mends it: {}", outcome.why, fix(outcome));
    json!({
        "id": outcome.id,
        "shortDescription": {"text": message(&outcome.title)},
        "fullDescription": {"text": message(&outcome.why)},
        "help": {"text": message(&help)},
        "defaultConfiguration": {"level": level_of(outcome.severity)},
        "properties": properties,
    })
}

fn level(outcome: &Outcome) -> &'static str {
    if outcome.verdict == Verdict::Fail { level_of(outcome.severity) } else { "none" }
}

fn level_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The middle of what code scanning of GitHub calls critical (over 9.0), high (7.0), medium (4.0)
/// and low (0.1); what is for information has none.
fn security_severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}

/// Logical locations, each once; the server is the first.
struct Places {
    all: Vec<Value>,
    known: HashMap<String, usize>,
}

impl Places {
    fn of(server: &str) -> Self {
        let mut places = Self { all: Vec::new(), known: HashMap::new() };
        places.add(None, "server", server);
        places
    }

    fn find(&mut self, database: Option<&str>, item: &str) -> usize {
        let parent = database.map_or(0, |database| self.add(Some(0), "database", database));
        self.add(Some(parent), "object", item)
    }

    fn add(&mut self, parent: Option<usize>, kind: &str, name: &str) -> usize {
        let within = parent.map(|parent| self.all[parent]["fullyQualifiedName"].clone());
        let within = within.as_ref().and_then(Value::as_str);
        // The name of a database may be that of an object: the kind keeps them apart.
        let full = within.map_or(format!("{kind}:{name}"), |of| format!("{of}/{kind}:{name}"));
        if let Some(at) = self.known.get(&full) {
            return *at;
        }
        let at = self.all.len();
        let mut place = json!({"name": name, "fullyQualifiedName": full, "kind": kind});
        if let Some(parent) = parent {
            place["parentIndex"] = json!(parent);
        }
        self.all.push(place);
        self.known.insert(full, at);
        at
    }

    fn reference(&self, at: usize) -> Value {
        let mut place = self.all[at].clone();
        place["index"] = json!(at);
        place
    }
}
