//! The first page: what the processes say, judged in [`super::judge`].

use api::access::Principal;
use api::plane::model::HomePage;
use base::Fault;
use jiff::Timestamp;
use serde_json::Value;

use super::judge::{self, Seen};
use super::{PlaneBackend, text};

/// What `by` sees on the first page.
pub(super) async fn page(backend: &PlaneBackend, by: &Principal) -> Result<HomePage, Fault> {
    let peers = &backend.plane.peers;
    let (vault, servers) = tokio::join!(peers.vault("status", Value::Null), backend.all_shown());
    let servers = servers?
        .into_iter()
        .filter(|server| by.reaches(&format!("/servers/{}", text(server, "name"))))
        .collect();
    // Key vaults are asked for nothing: each look would leave records in their audit. Dates of
    // keys that servers use are known to the servers.
    Ok(judge::page(&Seen {
        vault: vault.map_err(|fault| fault.message),
        servers,
        looked_at: Timestamp::now(),
    }))
}
