//! What a verdict is called in each format. One table, so that nothing that was not read can come
//! out as a pass in one of them.
//!
//! | verdict | SARIF kind | JUnit | HDF | OSCAL finding | OCSF compliance | page |
//! |---|---|---|---|---|---|---|
//! | pass | pass | — | passed | satisfied, pass | 1 Pass | passes |
//! | fail | fail | failure | failed | not-satisfied, fail | 3 Fail | fails |
//! | not-applicable | notApplicable | skipped | skipped, impact 0 | none | 99 | does not apply |
//! | provider | informational | skipped | skipped | none | 99 | the provider's |
//! | cannot-tell | review | error | error | not-satisfied, other | 0 Unknown | cannot tell |
//!
//! OSCAL knows `satisfied` and `not-satisfied` only: what neither holds nor fails is an observation
//! without a finding. What could not be told is no reason to be satisfied. In HDF impact 0 is how
//! Heimdall tells "not applicable" from "not reviewed"; in OCSF 99 is "other", named beside it.

use crate::judge::Verdict;

/// One row of the table.
pub(super) struct Words {
    /// `result.kind` of SARIF
    pub(super) sarif: &'static str,
    /// The element within a test case; none where it passed
    pub(super) junit: Option<&'static str>,
    /// `status` of a result of HDF
    pub(super) hdf: &'static str,
    /// Whether HDF's impact is 0
    pub(super) is_without_impact: bool,
    /// State and reason of a finding's target; none where there is no finding
    pub(super) oscal: Option<(&'static str, &'static str)>,
    /// `compliance.status_id` and `compliance.status` of OCSF
    pub(super) ocsf: (u8, &'static str),
    /// The verdict's own name
    pub(super) name: &'static str,
    /// What the page calls it
    pub(super) html: &'static str,
    /// Whether somebody has something to do
    pub(super) is_open: bool,
}

/// In the order in which the page lists them.
pub(super) const ORDER: [Verdict; 5] =
    [Verdict::Fail, Verdict::CannotTell, Verdict::Pass, Verdict::Provider, Verdict::NotApplicable];

/// The row of a verdict.
pub(super) fn words(verdict: Verdict) -> Words {
    match verdict {
        Verdict::Pass => Words {
            sarif: "pass",
            junit: None,
            hdf: "passed",
            is_without_impact: false,
            oscal: Some(("satisfied", "pass")),
            ocsf: (1, "Pass"),
            name: "pass",
            html: "passes",
            is_open: false,
        },
        Verdict::Fail => Words {
            sarif: "fail",
            junit: Some("failure"),
            hdf: "failed",
            is_without_impact: false,
            oscal: Some(("not-satisfied", "fail")),
            ocsf: (3, "Fail"),
            name: "fail",
            html: "fails",
            is_open: true,
        },
        Verdict::NotApplicable => Words {
            sarif: "notApplicable",
            junit: Some("skipped"),
            hdf: "skipped",
            is_without_impact: true,
            oscal: None,
            ocsf: (99, "not-applicable"),
            name: "not-applicable",
            html: "does not apply",
            is_open: false,
        },
        Verdict::Provider => Words {
            sarif: "informational",
            junit: Some("skipped"),
            hdf: "skipped",
            is_without_impact: false,
            oscal: None,
            ocsf: (99, "provider"),
            name: "provider",
            html: "the provider's",
            is_open: false,
        },
        Verdict::CannotTell => Words {
            sarif: "review",
            junit: Some("error"),
            hdf: "error",
            is_without_impact: false,
            oscal: Some(("not-satisfied", "other")),
            ocsf: (0, "Unknown"),
            name: "cannot-tell",
            html: "cannot tell",
            is_open: true,
        },
    }
}
