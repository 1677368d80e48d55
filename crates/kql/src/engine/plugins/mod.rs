//! The plugins of `evaluate` that need nothing from outside.
//!
//! Columns that come out are those of the plan, found by position where their order is fixed and
//! by name where it is not. What would run code or reach other services is refused.

mod activity;
mod clusters;
mod columns;
mod funnel;
mod lookup;
mod patterns;
mod simple;
mod timeline;
mod windows;

use super::eval::{Expr, compile_over, eval};
use super::{Cancel, EngineError, Env, Limits, Result, Row, Rows, Source, memory};
use crate::functions::Context;
use crate::plan::{Aggregate, Op, PluginArgument, Query, Rel, Scalar, ScalarKind, Schema};
use crate::value::Value;

/// Runs a plugin over the rows that its call has.
type Plugin = fn(&mut Call<'_>) -> Result<Vec<Row>>;

/// Plugins whose columns are known from the plan.
const PLUGINS: &[(&str, Plugin)] = &[
    ("active_users_count", windows::active_users_count),
    ("activity_counts_metrics", activity::counts_metrics),
    ("activity_engagement", activity::engagement),
    ("activity_metrics", activity::metrics),
    ("autocluster", clusters::autocluster),
    ("basket", clusters::basket),
    ("dcount_intersect", simple::dcount_intersect),
    ("diffpatterns", clusters::diffpatterns),
    ("estimate_rows_count", simple::estimate_rows_count),
    ("funnel_sequence", funnel::sequence),
    ("funnel_sequence_completion", funnel::completion),
    ("geo_line_lookup", lookup::geo_line),
    ("geo_polygon_lookup", lookup::geo_polygon),
    ("identity", simple::identity),
    ("ipv4_lookup", lookup::ipv4),
    ("ipv6_lookup", lookup::ipv6),
    ("narrow", simple::narrow),
    ("new_activity_metrics", activity::new_metrics),
    ("preview", simple::preview),
    ("rolling_percentile", windows::rolling_percentile),
    ("rows_near", simple::rows_near),
    ("schema_merge", simple::schema_merge),
    ("sequence_detect", funnel::detect),
    ("session_count", windows::session_count),
    ("sliding_window_counts", windows::sliding_window_counts),
];

/// Plugins that run code or reach other services.
const REFUSED: &[&str] = &[
    "ai_chat_completion",
    "ai_chat_completion_prompt",
    "ai_embed_text",
    "ai_embeddings",
    "azure_digital_twins_query_request",
    "cosmosdb_sql_request",
    "csharp",
    "dax_request",
    "execute_query",
    "execute_show_command",
    "external_datatable",
    "http_request",
    "http_request_post",
    "identity_v3",
    "infer_storage_schema",
    "infer_storage_schema_with_suggestions",
    "mysql_request",
    "postgresql_request",
    "python",
    "r",
    "sql_request",
];

/// One call of a plugin.
struct Call<'a> {
    name: &'a str,
    arguments: Vec<(&'a str, &'a PluginArgument)>,
    /// What flows in
    input: Rows,
    tables: Vec<Rows>,
    /// What comes out
    schema: Schema,
    env: &'a Env<'a>,
}

/// Runs a plugin: the first of `inputs` is what flows in, if anything does, then the tables
/// among its arguments.
pub(super) fn run(rel: &Rel, inputs: Vec<Rows>, env: &Env<'_>) -> Result<Rows> {
    let mut call = Call::of(rel, inputs, env)?;
    if matches!(call.name, "bag_unpack" | "pivot") {
        return columns::run(&call);
    }
    let Some((_, plugin)) = PLUGINS.iter().find(|(name, _)| *name == call.name) else {
        let name = call.name.to_owned();
        return Err(match REFUSED.contains(&call.name) {
            true => EngineError::Refused { what: format!("the plugin \"{name}\"") },
            false => EngineError::Unsupported { kind: "plugin", name },
        });
    };
    let rows = plugin(&mut call)?;
    Ok(Rows::new(call.schema, rows))
}

/// Whether the plugin can be run, as far as its name tells.
pub fn is_offline_plugin(name: &str) -> bool {
    matches!(name, "bag_unpack" | "pivot") || PLUGINS.iter().any(|(known, _)| *known == name)
}

/// The columns that a plugin whose columns depend on its rows (`bag_unpack`, `pivot`) gives for
/// these; `None` for other plugins.
pub fn plugin_schema(rel: &Rel, inputs: Vec<Rows>, env: &Env<'_>) -> Result<Option<Schema>> {
    let call = Call::of(rel, inputs, env)?;
    columns::schema(&call)
}

/// Finds the columns of `query.rel`, a plugin, by running its input in memory; made for the
/// binder, which asks while it binds.
pub fn discover(
    query: &Query,
    source: &dyn Source,
    context: Context,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<Option<Schema>> {
    let env = Env::new(query, source, context, limits, cancel);
    let mut inputs = Vec::new();
    for input in memory::inputs(&query.rel.op) {
        inputs.push(env.relation(input)?);
    }
    plugin_schema(&query.rel, inputs, &env)
}

impl<'a> Call<'a> {
    fn of(rel: &'a Rel, mut inputs: Vec<Rows>, env: &'a Env<'a>) -> Result<Self> {
        let Op::Plugin { input, name, arguments, parameters } = &*rel.op else {
            return Err(EngineError::Plan("a plugin was expected".to_owned()));
        };
        let tables = inputs.split_off(usize::from(input.is_some()).min(inputs.len()));
        let input = inputs.pop().unwrap_or_default();
        let parameters = parameters.iter().map(|name| name.trim_end_matches(['*', '?', '+']));
        let arguments = parameters.zip(arguments).collect();
        Ok(Self { name, arguments, input, tables, schema: rel.schema.clone(), env })
    }

    fn invalid(&self, what: impl std::fmt::Display) -> EngineError {
        EngineError::Invalid(format!("{}(): {what}", self.name))
    }

    /// The arguments for a parameter; `'~'` and a null stand for none.
    fn scalars(&self, parameter: &str) -> impl Iterator<Item = &'a Scalar> {
        let name = parameter.to_owned();
        let of = self.arguments.clone().into_iter().filter(move |(found, _)| *found == name);
        of.filter_map(|(_, argument)| match argument {
            PluginArgument::Scalar(scalar) if !is_nothing(scalar) => Some(scalar),
            _ => None,
        })
    }

    fn scalar(&self, parameter: &str) -> Option<&'a Scalar> {
        self.scalars(parameter).next()
    }

    fn aggregate(&self) -> Option<&'a Aggregate> {
        self.arguments.iter().find_map(|(_, argument)| match argument {
            PluginArgument::Aggregate(aggregate) => Some(aggregate),
            _ => None,
        })
    }

    /// The value of a constant, if it was given.
    fn constant(&self, parameter: &str) -> Result<Option<Value>> {
        self.scalar(parameter).map(|scalar| eval(scalar, &[], self.env)).transpose()
    }

    fn needed(&self, parameter: &str) -> Result<Value> {
        self.constant(parameter)?.ok_or_else(|| self.invalid(format!("{parameter} is missing")))
    }

    fn flag(&self, parameter: &str) -> Result<bool> {
        Ok(self.constant(parameter)? == Some(Value::Bool(true)))
    }

    /// An expression over the rows that flow in.
    fn over(&self, parameter: &str) -> Result<Expr> {
        let Some(scalar) = self.scalar(parameter) else {
            return Err(self.invalid(format!("{parameter} is missing")));
        };
        compile_over(scalar, &self.input.rows, self.env)
    }

    fn all_over(&self, parameter: &str) -> Result<Vec<Expr>> {
        self.scalars(parameter)
            .map(|scalar| compile_over(scalar, &self.input.rows, self.env))
            .collect()
    }

    fn eval(&self, expr: &Expr, row: &[Value], at: usize) -> Value {
        expr.eval(row, at, &self.env.context)
    }
}

fn is_nothing(scalar: &Scalar) -> bool {
    match &scalar.kind {
        ScalarKind::Literal(Value::String(text)) => &**text == "~",
        ScalarKind::Literal(value) => value.is_null(),
        _ => false,
    }
}
