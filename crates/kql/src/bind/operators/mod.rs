//! Tabular operators: from the tree to the plan. Each gets the rows that flow in and says what
//! flows out; the columns that come out have the names and the order that Kusto gives them.

mod expand;
mod find;
mod graph;
mod inputs;
mod join;
mod misc;
mod parse;
mod partition;
mod plugin;
mod project;
mod scan;
mod series;
mod shape;
mod source;
mod summarize;
mod top;
mod union;

use super::measure::{HEIGHT_MAX, measure};
pub(super) use inputs::{inputs, serialized};

use super::naming::Part;
use super::{Binder, Bound, Env, Item, Row, Typed, call, column, literal, rel};
use crate::plan::{Column, Named, Op, PluginArgument, Rel, Scalar, ScalarKind, Schema};
use crate::syntax::{Expr, Kind, Operator, OperatorKind, Property, Span};
use crate::value::{Type, Value};

impl Binder<'_> {
    /// A pipe: its source and the operators behind it. Without a source the rows are those that
    /// the environment holds (`mv-apply`, `partition`, `fork`), or the first operator makes them.
    pub(super) fn pipe(
        &mut self,
        source: Option<&Expr>,
        operators: &[Operator],
        env: &Env<'_>,
    ) -> Bound {
        let mut env = Env { inner: env.inner, ..Env::of(env.locals.clone()) };
        // A fuzzy union forgives what flows into it, too.
        let fuzzy = operators.iter().position(union::is_fuzzy);
        let (before, after) = operators.split_at(fuzzy.unwrap_or(0));
        let flow = match source {
            None if before.is_empty() => Some(env.inner.cloned()),
            Some(source) if fuzzy.is_none() => self.tabular(source, &env).map(Some),
            source => {
                let flow = self.forgiving(|binder| {
                    let flow = match source {
                        Some(source) => Some(binder.tabular(source, &env)?),
                        None => env.inner.cloned(),
                    };
                    binder.steps(flow, before, &mut env)
                });
                flow.map(|flow| flow.or_else(|| Some(super::nothing())))
            }
        };
        let bound = flow.and_then(|flow| self.steps(flow, after, &mut env));
        bound.map_or(Bound::Failed, Bound::Table)
    }

    /// The operators one after the other.
    fn steps(
        &mut self,
        mut flow: Option<Rel>,
        operators: &[Operator],
        env: &mut Env<'_>,
    ) -> Option<Rel> {
        for operator in operators {
            if !self.grow(1, operator.span) {
                return None;
            }
            let next = self.operator(operator, flow, env)?;
            if !self.grow(next.schema.len() / 16, operator.span) {
                return None;
            }
            if measure(&next).height > HEIGHT_MAX {
                self.error("KQL402", operator.span, "the query has too many operators in a row");
                return None;
            }
            flow = Some(next);
        }
        flow
    }

    fn operator(
        &mut self,
        operator: &Operator,
        flow: Option<Rel>,
        env: &mut Env<'_>,
    ) -> Option<Rel> {
        use OperatorKind::*;
        let word = operator.word;
        match &operator.kind {
            Print(_) | Range { .. } if flow.is_some() => {
                self.error("KQL250", word, "this operator makes rows: it comes first");
                return None;
            }
            Print(values) => return self.print_operator(values, env),
            Range { name, from, to, step } => return self.range(name, from, to, step, env),
            Union(legs) => return self.union(operator, flow, legs, env),
            Find { .. } => return self.find(operator, env),
            Search { tables, predicate } => {
                return self.search(operator, flow, tables, predicate, env);
            }
            Evaluate(plugin) => return self.evaluate(flow, plugin, env),
            MacroExpand { group, scope, body } => {
                return self.macro_expand(group, scope.as_ref(), body, word, env);
            }
            Unknown => return None,
            _ => {}
        }
        let Some(input) = flow else {
            self.error("KQL251", word, "this operator needs rows: put a table and `|` before it");
            return None;
        };
        let takes_graphs = matches!(
            &operator.kind,
            As(_) | GraphMatch { .. } | GraphMarkComponents | GraphToTable(_) | GraphWhere { .. }
        );
        if graph::is_graph(&input) && !takes_graphs {
            let hint = "ask it first: graph-match, graph-to-table".to_owned();
            let message = "this operator takes no graph";
            self.error_hint("KQL260", word, message, Some(hint));
            return None;
        }
        match &operator.kind {
            As(name) => Some(self.as_name(name, input, &operator.properties, env)),
            AssertSchema(columns) => self.assert_schema(input, columns, word),
            Consume => Some(rel(Op::Consume { input }, Vec::new())),
            Count => {
                let name = self.property(operator, "as", env);
                Some(self.count(input, name.as_deref().unwrap_or("Count")))
            }
            Distinct(values) => self.distinct(input, values, env),
            ExecuteAndCache => Some(input),
            Extend(values) => self.extend(input, values, env),
            Facet { by, with } => self.facet(input, by, with.as_ref(), env),
            Fork(legs) => self.fork(input, legs, env),
            GetSchema => Some(self.get_schema(&input, operator)),
            GraphMatch { .. }
            | GraphMarkComponents
            | GraphToTable(_)
            | GraphWhere { .. }
            | MakeGraph { .. } => self.graph(input, operator, env),
            Invoke(function) => self.invoke(input, function, env),
            Join { right, on, condition } => {
                self.join(input, operator, right, on, condition.as_ref(), env)
            }
            Lookup { right, on } => self.lookup(input, operator, right, on, env),
            MakeSeries { .. } => self.make_series(input, operator, env),
            MvExpand { columns, limit, legacy } => {
                let limit = limit.as_ref();
                self.mv_expand(input, operator, columns, limit, *legacy, env)
            }
            MvApply { columns, limit, on, .. } => {
                self.mv_apply(input, operator, columns, limit.as_ref(), on, env)
            }
            Parse { value, pattern, only_matching } => {
                self.parse_operator(input, operator, value, pattern, *only_matching, env)
            }
            ParseKv { value, columns, options } => {
                self.parse_kv(input, value, columns, options, env)
            }
            Partition { by, body, legacy, .. } => self.partition(input, by, body, *legacy, env),
            Project(values) => self.project(input, values, env),
            ProjectAway(names) => self.project_away(input, names, env),
            ProjectByNames(names) => self.project_by_names(input, names, env),
            ProjectKeep(names) => self.project_keep(input, names, env),
            ProjectRename(names) => self.project_rename(input, names, env),
            ProjectReorder(names) => self.project_reorder(input, names, env),
            Reduce { by, options } => self.reduce(input, operator, by, options, env),
            Render { visualisation, options } => {
                Some(self.render(input, visualisation, options, &operator.properties, env))
            }
            Sample(count) => {
                let count = self.whole(count, env)?;
                let schema = input.schema.clone();
                Some(rel(Op::Sample { input, count }, schema))
            }
            SampleDistinct { count, of } => self.sample_distinct(input, count, of, env),
            Scan { .. } => self.scan(input, operator, env),
            Serialize(values) => self.serialize(input, values, env),
            Sort(keys) => self.sort(input, keys, env),
            Summarize { aggregates, by } => self.summarize(input, aggregates, by, word, env),
            Take(count) => {
                let count = self.whole(count, env)?;
                let schema = input.schema.clone();
                Some(rel(Op::Take { input, count }, schema))
            }
            Top { count, by } => self.top(input, count, by, env),
            TopHitters { count, of, by } => self.top_hitters(input, count, of, by.as_ref(), env),
            TopNested(clauses) => self.top_nested(input, clauses, env),
            Where(predicate) => {
                let row = self.row_env(&input, env);
                let predicate = self.predicate(predicate, &row);
                let schema = input.schema.clone();
                Some(match predicate {
                    Some(predicate) => rel(Op::Where { input, predicate }, schema),
                    None => input,
                })
            }
            Print(_)
            | Range { .. }
            | Union(_)
            | Find { .. }
            | Search { .. }
            | Evaluate(_)
            | MacroExpand { .. }
            | Unknown => None,
        }
    }

    /// The environment of expressions over the rows of `input`.
    fn row_env<'e>(&mut self, input: &'e Rel, env: &Env<'e>) -> Env<'e> {
        let row_id = self.new_row();
        Env { serialized: serialized(input), ..env.over(&input.schema, row_id) }
    }

    /// A condition.
    fn predicate(&mut self, e: &Expr, env: &Env<'_>) -> Option<Scalar> {
        let typed = self.scalar(e, env)?;
        match typed.value.ty {
            Type::Bool => Some(typed.value),
            Type::Dynamic if self.unsure() => Some(call("tobool", vec![typed.value], Type::Bool)),
            ty => {
                let hint = (ty == Type::Dynamic).then(|| "convert it: tobool(…)".to_owned());
                let message = format!("a condition is of type bool, not {ty}");
                self.error_hint("KQL320", e.span, message, hint);
                None
            }
        }
    }

    /// A number of rows.
    fn whole(&mut self, e: &Expr, env: &Env<'_>) -> Option<Scalar> {
        let typed = self.scalar(e, &Env::of(env.locals.clone()))?;
        let ty = typed.value.ty;
        if ty.is_integer() || (ty == Type::Dynamic && self.unsure()) {
            return Some(typed.value);
        }
        self.error("KQL321", e.span, format!("a whole number is needed, not {ty}"));
        None
    }

    /// A number of rows that is fixed.
    fn whole_constant(&mut self, e: &Expr, env: &Env<'_>) -> Option<u64> {
        let value = self.whole(e, env)?;
        match value.kind {
            ScalarKind::Literal(value) => {
                Some(value.as_integer().and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
            }
            _ => {
                self.error("KQL304", e.span, "a constant is needed");
                None
            }
        }
    }

    /// Refuses a dynamic where rows are grouped or sorted.
    fn not_dynamic(&mut self, ty: Type, span: Span) -> bool {
        if ty != Type::Dynamic || self.unsure() {
            return true;
        }
        let hint = "convert it: tostring(…)".to_owned();
        let message = "a dynamic value cannot be grouped or sorted by";
        self.error_hint("KQL322", span, message, Some(hint));
        false
    }

    /// Whether types of columns are not sure: a table of the query, or its columns, is not known.
    pub(super) fn unsure(&self) -> bool {
        self.open || self.absent
    }

    /// The values of an expression, each as a column to be; nothing where it failed.
    fn parts<'e>(&mut self, e: &'e Expr, env: &Env<'_>) -> Option<Vec<Part<'e>>> {
        let (names, value) = match &*e.kind {
            Kind::Ordered { value, .. } => return self.parts(value, env),
            Kind::Named { names, value, .. } => (&names[..], value),
            _ => (&[][..], e),
        };
        let before = self.diagnostics.len();
        let values = match (env.aggregates.is_some(), value) {
            (true, value) => match self.aggregate_list(value, env) {
                Some(values) => values,
                None if self.diagnostics.len() > before => return None,
                None => vec![self.scalar(value, env)?],
            },
            (false, value) => self.scalars_of(value, env),
        };
        if values.is_empty() {
            return None;
        }
        // Some aggregates give a list of columns even where it has one.
        let several = values.len() > 1
            || (env.aggregates.is_some()
                && matches!(&*value.kind, Kind::Call { name, .. } if lists(&name.text)));
        if names.len() > values.len() {
            let extra = &names[values.len()];
            let message = format!("there is no value for the name `{}`", extra.text);
            self.error("KQL241", extra.span, message);
            return None;
        }
        let parts = values.into_iter().enumerate().map(|(at, typed)| Part {
            declared: names.get(at),
            typed,
            tuple: several,
            span: value.span,
        });
        Some(parts.collect())
    }

    /// Columns that a list of names and patterns stands for, in the order of the list.
    fn columns_named(&mut self, list: &[Expr], input: &Rel, env: &Env<'_>) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut failed = false;
        for e in list {
            match self.columns_of(e, input, env) {
                Some(columns) => found.extend(columns),
                None => failed = true,
            }
        }
        (!failed).then_some(found)
    }

    /// Columns that a name or pattern stands for.
    fn columns_of(&mut self, e: &Expr, input: &Rel, env: &Env<'_>) -> Option<Vec<usize>> {
        let schema = &input.schema;
        match &*e.kind {
            Kind::Ordered { value, .. } => self.columns_of(value, input, env),
            Kind::Paren(inner) => self.columns_of(inner, input, env),
            Kind::Named { .. } => {
                self.error("KQL243", e.span, "the name of a column is needed");
                None
            }
            Kind::Wildcard(pattern) => {
                let like = |c: &Column| super::names::like(pattern, &c.name);
                let found: Vec<usize> =
                    schema.iter().enumerate().filter(|(_, c)| like(c)).map(|(at, _)| at).collect();
                if found.is_empty() && !self.unsure() {
                    let message = format!("no column is like `{pattern}`");
                    self.error("KQL242", e.span, message);
                    return None;
                }
                Some(found)
            }
            _ => {
                let before = self.diagnostics.len();
                let row = self.row_env(input, env);
                let typed = self.scalar(e, &row);
                let at = typed.as_ref().and_then(|typed| super::naming::column_of(typed, schema));
                if at.is_none() && self.diagnostics.len() == before {
                    if self.unsure() {
                        return Some(Vec::new());
                    }
                    self.error("KQL243", e.span, "the name of a column is needed");
                }
                at.map(|at| vec![at])
            }
        }
    }

    /// One column by its name.
    fn one_column(&mut self, e: &Expr, input: &Rel, env: &Env<'_>) -> Option<usize> {
        if let Kind::Wildcard(_) = &*e.kind {
            self.error("KQL243", e.span, "the name of one column is needed");
            return None;
        }
        self.columns_of(e, input, env)?.first().copied()
    }

    /// The text of a property that is a name, a literal or a constant.
    fn property(&mut self, operator: &Operator, name: &str, env: &Env<'_>) -> Option<String> {
        let property = operator.properties.iter().find(|p| p.name.text == name)?;
        self.property_text(property, env)
    }

    fn property_text(&mut self, property: &Property, env: &Env<'_>) -> Option<String> {
        match &*property.value.kind {
            Kind::Name(text) => Some(text.clone()),
            _ => {
                let constants = Env::of(env.locals.clone());
                let (value, _) = self.constant(&property.value, &constants)?;
                Some(value.to_text().to_string())
            }
        }
    }

    /// Keeps a table's rows so that several may read them.
    fn share(&mut self, input: Rel) -> Rel {
        if matches!(*input.op, Op::Shared(_)) {
            return input;
        }
        let schema = input.schema.clone();
        self.shared.push(input);
        rel(Op::Shared(self.shared.len() - 1), schema)
    }
}

/// Whether an aggregate gives a list of columns.
fn lists(aggregate: &str) -> bool {
    matches!(
        aggregate,
        "arg_max"
            | "arg_min"
            | "argmax"
            | "argmin"
            | "take_any"
            | "any"
            | "percentile"
            | "percentiles"
            | "percentilew"
            | "percentilesw"
    )
}

/// Columns of `input` at these positions.
fn pick(input: Rel, positions: &[usize]) -> Rel {
    let columns: Vec<Named> = positions
        .iter()
        .map(|at| Named { name: input.schema[*at].name.clone(), value: column(&input.schema, *at) })
        .collect();
    let schema = positions.iter().map(|at| input.schema[*at].clone()).collect();
    rel(Op::Project { input, columns }, schema)
}

/// Columns of these names and values, over the rows of `input`.
fn computed(input: Rel, schema: Schema, values: Vec<Scalar>) -> Rel {
    let same = schema.len() == input.schema.len()
        && values.iter().enumerate().all(|(at, v)| v.kind == ScalarKind::Column(at))
        && schema == input.schema;
    if same {
        return input;
    }
    let named = schema.iter().zip(values);
    let columns = named.map(|(c, value)| Named { name: c.name.clone(), value }).collect();
    rel(Op::Project { input, columns }, schema)
}
