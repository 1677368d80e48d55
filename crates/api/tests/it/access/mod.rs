//! Who gets in, and what they may do, through the router that is served.

mod call;
mod flows;
pub(crate) mod memory;
mod oidc;
mod table;
