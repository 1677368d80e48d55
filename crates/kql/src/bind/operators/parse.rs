//! `parse`, `parse-where` and `parse-kv`.

use std::collections::HashSet;

use super::{Binder, Column, Env, Expr, Op, Rel, Scalar, Type, Value, call, rel};
use crate::plan::{self, ParseKind};
use crate::syntax::{ColumnDeclaration, Name, Operator, ParsePart};

impl Binder<'_> {
    pub(super) fn parse_operator(
        &mut self,
        input: Rel,
        operator: &Operator,
        value: &Expr,
        pattern: &[ParsePart],
        only_matching: bool,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let row = self.row_env(&input, env);
        let value = self.scalar(value, &row).map(|typed| as_text(typed.value));
        let kind = match self.property(operator, "kind", env).as_deref() {
            None | Some("simple") => ParseKind::Simple,
            Some("regex") => ParseKind::Regex,
            Some("relaxed") => ParseKind::Relaxed,
            Some(other) => {
                let message = format!("parse is simple, regex or relaxed, not `{other}`");
                self.error("KQL262", operator.word, message);
                return None;
            }
        };
        let flags = self.property(operator, "flags", env).unwrap_or_default();
        let mut schema = input.schema.clone();
        let mut parts = Vec::new();
        let mut columns = Vec::new();
        let mut names: HashSet<&str> = HashSet::new();
        let mut ok = self.pattern_is_clear(pattern);
        for part in pattern {
            match part {
                ParsePart::Star(_) => parts.push(plan::ParsePart::Star),
                ParsePart::Text(text) => match self.constant(text, &Env::of(env.locals.clone())) {
                    Some((value, _)) => {
                        parts.push(plan::ParsePart::Text(value.to_text().to_string()));
                    }
                    None => ok = false,
                },
                ParsePart::Column { name, ty } => {
                    if !names.insert(&name.text) {
                        self.twice(name);
                        ok = false;
                        continue;
                    }
                    let ty = ty.unwrap_or(Type::String);
                    parts.push(plan::ParsePart::Capture(columns.len()));
                    columns.push((put(&mut schema, name, ty), ty));
                }
            }
        }
        let value = value?;
        let op = Op::Parse { input, value, kind, flags, pattern: parts, columns, only_matching };
        ok.then(|| rel(op, schema))
    }

    /// Whether each part of a pattern has a clear end.
    fn pattern_is_clear(&mut self, pattern: &[ParsePart]) -> bool {
        let mut ok = true;
        for (at, part) in pattern.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| pattern.get(at));
            let wrong = match part {
                ParsePart::Text(_) => None,
                ParsePart::Star(span) => match (before, pattern.get(at + 1)) {
                    (_, Some(ParsePart::Star(_) | ParsePart::Column { .. })) => {
                        Some((*span, "after `*` a text must follow"))
                    }
                    (Some(ParsePart::Column { ty: None | Some(Type::String), .. }), _) => {
                        Some((*span, "`*` after a column of text is ambiguous: give it a type"))
                    }
                    _ => None,
                },
                ParsePart::Column { name, .. } => match before {
                    Some(ParsePart::Star(_) | ParsePart::Column { .. }) => {
                        Some((name.span, "before a column a text must stand"))
                    }
                    _ => None,
                },
            };
            if let Some((span, message)) = wrong {
                self.error("KQL247", span, message);
                ok = false;
            }
        }
        ok
    }

    pub(super) fn parse_kv(
        &mut self,
        input: Rel,
        value: &Expr,
        keys: &[ColumnDeclaration],
        options: &[(Name, Expr)],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let row = self.row_env(&input, env);
        let value = self.scalar(value, &row).map(|typed| as_text(typed.value));
        let mut schema = input.schema.clone();
        let mut columns = Vec::new();
        let mut names: HashSet<&str> = HashSet::new();
        let mut ok = true;
        for key in keys {
            if !names.insert(&key.name.text) {
                self.twice(&key.name);
                ok = false;
                continue;
            }
            columns.push((key.name.text.clone(), put(&mut schema, &key.name, key.ty), key.ty));
        }
        let options = self.options_of(options, env)?;
        let op = Op::ParseKv { input, value: value?, columns, options };
        ok.then(|| rel(op, schema))
    }

    /// Options and their constants; a bare name is its text.
    pub(super) fn options_of(
        &mut self,
        options: &[(Name, Expr)],
        env: &Env<'_>,
    ) -> Option<Vec<(String, Value)>> {
        let constants = Env::of(env.locals.clone());
        let mut all = Vec::new();
        for (name, value) in options {
            let value = match &*value.kind {
                super::Kind::Name(text) if env.locals.find(text).is_none() => Value::text(text),
                _ => self.constant(value, &constants)?.0,
            };
            all.push((name.text.clone(), value));
        }
        Some(all)
    }
}

/// A value as text.
pub(super) fn as_text(value: Scalar) -> Scalar {
    match value.ty {
        Type::String => value,
        _ => call("tostring", vec![value], Type::String),
    }
}

/// Puts a column into a schema: in the place of one of the same name, else at the end.
fn put(schema: &mut Vec<Column>, name: &Name, ty: Type) -> usize {
    match schema.iter().position(|c| c.name == name.text) {
        Some(at) => {
            schema[at].ty = ty;
            at
        }
        None => {
            schema.push(Column::new(&*name.text, ty));
            schema.len() - 1
        }
    }
}
