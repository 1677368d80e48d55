//! What handlers share, and who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base::{ExitCode, Fault};

use super::error::ApiError;
use super::{Backend, Jobs};
use crate::access::{Access, Principal};

/// What an API is made of.
pub struct PlaneParts {
    /// What it is about.
    pub backend: Arc<dyn Backend>,
    /// Who may do what.
    pub access: Arc<Access>,
}

/// What handlers share.
#[derive(Clone)]
pub struct PlaneState {
    inner: Arc<Inner>,
}

struct Inner {
    parts: PlaneParts,
    jobs: Jobs,
    /// The OpenAPI document as JSON.
    document: String,
}

impl PlaneState {
    /// Puts the parts together.
    pub fn new(parts: PlaneParts) -> Self {
        let document = super::openapi().to_json().expect("because it has only string keys");
        Self { inner: Arc::new(Inner { parts, jobs: Jobs::default(), document }) }
    }

    /// What the API is about.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.inner.parts.backend
    }

    /// Who may do what.
    pub fn access(&self) -> &Arc<Access> {
        &self.inner.parts.access
    }

    /// The OpenAPI document.
    pub(crate) fn document(&self) -> &str {
        &self.inner.document
    }

    /// Whether the portal is built in.
    pub(crate) fn has_portal(&self) -> bool {
        portal::is_built()
    }

    /// Long work.
    pub fn jobs(&self) -> &Jobs {
        &self.inner.jobs
    }
}

/// Whoever asks; the authentication layer has put it into the request.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let principal = parts.extensions.get::<Principal>().cloned();
        principal.map(Self).ok_or_else(|| {
            ApiError(
                Fault::new("unauthenticated", "this needs a sign-in").exit(ExitCode::Forbidden),
            )
        })
    }
}
