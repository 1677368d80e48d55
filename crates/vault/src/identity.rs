//! Who may ask for what.

use base::ServerName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;

/// No name that somebody acts for is longer.
pub(crate) const ACTING_MAX_BYTES: usize = 128;

/// Whoever calls, as the socket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    /// OS user.
    pub uid: u32,
    /// For whom, where the plane asks for one of its users. Such a call may administer key
    /// vaults and nothing else, whichever OS user makes it.
    pub acting: Option<&'a str>,
}

impl Caller<'static> {
    /// An OS user that asks for itself.
    pub const fn own(uid: u32) -> Self {
        Self { uid, acting: None }
    }
}

impl<'a> Caller<'a> {
    /// The plane, asking for its user `name`.
    pub const fn acting(uid: u32, name: &'a str) -> Self {
        Self { uid, acting: Some(name) }
    }
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
        caller: Caller<'_>,
        server: &ServerName,
        identity: Option<&Identity>,
    ) -> Result<(), Error> {
        match identity {
            Some(identity)
                if identity.uid == caller.uid
                    && identity.server == *server
                    && caller.acting.is_none() =>
            {
                Ok(())
            }
            _ => Err(Error::Forbidden(format!(
                "OS user {} holds no identity for server \"{server}\"",
                caller.uid
            ))),
        }
    }

    /// The plane and the operators.
    pub(crate) fn as_registrar(&self, caller: Caller<'_>) -> Result<(), Error> {
        let known = caller.uid == self.plane || self.operators.contains(&caller.uid);
        if known && caller.acting.is_none_or(|name| self.may_act(caller.uid, name)) {
            Ok(())
        } else {
            Err(Error::Forbidden(format!("OS user {} may not manage identities", caller.uid)))
        }
    }

    /// The plane, for itself.
    pub(crate) fn as_plane(&self, caller: Caller<'_>) -> Result<(), Error> {
        if caller.uid == self.plane && caller.acting.is_none() {
            return Ok(());
        }
        Err(Error::Forbidden(format!("OS user {} may not follow the audit", caller.uid)))
    }

    /// The operators, and the plane for users that it names.
    pub(crate) fn as_administrator(&self, caller: Caller<'_>) -> Result<(), Error> {
        let Some(name) = caller.acting else { return self.as_operator(caller) };
        if self.may_act(caller.uid, name) {
            return Ok(());
        }
        Err(Error::Forbidden(format!("OS user {} may not act for anybody", caller.uid)))
    }

    /// Whether `uid` may act for a user of the plane called `name`.
    pub(crate) fn may_act(&self, uid: u32, name: &str) -> bool {
        let known = uid == self.plane || self.operators.contains(&uid);
        let named = (1..=ACTING_MAX_BYTES).contains(&name.len());
        known && named && !name.contains(char::is_control)
    }

    /// The operators, for themselves.
    pub(crate) fn as_operator(&self, caller: Caller<'_>) -> Result<(), Error> {
        if caller.acting.is_none() && self.operators.contains(&caller.uid) {
            Ok(())
        } else {
            let who = match caller.acting {
                Some(_) => "whoever acts for others".to_owned(),
                None => format!("OS user {}", caller.uid),
            };
            Err(Error::Forbidden(format!("{who} may not do this to the vault")))
        }
    }
}
