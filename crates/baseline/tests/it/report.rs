//! Every format: what could not be told is never a pass, and the same assessment gives the same
//! bytes. What was written is read again here; `cargo xtask conform baseline-formats` lets others
//! read it.

use std::collections::BTreeMap;

use baseline::Verdict;
use baseline::report::Format;
use serde_json::Value;

use crate::sample;

/// What a report says of a check, in the format's own words; several words where it says several
/// things.
type Said = BTreeMap<String, Vec<String>>;

fn put(said: &mut Said, id: &str, word: impl Into<String>) {
    said.entry(id.to_owned()).or_default().push(word.into());
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Reads a report. Answers the words, and the one that means a pass.
fn read(format: Format, report: &str) -> (Said, &'static str) {
    let json = || serde_json::from_str::<Value>(report).expect("JSON");
    let mut said = Said::new();
    let pass = match format {
        Format::Json => {
            for result in list(&json()["results"]) {
                put(&mut said, &text(&result["id"]), text(&result["verdict"]));
            }
            "pass"
        }
        Format::Sarif => {
            for result in list(&json()["runs"][0]["results"]) {
                put(&mut said, &text(&result["ruleId"]), text(&result["kind"]));
            }
            "pass"
        }
        Format::Hdf => {
            for control in list(&json()["profiles"][0]["controls"]) {
                for result in list(&control["results"]) {
                    put(&mut said, &text(&control["id"]), text(&result["status"]));
                }
            }
            "passed"
        }
        Format::Oscal => {
            let json = json();
            let result = &json["assessment-results"]["results"][0];
            for observation in list(&result["observations"]) {
                let title = text(&observation["title"]);
                let id = title.split(':').next().expect("an identifier");
                let word = list(&result["findings"])
                    .iter()
                    .filter(|finding| {
                        let related = &finding["related-observations"][0]["observation-uuid"];
                        *related == observation["uuid"]
                    })
                    .map(|finding| text(&finding["target"]["status"]["state"]))
                    .next();
                put(&mut said, id, word.unwrap_or_else(|| "observed".to_owned()));
            }
            "satisfied"
        }
        Format::Ocsf => {
            for event in list(&json()) {
                let compliance = &event["compliance"];
                put(&mut said, &text(&compliance["control"]), text(&compliance["status_id"]));
            }
            "1"
        }
        Format::Junit => {
            for case in report.split("<testcase ").skip(1) {
                let id = case.strip_prefix("name=\"").expect("a name first");
                let id = id.split(' ').next().expect("an identifier");
                // Attributes hold no `>`: it is escaped there.
                let (start, rest) = case.split_once('>').expect("the end of its start");
                let within = if start.ends_with('/') { "" } else { rest };
                let within = within.split("</testcase>").next().unwrap_or_default();
                let word = ["failure", "error", "skipped"]
                    .into_iter()
                    .find(|element| within.contains(&format!("<{element} ")));
                put(&mut said, id, word.unwrap_or("passed"));
            }
            "passed"
        }
        Format::Html => {
            for article in report.split("<article data-check=\"").skip(1) {
                let (id, rest) = article.split_once('"').expect("an identifier");
                let strong = rest.split_once("<strong>").expect("the verdict").1;
                let word = strong.split_once("</strong>").expect("its end").0;
                put(&mut said, id, word);
            }
            "passes"
        }
    };
    (said, pass)
}

#[test]
fn what_could_not_be_told_is_never_a_pass() {
    let assessment = sample::assessment();
    assert_eq!(assessment.counts.len(), 5, "all verdicts: {:?}", assessment.counts);
    for format in Format::ALL {
        let (said, pass) = read(format, &format.render(&assessment));
        let name = format.name();
        assert_eq!(said.len(), assessment.results.len(), "{name}: {said:?}");
        for outcome in &assessment.results {
            let words = &said[&outcome.id];
            assert!(!words.is_empty(), "{name} is silent on {}", outcome.id);
            let is_pass = words.iter().any(|word| word == pass);
            let (id, verdict) = (&outcome.id, outcome.verdict);
            assert_eq!(is_pass, verdict == Verdict::Pass, "{name}, {id}, {verdict:?}: {words:?}");
        }
        let of = |verdict: Verdict| {
            let outcome = assessment.results.iter().find(|outcome| outcome.verdict == verdict);
            &said[&outcome.expect("one of each").id][0]
        };
        assert_ne!(of(Verdict::CannotTell), of(Verdict::NotApplicable), "{name}");
    }
}

#[test]
fn a_report_is_the_same_each_time() {
    for format in Format::ALL {
        let [one, other] = [0; 2].map(|_| format.render(&sample::assessment()));
        assert!(one == other, "{}", format.name());
        assert_eq!(Format::parse(format.name()), Some(format));
    }
    assert_eq!(Format::parse("xml"), None);
}

#[test]
fn every_finding_is_in_sarif_with_its_place() {
    let assessment = sample::assessment();
    let report: Value = serde_json::from_str(&Format::Sarif.render(&assessment)).expect("JSON");
    let run = &report["runs"][0];
    let found: Vec<String> = list(&run["results"])
        .iter()
        .filter(|result| result["kind"] == "fail")
        .map(|result| text(&result["partialFingerprints"]["pgkeepFinding/v1"]))
        .collect();
    let findings = assessment.results.iter().flat_map(|outcome| &outcome.findings);
    let wanted: Vec<String> = findings.map(|finding| finding.fingerprint.clone()).collect();
    assert_eq!(found, wanted);
    assert_eq!(wanted.len(), 4, "three odd ones and a fact");
    let place = &run["results"][0]["locations"][0]["logicalLocations"][0];
    let at = place["parentIndex"].as_u64().expect("the database") as usize;
    assert_eq!(run["logicalLocations"][at]["name"], "app");
    assert!(run["results"][0]["locations"][0].get("physicalLocation").is_none());
    let notes = list(&run["invocations"][0]["toolExecutionNotifications"]);
    for result in list(&run["results"]).iter().filter(|result| result["kind"] != "fail") {
        assert_eq!(result["level"], "none", "{result}");
        let is_noted = notes.iter().any(|note| note["associatedRule"]["id"] == result["ruleId"]);
        assert!(is_noted || result["kind"] != "review", "no warning beside {result}");
    }
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let assessment = sample::assessment();
    for format in [Format::Html, Format::Junit] {
        let report = format.render(&assessment);
        for odd in [
            "<script", "<odd>", "<b>", "<it>", "<reader>", "\u{1}", "\u{85}", "\u{202e}",
            "\u{fffe}",
        ] {
            assert!(!report.contains(odd), "{}: {odd:?}", format.name());
        }
        assert!(report.contains("&lt;b&gt;"), "{}", format.name());
        assert!(report.contains("GRANT SELECT ON pg_authid TO &quot;&lt;reader&gt;&quot;"));
        assert!(!report.contains("http:") && !report.contains("src="), "{}", format.name());
    }
}

#[test]
fn oscal_names_no_thing_twice() {
    let report: Value =
        serde_json::from_str(&Format::Oscal.render(&sample::assessment())).expect("JSON");
    let results = &report["assessment-results"]["results"][0];
    let of =
        |name: &str| list(&results[name]).iter().map(|of| text(&of["uuid"])).collect::<Vec<_>>();
    let mut all = [of("observations"), of("findings")].concat();
    let n = all.len();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), n), (14, 14), "eight observations, two verdicts without a finding");
}
