//! Servers and their parameters.

use api::access::Principal;
use api::plane::backend::Servers;
use api::plane::model::{
    Connection, Networking, NetworkingPreview, NetworkingUpdate, Parameter, ParameterChange,
    Server, ServerCreate, ServerEvent, VerifyOptions,
};
use api::plane::{Progress, Reply, ServerAction};
use base::{ExitCode, Fault, ServerName};
use serde_json::{Map, Value, json};

use super::{PlaneBackend, connect, networking, read};
use crate::plane::answers::act;
use crate::plane::collect::{show, show_all};
use crate::plane::create::{self, Wish};
use crate::plane::history;

impl PlaneBackend {
    /// What an agent shows of its server, or that it does not answer.
    pub(super) async fn shown(&self, name: &ServerName) -> Result<Value, Fault> {
        Ok(show(&self.plane, &self.row(name)?).await)
    }

    /// What all agents show.
    pub(super) async fn all_shown(&self) -> Result<Vec<Value>, Fault> {
        Ok(show_all(&self.plane, self.plane.store.servers()?).await)
    }

    /// An order that changes a server: one at a time.
    async fn change(
        &self,
        name: &ServerName,
        op: &str,
        args: Value,
        progress: &Progress,
    ) -> Result<Value, Fault> {
        let row = self.row(name)?;
        let _alone = self.plane.alone(&row.name).await;
        let say = |step: &str| progress.say(step);
        self.plane.peers.agent(&row.name, op, args, &say).await
    }
}

impl Servers for PlaneBackend {
    fn servers(&self) -> Reply<'_, Vec<Server>> {
        Box::pin(async { self.all_shown().await?.into_iter().map(read).collect() })
    }

    fn server<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Server> {
        Box::pin(async { read(self.shown(name).await?) })
    }

    fn server_create<'a>(
        &'a self,
        by: &'a Principal,
        wish: ServerCreate,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            let name = wish.name.parse().map_err(|e: base::NameError| {
                Fault::new("bad_request", e.to_string()).exit(ExitCode::Usage)
            })?;
            let mut owners_key = Map::new();
            for (field, value) in [("key", wish.key), ("identity", wish.identity)] {
                owners_key.extend(value.map(|value| (field.to_owned(), json!(value))));
            }
            owners_key.extend(wish.policy.map(|policy| ("policy".to_owned(), json!(policy))));
            let wish = Wish {
                name,
                port: wish.port,
                port_as_it_is: wish.port_as_it_is,
                acting: Some(by.name.clone()),
                owners_key,
            };
            create::create(&self.plane, wish, &|step: &str| progress.say(step)).await
        })
    }

    fn server_delete<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            let row = self.row(name)?;
            create::delete(&self.plane, &row, Some(&by.name), &|step: &str| progress.say(step))
                .await
        })
    }

    fn server_act<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        action: ServerAction,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            let row = self.row(name)?;
            let op = match action {
                ServerAction::Start => "start",
                ServerAction::Stop => "stop",
                ServerAction::Restart => "restart",
            };
            act(&self.plane, &row, op, &|step: &str| progress.say(step)).await
        })
    }

    fn server_history<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<ServerEvent>> {
        Box::pin(async { read(history::states(&self.plane, &self.row(name)?).await?) })
    }

    fn server_connection<'a>(
        &'a self,
        name: &'a ServerName,
        role: Option<&'a str>,
    ) -> Reply<'a, Connection> {
        Box::pin(async move { connect::connection(&self.shown(name).await?, name, role) })
    }

    fn parameters<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<Parameter>> {
        Box::pin(async { read(self.agent(name, "parameter-list", Value::Null).await?) })
    }

    fn parameter<'a>(&'a self, name: &'a ServerName, parameter: &'a str) -> Reply<'a, Parameter> {
        Box::pin(async move {
            read(self.agent(name, "parameter-show", json!({ "name": parameter })).await?)
        })
    }

    fn parameter_set<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        parameter: &'a str,
        value: Option<&'a str>,
        dry_run: bool,
    ) -> Reply<'a, ParameterChange> {
        Box::pin(async move {
            let args = json!({ "name": parameter, "value": value });
            let mut outcome = match (dry_run, value) {
                (true, _) => self.agent(name, "parameter-try", args).await?,
                (false, Some(_)) => {
                    self.change(name, "parameter-set", args, &Progress::new(|_| {})).await?
                }
                (false, None) => {
                    self.change(name, "parameter-reset", args, &Progress::new(|_| {})).await?
                }
            };
            outcome["dry_run"] = json!(dry_run);
            read(outcome)
        })
    }

    fn networking<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Networking> {
        Box::pin(async {
            networking::shown(&self.agent(name, "networking-show", Value::Null).await?)
        })
    }

    fn networking_preview<'a>(
        &'a self,
        name: &'a ServerName,
        update: NetworkingUpdate,
    ) -> Reply<'a, NetworkingPreview> {
        Box::pin(async move {
            let wanted = networking::wanted(update)?;
            networking::preview(&self.agent(name, "networking-preview", wanted).await?)
        })
    }

    fn networking_set<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        update: NetworkingUpdate,
    ) -> Reply<'a, Networking> {
        Box::pin(async move {
            let wanted = networking::wanted(update)?;
            let silent = Progress::new(|_| {});
            networking::shown(&self.change(name, "networking-set", wanted, &silent).await?)
        })
    }

    fn storage_verify<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        options: VerifyOptions,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(async move {
            let args = json!({ "stop": options.stop });
            self.change(name, "storage-verify", args, &progress).await
        })
    }

    fn certificate_rotate<'a>(
        &'a self,
        _: &'a Principal,
        name: &'a ServerName,
        progress: Progress,
    ) -> Reply<'a, Value> {
        Box::pin(
            async move { self.change(name, "certificate-rotate", Value::Null, &progress).await },
        )
    }
}
