//! The operations of access. The name of a handler is its `operationId`.

mod activity;
mod session;
mod settings;
mod tokens;
mod users;

use axum::response::{IntoResponse as _, Response};
use base::{ExitCode, Fault};
use utoipa_axum::router::OpenApiRouter;

use super::principal::Assignment;
use super::service::Access;
use super::sign_in::Refused;
use crate::plane::{ApiError, PlaneState, RetryAfter};

/// All of them, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .merge(session::router())
        .merge(users::router())
        .merge(tokens::router())
        .merge(settings::router())
        .merge(activity::router())
}

type Outcome<T> = Result<T, ApiError>;

fn bad(message: impl Into<String>) -> Fault {
    Fault::new("bad_request", message).exit(ExitCode::Usage)
}

/// A refusal as an answer, with the time to wait.
fn refused(refused: Refused) -> Response {
    match refused {
        Refused::Fault(fault) => ApiError(fault).into_response(),
        Refused::Later(fault, seconds) => {
            let mut response = ApiError(fault).into_response();
            response.extensions_mut().insert(RetryAfter(seconds));
            response
        }
    }
}

/// Refuses roles that there are not, and too many.
fn check_roles(access: &Access, assignments: &[Assignment]) -> Result<(), Fault> {
    if assignments.len() > 64 {
        return Err(bad("nobody has more than 64 roles"));
    }
    match assignments.iter().find(|given| !access.policies().knows_role(&given.role)) {
        None => Ok(()),
        Some(unknown) => {
            let name: String = unknown.role.chars().take(64).collect();
            let names: Vec<_> =
                access.policies().roles().iter().map(|role| role.name.as_str()).collect();
            Err(bad(format!("there is no role \"{name}\""))
                .hint(format!("roles are {}", names.join(", "))))
        }
    }
}
