//! Who may ask for what.

use base::ServerName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Whoever calls, as the socket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// OS user.
    pub uid: u32,
}

/// The identity of a server: only this OS user, in this name, gets this server's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The server.
    pub server: ServerName,
    /// The OS user of its agent.
    pub uid: u32,
    /// Since when.
    pub created_at: Timestamp,
}

/// The OS users that may do more than use their own server's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// May seal and unseal, and all that the plane may.
    pub(crate) operators: Vec<u32>,
    /// May make and remove identities.
    pub(crate) plane: u32,
}

/// Proof that a caller may use one server's key; made by [`Policy::as_server`] only.
pub(crate) struct ServerGrant {
    server: ServerName,
}

impl ServerGrant {
    /// Whose key.
    pub(crate) fn server(&self) -> &ServerName {
        &self.server
    }
}

/// Proof that a caller may make and remove identities; made by [`Policy::as_registrar`] only.
pub(crate) struct RegistrarGrant(());

/// Proof that a caller may seal and unseal; made by [`Policy::as_operator`] only.
pub(crate) struct OperatorGrant(());

impl Policy {
    /// The same words whether the server is unknown or another's: a caller learns nothing.
    pub(crate) fn as_server(
        &self,
        caller: Caller,
        server: &ServerName,
        identity: Option<&Identity>,
    ) -> Result<ServerGrant, Error> {
        match identity {
            Some(identity) if identity.uid == caller.uid && identity.server == *server => {
                Ok(ServerGrant { server: server.clone() })
            }
            _ => Err(Error::Forbidden(format!(
                "OS user {} holds no identity for server \"{server}\"",
                caller.uid
            ))),
        }
    }

    /// The plane and the operators.
    pub(crate) fn as_registrar(&self, caller: Caller) -> Result<RegistrarGrant, Error> {
        if caller.uid == self.plane || self.operators.contains(&caller.uid) {
            Ok(RegistrarGrant(()))
        } else {
            Err(Error::Forbidden(format!("OS user {} may not manage identities", caller.uid)))
        }
    }

    /// The operators.
    pub(crate) fn as_operator(&self, caller: Caller) -> Result<OperatorGrant, Error> {
        if self.operators.contains(&caller.uid) {
            Ok(OperatorGrant(()))
        } else {
            Err(Error::Forbidden(format!("OS user {} may not seal or unseal", caller.uid)))
        }
    }
}
