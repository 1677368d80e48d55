//! One check, one bundle, one verdict. Nothing passes by default.

use std::collections::BTreeMap;

use kql::engine::Rows;
use kql::value::Json;
use serde::{Deserialize, Serialize};

use crate::bundle::{Bundle, Gap};
use crate::check::{Check, Profile};
use crate::error::Result;
use crate::library::Library;
use crate::rules::{Missing, Ran, Runner, objects};

/// Rows that are kept as evidence of one verdict.
const SHOWN: usize = 200;
/// The column that names what is wrong.
const ITEM: &str = "item";
/// Gaps that are named.
const GAPS: usize = 20;

/// What is said of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The fact was read in whole and is as it should be
    Pass,
    /// It was read and is not
    Fail,
    /// The subject does not exist, which was read
    NotApplicable,
    /// The operator of a managed service keeps it to itself
    Provider,
    /// Something is missing, which the reason names
    CannotTell,
}

/// A verdict with what it rests on.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict
    pub verdict: Verdict,
    /// Why, in words
    pub reason: String,
    /// What is wrong, row by row
    pub failed: Rows,
    /// What was read
    pub shown: Vec<BTreeMap<String, Json>>,
    /// How many rows that were, in all
    pub n_shown: usize,
    /// What could not be read
    pub gaps: Vec<(String, Gap)>,
}

impl Judgement {
    /// The names of what is wrong.
    pub fn items(&self) -> Vec<String> {
        let Some(at) = self.failed.position(ITEM) else { return Vec::new() };
        self.failed.rows.iter().map(|row| row[at].to_text().to_string()).collect()
    }

    /// What is wrong, as objects.
    pub fn offending(&self) -> Vec<BTreeMap<String, Json>> {
        objects(&self.failed, SHOWN)
    }

    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            reason: reason.into(),
            failed: Rows::default(),
            shown: Vec::new(),
            n_shown: 0,
            gaps: Vec::new(),
        }
    }
}

/// Judges a check.
///
/// # Errors
/// The content is not sound. A rule that cannot be run is `cannot-tell` with the reason `internal`.
pub(crate) fn judge(
    library: &Library,
    check: &Check,
    bundle: &Bundle,
    profile: Option<Profile>,
    now: i64,
) -> Result<Judgement> {
    if let Some(majors) = check.majors.filter(|majors| !majors.hold(bundle.major)) {
        let reason = match (majors.from, majors.to) {
            (Some(from), _) if bundle.major < from => format!("there from PostgreSQL {from} on"),
            (_, to) => format!("there up to PostgreSQL {}", to.unwrap_or_default()),
        };
        let reason = format!("{reason}; this is {}", bundle.major);
        return Ok(Judgement::new(Verdict::NotApplicable, reason));
    }
    let runner = Runner::new(library, check, bundle, profile, now)?;
    Ok(judged(check, &runner).unwrap_or_else(|what| {
        tracing::warn!(check = check.id, what, "a rule cannot be run");
        let mut judgement = Judgement::new(Verdict::CannotTell, format!("internal: {what}"));
        let message = "a rule of the check cannot be run".to_owned();
        let gap = Gap { database: None, reason: "internal".to_owned(), message, cure: None };
        judgement.gaps.push((check.id.clone(), gap));
        judgement
    }))
}

fn judged(check: &Check, runner: &Runner<'_>) -> Result<Judgement, String> {
    let rules = &check.rules;
    let mut missing = Vec::new();
    let shown = match runner.run(&rules.show, None)? {
        Ran::Rows(rows, gaps) => {
            missing.extend(gaps);
            rows
        }
        Ran::Unread(gaps) => {
            missing.extend(gaps);
            Rows::default()
        }
    };
    let done = |mut judgement: Judgement, mut missing: Vec<Missing>| {
        judgement.shown = objects(&shown, SHOWN);
        judgement.n_shown = shown.rows.len();
        missing.dedup_by(|a, b| a.table == b.table);
        let gaps = missing.into_iter().flat_map(|missing| {
            let table = missing.table;
            missing.gaps.into_iter().map(move |gap| (table.clone(), gap))
        });
        for gap in gaps {
            if judgement.gaps.len() < GAPS && !judgement.gaps.contains(&gap) {
                judgement.gaps.push(gap);
            }
        }
        judgement
    };
    if let Some(rule) = &rules.not_applicable {
        match runner.run(rule, None)? {
            Ran::Rows(rows, gaps) if gaps.is_empty() && !rows.rows.is_empty() => {
                let reason =
                    first(&rows, "reason").unwrap_or_else(|| "nothing to judge".to_owned());
                return Ok(done(Judgement::new(Verdict::NotApplicable, reason), gaps));
            }
            Ran::Rows(_, gaps) | Ran::Unread(gaps) => missing.extend(gaps),
        }
    }
    let mut failed: Option<Rows> = None;
    for rule in &rules.fail {
        match runner.run(rule, None)? {
            Ran::Rows(rows, gaps) => {
                missing.extend(gaps);
                if rows.position(ITEM).is_none() {
                    return Err(format!("a rule for what fails has no column {ITEM}"));
                }
                match &mut failed {
                    None => failed = Some(rows),
                    Some(all) => append(all, rows),
                }
            }
            Ran::Unread(gaps) => missing.extend(gaps),
        }
    }
    let failed = failed.unwrap_or_default();
    if !failed.rows.is_empty() {
        let mut judgement = Judgement::new(Verdict::Fail, said(&failed));
        judgement.failed = failed;
        return Ok(done(judgement, missing));
    }
    if let Some(lack) = missing.first() {
        let is_provider = |gap: &Gap| gap.reason == "provider";
        let all = || missing.iter().flat_map(|missing| &missing.gaps);
        let verdict = if all().next().is_some() && all().all(is_provider) {
            Verdict::Provider
        } else {
            Verdict::CannotTell
        };
        let why = lack.gaps.first().map_or_else(
            || "not-collected: nobody read it".to_owned(),
            |gap| {
                let place = gap.database.as_ref().map(|d| format!(" in database {d}"));
                format!("{}: {}{}", gap.reason, gap.message, place.unwrap_or_default())
            },
        );
        let reason = format!("{} ({why})", lack.table);
        return Ok(done(Judgement::new(verdict, reason), missing));
    }
    if let Some(rule) = &rules.cannot_tell
        && let Ran::Rows(rows, _) = runner.run(rule, None)?
        && !rows.rows.is_empty()
    {
        let reason = first(&rows, "reason").unwrap_or_else(|| "evidence is missing".to_owned());
        let gap = Gap {
            database: None,
            reason: first(&rows, "word").unwrap_or_else(|| "incomplete".to_owned()),
            message: reason.clone(),
            cure: first(&rows, "cure"),
        };
        let mut judgement = Judgement::new(Verdict::CannotTell, reason);
        judgement.gaps.push((check.id.clone(), gap));
        return Ok(done(judgement, Vec::new()));
    }
    if shown.rows.is_empty() {
        let reason = "no evidence was found";
        return Ok(done(Judgement::new(Verdict::CannotTell, reason), Vec::new()));
    }
    Ok(done(Judgement::new(Verdict::Pass, "as it should be"), Vec::new()))
}

/// Puts rows behind others, column by column's name.
fn append(all: &mut Rows, more: Rows) {
    for column in &more.schema {
        if all.position(&column.name).is_none() {
            let absent = kql::value::Value::absent(column.ty);
            all.schema.push(column.clone());
            all.rows.iter_mut().for_each(|row| row.push(absent.clone()));
        }
    }
    let places: Vec<Option<usize>> =
        all.schema.iter().map(|column| more.position(&column.name)).collect();
    let rows = more.rows.iter().map(|row| {
        let cells = places.iter().zip(&all.schema).map(|(place, column)| match place {
            Some(place) => row[*place].convert(column.ty),
            None => kql::value::Value::absent(column.ty),
        });
        cells.collect()
    });
    let rows: Vec<_> = rows.collect();
    all.rows.extend(rows);
}

fn first(rows: &Rows, column: &str) -> Option<String> {
    let at = rows.position(column)?;
    let text = rows.rows.first()?.get(at)?.to_text();
    (!text.is_empty()).then(|| text.to_string())
}

/// The first finding, and how many more there are.
fn said(failed: &Rows) -> String {
    let item = first(failed, ITEM).unwrap_or_default();
    let found = first(failed, "found").map(|found| format!(" is {found}")).unwrap_or_default();
    let wanted = first(failed, "wanted").map(|w| format!(", wanted {w}")).unwrap_or_default();
    let more = match failed.rows.len() {
        0 | 1 => String::new(),
        n => format!("; {} more", n - 1),
    };
    format!("{item}{found}{wanted}{more}")
}
