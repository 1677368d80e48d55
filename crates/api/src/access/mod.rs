//! Who gets in, and what they may do.
//!
//! - [`policy`] and [`judge`]: the rules, which are Cedar in `content/access/`.
//! - [`store`]: the door to what is remembered; the plane implements it.
//! - [`Access`]: sign-in by password, one-time link or OpenID Connect; sessions, tokens, lock-out.
//!
//! Whoever is not known is a guest, and whatever no policy permits is refused.

mod bucket;
mod cookie;
mod credentials;
pub mod judge;
pub(crate) mod layer;
pub mod model;
pub mod oidc;
mod ops;
mod password;
pub mod policy;
pub mod principal;
mod service;
pub mod settings;
mod sign_in;
pub mod store;

pub use layer::LocalPeer;
pub use principal::{Assignment, Kind, Principal, Scope};
pub use service::{Access, AccessParts};
pub use sign_in::ADMIN;

pub(crate) use ops::router;
