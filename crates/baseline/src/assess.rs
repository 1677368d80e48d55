//! An assessment: the verdicts of many checks over one bundle, as the command line prints it.

use std::collections::BTreeMap;

use kql::value::{Json, TICKS_PER_MILLISECOND, UNIX_EPOCH};
use serde::{Deserialize, Serialize};

use crate::bundle::{Bundle, Gap};
use crate::check::{Access, Check, FixClass, Profile, Severity};
use crate::error::Result;
use crate::feed;
use crate::judge::{Judgement, Verdict, judge};
use crate::library::Library;
use crate::waiver::Waived;

/// An assessment; `docs/guide/baseline.md` describes its members.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assessment {
    /// What was assessed
    pub server: String,
    /// The major version of PostgreSQL
    pub major: u32,
    /// When the evidence was collected, RFC 3339
    pub assessed_at: String,
    /// The role that read it
    pub role: String,
    /// SHA-256 of the bundle of evidence, in hex
    pub evidence_hash: String,
    /// Which values were expected; absent: pgkeep's own
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// How old the feeds are that verdicts rest on
    pub feeds: Vec<FeedState>,
    /// Verdicts by name, how many
    pub counts: BTreeMap<Verdict, usize>,
    /// Failures that somebody answers for, how many; absent where no waivers were given
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_waived: Option<usize>,
    /// 0 to 100: passes against passes and failures, by severity; absent where there are neither
    pub score: Option<f64>,
    /// 0 to 100: how much of what applies was answered
    pub coverage: Option<f64>,
    /// One a check, in the order of identifiers
    pub results: Vec<Outcome>,
    /// Grants that would answer what could not be told
    pub missing_rights: Vec<String>,
}

/// A feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedState {
    /// Its name
    pub name: String,
    /// Its date
    pub as_of: String,
    /// Whether it is too old to answer by
    pub stale: bool,
}

/// What is said of one check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// The check
    pub id: String,
    /// What would hold
    pub title: String,
    /// Its topic
    pub topic: String,
    /// What goes wrong where it does not hold
    pub why: String,
    /// How bad a failure is
    pub severity: Severity,
    /// What must be read
    pub access: Access,
    /// The verdict
    pub verdict: Verdict,
    /// Why
    pub reason: String,
    /// What it rests on: `{"what":"offending|read|gap",…}`
    pub evidence: Vec<Evidence>,
    /// What mends it
    pub fix: FixSaid,
    /// Stable names of what is wrong
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Who answers for the failure, and until when
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// With profile `all`: what each profile says, where they differ
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_profile: BTreeMap<Profile, Verdict>,
    /// Controls of MCSB
    pub mcsb: Vec<String>,
    /// Numbers of CIS
    pub cis: Vec<String>,
    /// Rules of the STIG
    pub stig: Vec<String>,
    /// Controls of NIST SP 800-53
    pub nist: Vec<String>,
}

/// One piece of evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum Evidence {
    /// What is wrong
    Offending {
        /// Rows
        rows: Vec<BTreeMap<String, Json>>,
        /// How many there are in all
        total: usize,
    },
    /// What was read
    Read {
        /// Rows
        rows: Vec<BTreeMap<String, Json>>,
        /// How many there are in all
        total: usize,
    },
    /// A table that rules read
    Source {
        /// Its name
        table: String,
        /// The statement
        statement: String,
        /// How many rows it gave
        total: usize,
    },
    /// What could not be read
    Gap {
        /// Which table
        table: String,
        /// Why
        #[serde(flatten)]
        gap: Gap,
    },
}

/// What mends a failure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FixSaid {
    /// How it takes effect
    pub class: FixClass,
    /// Whether pgkeep can do it
    pub automatic: bool,
    /// What to do by hand, or why there is none
    pub why: Option<String>,
}

/// Something that is wrong, by a name that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// SHA-256 of check, database and item, 16 hex digits
    pub fingerprint: String,
    /// What it is
    pub item: String,
    /// In which database, where it is in one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// Judges checks over a bundle. `profiles`: none for pgkeep's own values, one, or all of them, of
/// which the strictest answer counts. `now_ms`: milliseconds since 1970.
///
/// # Errors
/// The content is not sound, or one of `ids` does not exist.
pub fn assess(
    library: &Library,
    bundle: &Bundle,
    ids: &[String],
    profiles: &[Profile],
    now_ms: i64,
) -> Result<Assessment> {
    let now = ticks(now_ms);
    let mut results = Vec::new();
    for check in library.chosen(ids)? {
        results.push(outcome(library, check, bundle, profiles, now)?);
    }
    let counts = counted(&results);
    let (score, coverage) = scores(&results);
    let gaps = results.iter().flat_map(|result| &result.evidence);
    let mut missing_rights: Vec<String> = gaps
        .filter_map(|evidence| match evidence {
            Evidence::Gap { gap, .. } if gap.reason == "missing-right" => gap.cure.clone(),
            _ => None,
        })
        .collect();
    missing_rights.sort();
    missing_rights.dedup();
    let profile = match profiles {
        [] => None,
        [one] => Some(one.name().to_owned()),
        _ => Some("all".to_owned()),
    };
    Ok(Assessment {
        server: bundle.target.clone(),
        major: bundle.major,
        assessed_at: bundle.collected_at.clone(),
        role: bundle.role.clone(),
        evidence_hash: bundle.hash()?,
        profile,
        feeds: feed::states(bundle),
        counts,
        n_waived: None,
        score,
        coverage,
        results,
        missing_rights,
    })
}

/// Moments as KQL counts them.
fn ticks(ms: i64) -> i64 {
    ms.saturating_mul(TICKS_PER_MILLISECOND).saturating_add(UNIX_EPOCH)
}

/// The present moment, the same way.
pub(crate) fn now_ticks(clock: &dyn base::Clock) -> i64 {
    ticks(clock.now().as_millisecond())
}

fn outcome(
    library: &Library,
    check: &Check,
    bundle: &Bundle,
    profiles: &[Profile],
    now: i64,
) -> Result<Outcome> {
    let mut by_profile = BTreeMap::new();
    let mut worst: Option<Judgement> = None;
    let asked = profiles.iter().map(|profile| Some(*profile));
    // A check whose values no profile changes is judged once.
    let asked: Vec<_> = if profiles.is_empty() || check.profiles.is_empty() {
        vec![profiles.first().copied()]
    } else {
        asked.collect()
    };
    for profile in asked {
        let judgement = judge(library, check, bundle, profile, now)?;
        if let Some(profile) = profile {
            by_profile.insert(profile, judgement.verdict);
        }
        let is_worse = |other: &Judgement| rank(judgement.verdict) > rank(other.verdict);
        if worst.as_ref().is_none_or(is_worse) {
            worst = Some(judgement);
        }
    }
    let judgement = worst.expect("because there is at least one");
    if by_profile.values().all(|verdict| *verdict == judgement.verdict) {
        by_profile.clear();
    }
    let mut evidence = Vec::new();
    if judgement.verdict == Verdict::Fail {
        let (rows, total) = (judgement.offending(), judgement.failed.rows.len());
        evidence.push(Evidence::Offending { rows, total });
    }
    if judgement.n_shown > 0 {
        let rows = judgement.shown.clone();
        evidence.push(Evidence::Read { rows, total: judgement.n_shown });
    }
    for name in library.tables_read(check).unwrap_or_default().iter().cloned() {
        let key = crate::rules::key(check, &name).unwrap_or_else(|| name.clone());
        if let Some(table) = bundle.tables.get(&key) {
            let statement = table.statement.clone();
            evidence.push(Evidence::Source { table: name, statement, total: table.rows.len() });
        }
    }
    let gaps = judgement.gaps.iter().cloned();
    evidence.extend(gaps.map(|(table, gap)| Evidence::Gap { table, gap }));
    Ok(Outcome {
        id: check.id.clone(),
        title: check.title.clone(),
        topic: check.topic.clone(),
        why: check.why.clone(),
        severity: check.severity,
        access: check.access,
        verdict: judgement.verdict,
        reason: judgement.reason.clone(),
        evidence,
        fix: FixSaid {
            class: check.fix.class,
            automatic: check.fix.class.is_automatic(),
            why: check.fix.why.clone(),
        },
        findings: findings(check, &judgement),
        waived: None,
        by_profile,
        mcsb: check.mcsb.clone(),
        cis: check.cis.clone(),
        stig: check.stig.clone(),
        nist: check.nist.clone(),
    })
}

impl Assessment {
    /// Puts newer outcomes of some checks in the place of those that are here, and counts anew.
    pub fn overlay(&mut self, newer: Vec<Outcome>) {
        for outcome in newer {
            match self.results.binary_search_by(|known| known.id.cmp(&outcome.id)) {
                Ok(at) => self.results[at] = outcome,
                Err(at) => self.results.insert(at, outcome),
            }
        }
        self.counts = counted(&self.results);
        (self.score, self.coverage) = scores(&self.results);
    }
}

fn counted(results: &[Outcome]) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result.verdict).or_insert(0) += 1;
    }
    counts
}

impl Outcome {
    /// Whether somebody answers for all that fails here.
    pub fn is_waived(&self) -> bool {
        self.waived.as_ref().is_some_and(|waived| waived.all)
    }

    /// Whether part of what the check reads could not be read.
    pub fn has_gaps(&self) -> bool {
        self.evidence.iter().any(|evidence| matches!(evidence, Evidence::Gap { .. }))
    }
}

/// Which of two verdicts counts where profiles differ.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 4,
        Verdict::CannotTell => 3,
        Verdict::Pass => 2,
        Verdict::Provider => 1,
        Verdict::NotApplicable => 0,
    }
}

fn findings(check: &Check, judgement: &Judgement) -> Vec<Finding> {
    let database = judgement.failed.position(crate::evidence::DATABASE);
    let items = judgement.items().into_iter().zip(&judgement.failed.rows);
    let finding = |(item, row): (String, &kql::engine::Row)| {
        let database = database.map(|at| row[at].to_text().to_string());
        let name = format!("{}\0{}\0{item}", check.id, database.as_deref().unwrap_or_default());
        let hash = crypto::sha256(name.as_bytes());
        let fingerprint = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Finding { fingerprint, item, database }
    };
    items.map(finding).collect()
}

/// The score: of what was answered, how much passes, by weight; and how much was answered.
fn scores(results: &[Outcome]) -> (Option<f64>, Option<f64>) {
    let weight = |result: &Outcome| match result.severity {
        Severity::Critical => 10.0,
        Severity::High => 5.0,
        Severity::Medium => 2.0,
        Severity::Low => 1.0,
        Severity::Info => 0.0,
    };
    let sum = |wanted: Verdict| -> f64 {
        let fitting = results.iter().filter(|result| result.verdict == wanted);
        // The sum of nothing is -0.
        fitting.map(weight).fold(0.0, |sum, weight| sum + weight)
    };
    let (pass, fail, open) = (sum(Verdict::Pass), sum(Verdict::Fail), sum(Verdict::CannotTell));
    let share =
        |part: f64, whole: f64| (whole > 0.0).then(|| (part / whole * 1000.0).round() / 10.0);
    (share(pass, pass + fail), share(pass + fail, pass + fail + open))
}
