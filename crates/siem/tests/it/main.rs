//! Parsers against their samples, framing against every division of the input.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod content;
mod framing;
mod functions;
mod render;
mod samples;
