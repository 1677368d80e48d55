//! The plugins of `evaluate` that need nothing from outside.

use super::{EngineError, Env, Result, Rows};
use crate::plan::{Op, Rel};

/// Runs a plugin: the first of `inputs` is what flows in, if anything does, then the tables
/// among its arguments.
pub(super) fn run(rel: &Rel, inputs: Vec<Rows>, env: &Env<'_>) -> Result<Rows> {
    let _ = (inputs, env);
    let name = match &*rel.op {
        Op::Plugin { name, .. } => name.clone(),
        _ => String::new(),
    };
    Err(EngineError::Unsupported { kind: "plugin", name })
}
