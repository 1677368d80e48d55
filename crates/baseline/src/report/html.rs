//! A page for people, in one file: no script, nothing loaded from elsewhere.

use std::collections::BTreeMap;

use kql::value::Json;

use super::text::escaped;
use super::verdicts::{ORDER, words};
use super::{TOOL, VERSION, fix, plain, points, sentence, severity};
use crate::assess::{Assessment, Evidence, Outcome};
use crate::judge::Verdict;

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn html(assessment: &Assessment) -> String {
    let server = escaped(&assessment.server);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Security baseline of {server}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<h1>Security baseline of {server}</h1>\n"
    );
    summary(&mut out, assessment);
    let mut topics: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in &assessment.results {
        topics.entry(&outcome.topic).or_default().push(outcome);
    }
    table_of_topics(&mut out, &topics);
    for (topic, mut outcomes) in topics {
        out += &format!("<section>\n<h2>{}</h2>\n", escaped(topic));
        // What is wrong comes first, the worst of it before the rest.
        outcomes.sort_by_key(|outcome| {
            let place = ORDER.iter().position(|verdict| *verdict == outcome.verdict);
            (place, std::cmp::Reverse(outcome.severity))
        });
        for outcome in outcomes {
            check(&mut out, outcome);
        }
        out += "</section>\n";
    }
    out += &format!(
        "</main>\n<footer><p>{TOOL} {}. Evidence (SHA-256): <code>{}</code></p></footer>\n\
         </body>\n</html>\n",
        escaped(VERSION),
        escaped(&assessment.evidence_hash)
    );
    out
}

fn summary(out: &mut String, assessment: &Assessment) {
    let share = |share: Option<f64>| share.map_or("none".to_owned(), |of| format!("{of} of 100"));
    let profile = assessment.profile.as_deref().unwrap_or("pgkeep's own");
    *out += "<dl class=\"facts\">\n";
    for (name, value) in [
        ("Score", share(assessment.score)),
        ("Coverage", share(assessment.coverage)),
        ("PostgreSQL", assessment.major.to_string()),
        ("Read at", assessment.assessed_at.clone()),
        ("Read by role", assessment.role.clone()),
        ("Expected values", profile.to_owned()),
    ] {
        *out += &format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escaped(&value));
    }
    *out += "</dl>\n<ul class=\"counts\">\n";
    for verdict in ORDER {
        let n = assessment.counts.get(&verdict).copied().unwrap_or_default();
        let words = words(verdict);
        *out += &format!(
            "<li class=\"{}\"><strong>{n}</strong> {}</li>\n",
            words.name,
            escaped(words.html)
        );
    }
    *out += "</ul>\n<p>The score is what passes of what was answered, by severity; the coverage is \
             what was answered of what applies. What cannot be told counts as neither pass nor \
             failure.</p>\n";
    if !assessment.missing_rights.is_empty() {
        *out += "<h2>Grants that would answer more</h2>\n<ul>\n";
        for right in &assessment.missing_rights {
            *out += &format!("<li><code>{}</code></li>\n", escaped(right));
        }
        *out += "</ul>\n";
    }
    if !assessment.feeds.is_empty() {
        *out += "<h2>Feeds</h2>\n<ul>\n";
        for feed in &assessment.feeds {
            let stale = if feed.stale { ", too old to answer by" } else { "" };
            let (name, as_of) = (escaped(&feed.name), escaped(&feed.as_of));
            *out += &format!("<li>{name} of {as_of}{stale}</li>\n");
        }
        *out += "</ul>\n";
    }
}

fn table_of_topics(out: &mut String, topics: &BTreeMap<&str, Vec<&Outcome>>) {
    *out += "<h2>Topics</h2>\n<table>\n<thead><tr><th scope=\"col\">Topic</th>";
    for verdict in ORDER {
        *out += &format!("<th scope=\"col\">{}</th>", escaped(words(verdict).html));
    }
    *out += "</tr></thead>\n<tbody>\n";
    for (topic, outcomes) in topics {
        *out += &format!("<tr><th scope=\"row\">{}</th>", escaped(topic));
        for verdict in ORDER {
            let n = outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
            *out += &format!("<td>{n}</td>");
        }
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n";
}

fn check(out: &mut String, outcome: &Outcome) {
    let words = words(outcome.verdict);
    let id = escaped(&outcome.id);
    *out += &format!(
        "<article data-check=\"{id}\" data-verdict=\"{}\" class=\"{}\">\n<h3>{id} {}</h3>\n\
         <p><strong>{}</strong> <span class=\"severity\">{}</span> {}</p>\n",
        words.name,
        words.name,
        escaped(&outcome.title),
        escaped(words.html),
        severity(outcome.severity),
        escaped(&outcome.reason)
    );
    if outcome.findings.len() > 1 {
        *out += "<ul>\n";
        for point in points(outcome) {
            *out += &format!("<li>{}</li>\n", escaped(&point.text));
        }
        *out += "</ul>\n";
    }
    for waiver in outcome.waived.iter().flat_map(|waived| &waived.waivers) {
        let part = if waiver.finding.is_some() { " (one finding)" } else { "" };
        let (owner, reason) = (escaped(&waiver.owner), escaped(&waiver.reason));
        *out += &format!(
            "<p><strong>Waived{part} until {}</strong> by {owner}: {reason}</p>\n",
            waiver.until
        );
    }
    *out += &format!("<p>{}</p>\n", escaped(&outcome.why));
    if matches!(outcome.verdict, Verdict::Fail | Verdict::CannotTell) {
        *out += &format!("<p>What mends it: {}</p>\n", escaped(&fix(outcome)));
    }
    if !outcome.by_profile.is_empty() {
        let said = outcome.by_profile.iter().map(|(profile, verdict)| {
            format!("{}: {}", profile.name(), super::verdicts::words(*verdict).html)
        });
        let said = said.collect::<Vec<_>>().join(", ");
        *out += &format!("<p>Profiles differ: {}</p>\n", escaped(&said));
    }
    *out += "<details>\n<summary>Evidence</summary>\n";
    for evidence in &outcome.evidence {
        *out += &format!("<p>{}</p>\n", escaped(&sentence(evidence)));
        if let Evidence::Offending { rows, .. } | Evidence::Read { rows, .. } = evidence {
            table(out, rows);
        }
    }
    if outcome.evidence.is_empty() {
        *out += "<p>none</p>\n";
    }
    *out += "</details>\n";
    for (name, ids) in [
        ("MCSB", &outcome.mcsb),
        ("CIS", &outcome.cis),
        ("STIG", &outcome.stig),
        ("NIST SP 800-53", &outcome.nist),
    ] {
        if !ids.is_empty() {
            *out += &format!("<p class=\"ids\">{name}: {}</p>\n", escaped(&ids.join(", ")));
        }
    }
    *out += "</article>\n";
}

fn table(out: &mut String, rows: &[BTreeMap<String, Json>]) {
    let Some(first) = rows.first() else { return };
    *out += "<table>\n<thead><tr>";
    for name in first.keys() {
        *out += &format!("<th scope=\"col\">{}</th>", escaped(name));
    }
    *out += "</tr></thead>\n<tbody>\n";
    for row in rows {
        *out += "<tr>";
        for name in first.keys() {
            let cell = row.get(name).map(plain).unwrap_or_default();
            *out += &format!("<td>{}</td>", escaped(&cell));
        }
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n";
}
