//! `search` and `find`: rows of many tables by a predicate in which a text alone stands for "any
//! column has it".

use std::collections::HashSet;

use super::super::naming::{Unified, make_unique, unify};
use super::union::Leg;
use super::{Binder, Column, Env, Expr, Kind, Op, Operator, Rel, Scalar, Type, Value};
use super::{call, column, literal, rel};
use crate::plan::{Named, Schema};
use crate::syntax::{BinaryOp, Literal, OperatorKind, Span};

impl Binder<'_> {
    pub(super) fn search(
        &mut self,
        operator: &Operator,
        flow: Option<Rel>,
        tables: &[Expr],
        predicate: &Expr,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let exact = self.property(operator, "kind", env).is_some_and(|k| k == "case_sensitive");
        let legs = match flow {
            Some(_) if !tables.is_empty() => {
                self.error("KQL250", operator.word, "search in (…) makes rows: it comes first");
                return None;
            }
            Some(rel) => {
                let label = match &*rel.op {
                    Op::Table { name } => name.clone(),
                    _ => String::new(),
                };
                vec![Leg { rel, label }]
            }
            None => self.searched(tables, env)?,
        };
        let schemas: Vec<&[Column]> = legs.iter().map(|leg| &leg.rel.schema[..]).collect();
        let all: Schema = unify(&schemas).into_iter().map(|one| one.column).collect();
        let term = if exact { "has_cs" } else { "has" };
        let mut kept = Vec::new();
        // The predicate is judged once over all columns, then bound for each table, where what a
        // table has not is empty.
        let whole = rel(Op::Rows(Vec::new()), all);
        let row = self.row_env(&whole, env);
        self.term(predicate, term, &row)?;
        let unified: Vec<Unified> = unify(&schemas);
        for (at, leg) in legs.iter().enumerate() {
            if !self.grow(leg.rel.schema.len() / 8, operator.span) {
                return None;
            }
            let judged = self.predicate_of(leg, at, &unified, predicate, term, env)?;
            let schema = leg.rel.schema.clone();
            let op = Op::Where { input: leg.rel.clone(), predicate: judged };
            kept.push(Leg { rel: rel(op, schema), label: leg.label.clone() });
        }
        self.bring_together(kept, false, Some("$table"), operator.span)
    }

    /// A predicate over the columns of one table of several.
    fn predicate_of(
        &mut self,
        leg: &Leg,
        at: usize,
        unified: &[Unified],
        predicate: &Expr,
        term: &'static str,
        env: &Env<'_>,
    ) -> Option<Scalar> {
        let whole: Schema = unified.iter().map(|one| one.column.clone()).collect();
        let whole = rel(Op::Rows(Vec::new()), whole);
        let row = self.row_env(&whole, env);
        let before = self.diagnostics.len();
        let bound = self.term(predicate, term, &row)?;
        // Findings were reported when the predicate was judged.
        self.diagnostics.truncate(before);
        let own = &leg.rel.schema;
        let values: Vec<Scalar> = unified.iter().map(|one| self.value_of(one, at, own)).collect();
        Some(self.fold(replaced(&bound, &values)))
    }

    /// The tables that are searched.
    fn searched(&mut self, tables: &[Expr], env: &Env<'_>) -> Option<Vec<Leg>> {
        if tables.is_empty() {
            let mut legs = self.tables_of(&everything(), env)?;
            // Views of the text are among them; a table that is searched twice is searched once.
            let mut seen = HashSet::new();
            legs.retain(|leg| seen.insert(leg.label.clone()));
            return Some(legs);
        }
        let mut legs = Vec::new();
        let mut ok = true;
        for table in tables {
            ok &= self.legs(table, false, env, &mut legs);
        }
        ok.then_some(legs)
    }

    /// A predicate of `search` or `find`.
    fn term(&mut self, e: &Expr, term: &'static str, env: &Env<'_>) -> Option<Scalar> {
        match &*e.kind {
            Kind::Paren(inner) => self.term(inner, term, env),
            Kind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
                // A chain of many parts is walked, not nested.
                let mut parts = vec![right];
                let mut first = left;
                while let Kind::Binary { op: inner, left, right } = &*first.kind
                    && inner == op
                {
                    parts.push(right);
                    first = left;
                }
                parts.push(first);
                let mut values = Vec::with_capacity(parts.len());
                for part in parts.into_iter().rev() {
                    values.push(self.deeper(e.span, || None, |b| b.term(part, term, env))?);
                }
                Some(call(op.text(), values, Type::Bool))
            }
            Kind::Wildcard(text) if text == "*" => Some(literal(Value::Bool(true), Type::Bool)),
            Kind::Binary { op, left, right } if is_star(left) => {
                let right = self.scalar(right, env)?.value;
                self.anywhere(op.text(), &right, e.span, env)
            }
            Kind::Literal(Literal::String { text, .. }) => {
                let needle = literal(Value::text(text), Type::String);
                self.anywhere(term, &needle, e.span, env)
            }
            Kind::Name(name) if !env.row.columns().iter().any(|c| c.name == *name) => {
                let typed = self.scalar(e, env)?;
                if typed.value.ty == Type::String {
                    return self.anywhere(term, &typed.value, e.span, env);
                }
                self.predicate(e, env)
            }
            _ => self.predicate(e, env),
        }
    }

    /// Whether any of the columns has it; numbers and dates are compared as text.
    pub(crate) fn anywhere(
        &mut self,
        op: &str,
        needle: &Scalar,
        span: Span,
        env: &Env<'_>,
    ) -> Option<Scalar> {
        let columns = env.row.columns();
        if !self.grow(1 + columns.len() / 2, span) {
            return None;
        }
        let has = columns.iter().enumerate().map(|(at, c)| {
            let value = match c.ty {
                Type::String => column(columns, at),
                _ => call("tostring", vec![column(columns, at)], Type::String),
            };
            call(op, vec![value, needle.clone()], Type::Bool)
        });
        let mut all: Vec<Scalar> = has.collect();
        Some(match all.len() {
            0 => literal(Value::Bool(false), Type::Bool),
            1 => all.remove(0),
            _ => call("or", all, Type::Bool),
        })
    }

    /// `find`: the source, the columns that are asked for, the rest in one bag.
    pub(super) fn find(&mut self, operator: &Operator, env: &Env<'_>) -> Option<Rel> {
        let OperatorKind::Find { tables, predicate, project, away, .. } = &operator.kind else {
            return None;
        };
        let legs = self.searched(tables, env)?;
        let source = self.property(operator, "withsource", env);
        let source = source.unwrap_or_else(|| "source_".to_owned());
        let schemas: Vec<&[Column]> = legs.iter().map(|leg| &leg.rel.schema[..]).collect();
        let known = by_name(&schemas);
        let whole = rel(Op::Rows(Vec::new()), known.clone());
        let row = self.row_env(&whole, env);
        let judged = self.term(predicate, "has", &row)?;
        let mut used = Vec::new();
        columns_in(predicate, &known, &mut used);
        let anywhere = stands_alone(predicate, &known);
        let of_use = |leg: &Leg| {
            legs.len() == 1
                || anywhere
                || used
                    .iter()
                    .any(|at: &usize| leg.rel.schema.iter().any(|c| c.name == known[*at].name))
        };
        let chosen: Vec<&Leg> = legs.iter().filter(|leg| of_use(leg)).collect();
        let _ = judged;
        let mut wanted: Schema = Vec::new();
        let mut packed = false;
        match project {
            Some(list) => {
                for e in list {
                    match asked(e) {
                        Asked::Pack => packed = true,
                        Asked::Column(name, ty) => match known.iter().find(|c| c.name == name) {
                            Some(c) => wanted.push(Column::new(name, ty.unwrap_or(c.ty))),
                            None => {
                                let message = format!("no table has a column `{name}`");
                                self.error("KQL202", e.span, message);
                                return None;
                            }
                        },
                        Asked::Nothing => {
                            self.error("KQL243", e.span, "the name of a column is needed");
                            return None;
                        }
                    }
                }
            }
            None => {
                wanted = common(&chosen);
                for at in &used {
                    if !wanted.iter().any(|c| c.name == known[*at].name) {
                        wanted.push(known[*at].clone());
                    }
                }
                let more = |leg: &&Leg| {
                    leg.rel.schema.iter().any(|c| !wanted.iter().any(|w| w.name == c.name))
                };
                packed = chosen.iter().any(more);
            }
        }
        for e in away {
            match &*e.kind {
                Kind::Wildcard(text) => {
                    wanted.retain(|c| !super::super::names::like(text, &c.name));
                    packed &= project.is_some() || text != "*";
                }
                Kind::Name(name) => wanted.retain(|c| c.name != *name),
                _ => {}
            }
        }
        let mut schema = vec![Column::new(source, Type::String)];
        schema.extend(wanted.iter().cloned());
        if packed {
            schema.push(Column::new("pack_", Type::Dynamic));
        }
        make_unique(&mut schema);
        let mut found = Vec::new();
        for leg in chosen {
            found.push(self.found(leg, &known, &wanted, packed, &schema, predicate, env)?);
        }
        if found.is_empty() {
            return Some(rel(Op::Rows(Vec::new()), schema));
        }
        if found.len() == 1 {
            return found.pop();
        }
        Some(rel(Op::Union { legs: found }, schema))
    }

    /// The rows of one table that `find` finds.
    #[expect(clippy::too_many_arguments, reason = "all of them are one table's part of a find")]
    fn found(
        &mut self,
        leg: &Leg,
        known: &Schema,
        wanted: &Schema,
        packed: bool,
        schema: &Schema,
        predicate: &Expr,
        env: &Env<'_>,
    ) -> Option<Rel> {
        // Columns that the table has not are empty, of the type that they have elsewhere.
        let values: Vec<Scalar> = known
            .iter()
            .map(|c| match leg.rel.schema.iter().position(|own| own.name == c.name) {
                Some(at) => self.brought(column(&leg.rel.schema, at), c.ty),
                None => literal(Value::absent(c.ty), c.ty),
            })
            .collect();
        let whole = super::computed(leg.rel.clone(), known.clone(), values.clone());
        let row = self.row_env(&whole, env);
        let before = self.diagnostics.len();
        let judged = self.term(predicate, "has", &row)?;
        self.diagnostics.truncate(before);
        let judged = self.fold(replaced(&judged, &values));
        let kept =
            rel(Op::Where { input: leg.rel.clone(), predicate: judged }, leg.rel.schema.clone());
        let mut out = vec![literal(Value::text(&leg.label), Type::String)];
        for c in wanted {
            let value = match kept.schema.iter().position(|own| own.name == c.name) {
                Some(at) => self.brought(column(&kept.schema, at), c.ty),
                None => literal(Value::absent(c.ty), c.ty),
            };
            out.push(value);
        }
        if packed {
            let mut members = Vec::new();
            for (at, own) in kept.schema.iter().enumerate() {
                if !wanted.iter().any(|c| c.name == own.name) {
                    members.push(literal(Value::text(&own.name), Type::String));
                    members.push(column(&kept.schema, at));
                }
            }
            out.push(call("bag_pack", members, Type::Dynamic));
        }
        let named = schema.iter().zip(out);
        let columns = named.map(|(c, value)| Named { name: c.name.clone(), value }).collect();
        Some(rel(Op::Project { input: kept, columns }, schema.clone()))
    }
}

/// What `find … project` asks for.
enum Asked<'e> {
    Column(&'e str, Option<Type>),
    Pack,
    Nothing,
}

fn asked(e: &Expr) -> Asked<'_> {
    match &*e.kind {
        Kind::Name(name) => Asked::Column(name, None),
        Kind::WithSchema { value, columns, .. } => match (&*value.kind, columns.first()) {
            (Kind::Name(name), Some(column)) => Asked::Column(name, Some(column.ty)),
            _ => Asked::Nothing,
        },
        Kind::Named { names, value, .. } => match (names.first(), &*value.kind) {
            (Some(name), Kind::Name(ty)) => Asked::Column(&name.text, Type::parse(ty)),
            (Some(name), Kind::TypeOf { columns, .. }) => {
                Asked::Column(&name.text, columns.first().map(|c| c.ty))
            }
            _ => Asked::Nothing,
        },
        Kind::Call { name, .. } if name.text == "pack" || name.text == "pack_all" => Asked::Pack,
        _ => Asked::Nothing,
    }
}

/// All tables.
fn everything() -> Expr {
    Expr { kind: Box::new(Kind::Wildcard("*".to_owned())), span: Default::default() }
}

fn is_star(e: &Expr) -> bool {
    matches!(&*e.kind, Kind::Wildcard(text) if text == "*")
}

/// A scalar with its columns replaced by values.
fn replaced(scalar: &Scalar, values: &[Scalar]) -> Scalar {
    use crate::plan::ScalarKind::*;
    let all = |list: &[Scalar]| list.iter().map(|one| replaced(one, values)).collect();
    let kind = match &scalar.kind {
        Column(at) => match values.get(*at) {
            Some(value) => return value.clone(),
            None => Column(*at),
        },
        Call { function, arguments } => {
            Call { function: function.clone(), arguments: all(arguments) }
        }
        Window { function, arguments } => {
            Window { function: function.clone(), arguments: all(arguments) }
        }
        InTable { function, value, table } => InTable {
            function: function.clone(),
            value: Box::new(replaced(value, values)),
            table: table.clone(),
        },
        other @ (Literal(_) | ToScalar(_) | ScanState { .. } | Graph { .. }) => other.clone(),
    };
    Scalar { kind, ty: scalar.ty }
}

/// Columns of several tables by name; where types differ it is the wider number, or dynamic.
fn by_name(schemas: &[&[Column]]) -> Schema {
    let mut all: Schema = Vec::new();
    for column in schemas.iter().copied().flatten() {
        match all.iter_mut().find(|c| c.name == column.name) {
            None => all.push(column.clone()),
            Some(known) if known.ty == column.ty => {}
            Some(known) => {
                known.ty = match (known.ty, column.ty) {
                    (Type::Int, Type::Long) | (Type::Long, Type::Int) => Type::Long,
                    (a, b) if a.is_number() && b.is_number() => Type::Real,
                    _ => Type::Dynamic,
                };
            }
        }
    }
    all
}

/// Columns that all tables have.
fn common(legs: &[&Leg]) -> Schema {
    let schemas: Vec<&[Column]> = legs.iter().map(|leg| &leg.rel.schema[..]).collect();
    let has = |leg: &&Leg, name: &str| leg.rel.schema.iter().any(|c| c.name == name);
    let mut columns = by_name(&schemas);
    columns.retain(|c| legs.iter().all(|leg| has(leg, &c.name)));
    columns
}

/// Columns that an expression names, in the order of the text.
fn columns_in(e: &Expr, known: &Schema, used: &mut Vec<usize>) {
    let mut open = vec![e];
    while let Some(e) = open.pop() {
        match &*e.kind {
            Kind::Name(name) => {
                if let Some(at) = known.iter().position(|c| c.name == *name)
                    && !used.contains(&at)
                {
                    used.push(at);
                }
            }
            Kind::Member(base, _) | Kind::Paren(base) | Kind::Unary(_, base) => open.push(base),
            Kind::Element(base, index) => open.extend([index, base]),
            Kind::Call { arguments, .. } => open.extend(arguments.iter().rev()),
            Kind::Binary { left, right, .. } => open.extend([right, left]),
            Kind::List { left, items, .. } => {
                open.extend(items.iter().rev());
                open.push(left);
            }
            Kind::Between { value, low, high, .. } => open.extend([high, low, value]),
            Kind::Named { value, .. } => open.push(value),
            _ => {}
        }
    }
}

/// Whether a predicate looks into all columns: `*`, or a text alone.
fn stands_alone(e: &Expr, known: &Schema) -> bool {
    let mut open = vec![e];
    while let Some(e) = open.pop() {
        match &*e.kind {
            Kind::Paren(inner) => open.push(inner),
            Kind::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
                open.extend([left, right]);
            }
            Kind::Binary { left, .. } if is_star(left) => return true,
            Kind::Wildcard(_) | Kind::Literal(Literal::String { .. }) => return true,
            Kind::Name(name) if !known.iter().any(|c| c.name == *name) => return true,
            _ => {}
        }
    }
    false
}
