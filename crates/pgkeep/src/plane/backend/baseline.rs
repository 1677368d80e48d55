//! The security baseline.

use std::sync::Arc;

use api::access::Principal;
use api::plane::backend::{Baselines, FixAction};
use api::plane::model::{
    Baseline, BaselineBrief, BaselineCheck, BaselineCreate, BaselineDeclaration,
    BaselineDriftQuery, BaselineHbaAnswer, BaselineHbaQuery, BaselineRoleGraph, BaselineSchedule,
    BaselineScheduleUpdate, BaselineServer, BaselineWaiver, BaselineWaiverCreate,
};
use api::plane::{Progress, Reply};
use base::{Changed, ExitCode, Fault, ServerName};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{PlaneBackend, read};
use crate::plane::posture;
use crate::plane::store::SqliteStore;
use crate::process::blocking;

impl PlaneBackend {
    /// Reads what is kept of a server, where that holds up nobody else.
    async fn kept<T: Send + 'static>(
        &self,
        name: &ServerName,
        work: impl FnOnce(&SqliteStore, &ServerName) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let row = self.row(name)?;
        let store = Arc::clone(&self.plane.saved);
        blocking(move || work(&store, &row.name)).await?
    }
}

impl Baselines for PlaneBackend {
    fn baseline_checks(&self) -> Reply<'_, Vec<BaselineCheck>> {
        Box::pin(async {
            let plane = Arc::clone(&self.plane);
            let list = move || plane.posture.library()?.checks().map(posture::check).collect();
            blocking(list).await?
        })
    }

    fn baseline_servers(&self) -> Reply<'_, Vec<BaselineServer>> {
        Box::pin(async {
            let plane = Arc::clone(&self.plane);
            blocking(move || posture::servers(&plane)).await?
        })
    }

    fn baseline<'a>(
        &'a self,
        name: &'a ServerName,
        profile: Option<&'a str>,
    ) -> Reply<'a, Baseline> {
        let profile = profile.map(str::to_owned);
        Box::pin(
            self.kept(name, move |store, name| posture::baseline(store, name, profile.as_deref())),
        )
    }

    fn baseline_result<'a>(
        &'a self,
        name: &'a ServerName,
        check: &'a str,
        profile: Option<&'a str>,
    ) -> Reply<'a, Value> {
        let (check, profile) = (check.to_owned(), profile.map(str::to_owned));
        Box::pin(async move {
            let library = self.plane.posture.library()?;
            let _ = library.check(&check).map_err(|error| error.fault())?;
            self.kept(name, move |store, name| {
                posture::result(store, name, &check, profile.as_deref())
            })
            .await
        })
    }

    fn baseline_assess<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        wish: BaselineCreate,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            let row = self.row(name)?;
            let wish = posture::Wish::read(wish)?;
            let say = |step: &str| progress.say(step);
            let made = posture::make(&self.plane, &row.name, &by.name, wish, &say).await?;
            Ok(json!(made))
        })
    }

    fn assessments<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<BaselineBrief>> {
        Box::pin(self.kept(name, SqliteStore::assessments))
    }

    fn assessment<'a>(&'a self, name: &'a ServerName, id: u64) -> Reply<'a, Value> {
        Box::pin(self.kept(name, move |store, name| posture::assessment(store, name, id)))
    }

    fn baseline_evidence<'a>(&'a self, name: &'a ServerName, id: u64) -> Reply<'a, Vec<u8>> {
        Box::pin(self.kept(name, move |store, name| {
            let _ = store.assessment(name, id)?;
            store.bundle(name, id)?.ok_or_else(|| {
                Fault::new("evidence_gone", "the evidence of this assessment is not kept any more")
                    .detail("bundles of the last five are")
                    .exit(ExitCode::NotFound)
            })
        }))
    }

    fn baseline_drift<'a>(
        &'a self,
        name: &'a ServerName,
        query: BaselineDriftQuery,
    ) -> Reply<'a, Value> {
        Box::pin(self.kept(name, move |store, name| posture::drift(store, name, &query)))
    }

    fn waivers(&self) -> Reply<'_, Vec<BaselineWaiver>> {
        Box::pin(async { self.plane.saved.waivers(Timestamp::now()) })
    }

    fn waiver_create<'a>(
        &'a self,
        by: &'a Principal,
        name: Option<&'a ServerName>,
        wish: BaselineWaiverCreate,
    ) -> Reply<'a, BaselineWaiver> {
        Box::pin(async move {
            if let Some(name) = name {
                let _ = self.row(name)?;
            }
            let library = self.plane.posture.library()?;
            let _ = library.check(&wish.check).map_err(|error| error.fault())?;
            self.plane.saved.add_waiver(&by.name, name, wish, Timestamp::now())
        })
    }

    fn waiver_delete<'a>(
        &'a self,
        name: Option<&'a ServerName>,
        id: &'a str,
    ) -> Reply<'a, Changed> {
        Box::pin(async move { self.plane.saved.remove_waiver(name, id) })
    }

    fn baseline_schedule<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineSchedule> {
        Box::pin(self.kept(name, posture::schedule))
    }

    fn baseline_schedule_set<'a>(
        &'a self,
        name: &'a ServerName,
        update: BaselineScheduleUpdate,
    ) -> Reply<'a, BaselineSchedule> {
        Box::pin(self.kept(name, move |store, name| {
            let BaselineScheduleUpdate { enabled, hour } = update;
            store.set_schedule(name, enabled, hour, Timestamp::now())?;
            posture::schedule(store, name)
        }))
    }

    fn baseline_declaration<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineDeclaration> {
        Box::pin(self.kept(name, |store, name| told(&store.declaration(name)?)))
    }

    fn baseline_declaration_set<'a>(
        &'a self,
        name: &'a ServerName,
        declaration: BaselineDeclaration,
    ) -> Reply<'a, BaselineDeclaration> {
        Box::pin(self.kept(name, move |store, name| {
            let text = Value::Object(declaration.declare).to_string();
            let declared = baseline::Declared::parse(&text).map_err(|error| error.fault())?;
            store.set_declaration(name, &declared)?;
            told(&declared)
        }))
    }

    fn hba_simulate<'a>(
        &'a self,
        name: &'a ServerName,
        query: BaselineHbaQuery,
    ) -> Reply<'a, BaselineHbaAnswer> {
        Box::pin(self.kept(name, move |store, name| posture::hba(store, name, &query)))
    }

    fn role_graph<'a>(&'a self, name: &'a ServerName) -> Reply<'a, BaselineRoleGraph> {
        Box::pin(self.kept(name, posture::roles))
    }

    fn fixes<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<Value>> {
        Box::pin(async {
            let row = self.row(name)?;
            posture::fixes(&self.plane, &row.name).await
        })
    }

    fn fix_act<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        action: FixAction,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            let row = self.row(name)?;
            let say = |step: &str| progress.say(step);
            posture::act(&self.plane, &row.name, &by.name, action, &say).await
        })
    }
}

fn told(declared: &baseline::Declared) -> Result<BaselineDeclaration, Fault> {
    let declare: Value = serde_json::from_str(&declared.to_json())
        .map_err(|e| Fault::from_error("internal", "a declaration is no JSON", &e))?;
    read(json!({ "declare": declare }))
}
