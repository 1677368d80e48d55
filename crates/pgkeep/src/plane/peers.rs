//! The plane's calls to the other processes of its home.

use std::time::Duration;

use base::{Fault, ServerName};
use serde_json::{Value, json};

use crate::home::{Home, agent_process};
use crate::rpc;

/// A look at an agent or the vault takes no longer; a slow one must not hold up the others.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// Hears how long work goes, a few words a step.
pub(super) type Say<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Reaches supervisor, vault and agents.
#[derive(Clone, Debug)]
pub(super) struct Peers {
    home: Home,
}

impl Peers {
    pub(super) fn new(home: Home) -> Self {
        Self { home }
    }

    /// A quick question to the vault.
    pub(super) async fn vault(&self, op: &str, args: Value) -> Result<Value, Fault> {
        rpc::call_within(&self.home.socket("vault"), LOOK_MAX, op, args, |_| {}).await
    }

    /// An order to the supervisor about one server.
    pub(super) async fn supervisor(
        &self,
        op: &str,
        name: &ServerName,
        say: Say<'_>,
    ) -> Result<Value, Fault> {
        rpc::call(&self.home.socket("supervisor"), op, json!({ "name": name }), say).await
    }

    /// An order to an agent; may take long.
    pub(super) async fn agent(
        &self,
        name: &ServerName,
        op: &str,
        args: Value,
        say: Say<'_>,
    ) -> Result<Value, Fault> {
        rpc::call(&self.home.socket(&agent_process(name)), op, args, say).await
    }

    /// An order to an agent with bytes beside it, for an answer that brings some.
    pub(super) async fn agent_for_bytes(
        &self,
        name: &ServerName,
        op: &str,
        args: Value,
        attached: &[u8],
        say: Say<'_>,
    ) -> Result<(Value, Vec<u8>), Fault> {
        let socket = self.home.socket(&agent_process(name));
        rpc::call_for_bytes(&socket, op, args, attached, say).await
    }

    /// The newest entries of these kinds in an agent's journal, newest first.
    pub(super) async fn journal(
        &self,
        name: &ServerName,
        kinds: &[&str],
        limit: u32,
    ) -> Result<Vec<Value>, Fault> {
        let socket = self.home.socket(&agent_process(name));
        let args = json!({ "kinds": kinds, "limit": limit });
        match rpc::call_within(&socket, LOOK_MAX, "history", args, |_| {}).await? {
            Value::Array(entries) => Ok(entries),
            _ => Err(Fault::new("bad_answer", "the agent's journal is no list")),
        }
    }

    /// What an agent shows of its server.
    pub(super) async fn look(&self, name: &ServerName) -> Result<Value, Fault> {
        let socket = self.home.socket(&agent_process(name));
        rpc::call_within(&socket, LOOK_MAX, "show", Value::Null, |_| {}).await
    }
}
