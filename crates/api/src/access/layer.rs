//! What every request to the API passes.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base::{ExitCode, Fault};

use super::{Access, Principal};
use crate::plane::ApiError;

/// The OS user at the other end of the unix socket. Put into the extensions by whoever accepts
/// connections there, after it has judged that this user may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPeer(pub u32);

/// Puts the layers of sign-in and permissions around `router`.
pub(crate) fn protect(router: Router, _: Arc<Access>) -> Router {
    router.layer(axum::middleware::from_fn(only_local))
}

async fn only_local(mut request: Request, next: Next) -> Response {
    if request.extensions().get::<LocalPeer>().is_none() {
        let fault = Fault::new("unauthenticated", "this needs a sign-in").exit(ExitCode::Forbidden);
        return ApiError(fault).into_response();
    }
    request.extensions_mut().insert(Principal::local("local"));
    next.run(request).await
}
