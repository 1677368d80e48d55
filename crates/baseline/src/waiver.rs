//! Waivers: somebody answers for a failure until a day. A waiver changes no verdict; the failure
//! stays one, is shown as waived, does not break a gate, and counts again the day after.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::assess::{Assessment, Outcome};
use crate::declared::Declared;
use crate::error::{Error, Result};
use crate::judge::Verdict;

/// The kind of declarations that checks read waivers as.
const KIND: &str = "waiver";
/// Bytes of a list of waivers.
const BYTES_MAX: usize = 8 << 20;

/// That somebody answers for a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Its own name
    #[serde(default)]
    pub id: String,
    /// The check
    pub check: String,
    /// On which server; on all where absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The fingerprint of the one finding that it is about; all findings where absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Why the failure is accepted
    pub reason: String,
    /// Who answers for it
    pub owner: String,
    /// Who approved of it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// The last day on which it holds, in UTC
    pub until: Date,
}

/// What waivers say of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// Whether all that fails is waived
    pub all: bool,
    /// Fingerprints of the findings that are
    pub findings: Vec<String>,
    /// Waivers that hold
    pub waivers: Vec<Waiver>,
    /// Waivers whose day is over
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<Waiver>,
}

impl Waiver {
    /// Reads a list of them, JSON.
    ///
    /// # Errors
    /// It is too long, or no such list.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        if text.len() > BYTES_MAX {
            return Err(Error::Waivers(format!("longer than {BYTES_MAX} bytes")));
        }
        serde_json::from_str(text).map_err(|e| Error::Waivers(e.to_string()))
    }

    /// Whether its last day is not over.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.to_zoned(TimeZone::UTC).date() <= self.until
    }

    /// Whether it is about this server.
    pub fn is_on(&self, server: &str) -> bool {
        self.server.as_deref().is_none_or(|own| own == server)
    }

    /// Tells the checks of it.
    pub fn declare(&self, declared: &mut Declared) {
        let mut value = toml::Table::new();
        let until = self.until.to_string();
        let said = [
            ("owner", Some(&self.owner)),
            ("reason", Some(&self.reason)),
            ("approver", self.approver.as_ref()),
            ("finding", self.finding.as_ref()),
            ("until", Some(&until)),
        ];
        let said = said.into_iter().filter_map(|(member, text)| Some((member, text?)));
        value.extend(said.map(|(member, text)| (member.to_owned(), text.as_str().into())));
        declared.add(KIND, &self.check, value);
    }
}

/// Says of each failure whether it is waived.
pub fn waive(assessment: &mut Assessment, waivers: &[Waiver], now: Timestamp) {
    let server = assessment.server.clone();
    let on_it: Vec<&Waiver> = waivers.iter().filter(|waiver| waiver.is_on(&server)).collect();
    for outcome in &mut assessment.results {
        outcome.waived = waived(outcome, &on_it, now);
    }
    let n = assessment.results.iter().filter(|outcome| outcome.is_waived()).count();
    assessment.n_waived = Some(n);
}

fn waived(outcome: &Outcome, waivers: &[&Waiver], now: Timestamp) -> Option<Waived> {
    let is_found = |waiver: &Waiver| match &waiver.finding {
        None => true,
        Some(wanted) => outcome.findings.iter().any(|finding| finding.fingerprint == *wanted),
    };
    let about = waivers.iter().filter(|waiver| waiver.check == outcome.id && is_found(waiver));
    let (holding, lapsed): (Vec<Waiver>, Vec<Waiver>) =
        about.map(|waiver| Waiver::clone(waiver)).partition(|waiver| waiver.holds(now));
    if outcome.verdict != Verdict::Fail || (holding.is_empty() && lapsed.is_empty()) {
        return None;
    }
    let is_whole = holding.iter().any(|waiver| waiver.finding.is_none());
    let is_covered = |fingerprint: &String| {
        is_whole || holding.iter().any(|waiver| waiver.finding.as_ref() == Some(fingerprint))
    };
    let found = outcome.findings.iter().map(|finding| &finding.fingerprint);
    let findings: Vec<String> = found.filter(|one| is_covered(one)).cloned().collect();
    let all = is_whole
        // What could not be read may hold failures that nobody has answered for.
        || (!findings.is_empty()
            && findings.len() == outcome.findings.len()
            && !outcome.has_gaps());
    Some(Waived { all, findings, waivers: holding, lapsed })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A failure with findings of these fingerprints.
    pub(crate) fn outcome(id: &str, verdict: &str, fingerprints: &[&str]) -> Outcome {
        let findings: Vec<_> = fingerprints
            .iter()
            .map(|print| serde_json::json!({ "fingerprint": print, "item": print }))
            .collect();
        serde_json::from_value(serde_json::json!({
            "id": id, "title": "t", "topic": "x", "why": "w", "severity": "high", "access": "S",
            "verdict": verdict, "reason": "r", "evidence": [], "findings": findings,
            "fix": { "class": "none", "automatic": false, "why": "w" },
            "mcsb": [], "cis": [], "stig": [], "nist": [],
        }))
        .unwrap()
    }

    fn waiver(finding: Option<&str>, until: &str) -> Waiver {
        Waiver {
            id: "1".to_owned(),
            check: "LOG-17".to_owned(),
            server: None,
            finding: finding.map(str::to_owned),
            reason: "a proxy logs".to_owned(),
            owner: "ops".to_owned(),
            approver: None,
            until: until.parse().unwrap(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_waiver_holds_through_its_last_day_and_no_longer() {
        let one = waiver(None, "2026-11-30");
        assert!(one.holds(at("2026-11-30T23:59:59Z")));
        assert!(!one.holds(at("2026-12-01T00:00:00Z")));
        let failed = outcome("LOG-17", "fail", &["a", "b"]);
        let over = waived(&failed, &[&one], at("2026-12-01T00:00:00Z")).unwrap();
        assert!(!over.all && over.waivers.is_empty() && over.lapsed.len() == 1);
    }

    #[test]
    fn all_findings_or_those_that_are_named() {
        let now = at("2026-11-28T12:00:00Z");
        let failed = outcome("LOG-17", "fail", &["a", "b"]);
        let (a, b) = (waiver(Some("a"), "2026-12-01"), waiver(Some("b"), "2026-12-01"));
        let one = waived(&failed, &[&a], now).unwrap();
        assert!(!one.all && one.findings == ["a"]);
        assert!(waived(&failed, &[&a, &b], now).unwrap().all);
        assert!(waived(&failed, &[&waiver(None, "2026-12-01")], now).unwrap().all);
        assert_eq!(waived(&failed, &[&waiver(Some("c"), "2026-12-01")], now), None);
        assert_eq!(waived(&outcome("LOG-17", "pass", &[]), &[&a], now), None);
        assert_eq!(waived(&outcome("LOG-18", "fail", &["a"]), &[&a], now), None);
    }

    #[test]
    fn what_was_not_read_is_not_waived_by_its_findings() {
        let mut failed = outcome("LOG-17", "fail", &["a"]);
        failed.evidence = serde_json::from_str(
            r#"[{"what":"gap","table":"T","reason":"timeout","message":"slow"}]"#,
        )
        .unwrap();
        let now = at("2026-11-28T12:00:00Z");
        assert!(!waived(&failed, &[&waiver(Some("a"), "2026-12-01")], now).unwrap().all);
        assert!(waived(&failed, &[&waiver(None, "2026-12-01")], now).unwrap().all);
    }

    #[test]
    fn checks_hear_of_waivers() {
        let mut declared = Declared::default();
        waiver(None, "2026-12-01").declare(&mut declared);
        waiver(Some("a"), "2026-12-02").declare(&mut declared);
        let text = declared.to_json();
        assert_eq!(declared.rows().rows.len(), 2, "{text}");
        assert!(text.contains("\"until\":\"2026-12-02\""), "{text}");
        assert!(Waiver::list("[{\"check\":\"A\"}]").is_err());
    }
}
