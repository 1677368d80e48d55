//! The files of `content/` that are part of the crate: name below their folder, text.

include!(concat!(env!("OUT_DIR"), "/files.rs"));
