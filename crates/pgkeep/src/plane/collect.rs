//! Looks at every server again and again, and writes down what changed.

use std::sync::Arc;
use std::time::Duration;

use base::ServerName;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::Plane;
use super::store::{Seen, ServerRow};

/// How often. States are pushed nowhere; this is how late a history entry may come.
const PERIOD: Duration = Duration::from_secs(2);

/// How the reason of a server begins that could not be looked at.
const UNSEEN: &str = "its agent does not answer";

/// Runs for ever.
pub(super) async fn run(plane: Arc<Plane>) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        match plane.store.servers() {
            Ok(servers) => drop(show_all(&plane, servers).await),
            Err(fault) => tracing::error!(fault.message, fault.detail, "could not list servers"),
        }
    }
}

/// What every server shows now; written into the history on the way.
pub(super) async fn show_all(plane: &Arc<Plane>, servers: Vec<ServerRow>) -> Vec<Value> {
    let looks: Vec<_> = servers
        .into_iter()
        .map(|row| {
            let plane = Arc::clone(plane);
            tokio::spawn(async move { show(&plane, &row).await })
        })
        .collect();
    let mut shown = Vec::with_capacity(looks.len());
    for look in looks {
        match look.await {
            Ok(value) => shown.push(value),
            Err(e) => tracing::error!(error = %e, "a look at a server failed"),
        }
    }
    shown
}

/// What one server shows now. An agent that does not answer is said to be so: its server counts
/// as Stopped, because nobody watches it.
pub(super) async fn show(plane: &Plane, row: &ServerRow) -> Value {
    let mut value = match plane.peers.look(&row.name).await {
        Ok(value) => value,
        Err(fault) => {
            let since = last_known(plane, &row.name);
            let reason = match fault.code.as_str() {
                "not_found" => format!("{UNSEEN}: it has not read its record, or there is none"),
                _ => format!("{UNSEEN}: {}", fault.message),
            };
            json!({
                "state": "Stopped",
                "state_reason": reason,
                "state_since": since,
                "dsn": Value::Null,
            })
        }
    };
    if let Some(fields) = value.as_object_mut() {
        fields.entry("name").or_insert_with(|| json!(row.name));
        fields.entry("port").or_insert_with(|| json!(row.port));
        fields.entry("created_at").or_insert_with(|| json!(row.created_at.to_string()));
    }
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let seen = Seen {
        state: text("state"),
        state_reason: text("state_reason"),
        state_since: text("state_since"),
    };
    if let Err(fault) = plane.store.note_state(&row.name, &seen) {
        tracing::error!(fault.message, fault.detail, "could not write the history");
    }
    value
}

/// Since when a silent server is silent: the history knows, or it is now.
fn last_known(plane: &Plane, name: &ServerName) -> String {
    let newest = plane.store.history(name, 1).ok().and_then(|mut entries| entries.pop());
    match newest {
        Some(seen) if seen.state == "Stopped" && seen.state_reason.starts_with(UNSEEN) => {
            seen.state_since
        }
        _ => Timestamp::now().to_string(),
    }
}
