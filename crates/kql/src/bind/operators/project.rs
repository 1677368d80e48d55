//! Columns chosen, made, renamed and put in another order: `project` and its family, `extend`,
//! `serialize`, `print`.

use std::collections::HashSet;

use super::super::naming::{Outputs, Style, Twice};
use super::{Binder, Column, Env, Expr, Kind, Op, Rel, Scalar, ScalarKind, Type, Typed, Value};
use super::{column, computed, literal, pick, rel};

impl Binder<'_> {
    /// Places the values of a list; says whether all could be read.
    pub(super) fn place_all(
        &mut self,
        outputs: &mut Outputs<Scalar>,
        values: &[Expr],
        style: Style,
        env: &Env<'_>,
    ) -> bool {
        let mut ok = true;
        for value in values {
            let Some(parts) = self.parts(value, env) else {
                ok = false;
                continue;
            };
            for part in parts {
                let (ty, scalar) = (part.typed.value.ty, part.typed.value.clone());
                self.place(outputs, part, ty, scalar, style, env);
            }
        }
        ok
    }

    pub(super) fn project(&mut self, input: Rel, values: &[Expr], env: &Env<'_>) -> Option<Rel> {
        let mut outputs = Outputs::default();
        let row = self.row_env(&input, env);
        let ok = self.place_all(&mut outputs, values, Style::Plain, &row);
        let (schema, scalars) = outputs.into_parts();
        ok.then(|| computed(input, schema, scalars))
    }

    pub(super) fn extend(&mut self, input: Rel, values: &[Expr], env: &Env<'_>) -> Option<Rel> {
        self.widened(input, values, Style::Extend, env)
    }

    pub(super) fn serialize(&mut self, input: Rel, values: &[Expr], env: &Env<'_>) -> Option<Rel> {
        let schema = input.schema.clone();
        let input = rel(Op::Serialize { input }, schema);
        self.widened(input, values, Style::Plain, env)
    }

    fn widened(&mut self, input: Rel, values: &[Expr], style: Style, env: &Env<'_>) -> Option<Rel> {
        let mut outputs = Outputs::of(&input.schema, |at| column(&input.schema, at));
        let row = self.row_env(&input, env);
        let ok = self.place_all(&mut outputs, values, style, &row);
        let (schema, scalars) = outputs.into_parts();
        ok.then(|| computed(input, schema, scalars))
    }

    pub(super) fn project_away(
        &mut self,
        input: Rel,
        names: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let away: HashSet<usize> = self.columns_named(names, &input, env)?.into_iter().collect();
        let rest: Vec<usize> = (0..input.schema.len()).filter(|at| !away.contains(at)).collect();
        Some(pick(input, &rest))
    }

    pub(super) fn project_keep(
        &mut self,
        input: Rel,
        names: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let kept: HashSet<usize> = self.columns_named(names, &input, env)?.into_iter().collect();
        let rest: Vec<usize> = (0..input.schema.len()).filter(|at| kept.contains(at)).collect();
        Some(pick(input, &rest))
    }

    pub(super) fn project_rename(
        &mut self,
        input: Rel,
        names: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let mut outputs = Outputs::of(&input.schema, |at| column(&input.schema, at));
        let mut ok = true;
        for e in names {
            let Kind::Named { names, value, .. } = &*e.kind else {
                self.error("KQL244", e.span, "write `new = old` to rename a column");
                ok = false;
                continue;
            };
            let Some(at) = self.one_column(value, &input, env) else {
                if self.unsure()
                    && let Some(name) = names.first()
                {
                    // A column that may be there: it is empty here.
                    let absent = literal(Value::Null, Type::Dynamic);
                    outputs.add(Column::new(&*name.text, Type::Dynamic), absent, None, true);
                    continue;
                }
                ok = false;
                continue;
            };
            if let Some(name) = names.first()
                && let Err(Twice) = outputs.rename(&input.schema[at].name, &name.text)
            {
                self.twice(name);
                ok = false;
            }
        }
        let (schema, scalars) = outputs.into_parts();
        ok.then(|| computed(input, schema, scalars))
    }

    pub(super) fn project_reorder(
        &mut self,
        input: Rel,
        names: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let mut order: Vec<usize> = Vec::new();
        let mut written = HashSet::new();
        let mut ok = true;
        for e in names {
            let Some(mut found) = self.columns_of(e, &input, env) else {
                ok = false;
                continue;
            };
            let (name, descending, natural) = match &*e.kind {
                Kind::Ordered { value, descending, natural, .. } => (value, *descending, *natural),
                _ => (e, None, false),
            };
            if let Kind::Wildcard(text) = &*name.kind {
                if let Some(descending) = descending {
                    let key = |at: &usize| name_key(&input.schema[*at].name, natural);
                    found.sort_by_cached_key(key);
                    if descending {
                        found.reverse();
                    }
                }
                found.retain(|at| !order.contains(at));
                if text == "*" {
                    order.extend(found);
                    continue;
                }
            } else if let [at] = found[..]
                && written.contains(&at)
            {
                let message = format!("the column `{}` is there twice", input.schema[at].name);
                self.error("KQL240", e.span, message);
                ok = false;
                continue;
            }
            written.extend(found.iter().copied());
            found.retain(|at| !order.contains(at));
            order.extend(found);
        }
        order.extend((0..input.schema.len()).filter(|at| !order.contains(at)).collect::<Vec<_>>());
        ok.then(|| pick(input, &order))
    }

    /// `project-by-names`: texts and arrays of texts, perhaps with `*`.
    pub(super) fn project_by_names(
        &mut self,
        input: Rel,
        names: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let mut order: Vec<usize> = Vec::new();
        let constants = Env::of(env.locals.clone());
        for e in names {
            let (value, _) = self.constant(e, &constants)?;
            let mut patterns = Vec::new();
            match &value {
                Value::Dynamic(json) => match &**json {
                    crate::value::Json::Array(all) => {
                        patterns.extend(all.iter().map(|one| Value::of_json(one).to_text()));
                    }
                    _ => patterns.push(value.to_text()),
                },
                value => patterns.push(value.to_text()),
            }
            for pattern in patterns {
                for (at, column) in input.schema.iter().enumerate() {
                    if super::super::names::like(&pattern, &column.name) && !order.contains(&at) {
                        order.push(at);
                    }
                }
            }
        }
        Some(pick(input, &order))
    }

    pub(super) fn print_operator(&mut self, values: &[Expr], env: &Env<'_>) -> Option<Rel> {
        let mut outputs = Outputs::default();
        let mut ok = true;
        let constants = Env::of(env.locals.clone());
        for (at, value) in values.iter().enumerate() {
            let Some(mut parts) = self.parts(value, &constants) else {
                ok = false;
                continue;
            };
            let several = parts.len() > 1;
            if several && parts[0].declared.is_some() {
                // Values without a written name are not shown then.
                parts.retain(|part| part.declared.is_some());
            }
            for mut part in parts {
                if !several {
                    part.typed.name = Some(format!("print_{at}"));
                }
                let (ty, scalar) = (part.typed.value.ty, part.typed.value.clone());
                self.place(&mut outputs, part, ty, scalar, Style::Print, &constants);
            }
        }
        let (schema, scalars) = outputs.into_parts();
        ok.then(|| computed(one_row(), schema, scalars))
    }

    /// One row of these values: what a query that is a scalar gives.
    pub(in super::super) fn print(&mut self, values: Vec<Typed>) -> Rel {
        let schema = values
            .iter()
            .enumerate()
            .map(|(at, typed)| Column::new(format!("print_{at}"), typed.value.ty))
            .collect();
        let scalars = values.into_iter().map(|typed| typed.value).collect();
        computed(one_row(), schema, scalars)
    }
}

/// One row without columns.
fn one_row() -> Rel {
    rel(Op::Rows(vec![Vec::new()]), Vec::new())
}

/// Whether a scalar is a constant.
pub(super) fn constant_value(value: &Scalar) -> Option<&Value> {
    match &value.kind {
        ScalarKind::Literal(value) => Some(value),
        _ => None,
    }
}

/// What names are sorted by: case does not count; with `natural`, fewer digits come first.
fn name_key(name: &str, natural: bool) -> Vec<(usize, String)> {
    let name = name.to_lowercase();
    if !natural {
        return vec![(0, name)];
    }
    let mut parts: Vec<(usize, String)> = Vec::new();
    for c in name.chars() {
        match parts.last_mut() {
            Some((digits, part)) if (*digits > 0) == c.is_ascii_digit() => {
                *digits += usize::from(*digits > 0);
                part.push(c);
            }
            _ => parts.push((usize::from(c.is_ascii_digit()), c.to_string())),
        }
    }
    parts
}
