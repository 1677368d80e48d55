//! The security baseline of our own servers.

use base::{Changed, ServerName};
use serde_json::Value;

use super::{Progress, Reply};
use crate::access::Principal;
use crate::plane::model::{
    Baseline, BaselineBrief, BaselineCheck, BaselineCreate, BaselineDeclaration,
    BaselineDriftQuery, BaselineFixCreate, BaselineHbaAnswer, BaselineHbaQuery, BaselineRoleGraph,
    BaselineSchedule, BaselineScheduleUpdate, BaselineServer, BaselineWaiver, BaselineWaiverCreate,
};

/// What is done about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FixAction {
    /// Plans a fix and tries it; changes nothing.
    Preview(BaselineFixCreate),
    /// Makes and proves it.
    Apply(BaselineFixCreate),
    /// Takes one back, by its name.
    Undo(String),
    /// Asks again whether one holds.
    Prove(String),
}

/// Assessments, and what is kept beside them. What is a [`Value`] is given on as it is; the
/// document says its shape.
pub trait Baselines: Send + Sync + 'static {
    /// All checks, in the order of identifiers.
    fn baseline_checks(&self) -> Reply<'_, Vec<BaselineCheck>>;

    /// All servers by name, with their last assessments.
    fn baseline_servers(&self) -> Reply<'_, Vec<BaselineServer>>;

    /// How a server stands by the values of a profile.
    fn baseline<'a>(
        &'a self,
        name: &'a ServerName,
        profile: Option<&'a str>,
    ) -> Reply<'a, Baseline>;

    /// The newest reading of a check: a `BaselineResult`.
    fn baseline_result<'a>(
        &'a self,
        name: &'a ServerName,
        check: &'a str,
        profile: Option<&'a str>,
    ) -> Reply<'a, Value>;

    /// Job: reads evidence, judges it, keeps both; a [`BaselineBrief`].
    fn baseline_assess<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        wish: BaselineCreate,
        progress: Progress,
    ) -> Reply<'a, Value>;

    /// Assessments of a server that are kept, newest first.
    fn assessments<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<BaselineBrief>>;

    /// One of them with its results: a `BaselineAssessment`.
    fn assessment<'a>(&'a self, name: &'a ServerName, id: u64) -> Reply<'a, Value>;

    /// Its bundle of evidence, byte by byte as it was hashed.
    fn baseline_evidence<'a>(&'a self, name: &'a ServerName, id: u64) -> Reply<'a, Vec<u8>>;

    /// What is different between two: a `BaselineDrift`.
    fn baseline_drift<'a>(
        &'a self,
        name: &'a ServerName,
        query: BaselineDriftQuery,
    ) -> Reply<'a, Value>;

    /// All waivers, by check.
    fn waivers(&self) -> Reply<'_, Vec<BaselineWaiver>>;

    /// Adds one, for a server or for all.
    fn waiver_create<'a>(
        &'a self,
        by: &'a Principal,
        name: Option<&'a ServerName>,
        wish: BaselineWaiverCreate,
    ) -> Reply<'a, BaselineWaiver>;

    /// Takes one away that is for this server, or for all.
    fn waiver_delete<'a>(&'a self, name: Option<&'a ServerName>, id: &'a str)
    -> Reply<'a, Changed>;

    /// When a server is assessed by itself.
    fn baseline_schedule<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineSchedule>;

    /// Changes that.
    fn baseline_schedule_set<'a>(
        &'a self,
        name: &'a ServerName,
        update: BaselineScheduleUpdate,
    ) -> Reply<'a, BaselineSchedule>;

    /// What is meant to be so on a server.
    fn baseline_declaration<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineDeclaration>;

    /// Changes that; it counts from the next assessment on.
    fn baseline_declaration_set<'a>(
        &'a self,
        name: &'a ServerName,
        declaration: BaselineDeclaration,
    ) -> Reply<'a, BaselineDeclaration>;

    /// What `pg_hba.conf` would say to a connection, by the newest evidence.
    fn hba_simulate<'a>(
        &'a self,
        name: &'a ServerName,
        query: BaselineHbaQuery,
    ) -> Reply<'a, BaselineHbaAnswer>;

    /// Who may become whom, by the newest evidence.
    fn role_graph<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineRoleGraph>;

    /// Fixes that were made on a server, newest first: `BaselineFixRecord`.
    fn fixes<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<Value>>;

    /// Job: a `BaselineFixPlan` of a preview, else a `BaselineFixRecord`.
    fn fix_act<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        action: FixAction,
        progress: Progress,
    ) -> Reply<'a, Value>;
}
