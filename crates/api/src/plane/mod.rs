//! The API of the plane: one router for the portal, for programs and for the command line.
//!
//! # Shape
//! - [`Backend`] is the door behind it, [`model`] what goes through; `crate::access` decides who
//!   may. Handlers lie in `ops`, one file an area; the name of a handler is its `operationId`.
//! - [`PlaneState`] is what handlers share: backend, access, jobs. Cheap to clone.
//! - The layers of a request, from outside: the reading of what handlers left of the body,
//!   request id, log and metrics, host guard and headers, authentication (puts a
//!   [`Principal`](crate::access::Principal) into the request's extensions), CSRF, authorisation by
//!   [`Operation`] (in the extensions too), handler. A request without a principal that comes to a
//!   handler which wants one is refused.
//! - A failure is a [`base::Fault`] in an `ApiError`: one place maps it to status and body.
//! - Long work answers 202 with a [`Job`](model::Job) and goes on when the caller hangs up.
//! - The document is made from the handlers: [`openapi`]; `docs/openapi.json` is written by
//!   `cargo run -p api --example openapi` and a test fails when it is not what the code says.
//!
//! # For the operations of sign-in, users and tokens
//! `crate::access::router()` is an `OpenApiRouter<PlaneState>` with paths below `/api/v1` without
//! that prefix; it is merged here and takes part in the document and in [`Operation`].

pub mod backend;
pub mod model;

mod body;
mod document;
mod error;
pub(crate) mod etag;
mod jobs;
mod layers;
mod list;
mod metrics;
mod operation;
mod ops;
mod router;
mod serve;
mod state;
mod unread;

#[cfg(test)]
mod tests;

pub use backend::{Backend, Progress, Reply, ServerAction};
pub use document::openapi;
pub(crate) use error::RetryAfter;
pub use error::{ApiError, ErrorBody, ErrorShape, status_of};
pub use jobs::{Begin, Jobs};
pub use operation::Operation;
pub(crate) use ops::push::is_push;
pub use serve::Api;
pub use state::{PlaneParts, PlaneState};

pub(crate) use body::{Body, OptionalBody, Query};
pub(crate) use list::{PageQuery, page};
pub(crate) use state::Caller;

/// The version in the paths.
pub const API_VERSION: &str = "v1";
/// What every path of the API begins with.
pub const PREFIX: &str = "/api/v1";
