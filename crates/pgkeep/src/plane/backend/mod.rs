//! What stands behind the API: its operations as calls to agents, vault and supervisor.
//!
//! Who may do what was decided before; here is only what it takes. What the vault does for a user
//! names that user, so that the vault's own audit says who asked.

mod baseline;
mod connect;
mod encryption;
mod home;
mod identities;
mod installation;
mod judge;
mod keys;
mod keyvaults;
mod logs;
mod networking;
mod servers;

pub(crate) use connect::{as_role, encode};

use std::sync::Arc;
use std::time::Duration;

use api::access::Principal;
use base::{Fault, ServerName};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Plane;
use super::answers::find;
use super::store::ServerRow;
use crate::rpc;

/// What the vault does for a user takes no longer: making a long key is the slowest of it.
const WORK_MAX: Duration = Duration::from_secs(120);
/// Lists of the vault are read up to here; it holds no more than a few thousand of anything.
const LIST_MAX: usize = 10_000;

/// The door of the API over the processes of one home.
#[derive(Clone)]
pub(super) struct PlaneBackend {
    plane: Arc<Plane>,
}

impl PlaneBackend {
    pub(super) fn new(plane: Arc<Plane>) -> Self {
        Self { plane }
    }

    fn row(&self, name: &ServerName) -> Result<ServerRow, Fault> {
        find(&self.plane, name)
    }

    /// A request to the vault for a user of the plane, whom its audit names.
    async fn vault_call(&self, by: &Principal, op: &str, args: Value) -> Result<Value, Fault> {
        let mut args = if args.is_null() { json!({}) } else { args };
        args["acting"] = json!(by.name);
        let socket = self.plane.home.socket("vault");
        rpc::call_within(&socket, WORK_MAX, op, args, |_| {}).await
    }

    /// A quick order to an agent; who waits for it hears no steps.
    async fn agent(&self, name: &ServerName, op: &str, args: Value) -> Result<Value, Fault> {
        let row = self.row(name)?;
        self.plane.peers.agent(&row.name, op, args, &|_: &str| {}).await
    }
}

/// Reads what another process answered.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|e| {
        Fault::from_error("bad_answer", "another process answered what is not understood", &e)
            .hint("are all of the same version? run pgkeep down, then pgkeep up")
    })
}

/// A text of an answer; empty where there is none.
fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// A time in Unix seconds.
fn moment(value: &Value) -> Option<Timestamp> {
    value.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok())
}

/// What a person can put into a shell as one word.
fn shell(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/:=@%+,".contains(&b);
    match !word.is_empty() && word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
