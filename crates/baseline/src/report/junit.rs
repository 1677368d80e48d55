//! JUnit's XML: a suite a topic, a case a check.
//!
//! How long one check took is not known, so no time is written.

use std::collections::BTreeMap;

use super::text::escaped;
use super::verdicts::words;
use super::{fix, gaps, points, severity};
use crate::assess::{Assessment, Outcome};
use crate::judge::Verdict;

/// JUnit's XML.
pub fn junit(assessment: &Assessment) -> String {
    let mut topics: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in &assessment.results {
        topics.entry(&outcome.topic).or_default().push(outcome);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all: Vec<&Outcome> = assessment.results.iter().collect();
    out += &format!("<testsuites name=\"pgkeep baseline\" {}>\n", counts(&all));
    for (topic, outcomes) in topics {
        out += &format!(
            "  <testsuite name=\"{}\" {} timestamp=\"{}\" hostname=\"{}\">\n    <properties>\n",
            escaped(topic),
            counts(&outcomes),
            escaped(&assessment.assessed_at),
            escaped(&assessment.server)
        );
        for (name, value) in [
            ("role", assessment.role.as_str()),
            ("evidence_hash", assessment.evidence_hash.as_str()),
            ("profile", assessment.profile.as_deref().unwrap_or("pgkeep")),
        ] {
            let value = escaped(value);
            out += &format!("      <property name=\"{name}\" value=\"{value}\"/>\n");
        }
        out += "    </properties>\n";
        for outcome in outcomes {
            case(&mut out, outcome);
        }
        out += "  </testsuite>\n";
    }
    out + "</testsuites>\n"
}

fn counts(outcomes: &[&Outcome]) -> String {
    let count = |element: &str| {
        let is = |outcome: &&&Outcome| words(outcome.verdict).junit == Some(element);
        outcomes.iter().filter(is).count()
    };
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        outcomes.len(),
        count("failure"),
        count("error"),
        count("skipped")
    )
}

fn case(out: &mut String, outcome: &Outcome) {
    let name = escaped(&format!("{} {}", outcome.id, outcome.title));
    let class = escaped(&format!("baseline.{}", outcome.topic));
    *out += &format!("    <testcase name=\"{name}\" classname=\"{class}\"");
    let Some(element) = words(outcome.verdict).junit else {
        *out += "/>\n";
        return;
    };
    let reason = match outcome.verdict {
        Verdict::Provider => format!("the provider's: {}", outcome.reason),
        Verdict::NotApplicable => format!("does not apply: {}", outcome.reason),
        _ => outcome.reason.clone(),
    };
    let mut lines: Vec<String> = points(outcome).into_iter().map(|point| point.text).collect();
    lines.extend(gaps(outcome));
    if outcome.verdict == Verdict::Fail {
        lines.push(format!("what mends it: {}", fix(outcome)));
    }
    let kind = match outcome.verdict {
        Verdict::Fail => severity(outcome.severity),
        verdict => words(verdict).name,
    };
    // References keep line ends that are within a text; those between lines are plain.
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    *out += &format!(
        ">\n      <{element} type=\"{kind}\" message=\"{}\">{}</{element}>\n    </testcase>\n",
        escaped(&reason),
        lines.join("\n")
    );
}
