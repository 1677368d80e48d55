//! Calls of built-in scalar functions: the overload, the type of the result, the column's name.

use super::chain::widest;
use super::env::Bound;
use super::signature::{self, Accepts, Form, Naming, Result, Signature};
use super::{Binder, Env, Typed, column, literal, outputs};
use crate::diagnostic::{Diagnostic, Severity};
use crate::functions;
use crate::plan::{Scalar, ScalarKind};
use crate::syntax::{Expr, Kind, Name, Span};
use crate::value::{TICKS_PER_HOUR, Type, Value};

/// Functions that see the rows around.
const WINDOW: [&str; 8] = [
    "prev",
    "next",
    "row_number",
    "row_cumsum",
    "row_rank",
    "row_rank_dense",
    "row_rank_min",
    "row_window_session",
];

/// Functions whose arguments are regular expressions, and which of them.
const PATTERNS: [(&str, usize); 9] = [
    ("extract", 0),
    ("extract_all", 0),
    ("replace", 0),
    ("replace_regex", 1),
    ("trim", 0),
    ("trim_start", 0),
    ("trim_end", 0),
    ("indexof_regex", 1),
    ("countof_regex", 1),
];

/// The arguments of a call, typed.
struct Arguments {
    values: Vec<Typed>,
    /// `typeof(…)`, wherever it stood
    type_literal: Option<Type>,
    /// Names written before arguments (`array_sort_asc(a, b=c)`)
    names: Vec<Option<String>>,
}

impl Binder<'_> {
    /// A call of a built-in function.
    pub(super) fn function(
        &mut self,
        name: &Name,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Typed> {
        let overloads = signature::function(&name.text)?;
        match name.text.as_str() {
            "column_ifexists" | "columnifexists" => {
                return self.column_if_exists(arguments, span, env);
            }
            "column_names_of" => return self.column_names_of(arguments, span, env),
            "iscolumnexists" => return self.is_column_exists(arguments, span, env),
            "pack_all" => return self.pack_all(arguments, span, env),
            _ => {}
        }
        let given = self.arguments_of(overloads, arguments, env)?;
        let chosen = self.choose(name, overloads, arguments, &given, span)?;
        self.check_pattern(name, arguments, &given);
        self.obsolete(name, chosen);
        let ty = self.result_of(name, chosen, &given, span)?;
        let named = named_after(&name.text, chosen, &given.values);
        let window = WINDOW.contains(&name.text.as_str());
        if window && !env.serialized {
            // Kusto refuses this when it runs; here the rows come in the order of their input.
            let message = format!("`{}` sees rows that have no order", name.text);
            let found = Diagnostic::warning("KQL312", span, message);
            self.diagnostics.push(found.hint("put `sort by …` or `serialize` before it"));
        }
        let several = outputs::several(&name.text).is_some();
        let first_type = several.then_some(()).and(outputs::several_first(&name.text));
        let named_values = name.text == "bag_pack_columns";
        let mut values = Vec::new();
        for typed in given.values {
            if named_values {
                let column = typed.name.unwrap_or_default();
                values.push(literal(Value::text(column), Type::String));
            }
            values.push(typed.value);
        }
        if let Some(ty) = given.type_literal {
            values.push(literal(Value::text(ty.name()), Type::String));
        }
        if window {
            let function = match name.text.as_str() {
                "row_rank" => row_rank(&mut values),
                other => other,
            };
            let kind = ScalarKind::Window { function: function.into(), arguments: values };
            return Some(Typed { value: Scalar { kind, ty }, name: named });
        }
        let function = match name.text.as_str() {
            "bin_auto" => self.bin_auto(&mut values, ty),
            other => canonical(other),
        };
        let value = self.folded(&function, values, ty);
        if let Some(first) = first_type {
            // Alone, such a call is its first output.
            let index = literal(Value::Long(0), Type::Long);
            let value = super::call("[]", vec![value, index], first);
            return Some(Typed { value, name: named });
        }
        Some(Typed { value, name: named })
    }

    fn arguments_of(
        &mut self,
        overloads: &[Signature],
        arguments: &[Expr],
        env: &Env<'_>,
    ) -> Option<Arguments> {
        let mut given = Arguments { values: Vec::new(), type_literal: None, names: Vec::new() };
        let mut failed = false;
        for argument in arguments {
            match &*argument.kind {
                Kind::TypeOf { columns, .. } if columns.len() == 1 => {
                    given.type_literal = Some(columns[0].ty);
                }
                Kind::Wildcard(text)
                    if text == "*"
                        && overloads
                            .iter()
                            .any(|o| o.parameters.iter().any(|p| p.form == Form::StarOnly)) =>
                {
                    for at in 0..env.row.columns().len() {
                        let columns = env.row.columns();
                        given.names.push(None);
                        let name = Some(columns[at].name.clone());
                        given.values.push(Typed { value: column(columns, at), name });
                    }
                }
                kind => {
                    let name = match kind {
                        Kind::Named { names, .. } => names.first().map(|n| n.text.clone()),
                        _ => None,
                    };
                    match self.expression(argument, env) {
                        Bound::Scalar(typed) => {
                            // A name that is written names the result, too.
                            let named = name.clone().or(typed.name);
                            given.names.push(name);
                            given.values.push(Typed { name: named, ..typed });
                        }
                        Bound::Failed => failed = true,
                        _ => {
                            self.error("KQL302", argument.span, "a scalar is needed here");
                            failed = true;
                        }
                    }
                }
            }
        }
        (!failed).then_some(given)
    }

    /// The overload that fits best.
    fn choose<'s>(
        &mut self,
        name: &Name,
        overloads: &'s [Signature],
        arguments: &[Expr],
        given: &Arguments,
        span: Span,
    ) -> Option<&'s Signature> {
        let n = given.values.len();
        let has_type = given.type_literal.is_some();
        let mut best: Option<(u32, &Signature)> = None;
        let mut wrong: Option<(usize, Accepts)> = None;
        for overload in overloads {
            let takes_type = overload.parameters.iter().any(|p| p.accepts == Accepts::TypeLiteral);
            if has_type && !takes_type {
                continue;
            }
            let optional_type =
                overload.parameters.iter().any(|p| p.accepts == Accepts::TypeLiteral && p.optional);
            if takes_type && !has_type && !optional_type {
                continue;
            }
            let count = n + usize::from(has_type);
            let (least, most) = overload.arity();
            if count < least || count > most {
                continue;
            }
            let mut score = 1;
            let mut fits = true;
            for (at, value) in given.values.iter().enumerate() {
                let Some(parameter) = overload.parameter(at, count) else {
                    fits = false;
                    break;
                };
                let this = self.fits(parameter.accepts, value.value.ty);
                if this == 0 {
                    wrong.get_or_insert((at, parameter.accepts));
                    fits = false;
                    break;
                }
                score += this;
            }
            if fits && best.is_none_or(|(other, _)| score > other) {
                best = Some((score, overload));
            }
        }
        if let Some((_, best)) = best {
            return Some(best);
        }
        match wrong {
            Some((at, accepts)) => {
                let at_span = arguments.get(at).map_or(span, |argument| argument.span);
                let ty = given.values[at].value.ty;
                let message = format!("`{}` needs {} here, not {ty}", name.text, accepts.words());
                self.error("KQL313", at_span, message);
            }
            None => {
                let message =
                    format!("`{}` takes {}, not {n} arguments", name.text, arities(overloads));
                self.error("KQL314", span, message);
            }
        }
        None
    }

    fn result_of(
        &mut self,
        name: &Name,
        chosen: &Signature,
        given: &Arguments,
        span: Span,
    ) -> Option<Type> {
        let ty_of = |at: usize| given.values.get(at).map(|typed| typed.value.ty);
        Some(match chosen.result {
            Result::Fixed(ty) => ty,
            Result::First => ty_of(0)?,
            Result::Promoted => match ty_of(0)? {
                Type::Int => Type::Long,
                ty => ty,
            },
            Result::Second => ty_of(1)?,
            Result::Widest => {
                let all = given.values.iter().map(|typed| typed.value.ty);
                all.fold(Type::Long, widest)
            }
            Result::TypeOf => given.type_literal?,
            Result::Common => return self.common(name, chosen, given, span),
            Result::Custom => match name.text.as_str() {
                "bin_auto" => ty_of(0)?,
                _ => Type::Dynamic,
            },
        })
    }

    /// The common type of the arguments that must have one.
    fn common(
        &mut self,
        name: &Name,
        chosen: &Signature,
        given: &Arguments,
        span: Span,
    ) -> Option<Type> {
        let n = given.values.len();
        let mut ty: Option<Type> = None;
        for (at, value) in given.values.iter().enumerate() {
            let accepts = chosen.parameter(at, n)?.accepts;
            let mixes = accepts == Accepts::CommonOrDynamic;
            if !mixes && accepts != Accepts::Common {
                continue;
            }
            let this = value.value.ty;
            ty = Some(match ty {
                None => this,
                Some(ty) if ty == this => ty,
                Some(ty) if ty.is_number() && this.is_number() => widest(ty, this),
                // A dynamic takes the type of the others.
                Some(Type::Dynamic) if mixes => this,
                Some(ty) if mixes && this == Type::Dynamic => ty,
                Some(_) if mixes => return Some(Type::Dynamic),
                Some(ty) if self.unsure() && (ty == Type::Dynamic || this == Type::Dynamic) => {
                    if ty == Type::Dynamic { this } else { ty }
                }
                Some(ty) => {
                    let message =
                        format!("the arguments of `{}` are of types {ty} and {this}", name.text);
                    self.error("KQL315", span, message);
                    return None;
                }
            });
        }
        ty
    }

    fn check_pattern(&mut self, name: &Name, arguments: &[Expr], given: &Arguments) {
        let Some((_, at)) = PATTERNS.iter().find(|(function, _)| *function == name.text) else {
            return;
        };
        if let Some(typed) = given.values.get(*at)
            && let ScalarKind::Literal(Value::String(pattern)) = &typed.value.kind
            && let Some(why) = functions::regex_error(pattern)
        {
            let span = arguments.get(*at).map_or(name.span, |argument| argument.span);
            self.bad_pattern(span, &why);
        }
    }

    /// How well an argument fits; what is not known fits everywhere.
    pub(super) fn fits(&self, accepts: Accepts, ty: Type) -> u32 {
        let table = matches!(accepts, Accepts::Table | Accepts::TypeLiteral);
        let unknown = ty == Type::Dynamic && self.unsure() && !table;
        accepts.fits(ty).max(u32::from(unknown))
    }

    /// Says what to use instead of a function that is no longer to be used.
    pub(super) fn obsolete(&mut self, name: &Name, chosen: &Signature) {
        if let Some(instead) = chosen.instead {
            let message = format!("`{}` is obsolete", name.text);
            let found = Diagnostic::new(Severity::Information, "KQL235", name.span, message);
            self.diagnostics.push(found.hint(format!("use `{instead}`")));
        }
    }

    /// A pattern that cannot be read matches nothing; the query is understood without it.
    pub(super) fn bad_pattern(&mut self, span: Span, why: &str) {
        let message = format!("the regular expression is not valid, nothing matches: {why}");
        self.diagnostics.push(Diagnostic::warning("KQL311", span, message));
    }

    /// `bin_auto(x)` is `bin(x, size)` or `bin_at(x, size, at)` with what the query's options
    /// say; without a size, bins are an hour or 1 wide.
    fn bin_auto(&self, values: &mut Vec<Scalar>, ty: Type) -> String {
        let option = |name: &str| {
            let found = self.options.iter().rev().find(|(option, _)| option == name)?;
            Some(literal(found.1.clone(), found.1.kind()?))
        };
        values.push(option("query_bin_auto_size").unwrap_or_else(|| match ty {
            Type::DateTime | Type::TimeSpan => {
                literal(Value::TimeSpan(TICKS_PER_HOUR), Type::TimeSpan)
            }
            _ => literal(Value::Long(1), Type::Long),
        }));
        match option("query_bin_auto_at") {
            Some(at) => {
                values.push(at);
                "bin_at".to_owned()
            }
            None => "bin".to_owned(),
        }
    }

    fn pack_all(&mut self, arguments: &[Expr], span: Span, env: &Env<'_>) -> Option<Typed> {
        let ignore = match arguments {
            [] => false,
            [one] => matches!(self.constant(one, env)?.0, Value::Bool(true)),
            _ => {
                self.error("KQL314", span, "`pack_all` takes at most 1 argument");
                return None;
            }
        };
        let columns = env.row.columns();
        let mut values = vec![literal(Value::Bool(ignore), Type::Bool)];
        for (at, one) in columns.iter().enumerate() {
            values.push(literal(Value::text(&one.name), Type::String));
            values.push(column(columns, at));
        }
        Some(Typed { value: super::call("pack_all", values, Type::Dynamic), name: None })
    }
}

/// How many arguments the overloads take, in words.
pub(super) fn arities(overloads: &[Signature]) -> String {
    let least = overloads.iter().map(|o| o.arity().0).min().unwrap_or(0);
    let most = overloads.iter().map(|o| o.arity().1).max().unwrap_or(0);
    match (least, most) {
        (least, usize::MAX) => format!("at least {least}"),
        (least, most) if least == most => format!("{least}"),
        (least, most) => format!("{least} to {most}"),
    }
}

/// The column's name after a call.
pub(super) fn named_after(function: &str, chosen: &Signature, values: &[Typed]) -> Option<String> {
    let first = values.first().and_then(|typed| typed.name.clone());
    match chosen.naming {
        Naming::None | Naming::Column => None,
        Naming::First => first,
        Naming::Only => first.filter(|_| values.len() == 1),
        Naming::PrefixFirst => Some(format!("{}_{}", chosen.prefix, first.unwrap_or_default())),
        Naming::Prefix => Some(chosen.prefix.to_owned()),
        Naming::NameFirst => Some(format!("{function}_{}", first.unwrap_or_default())),
    }
}

/// The older `row_rank(x, dense)` is one of two functions.
fn row_rank(values: &mut Vec<Scalar>) -> &'static str {
    let sparse = matches!(
        values.get(1).map(|value| &value.kind),
        Some(ScalarKind::Literal(Value::Bool(false)))
    );
    values.truncate(1);
    if sparse { "row_rank_min" } else { "row_rank_dense" }
}

/// One name for each function: the aliases of old versions are not carried into plans.
fn canonical(name: &str) -> String {
    match name {
        "todouble" => "toreal",
        "todynamic" | "toobject" | "parsejson" => "parse_json",
        "iif" => "iff",
        "pack" | "pack_dictionary" => "bag_pack",
        "boolean" | "toboolean" => "tobool",
        other => other,
    }
    .to_owned()
}
