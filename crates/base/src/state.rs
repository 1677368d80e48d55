//! The states of a server, with reason and time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// State of a server; the names are those of Azure Database for PostgreSQL flexible server.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub enum ServerState {
    /// Being created.
    Provisioning,
    /// On its way to Ready.
    Starting,
    /// Accepts connections.
    Ready,
    /// On its way to Stopped.
    Stopping,
    /// Not running; the reason says whether on purpose.
    Stopped,
    /// Stopping and starting again.
    Restarting,
    /// A change is being applied.
    Updating,
    /// The key is not usable: no connection, no mount, no key in memory.
    Inaccessible,
    /// Being deleted.
    Dropping,
    /// Taken out of service by its owner.
    Disabled,
}

impl std::fmt::Display for ServerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// A state, why it was entered, and when.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct StateRecord {
    /// The state.
    pub state: ServerState,
    /// Why, in one sentence for a person; empty when the state says it all.
    #[serde(rename = "state_reason")]
    pub reason: String,
    /// Since when.
    #[serde(rename = "state_since")]
    pub since: Timestamp,
}
