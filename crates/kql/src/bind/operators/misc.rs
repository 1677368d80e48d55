//! Operators that name, check, describe or show rows.

use super::{Binder, Bound, Column, Env, Expr, Item, Kind, Op, Operator, Property, Rel};
use super::{Span, Type, Value, rel};
use crate::diagnostic::Diagnostic;
use crate::plan::Render;
use crate::syntax::{ColumnDeclaration, Name, Statement, StatementKind};

/// The kinds of chart that `render` knows.
const CHARTS: [&str; 21] = [
    "table",
    "list",
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "3Dchart",
    "card",
    "treemap",
    "plotly",
    "graph",
    "sankey",
];

impl Binder<'_> {
    /// `as`: a name for the rows, for what follows.
    pub(super) fn as_name(
        &mut self,
        name: &Name,
        input: Rel,
        properties: &[Property],
        env: &mut Env<'_>,
    ) -> Rel {
        let kept = properties.iter().any(|p| {
            p.name.text == "hint.materialized"
                && !matches!(&*p.value.kind, Kind::Name(text) if text == "false")
        });
        let input = if kept { self.share(input) } else { input };
        let item = Item::Table { rel: input.clone(), view: false };
        env.locals = env.locals.with(&name.text, item.clone());
        self.named.push((name.text.clone(), item));
        input
    }

    pub(super) fn assert_schema(
        &mut self,
        input: Rel,
        columns: &[ColumnDeclaration],
        word: Span,
    ) -> Option<Rel> {
        let mut ok = true;
        for wanted in columns {
            match input.schema.iter().find(|c| c.name == wanted.name.text) {
                Some(found) if found.ty == wanted.ty || self.unsure() => {}
                Some(found) => {
                    let (name, ty) = (&found.name, found.ty);
                    let message = format!("the column `{name}` is {ty}, not {}", wanted.ty);
                    self.error("KQL331", wanted.name.span, message);
                    ok = false;
                }
                None if self.unsure() => {}
                None => {
                    let message = format!("there is no column `{}`", wanted.name.text);
                    self.error("KQL202", wanted.name.span, message);
                    ok = false;
                }
            }
        }
        let _ = word;
        ok.then_some(input)
    }

    pub(super) fn get_schema(&mut self, input: &Rel, operator: &Operator) -> Rel {
        let csl = operator.properties.iter().any(|p| {
            p.name.text == "kind" && matches!(&*p.value.kind, Kind::Name(text) if text == "csl")
        });
        if csl {
            let all: Vec<String> =
                input.schema.iter().map(|c| format!("{}:{}", c.name, c.ty)).collect();
            let schema = vec![Column::new("Schema", Type::String)];
            return rel(Op::Rows(vec![vec![Value::text(all.join(","))]]), schema);
        }
        let rows = input.schema.iter().enumerate().map(|(at, column)| {
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            vec![
                Value::text(&column.name),
                Value::Long(at),
                Value::text(clr_name(column.ty)),
                Value::text(column.ty.name()),
            ]
        });
        let schema = vec![
            Column::new("ColumnName", Type::String),
            Column::new("ColumnOrdinal", Type::Long),
            Column::new("DataType", Type::String),
            Column::new("ColumnType", Type::String),
        ];
        rel(Op::Rows(rows.collect()), schema)
    }

    pub(super) fn invoke(&mut self, input: Rel, function: &Expr, env: &Env<'_>) -> Option<Rel> {
        let (name, arguments) = match &*function.kind {
            Kind::Call { name, arguments } => (name, &arguments[..]),
            Kind::Path(_, inner) => match &*inner.kind {
                Kind::Call { name, arguments } => (name, &arguments[..]),
                _ => {
                    self.error("KQL248", function.span, "invoke calls a function");
                    return None;
                }
            },
            _ => {
                self.error("KQL248", function.span, "invoke calls a function");
                return None;
            }
        };
        let local = match env.locals.find(&name.text) {
            Some(Item::Function(function)) => Some(std::rc::Rc::clone(function)),
            _ => None,
        };
        let called = match local {
            Some(function) => Some(Ok(function)),
            None => self.stored(&name.text, name.span),
        };
        let Some(called) = called else {
            let message = format!("there is no function `{}`", name.text);
            self.error("KQL231", name.span, message);
            return None;
        };
        match self.invoke_function(&called.ok()?, input, arguments, function.span, env) {
            Bound::Table(rel) => Some(rel),
            Bound::Failed => None,
            _ => {
                self.error("KQL303", function.span, "the function gives no table");
                None
            }
        }
    }

    pub(super) fn reduce(
        &mut self,
        input: Rel,
        operator: &Operator,
        by: &Expr,
        options: &[(Name, Expr)],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let row = self.row_env(&input, env);
        let typed = self.scalar(by, &row)?;
        if typed.value.ty != Type::String && !self.unsure() {
            let hint = "convert it: tostring(…)".to_owned();
            let message = format!("reduce reads text, not {}", typed.value.ty);
            self.error_hint("KQL332", by.span, message, Some(hint));
            return None;
        }
        let mut options = self.options_of(options, env)?;
        let mut schema = Vec::new();
        if self.property(operator, "kind", env).is_some_and(|kind| kind == "source") {
            options.push(("kind".to_owned(), Value::text("source")));
            schema.extend(input.schema.iter().cloned());
        }
        schema.push(Column::new("Pattern", Type::String));
        schema.push(Column::new("Count", Type::Long));
        schema.push(Column::new("Representative", Type::String));
        super::super::naming::make_unique(&mut schema);
        Some(rel(Op::Reduce { input, by: typed.value, options }, schema))
    }

    pub(super) fn render(
        &mut self,
        input: Rel,
        visualisation: &Name,
        options: &[(Name, Expr)],
        properties: &[Property],
        env: &Env<'_>,
    ) -> Rel {
        let kind = &visualisation.text;
        if !CHARTS.contains(&kind.as_str()) {
            let near = super::super::names::nearest(kind, CHARTS.iter().copied());
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("there is no chart `{kind}`");
            self.error_hint("KQL249", visualisation.span, message, hint);
        }
        let mut all = Vec::new();
        let properties = properties.iter().map(|p| (&p.name, &p.value));
        for (name, value) in options.iter().map(|(name, value)| (name, value)).chain(properties) {
            let value = match &*value.kind {
                Kind::Name(text) | Kind::Wildcard(text) => Value::text(text),
                _ => match self.constant(value, &Env::of(env.locals.clone())) {
                    Some((value, _)) => value,
                    None => continue,
                },
            };
            all.push((name.text.clone(), value));
        }
        self.render = Some(Render { visualisation: kind.clone(), options: all });
        input
    }

    /// `macro-expand`: the body once; the entities of a group are all ours.
    pub(super) fn macro_expand(
        &mut self,
        group: &Expr,
        scope: Option<&Name>,
        body: &[Statement],
        word: Span,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let name = match (scope, &*group.kind) {
            (Some(scope), _) => scope.text.clone(),
            (None, Kind::Name(name)) => name.clone(),
            _ => String::new(),
        };
        let mut locals = env.locals.with(name, Item::Database { ours: true });
        let found = Diagnostic::warning("KQL266", word, "all entities are read as this database");
        self.diagnostics.push(found);
        let mut result = None;
        for statement in body {
            if let StatementKind::Query(query) = &statement.kind {
                result = Some(self.tabular(query, &Env::of(locals.clone()))?);
            } else {
                locals = self.statement(statement, locals);
            }
        }
        if result.is_none() {
            self.error("KQL210", word, "there is no query in it");
        }
        result
    }
}

/// The name that `getschema` prints for a type.
fn clr_name(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "System.SByte",
        Type::Int => "System.Int32",
        Type::Long => "System.Int64",
        Type::Real => "System.Double",
        Type::Decimal => "System.Data.SqlTypes.SqlDecimal",
        Type::DateTime => "System.DateTime",
        Type::TimeSpan => "System.TimeSpan",
        Type::Guid => "System.Guid",
        Type::String => "System.String",
        Type::Dynamic => "System.Object",
    }
}
