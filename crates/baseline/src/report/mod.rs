//! An assessment in the formats that other programs and people read.
//!
//! How a verdict is called in each of them stands in one table: `verdicts`. The same assessment
//! gives the same bytes. Nothing is in a report that is not in the assessment.

mod hdf;
mod html;
mod junit;
mod ocsf;
mod oscal;
mod sarif;
mod text;
mod verdicts;

use kql::value::Json;
use serde::Serialize;

use crate::assess::{Assessment, Evidence, Finding, Outcome};
use crate::check::{FixClass, Severity};

pub use hdf::hdf;
pub use html::html;
pub use junit::junit;
pub use ocsf::ocsf;
pub use oscal::oscal;
pub use sarif::sarif;

/// Who says so.
const TOOL: &str = "pgkeep";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Whose names properties in OSCAL and fingerprints in SARIF are.
const NAMESPACE: &str = "urn:pgkeep:baseline";

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The assessment itself
    Json,
    /// SARIF 2.1.0 (OASIS)
    Sarif,
    /// JUnit's XML
    Junit,
    /// Heimdall Data Format: what `inspec exec` writes as JSON
    Hdf,
    /// OSCAL 1.1.3 assessment results (NIST), JSON
    Oscal,
    /// OCSF 1.5.0 Compliance Finding (class 2003), an array
    Ocsf,
    /// A page
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Json, Self::Sarif, Self::Junit, Self::Hdf, Self::Oscal, Self::Ocsf, Self::Html];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Hdf => "hdf",
            Self::Oscal => "oscal",
            Self::Ocsf => "ocsf",
            Self::Html => "html",
        }
    }

    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// How names of files of this format end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Json | Self::Hdf | Self::Oscal | Self::Ocsf => "json",
            Self::Sarif => "sarif",
            Self::Junit => "xml",
            Self::Html => "html",
        }
    }

    /// The assessment in this format.
    pub fn render(self, assessment: &Assessment) -> String {
        match self {
            Self::Json => pretty(assessment),
            Self::Sarif => sarif(assessment),
            Self::Junit => junit(assessment),
            Self::Hdf => hdf(assessment),
            Self::Oscal => oscal(assessment),
            Self::Ocsf => ocsf(assessment),
            Self::Html => html(assessment),
        }
    }
}

fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value);
    text.expect("because every key is text and writing into memory does not fail") + "\n"
}

/// One thing that is said of a check: a finding of a failure, or the verdict as a whole.
struct Point<'a> {
    finding: Option<&'a Finding>,
    text: String,
}

/// Each finding; the verdict itself where there is none.
fn points(outcome: &Outcome) -> Vec<Point<'_>> {
    if outcome.findings.is_empty() {
        return vec![Point { finding: None, text: outcome.reason.clone() }];
    }
    let rows = outcome.evidence.iter().find_map(|evidence| match evidence {
        Evidence::Offending { rows, .. } => Some(rows.as_slice()),
        _ => None,
    });
    let rows = rows.unwrap_or_default();
    let point = |(at, finding): (usize, &'_ Finding)| {
        let cell = |name: &str| {
            // Rows are in the order of findings, but not all of them are kept.
            let row = rows
                .get(at)
                .filter(|row| row.get("item").map(plain).as_ref() == Some(&finding.item));
            row.and_then(|row| row.get(name)).map(plain).filter(|text| !text.is_empty())
        };
        let mut text = finding.item.clone();
        for (name, word) in [("found", " is "), ("wanted", ", wanted ")] {
            text += &cell(name).map(|value| format!("{word}{value}")).unwrap_or_default();
        }
        text += &finding.database.as_ref().map(|d| format!(" (database {d})")).unwrap_or_default();
        text
    };
    let texts = outcome.findings.iter().enumerate().map(point).collect::<Vec<_>>();
    let both = outcome.findings.iter().zip(texts);
    both.map(|(finding, text)| Point { finding: Some(finding), text }).collect()
}

/// A value as people read it: text without quotes.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.to_string(),
        other => other.to_string(),
    }
}

/// A piece of evidence in one sentence, without its rows.
fn sentence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Offending { total, .. } => format!("what is wrong: {total} in all"),
        Evidence::Read { total, .. } => format!("what was read: {total} rows in all"),
        Evidence::Source { table, statement, total } => {
            format!("table {table}, {total} rows, read by: {statement}")
        }
        Evidence::Gap { table, gap } => {
            let place = gap.database.as_ref().map(|d| format!(" in database {d}"));
            let cure = gap.cure.as_ref().map(|cure| format!("; what mends it: {cure}"));
            let (place, cure) = (place.unwrap_or_default(), cure.unwrap_or_default());
            format!("not read: {table}{place}: {}: {}{cure}", gap.reason, gap.message)
        }
    }
}

/// What could not be read, in sentences.
fn gaps(outcome: &Outcome) -> impl Iterator<Item = String> {
    let gaps = outcome.evidence.iter().filter(|of| matches!(of, Evidence::Gap { .. }));
    gaps.map(sentence)
}

/// What mends a failure, in words.
fn fix(outcome: &Outcome) -> String {
    let class = match outcome.fix.class {
        FixClass::AutoReload => "pgkeep can do it; it takes effect at a reload",
        FixClass::AutoRestart => "pgkeep can do it; it takes effect at a restart",
        FixClass::AutoTx => "pgkeep can do it, in one transaction",
        FixClass::AutoFile => "pgkeep can do it, in files of the host",
        FixClass::Guided => "by hand",
        FixClass::None => "there is no fix",
    };
    match &outcome.fix.why {
        Some(why) => format!("{class}: {why}"),
        None => class.to_owned(),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
