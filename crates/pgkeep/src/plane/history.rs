//! What a server went through: the journal of its agent, and what only the plane has seen.
//!
//! The plane looks every two seconds, so a quick change stands in the journal alone. That nobody
//! watched a server, or that its journal is gone, stands here alone.

use base::Fault;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Plane;
use super::store::{Seen, ServerRow};

/// Entries that one answer holds.
const SHOWN: u32 = 200;

/// The states of a server, newest first.
pub(super) async fn states(plane: &Plane, row: &ServerRow) -> Result<Value, Fault> {
    let seen = plane.store.history(&row.name, SHOWN)?;
    // An agent that does not answer leaves what the plane knows.
    let journal = plane.peers.journal(&row.name, &["state"], SHOWN).await.unwrap_or_default();
    Ok(json!(merged(seen, &journal)))
}

/// What happened to the owner's key of a server, newest first.
pub(super) async fn of_key(plane: &Plane, row: &ServerRow) -> Result<Value, Fault> {
    plane.peers.journal(&row.name, &["key", "rewrap"], SHOWN).await.map(Value::Array)
}

/// Both, without what stands in both, newest first.
fn merged(seen: Vec<Seen>, journal: &[Value]) -> Vec<Seen> {
    let moment = |text: &str| text.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
    let mut all: Vec<(Timestamp, Seen)> = journal
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
            let told = Seen {
                state: text("state"),
                state_reason: text("state_reason"),
                state_since: text("state_since"),
            };
            (moment(&text("at")), told)
        })
        .collect();
    let known = all.len();
    for seen in seen {
        if !all[..known].iter().any(|(_, told)| *told == seen) {
            all.push((moment(&seen.state_since), seen));
        }
    }
    // Stable: what both say of one moment stays in the order of its teller.
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    all.truncate(SHOWN as usize);
    all.into_iter().map(|(_, seen)| seen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u32) -> String {
        format!("2026-01-01T00:00:{second:02}Z")
    }

    fn seen(state: &str, since: u32) -> Seen {
        Seen { state: state.to_owned(), state_reason: String::new(), state_since: at(since) }
    }

    fn told(state: &str, second: u32) -> Value {
        json!({ "at": at(second), "kind": "state",
            "state": state, "state_reason": "", "state_since": at(second) })
    }

    #[test]
    fn what_was_too_quick_for_the_plane_is_there_and_nothing_is_there_twice() {
        let journal = [told("Ready", 9), told("Inaccessible", 8), told("Ready", 3)];
        let plane = vec![seen("Ready", 9), seen("Stopped", 5), seen("Ready", 3)];
        let states: Vec<String> =
            merged(plane, &journal).into_iter().map(|seen| seen.state).collect();
        assert_eq!(states, ["Ready", "Inaccessible", "Stopped", "Ready"]);
        assert_eq!(merged(vec![seen("Ready", 1)], &[]), [seen("Ready", 1)]);
    }
}
