//! The columns that each plugin gives.

use std::collections::HashSet;

use super::plugin::Argument;
use super::{Binder, Column, PluginArgument, Rel, Scalar, ScalarKind, Type};
use crate::plan::Schema;

/// Columns of a plugin.
#[derive(Debug)]
pub(super) enum Shaped {
    /// All of them
    Sure(Schema),
    /// Those that are sure; more depend on the data
    Open(Schema),
}

impl Binder<'_> {
    /// What a plugin gives for these arguments.
    pub(super) fn shape(&mut self, plugin: &str, arguments: &[Argument], input: &Rel) -> Shaped {
        let own = || input.schema.clone();
        let argument = |at: usize| arguments.iter().find(|a| a.parameter == at);
        let column = |at: usize| argument(at).and_then(|a| a.column).map(|c| &input.schema[c]);
        let kept = |at: usize| column(at).cloned().into_iter();
        // Dimensions: the columns that a repeated last parameter takes.
        let dimensions = |from: usize| {
            let all = arguments.iter().filter(move |a| a.parameter >= from);
            all.filter_map(|a| a.column).map(|c| input.schema[c].clone())
        };
        let long = |name: &str| Column::new(name, Type::Long);
        let real = |name: &str| Column::new(name, Type::Real);
        let text = |name: &str| Column::new(name, Type::String);
        let bag = |name: &str| Column::new(name, Type::Dynamic);
        let mut schema: Schema = Vec::new();
        match plugin {
            "active_users_count" => {
                schema.extend(kept(1).chain(dimensions(8)));
                schema.push(long("dcount"));
            }
            "activity_counts_metrics" => {
                schema.extend(kept(1).chain(dimensions(5)));
                schema.extend(["count", "dcount", "new_dcount", "aggregated_dcount"].map(long));
            }
            "activity_engagement" => {
                schema.extend(kept(1).chain(dimensions(6)));
                schema.extend(["dcount_activities_inner", "dcount_activities_outer"].map(long));
                schema.push(real("activity_ratio"));
            }
            "activity_metrics" => {
                schema.extend(kept(1).chain(dimensions(5)));
                schema.extend(["dcount_values", "dcount_newvalues"].map(long));
                schema.extend(["retention_rate", "churn_rate"].map(real));
            }
            "new_activity_metrics" => {
                if let Some(time) = column(1) {
                    schema.push(Column::new(format!("from_{}", time.name), time.ty));
                    schema.push(Column::new(format!("to_{}", time.name), time.ty));
                }
                schema.extend(dimensions(5));
                let counts = ["dcount_new_values", "dcount_retained_values", "dcount_churn_values"];
                schema.extend(counts.map(long));
                schema.extend(["retention_rate", "churn_rate"].map(real));
            }
            "session_count" => {
                schema.extend(kept(1).chain(dimensions(6)));
                schema.push(long("count_sessions"));
            }
            "sliding_window_counts" => {
                schema.extend(kept(1).chain(dimensions(6)));
                schema.extend(["Count", "Dcount"].map(long));
            }
            "funnel_sequence" => {
                schema.extend(kept(1));
                let state = column(6).map_or(Type::String, |c| c.ty);
                schema.push(Column::new("prev", state));
                schema.push(Column::new("next", state));
                schema.push(long("dcount"));
                schema.push(bag("samples"));
            }
            "funnel_sequence_completion" => {
                schema.extend(kept(1).chain(kept(5)));
                schema.push(Column::new("Period", Type::TimeSpan));
                schema.push(long("dcount"));
            }
            "sequence_detect" => {
                schema.extend(dimensions(4));
                if let Some(time) = column(0) {
                    for step in arguments.iter().filter(|a| a.parameter == 3) {
                        let step = step.written.clone().unwrap_or_default();
                        schema.push(Column::new(format!("{step}_{}", time.name), time.ty));
                    }
                }
                schema.push(Column::new("Duration", Type::TimeSpan));
            }
            "rolling_percentile" => {
                schema.extend(kept(2).chain(dimensions(5)));
                if let Some(value) = column(0) {
                    let bins = constant_text(argument(4));
                    let name = format!(
                        "rolling_{bins}_percentile_{}_{}",
                        value.name,
                        constant_text(argument(1))
                    );
                    schema.push(Column::new(name, value.ty));
                }
            }
            "autocluster" | "basket" => {
                schema.extend(["SegmentId", "Count"].map(long));
                schema.push(real("Percent"));
                schema.extend(own());
            }
            "diffpatterns" => {
                schema.extend(["SegmentId", "CountA", "CountB"].map(long));
                schema.extend(["PercentA", "PercentB", "PercentDiffAB"].map(real));
                schema.extend(own());
            }
            "dcount_intersect" => {
                schema = own();
                schema.extend((0..arguments.len()).map(|at| long(&format!("s{at}"))));
            }
            "narrow" => schema.extend([long("Row"), text("Column"), text("Value")]),
            "estimate_rows_count" => schema.push(long("EstimatedRowsCount")),
            "identity" | "identity_v3" | "rows_near" | "preview" => schema = own(),
            "infer_storage_schema" => schema.push(text("CslSchema")),
            "infer_storage_schema_with_suggestions" => schema.push(text("SuggestedTableSchema")),
            "http_request" | "http_request_post" => {
                schema.extend(["ResponseHeaders", "ResponseBody"].map(bag));
            }
            "python" | "r" | "csharp" => {
                if let Some((star, types)) = argument(0).and_then(|a| a.types.as_ref()) {
                    if *star {
                        schema = own();
                    }
                    schema.extend(types.iter().cloned());
                }
            }
            "ai_embeddings" => {
                schema = own();
                schema.extend(answers(arguments, bag, "embeddings"));
            }
            "ai_embed_text" => {
                schema = own();
                schema.extend(answers(arguments, bag, "embedding"));
            }
            "ai_chat_completion" | "ai_chat_completion_prompt" => {
                schema = own();
                schema.extend(answers(arguments, text, "completion"));
            }
            "ipv4_lookup" | "ipv6_lookup" | "geo_polygon_lookup" | "geo_line_lookup" => {
                schema = looked_up(plugin, arguments, input);
            }
            "bag_unpack" => {
                let bag = argument(0).and_then(|a| a.column);
                let rest = input.schema.iter().enumerate();
                let rest = rest.filter(|(at, _)| Some(*at) != bag).map(|(_, c)| c.clone());
                return Shaped::Open(rest.collect());
            }
            "pivot" => return Shaped::Open(pivoted(arguments, input)),
            _ => return Shaped::Open(Vec::new()),
        }
        Shaped::Sure(schema)
    }
}

/// What a model answers, and why it does not, where that is asked for.
fn answers(arguments: &[Argument], answer: impl Fn(&str) -> Column, what: &str) -> Vec<Column> {
    let name = arguments.first().and_then(|a| a.name.clone()).unwrap_or_default();
    let mut columns = vec![answer(&format!("{name}_{what}"))];
    let errors = arguments.iter().any(|a| a.parameter == 3 && is_true(&a.value));
    if errors {
        columns.push(Column::new(format!("{name}_{what}_error"), Type::String));
    }
    columns
}

fn is_true(value: &PluginArgument) -> bool {
    let yes = ScalarKind::Literal(crate::value::Value::Bool(true));
    matches!(value, PluginArgument::Scalar(scalar) if scalar.kind == yes)
}

fn constant_text(argument: Option<&Argument>) -> String {
    match argument.map(|a| &a.value) {
        Some(PluginArgument::Scalar(Scalar { kind: ScalarKind::Literal(value), .. })) => {
            value.to_text().to_string()
        }
        _ => String::new(),
    }
}

/// The columns of both tables; keys by which both are compared come once.
fn looked_up(plugin: &str, arguments: &[Argument], input: &Rel) -> Schema {
    let mut schema = input.schema.clone();
    let table = arguments.iter().find_map(|a| match &a.value {
        PluginArgument::Table(table) => Some(table),
        _ => None,
    });
    let Some(table) = table else { return schema };
    let mut hidden: HashSet<&str> = HashSet::new();
    if plugin.starts_with("geo_") {
        let shown = arguments
            .iter()
            .any(|a| a.written.as_deref() == Some("return_lookup_key") && is_true(&a.value));
        if !shown {
            let key = arguments.iter().find(|a| a.parameter == 1).and_then(|a| a.name.as_deref());
            hidden.extend(key);
        }
    } else {
        let extra = arguments.iter().filter(|a| plugin == "ipv4_lookup" && a.parameter == 3);
        hidden.extend(extra.filter_map(|a| a.name.as_deref()));
    }
    let more = table.schema.iter().filter(|c| !hidden.contains(c.name.as_str()));
    schema.extend(more.cloned());
    schema
}

/// The columns that stay beside those that the pivot column's values become.
fn pivoted(arguments: &[Argument], input: &Rel) -> Schema {
    let chosen: Vec<usize> =
        arguments.iter().filter(|a| a.parameter >= 2).filter_map(|a| a.column).collect();
    if !chosen.is_empty() {
        return chosen.iter().map(|at| input.schema[*at].clone()).collect();
    }
    let mut gone: HashSet<usize> = HashSet::new();
    gone.extend(arguments.first().and_then(|a| a.column));
    for argument in arguments {
        if let PluginArgument::Aggregate(aggregate) = &argument.value {
            for value in &aggregate.arguments {
                // What the aggregate is computed from is gone too, where it is a column alone.
                if let ScalarKind::Column(at) = value.kind {
                    gone.insert(at);
                }
            }
        }
    }
    let rest = input.schema.iter().enumerate().filter(|(at, _)| !gone.contains(at));
    rest.map(|(_, c)| c.clone()).collect()
}
