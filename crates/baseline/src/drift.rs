//! What is different between two assessments of one server: by check and by finding.
//!
//! A finding is mended where it was there before and everything that its check reads was read
//! again. What is no longer seen because something could not be read is unseen, not mended.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::assess::{Assessment, Finding, Outcome};
use crate::check::Severity;
use crate::judge::Verdict;

/// What is different.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Drift {
    /// When the earlier one was made, RFC 3339
    pub from: String,
    /// When the later one was
    pub to: String,
    /// The score then
    pub score_from: Option<f64>,
    /// The score now
    pub score_to: Option<f64>,
    /// Findings that are new, how many
    pub n_new: usize,
    /// Findings that are mended, how many
    pub n_fixed: usize,
    /// Checks with another verdict or other findings, the worst on top
    pub changes: Vec<Drifted>,
}

/// What is different about one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifted {
    /// The check
    pub id: String,
    /// What would hold
    pub title: String,
    /// Its topic
    pub topic: String,
    /// How bad a failure is
    pub severity: Severity,
    /// The verdict before; null where it was not judged
    pub was: Option<Verdict>,
    /// The verdict now
    pub is: Option<Verdict>,
    /// The reason now
    pub reason: String,
    /// Findings that were not there before
    pub new: Vec<Finding>,
    /// Findings that are mended
    pub fixed: Vec<Finding>,
    /// Findings that are not seen any more because something could not be read
    pub unseen: Vec<Finding>,
}

impl Drift {
    /// Compares an earlier assessment with a later one.
    pub fn between(from: &Assessment, to: &Assessment) -> Self {
        let of = |side: &Assessment| -> BTreeMap<String, Outcome> {
            side.results.iter().map(|result| (result.id.clone(), result.clone())).collect()
        };
        let (before, after) = (of(from), of(to));
        let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let mut changes: Vec<Drifted> =
            ids.into_iter().filter_map(|id| change(before.get(id), after.get(id))).collect();
        changes.sort_by_key(|change| {
            let is_worse = change.is == Some(Verdict::Fail);
            (!is_worse, std::cmp::Reverse(change.severity), change.id.clone())
        });
        Self {
            from: from.assessed_at.clone(),
            to: to.assessed_at.clone(),
            score_from: from.score,
            score_to: to.score,
            n_new: changes.iter().map(|change| change.new.len()).sum(),
            n_fixed: changes.iter().map(|change| change.fixed.len()).sum(),
            changes,
        }
    }
}

fn change(before: Option<&Outcome>, after: Option<&Outcome>) -> Option<Drifted> {
    let said = after.or(before)?;
    let (was, is) = (before.map(|one| one.verdict), after.map(|one| one.verdict));
    let none: &[Finding] = &[];
    let (then, now) =
        (before.map_or(none, |one| &one.findings), after.map_or(none, |one| &one.findings));
    let lacks = |list: &[Finding], one: &Finding| {
        !list.iter().any(|other| other.fingerprint == one.fingerprint)
    };
    let new: Vec<Finding> = now.iter().filter(|one| lacks(then, one)).cloned().collect();
    let gone: Vec<Finding> = then.iter().filter(|one| lacks(now, one)).cloned().collect();
    let is_known = after.is_some_and(|after| match after.verdict {
        Verdict::Pass | Verdict::NotApplicable => true,
        Verdict::Fail => !after.has_gaps(),
        Verdict::CannotTell | Verdict::Provider => false,
    });
    let (fixed, unseen) = if is_known { (gone, Vec::new()) } else { (Vec::new(), gone) };
    let is_same = was == is && new.is_empty() && fixed.is_empty() && unseen.is_empty();
    (!is_same).then(|| Drifted {
        id: said.id.clone(),
        title: said.title.clone(),
        topic: said.topic.clone(),
        severity: said.severity,
        was,
        is,
        reason: after.map(|after| after.reason.clone()).unwrap_or_default(),
        new,
        fixed,
        unseen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiver::tests::outcome;

    fn prints(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.fingerprint.as_str()).collect()
    }

    #[test]
    fn findings_come_and_go_by_their_fingerprints() {
        let (before, after) =
            (outcome("A", "fail", &["1", "2"]), outcome("A", "fail", &["2", "3"]));
        let said = change(Some(&before), Some(&after)).unwrap();
        assert_eq!((prints(&said.new), prints(&said.fixed)), (vec!["3"], vec!["1"]));
        assert_eq!(change(Some(&before), Some(&before)), None);
        let mended = change(Some(&before), Some(&outcome("A", "pass", &[]))).unwrap();
        assert_eq!((mended.was, mended.is), (Some(Verdict::Fail), Some(Verdict::Pass)));
        assert_eq!(prints(&mended.fixed), ["1", "2"]);
    }

    #[test]
    fn what_is_not_read_any_more_is_not_mended() {
        let before = outcome("A", "fail", &["1"]);
        for after in [Some(outcome("A", "cannot-tell", &[])), None] {
            let said = change(Some(&before), after.as_ref()).unwrap();
            assert_eq!((prints(&said.fixed), prints(&said.unseen)), (vec![], vec!["1"]));
        }
    }
}
