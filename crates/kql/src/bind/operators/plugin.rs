//! `evaluate`: the arguments of a plugin, each for a parameter.

use std::cell::RefCell;

use super::super::signature::{self, Accepts, Form, Signature};
use super::shape::Shaped;
use super::{Binder, Column, Env, Expr, Kind, Op, PluginArgument, Rel, Type, Value};
use super::{literal, rel};
use crate::plan::{Aggregate, Query, Schema};
use crate::syntax::{self, Name, Span};

/// An argument as it is bound.
#[derive(Debug)]
pub(super) struct Argument {
    /// Index of its parameter
    pub(super) parameter: usize,
    /// The parameter's name
    pub(super) place: String,
    /// The name that was written before it
    pub(super) written: Option<String>,
    /// The name that its value has by itself
    pub(super) name: Option<String>,
    /// The column of the input or of the table argument that it is
    pub(super) column: Option<usize>,
    pub(super) value: PluginArgument,
    /// What `typeof(…)` says
    pub(super) types: Option<(bool, Schema)>,
}

/// Plugins that make rows of nothing.
const SOURCES: [&str; 13] = [
    "http_request",
    "http_request_post",
    "sql_request",
    "mysql_request",
    "postgresql_request",
    "cosmosdb_sql_request",
    "azure_digital_twins_query_request",
    "execute_query",
    "execute_show_command",
    "dax_request",
    "csharp",
    "infer_storage_schema",
    "infer_storage_schema_with_suggestions",
];

impl Binder<'_> {
    pub(super) fn evaluate(
        &mut self,
        flow: Option<Rel>,
        plugin: &Expr,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let (called, declared) = match &*plugin.kind {
            Kind::WithSchema { value, star, columns } => (value, Some((*star, columns))),
            _ => (plugin, None),
        };
        let Kind::Call { name, arguments } = &*called.kind else {
            self.error("KQL254", plugin.span, "evaluate calls a plugin");
            return None;
        };
        let Some(overloads) = signature::plugin(&name.text) else {
            let near = super::super::names::nearest(&name.text, signature::plugin_names());
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("there is no plugin `{}`", name.text);
            self.error_hint("KQL234", name.span, message, hint);
            return None;
        };
        let source = SOURCES.contains(&name.text.as_str()) || name.text.starts_with("ai_");
        if flow.is_none() && !source {
            self.error("KQL251", name.span, "this plugin needs rows: put a table before it");
            return None;
        }
        let empty = super::super::nothing();
        let input = flow.as_ref().unwrap_or(&empty);
        let bound = self.plugin_arguments(name, overloads, arguments, called.span, input, env)?;
        let shaped = self.shape(&name.text, &bound, input);
        let mut given: Vec<(String, PluginArgument)> =
            bound.iter().map(|one| (one.place.clone(), one.value.clone())).collect();
        if name.text == "pivot" {
            complete_pivot(&mut given, input, &shaped);
        }
        let (mut schema, open) = match shaped {
            Shaped::Sure(schema) => (schema, false),
            Shaped::Open(schema) => (schema, true),
        };
        if let Some((star, columns)) = declared {
            let own = self.declared(columns);
            if star {
                schema.retain(|c| !own.iter().any(|o| o.name == c.name));
                schema.extend(own);
            } else {
                schema = own;
            }
        }
        super::super::naming::make_unique(&mut schema);
        let name = name.text.clone();
        let (parameters, arguments) = given.into_iter().unzip();
        let mut made = rel(Op::Plugin { input: flow, name, arguments, parameters }, schema);
        if open && declared.is_none() {
            match self.discovered(&made) {
                Some(found) => made.schema = found,
                None => self.open = true,
            }
        }
        Some(made)
    }

    /// The columns of a plugin that depend on its rows, where somebody can find them.
    fn discovered(&mut self, plugin: &Rel) -> Option<Schema> {
        let discover = self.discover?;
        if let Some((_, schema)) = self.found.iter().find(|(known, _)| known == plugin) {
            return Some(schema.clone());
        }
        let schema = discover(&Query {
            rel: plugin.clone(),
            open: true,
            render: None,
            options: self.options.clone(),
            shared: self.shared.clone(),
            scalars: self.scalars.clone(),
            further: Vec::new(),
        })?;
        self.found.push((plugin.clone(), schema.clone()));
        Some(schema)
    }

    fn plugin_arguments(
        &mut self,
        name: &Name,
        overloads: &'static [Signature],
        written: &[Expr],
        span: Span,
        input: &Rel,
        env: &Env<'_>,
    ) -> Option<Vec<Argument>> {
        let n = written.len();
        // Options that the signatures do not list.
        let spare = if name.text == "bag_unpack" { 2 } else { 0 };
        let anywhere =
            |label: &&str| overloads.iter().flat_map(|o| &o.parameters).any(|p| p.name == *label);
        let labels: Vec<&str> = written
            .iter()
            .filter_map(|argument| match &*argument.kind {
                Kind::Named { names, .. } if names.len() == 1 => Some(names[0].text.as_str()),
                _ => None,
            })
            .filter(anywhere)
            .collect();
        let fits = |overload: &&Signature| {
            let (least, most) = overload.arity();
            let known = |label: &&str| overload.parameters.iter().any(|p| p.name == *label);
            (least..=most.saturating_add(spare)).contains(&n)
                && (spare > 0 || labels.iter().all(known))
        };
        let candidates: Vec<&Signature> = overloads.iter().filter(fits).collect();
        if candidates.is_empty() {
            let takes = super::super::function::arities(overloads);
            let message = format!("`{}` takes {takes} arguments, not {n}", name.text);
            self.error("KQL314", span, message);
            return None;
        }
        let row = self.row_env(input, env);
        let chosen = match candidates[..] {
            [only] => only,
            _ => self.overload(&candidates, written, &row),
        };
        let mut bound: Vec<Argument> = Vec::new();
        for (at, argument) in written.iter().enumerate() {
            let (label, value) = match &*argument.kind {
                Kind::Named { names, value, .. } if names.len() == 1 => {
                    (Some(names[0].text.clone()), value)
                }
                _ => (None, argument),
            };
            let own = |label: &String| chosen.parameters.iter().position(|p| p.name == label);
            let place = match (&label, label.as_ref().and_then(own)) {
                (_, Some(place)) => place,
                (Some(label), None) if name.text == "bag_unpack" => match label.as_str() {
                    "OutputColumnPrefix" => 1,
                    "columnsConflict" => 2,
                    "ignoredProperties" => 3,
                    _ => at,
                },
                // Steps, then dimensions: both may be there several times.
                _ if name.text == "sequence_detect" && at > 3 => {
                    3 + usize::from(matches!(&*argument.kind, Kind::Name(_)))
                }
                _ => match chosen.parameter(at, n) {
                    Some(found) => {
                        let all = chosen.parameters.iter();
                        let mut place = all.take_while(|p| !std::ptr::eq(*p, found)).count();
                        // A column where a constant may stand belongs to what follows.
                        if found.optional && found.form == Form::Constant && is_column(value, &row)
                        {
                            place += 1;
                        }
                        place
                    }
                    None => at,
                },
            };
            let table = bound.iter().find_map(|a| match &a.value {
                PluginArgument::Table(table) => Some(table.clone()),
                _ => None,
            });
            let one =
                self.plugin_argument(name, chosen, place, value, table.as_ref(), input, &row)?;
            bound.push(Argument { written: label, ..one });
        }
        Some(bound)
    }

    /// The first overload whose columns are columns and whose constants are none.
    fn overload<'s>(
        &mut self,
        candidates: &[&'s Signature],
        written: &[Expr],
        row: &Env<'_>,
    ) -> &'s Signature {
        let names: Vec<bool> = written.iter().map(|e| is_column(e, row)).collect();
        let suits = |overload: &&&Signature| {
            names.iter().enumerate().all(|(at, is_column)| {
                match overload.parameter(at, written.len()) {
                    Some(parameter) if parameter.form == Form::Column => *is_column,
                    Some(parameter) if parameter.form == Form::Constant => !is_column,
                    Some(_) => true,
                    None => false,
                }
            })
        };
        candidates.iter().find(suits).copied().unwrap_or(candidates[0])
    }

    #[expect(clippy::too_many_arguments, reason = "all of them say where the argument stands")]
    fn plugin_argument(
        &mut self,
        plugin: &Name,
        chosen: &Signature,
        place: usize,
        value: &Expr,
        table: Option<&Rel>,
        input: &Rel,
        row: &Env<'_>,
    ) -> Option<Argument> {
        let parameter = chosen.parameters.get(place);
        let accepts = parameter.map_or(Accepts::Scalar, |p| p.accepts);
        let mut argument = Argument {
            parameter: place,
            place: match (parameter, place) {
                (Some(parameter), _) => parameter.name.to_owned(),
                (None, 2) => "columnsConflict".to_owned(),
                (None, _) => "ignoredProperties".to_owned(),
            },
            written: None,
            name: None,
            column: None,
            value: PluginArgument::Scalar(literal(Value::Null, Type::Dynamic)),
            types: None,
        };
        if accepts == Accepts::Table {
            argument.value = PluginArgument::Table(self.tabular(value, row)?);
            return Some(argument);
        }
        if let Kind::TypeOf { star, columns } = &*value.kind {
            argument.types = Some((*star, self.declared(columns)));
            return Some(argument);
        }
        if plugin.text == "pivot" && place == 1 {
            argument.value = PluginArgument::Aggregate(self.one_aggregate(value, row)?);
            return Some(argument);
        }
        // Keys of the table that is looked up in are columns of that table.
        let of_table = match (plugin.text.as_str(), place) {
            ("ipv4_lookup" | "ipv6_lookup", 2) | ("geo_polygon_lookup" | "geo_line_lookup", 1) => {
                table
            }
            _ => None,
        };
        let of = of_table.unwrap_or(input);
        let own_row;
        let row = match of_table {
            Some(table) => {
                own_row = self.row_env(table, row);
                &own_row
            }
            None => row,
        };
        // `'~'` stands for what was left out.
        if let Kind::Literal(syntax::Literal::String { text, .. }) = &*value.kind
            && text == "~"
        {
            return Some(argument);
        }
        let form = parameter.map_or(Form::Any, |p| p.form);
        if form == Form::Column || of_table.is_some() {
            let Some(at) = self.one_column(value, of, row) else {
                // A column that may be there: it is empty here.
                return self.unsure().then_some(argument);
            };
            argument.column = Some(at);
            argument.name = Some(of.schema[at].name.clone());
            argument.value = PluginArgument::Scalar(super::column(&of.schema, at));
            return Some(argument);
        }
        let typed = self.scalar(value, row)?;
        let ty = typed.value.ty;
        if self.fits(accepts, ty) == 0 {
            let message = format!("`{}` needs {} here, not {ty}", plugin.text, accepts.words());
            self.error("KQL313", value.span, message);
            return None;
        }
        argument.column = super::super::naming::column_of(&typed, &of.schema);
        argument.name = typed.name.clone();
        let folded = self.fold(typed.value);
        if form == Form::Constant && super::super::env::reads_row(&folded) {
            self.error("KQL304", value.span, "a constant is needed");
            return None;
        }
        argument.value = PluginArgument::Scalar(folded);
        Some(argument)
    }

    /// One aggregate, not wrapped in anything.
    fn one_aggregate(&mut self, e: &Expr, row: &Env<'_>) -> Option<Aggregate> {
        let collected = RefCell::new(Vec::new());
        let inside = Env { aggregates: Some(&collected), aggregates_at: 0, ..row.clone() };
        let before = self.diagnostics.len();
        let found = self.aggregate_list(e, &inside);
        let aggregate = collected.into_inner().pop();
        if found.is_none() || aggregate.is_none() {
            if self.diagnostics.len() == before {
                self.error("KQL236", e.span, "an aggregate is needed, such as count()");
            }
            return None;
        }
        aggregate
    }
}

/// Whether an expression is the name of a column.
fn is_column(e: &Expr, env: &Env<'_>) -> bool {
    match &*e.kind {
        Kind::Name(name) => env.row.columns().iter().any(|c| c.name == *name),
        _ => false,
    }
}

/// `pivot` with everything said: the column, the aggregate, the columns that stay.
fn complete_pivot(given: &mut Vec<(String, PluginArgument)>, input: &Rel, shaped: &Shaped) {
    if !given.iter().any(|(place, _)| place == "aggregateFunction") {
        let count = Aggregate {
            function: "count".into(),
            arguments: Vec::new(),
            outputs: vec![Column::new("count_", Type::Long)],
        };
        given.push(("aggregateFunction".to_owned(), PluginArgument::Aggregate(count)));
    }
    if given.iter().any(|(place, _)| place == "columnName") {
        return;
    }
    let (Shaped::Sure(rest) | Shaped::Open(rest)) = shaped;
    for stays in rest {
        if let Some(at) = input.schema.iter().position(|c| c.name == stays.name) {
            let value = PluginArgument::Scalar(super::column(&input.schema, at));
            given.push(("columnName".to_owned(), value));
        }
    }
}
