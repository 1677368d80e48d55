//! Calls of aggregates inside `summarize` and its like: collected beside the expression, which
//! sees their outputs as columns.

use super::function::{arities, named_after};
use super::signature::{self, Form, Result};
use super::{Binder, Env, Typed, column};
use crate::plan::{Aggregate, Column, Scalar, ScalarKind};
use crate::syntax::{Expr, Kind, Name, Span};
use crate::value::Type;

impl Binder<'_> {
    /// The outputs of a call of an aggregate, named as Kusto names them; `None` where `e` is no
    /// such call.
    pub(crate) fn aggregate_list(&mut self, e: &Expr, env: &Env<'_>) -> Option<Vec<Typed>> {
        let Kind::Call { name, arguments } = &*e.kind else { return None };
        if env.locals.find(&name.text).is_some() || signature::aggregate(&name.text).is_none() {
            return None;
        }
        self.aggregate(name, arguments, e.span, env)
    }

    /// The outputs of one call.
    pub(super) fn aggregate(
        &mut self,
        name: &Name,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Vec<Typed>> {
        let collected = env.aggregates?;
        let overloads = signature::aggregate(&name.text)?;
        let inside = Env { aggregates: None, ..env.clone() };
        let starred = overloads.iter().any(|overload| {
            overload.parameters.iter().any(|p| matches!(p.form, Form::Star | Form::StarOnly))
        });
        let mut given: Vec<Typed> = Vec::new();
        let mut written: Vec<Option<String>> = Vec::new();
        for argument in arguments {
            match &*argument.kind {
                Kind::Wildcard(text) if text == "*" && starred => {
                    let columns = env.row.columns();
                    let first = given.first().map(|typed| typed.value.clone());
                    for at in 0..columns.len() {
                        let value = column(columns, at);
                        let is_key = env.star.is_some_and(|allowed| !allowed.contains(&at));
                        if first.as_ref() == Some(&value) || is_key {
                            continue;
                        }
                        written.push(None);
                        given.push(Typed { value, name: Some(columns[at].name.clone()) });
                    }
                }
                kind => {
                    let typed = self.scalar(argument, &inside)?;
                    written.push(match kind {
                        Kind::Named { names, .. } => names.first().map(|n| n.text.clone()),
                        _ => None,
                    });
                    given.push(Typed { value: self.fold(typed.value), name: typed.name });
                }
            }
        }
        let mut best = None;
        let mut wrong = None;
        for overload in overloads {
            let (least, most) = overload.arity();
            if given.len() < least || given.len() > most {
                continue;
            }
            let mut score = 1;
            for (at, value) in given.iter().enumerate() {
                let Some(parameter) = overload.parameter(at, given.len()) else {
                    score = 0;
                    break;
                };
                let fits = self.fits(parameter.accepts, value.value.ty);
                if fits == 0 {
                    wrong.get_or_insert((at, parameter.accepts));
                    score = 0;
                    break;
                }
                score += fits;
            }
            if score > 0 && best.is_none_or(|(other, _)| score > other) {
                best = Some((score, overload));
            }
        }
        let Some((_, chosen)) = best else {
            match wrong {
                Some((at, accepts)) => {
                    let place = arguments.get(at).map_or(span, |argument| argument.span);
                    let ty = given[at].value.ty;
                    let needs = accepts.words();
                    let message = format!("`{}` needs {needs} here, not {ty}", name.text);
                    self.error("KQL313", place, message);
                }
                None => {
                    let (takes, n) = (arities(overloads), given.len());
                    let message = format!("`{}` takes {takes}, not {n} arguments", name.text);
                    self.error("KQL314", span, message);
                }
            }
            return None;
        };
        self.obsolete(name, chosen);
        let outputs = self.outputs(name, chosen, &given, &written, span)?;
        let base: usize = collected.borrow().iter().map(|a| a.outputs.len()).sum();
        let at = env.aggregates_at + base;
        let typed = outputs.iter().enumerate().map(|(i, output)| Typed {
            value: Scalar { kind: ScalarKind::Column(at + i), ty: output.ty },
            name: Some(output.name.clone()),
        });
        let typed: Vec<Typed> = typed.collect();
        collected.borrow_mut().push(Aggregate {
            function: canonical(&name.text).into(),
            arguments: given.into_iter().map(|typed| typed.value).collect(),
            outputs,
        });
        Some(typed)
    }

    fn outputs(
        &mut self,
        name: &Name,
        chosen: &signature::Signature,
        given: &[Typed],
        written: &[Option<String>],
        span: Span,
    ) -> Option<Vec<Column>> {
        let first = given.first();
        let first_name = first.and_then(|typed| typed.name.clone());
        let after = first_name.clone().unwrap_or_default();
        let function = name.text.as_str();
        Some(match function {
            "arg_max" | "arg_min" | "argmax" | "argmin" => {
                let old = !function.contains('_');
                let short = if function.ends_with("max") { "max" } else { "min" };
                let mut outputs = Vec::new();
                for (at, typed) in given.iter().enumerate() {
                    let own = written[at].clone().or_else(|| typed.name.clone());
                    let named = match (old, at, own) {
                        (true, 0, _) => format!("{short}_{after}"),
                        (true, at, own) => {
                            format!("{short}_{after}_{}", own.unwrap_or(format!("arg{at}")))
                        }
                        (false, _, Some(own)) => own,
                        (false, 0, None) => format!("{short}_"),
                        (false, at, None) => format!("{short}_{after}_arg{at}"),
                    };
                    outputs.push(Column::new(named, typed.value.ty));
                }
                outputs
            }
            "take_any" | "any" => given
                .iter()
                .map(|typed| {
                    let own = typed.name.clone();
                    let named = match function {
                        "any" => format!("any_{}", own.unwrap_or_default()),
                        _ => own.unwrap_or_else(|| "any_".to_owned()),
                    };
                    Column::new(named, typed.value.ty)
                })
                .collect(),
            "percentile" | "percentiles" | "percentilew" | "percentilesw" => {
                let ty = match first?.value.ty {
                    Type::Int => Type::Long,
                    Type::Decimal => Type::Real,
                    ty => ty,
                };
                let skip = if function.ends_with('w') { 2 } else { 1 };
                let mut outputs = Vec::new();
                for typed in &given[skip.min(given.len())..] {
                    let ScalarKind::Literal(value) = &typed.value.kind else {
                        self.error("KQL304", span, "the percentiles must be constants");
                        return None;
                    };
                    let text = value.to_text();
                    let text = text.strip_suffix(".0").unwrap_or(&text).replace('.', "_");
                    outputs.push(Column::new(format!("percentile_{after}_{text}"), ty));
                }
                outputs
            }
            "percentiles_array" | "percentilesw_array" => {
                vec![Column::new(format!("percentiles_{after}"), Type::Dynamic)]
            }
            _ => {
                let ty = match chosen.result {
                    Result::Fixed(ty) => ty,
                    Result::Promoted => match first?.value.ty {
                        Type::Int => Type::Long,
                        ty => ty,
                    },
                    Result::First => first?.value.ty,
                    _ => Type::Dynamic,
                };
                let named = named_after(function, chosen, given);
                vec![Column::new(named.unwrap_or_default(), ty)]
            }
        })
    }
}

/// One name for each aggregate; `makeset` and `makelist` keep theirs, because they hold fewer.
fn canonical(name: &str) -> &str {
    match name {
        "argmax" => "arg_max",
        "argmin" => "arg_min",
        "any" => "take_any",
        "anyif" => "take_anyif",
        "cnt" => "count",
        "make_dictionary" => "make_bag",
        other => other,
    }
}
