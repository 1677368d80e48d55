//! The plugins of `evaluate` that need nothing from outside.

use super::{EngineError, Env, Result, Rows};
use crate::plan::{PluginArgument, Schema};

/// Runs a plugin: the first of `inputs` is what flows in, if anything does, then the tables
/// among its arguments.
pub(super) fn run(
    name: &str,
    arguments: &[PluginArgument],
    has_input: bool,
    inputs: Vec<Rows>,
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let _ = (arguments, has_input, inputs, schema, env);
    Err(EngineError::Unsupported { kind: "plugin", name: name.to_owned() })
}
