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
    /// May seal, unseal and administer key vaults, and all that the plane may.
    pub(crate) operators: Vec<u32>,
    /// May make and remove identities.
    pub(crate) plane: u32,
}

impl Policy {
    /// The same words whether the server is unknown or another's: a caller learns nothing.
    pub(crate) fn as_server(
        &self,
        caller: Caller,
        server: &ServerName,
        identity: Option<&Identity>,
    ) -> Result<(), Error> {
        match identity {
            Some(identity) if identity.uid == caller.uid && identity.server == *server => Ok(()),
            _ => Err(Error::Forbidden(format!(
                "OS user {} holds no identity for server \"{server}\"",
                caller.uid
            ))),
        }
    }

    /// The plane and the operators.
    pub(crate) fn as_registrar(&self, caller: Caller) -> Result<(), Error> {
        if caller.uid == self.plane || self.operators.contains(&caller.uid) {
            Ok(())
        } else {
            Err(Error::Forbidden(format!("OS user {} may not manage identities", caller.uid)))
        }
    }

    /// The operators.
    pub(crate) fn as_operator(&self, caller: Caller) -> Result<(), Error> {
        if self.operators.contains(&caller.uid) {
            Ok(())
        } else {
            Err(Error::Forbidden(format!(
                "OS user {} may not seal, unseal or administer the vault",
                caller.uid
            )))
        }
    }
}
