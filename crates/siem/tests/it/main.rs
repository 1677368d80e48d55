//! Parsers against their samples, framing against every division of the input.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod framing;
mod render;
mod samples;
