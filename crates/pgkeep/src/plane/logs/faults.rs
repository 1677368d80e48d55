//! What the lake says when it fails, as faults of the API.

use std::error::Error;

use base::{ExitCode, Fault};
use lake::store::StoreError;

/// The code of a fault that passes by itself when the object store answers again.
pub(in crate::plane) const PLACE_AWAY: &str = "lake_away";

/// An error and its causes on one line.
pub(super) fn chain(error: &StoreError) -> String {
    crate::cells::chain(error)
}

/// A failure of the store. Those that pass are `busy`.
pub(super) fn of_store(error: &StoreError) -> Fault {
    let fault = |code: &str, hint: &str| {
        let fault = Fault::new(code, error.to_string()).hint(hint);
        match error.source() {
            Some(cause) => fault.detail(crate::cells::chain(cause)),
            None => fault,
        }
    };
    match error {
        StoreError::DiskFull(_) => fault("busy", "make room on the disk of the home, then again"),
        StoreError::Full(_) => fault("busy", "events come faster than they are put away: wait"),
        StoreError::NoTable(_) => fault("not_found", "pgkeep logs tables").exit(ExitCode::NotFound),
        StoreError::Invalid(_) => {
            Fault::new("bad_request", error.to_string()).exit(ExitCode::Usage)
        }
        StoreError::OldMark { .. } => {
            fault("conflict", "somebody else sends the same source").exit(ExitCode::Conflict)
        }
        StoreError::Damaged(_) => {
            fault("lake_damaged", "bring the folder plane/lake back from a backup")
        }
        StoreError::Failed(_) => fault("lake_failed", "restart pgkeep when the disk is well"),
        StoreError::Place { .. } => fault(
            PLACE_AWAY,
            "events are kept meanwhile; see whether the object store answers and [logs.lake] of \
             config.toml is right",
        ),
        StoreError::Elsewhere { .. } => {
            fault("lake_elsewhere", "set url in [logs.lake] of config.toml to where they are")
                .exit(ExitCode::Conflict)
        }
        StoreError::Outrun { .. } => fault("lake_outrun", "the plane starts anew by itself"),
        StoreError::InUse => fault("lake_in_use", "another plane has it: end that one first"),
        StoreError::Io { .. } | StoreError::Delta { .. } | StoreError::Encoding(_) => {
            fault("lake", "the plane's log is in the folder log/ of the home")
        }
    }
}

/// A failure of a query.
pub(super) fn of_query(error: &lake::Error) -> Fault {
    use kql::engine::EngineError;
    let said = crate::cells::chain(error);
    match error {
        lake::Error::Cancelled | lake::Error::Kql(EngineError::Cancelled) => {
            Fault::new("cancelled", "the query was cancelled").exit(ExitCode::Conflict)
        }
        lake::Error::Kql(EngineError::Time { .. }) => Fault::new("timeout", said)
            .hint("ask for less time or fewer columns")
            .exit(ExitCode::Timeout),
        lake::Error::Limit { .. } | lake::Error::Kql(EngineError::Limit { .. }) => {
            Fault::new("too_much", said).hint("ask for less time, or count before you sort")
        }
        lake::Error::Panic(_) => Fault::new("internal", said).hint("please report the query"),
        _ => Fault::new("query_failed", said),
    }
}
