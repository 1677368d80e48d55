//! Who may do what: principals, sign-in, permissions.

pub mod layer;
pub mod principal;

use crate::plane::PlaneState;
use utoipa_axum::router::OpenApiRouter;

pub use layer::LocalPeer;
pub use principal::{Assignment, Principal, PrincipalKind, Role};

/// Sessions, users, tokens and permissions of one installation.
#[derive(Debug, Default)]
pub struct Access {}

/// The operations of sign-in, users, roles, tokens and activity; merged below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
}
