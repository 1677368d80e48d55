//! Servers, their parameters, who may connect to them.

use base::ServerName;
use serde_json::Value;

use super::{Progress, Reply};
use crate::access::Principal;
use crate::plane::model::{
    Connection, Networking, NetworkingPreview, NetworkingUpdate, Parameter, ParameterChange,
    Server, ServerCreate, ServerEvent, VerifyOptions,
};

/// What a server is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerAction {
    /// Start, and stay started.
    Start,
    /// Stop, and stay stopped.
    Stop,
    /// Stop and start.
    Restart,
}

/// Servers. A name that does not exist is a fault with exit `NotFound`.
pub trait Servers: Send + Sync + 'static {
    /// All servers by name, without those that are deleted.
    fn servers(&self) -> Reply<'_, Vec<Server>>;

    /// One server.
    fn server<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Server>;

    /// Job: makes a server and waits until it is Ready or says why not; answers the server as
    /// its agent shows it.
    fn server_create<'a>(
        &'a self,
        by: &'a Principal,
        wish: ServerCreate,
        progress: Progress,
    ) -> Reply<'a, Value>;

    /// Job: deletes a server with all its data; `{name, deleted}`.
    fn server_delete<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        progress: Progress,
    ) -> Reply<'a, Value>;

    /// Job: starts, stops, restarts; answers the server as its agent shows it, with `changed`.
    fn server_act<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        action: ServerAction,
        progress: Progress,
    ) -> Reply<'a, Value>;

    /// The newest states of a server (at most a few hundred), newest first.
    fn server_history<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<ServerEvent>>;

    /// How to connect, as the administrator or as `role`.
    fn server_connection<'a>(
        &'a self,
        name: &'a ServerName,
        role: Option<&'a str>,
    ) -> Reply<'a, Connection>;

    /// All parameters of a running server, by name.
    fn parameters<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Vec<Parameter>>;

    /// One parameter of a running server.
    fn parameter<'a>(&'a self, name: &'a ServerName, parameter: &'a str) -> Reply<'a, Parameter>;

    /// Sets a parameter, or resets it with `None`, and proves that it took effect. With
    /// `dry_run` only says what would come.
    fn parameter_set<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        parameter: &'a str,
        value: Option<&'a str>,
        dry_run: bool,
    ) -> Reply<'a, ParameterChange>;

    /// Who may connect.
    fn networking<'a>(&'a self, name: &'a ServerName) -> Reply<'a, Networking>;

    /// What `update` would do; does nothing.
    fn networking_preview<'a>(
        &'a self,
        name: &'a ServerName,
        update: NetworkingUpdate,
    ) -> Reply<'a, NetworkingPreview>;

    /// Does it, and answers what holds then.
    fn networking_set<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        update: NetworkingUpdate,
    ) -> Reply<'a, Networking>;

    /// Job: reads every unit and compares it with its code; the report of the agent. Findings
    /// are no fault.
    fn storage_verify<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        options: VerifyOptions,
        progress: Progress,
    ) -> Reply<'a, Value>;

    /// Job: issues a new certificate and proves that the server shows it; the server, with
    /// `changed`.
    fn certificate_rotate<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a ServerName,
        progress: Progress,
    ) -> Reply<'a, Value>;
}
