//! The security baseline of the simulated backend.

use api::access::Principal;
use api::plane::backend::{Baselines, FixAction, Progress, Reply};
use api::plane::model::*;
use base::{Changed, ServerName};
use serde_json::{Value, json};

use super::sim::{Sim, if_known, ready};

impl Baselines for Sim {
    fn baseline_checks(&self) -> Reply<'_, Vec<BaselineCheck>> {
        ready(vec![BaselineCheck { id: "LOG-17".to_owned(), ..BaselineCheck::default() }])
    }

    fn baseline_servers(&self) -> Reply<'_, Vec<BaselineServer>> {
        ready(vec![BaselineServer { name: "demo".to_owned(), ..BaselineServer::default() }])
    }

    fn baseline<'a>(&'a self, name: &'a ServerName, _: Option<&'a str>) -> Reply<'a, Baseline> {
        if_known(name, Baseline::default())
    }

    fn baseline_result<'a>(
        &'a self,
        name: &'a ServerName,
        _: &'a str,
        _: Option<&'a str>,
    ) -> Reply<'a, Value> {
        if_known(name, json!(BaselineResult::default()))
    }

    fn baseline_assess<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        _: BaselineCreate,
        _: Progress,
    ) -> Reply<'a, Value> {
        if_known(name, json!(BaselineBrief::default()))
    }

    fn assessments<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<BaselineBrief>> {
        if_known(name, vec![BaselineBrief::default()])
    }

    fn assessment<'a>(&'a self, name: &'a ServerName, _: u64) -> Reply<'a, Value> {
        if_known(name, json!(BaselineAssessment::default()))
    }

    fn baseline_evidence<'a>(&'a self, name: &'a ServerName, _: u64) -> Reply<'a, Vec<u8>> {
        if_known(name, b"{}".to_vec())
    }

    fn baseline_drift<'a>(
        &'a self,
        name: &'a ServerName,
        _: BaselineDriftQuery,
    ) -> Reply<'a, Value> {
        if_known(name, json!(BaselineDrift::default()))
    }

    fn waivers(&self) -> Reply<'_, Vec<BaselineWaiver>> {
        ready(vec![BaselineWaiver::default()])
    }

    fn waiver_create<'a>(
        &'a self,
        _: &'a Principal,
        _: Option<&'a ServerName>,
        _: BaselineWaiverCreate,
    ) -> Reply<'a, BaselineWaiver> {
        ready(BaselineWaiver::default())
    }

    fn waiver_delete<'a>(&'a self, _: Option<&'a ServerName>, _: &'a str) -> Reply<'a, Changed> {
        ready(Changed::Changed)
    }

    fn baseline_schedule<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineSchedule> {
        if_known(name, BaselineSchedule::default())
    }

    fn baseline_schedule_set<'a>(
        &'a self,
        name: &'a ServerName,
        update: BaselineScheduleUpdate,
    ) -> Reply<'a, BaselineSchedule> {
        let schedule = BaselineSchedule { enabled: update.enabled, ..BaselineSchedule::default() };
        if_known(name, schedule)
    }

    fn baseline_declaration<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineDeclaration> {
        if_known(name, BaselineDeclaration::default())
    }

    fn baseline_declaration_set<'a>(
        &'a self,
        name: &'a ServerName,
        declaration: BaselineDeclaration,
    ) -> Reply<'a, BaselineDeclaration> {
        if_known(name, declaration)
    }

    fn hba_simulate<'a>(
        &'a self,
        name: &'a ServerName,
        _: BaselineHbaQuery,
    ) -> Reply<'a, BaselineHbaAnswer> {
        if_known(name, BaselineHbaAnswer::default())
    }

    fn role_graph<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineRoleGraph> {
        if_known(name, BaselineRoleGraph::default())
    }

    fn fixes<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<Value>> {
        if_known(name, vec![json!(BaselineFixRecord::default())])
    }

    fn fix_act<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        _: FixAction,
        _: Progress,
    ) -> Reply<'a, Value> {
        if_known(name, json!(BaselineFixPlan::default()))
    }
}
