//! What `f(…)` stands for, by its name.

use super::env::Bound;
use super::{Binder, Env, Item, Typed, names};
use crate::plan::Op;
use crate::syntax::{Expr, Name, Span};

impl Binder<'_> {
    /// `f(…)`: a local function, an aggregate where they may be called, a built-in function, a
    /// way to name a table, a stored function; in this order.
    pub(super) fn call(
        &mut self,
        name: &Name,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        match env.locals.find(&name.text).cloned() {
            Some(Item::Function(function)) => {
                return match self.call_function(&function, arguments, span, env) {
                    Bound::Scalar(typed) => Bound::Scalar(Typed { name: None, ..typed }),
                    bound => bound,
                };
            }
            Some(Item::Pattern(pattern)) => {
                return self.call_pattern(&pattern, arguments, None, span, env);
            }
            // A variable that holds a table or scalar may be "called" without arguments.
            Some(Item::Table { .. } | Item::Scalar { .. }) if arguments.is_empty() => {
                return self.name(&name.text, span, env);
            }
            _ => {}
        }
        if let Some(asked) = self.graph_call(name, arguments, span, env) {
            return asked.map_or(Bound::Failed, Bound::Scalar);
        }
        if let Some(named) = self.named_table(name, arguments, span, env) {
            return named;
        }
        if env.aggregates.is_some() && super::signature::aggregate(&name.text).is_some() {
            let all = self.aggregate(name, arguments, span, env);
            return all.and_then(|all| all.into_iter().next()).map_or(Bound::Failed, Bound::Scalar);
        }
        if super::signature::function(&name.text).is_some() {
            return self.function(name, arguments, span, env).map_or(Bound::Failed, Bound::Scalar);
        }
        if super::signature::aggregate(&name.text).is_some() {
            self.error_hint(
                "KQL232",
                span,
                format!("the aggregate `{}` is not allowed here", name.text),
                Some("aggregates belong into `summarize` and its like".to_owned()),
            );
            return Bound::Failed;
        }
        if super::signature::plugin(&name.text).is_some() {
            let hint = format!("call it by `evaluate {}(…)`", name.text);
            let message = format!("the plugin `{}` is not allowed here", name.text);
            self.error_hint("KQL233", span, message, Some(hint));
            return Bound::Failed;
        }
        if let Some(function) = self.stored(&name.text, name.span) {
            return match function {
                Ok(function) => self.call_function(&function, arguments, span, env),
                Err(_) => Bound::Failed,
            };
        }
        if arguments.is_empty()
            && let Some(table) = self.table(&name.text)
        {
            return Bound::Table(table);
        }
        let locals = env.locals.all();
        let mut known: Vec<&str> = super::signature::names().collect();
        known.extend(locals.iter().map(|(name, _)| *name));
        let stored = self.catalog.functions();
        known.extend(stored.iter().map(String::as_str));
        let near = names::nearest(&name.text, known.into_iter());
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        self.error_hint("KQL231", name.span, format!("there is no function `{}`", name.text), hint);
        Bound::Failed
    }

    /// `table("x")`, `database("x")`, `workspace("x")`, `cluster("x")` and their like.
    fn named_table(
        &mut self,
        name: &Name,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Bound> {
        let function = name.text.as_str();
        Some(match function {
            "table" | "external_table" | "materialized_view" | "stored_query_result" => {
                let (value, _) = match arguments.first() {
                    Some(first) => match self.constant(first, env) {
                        Some(constant) => constant,
                        None => return Some(Bound::Failed),
                    },
                    None => {
                        self.error("KQL310", span, format!("`{function}` needs a name"));
                        return Some(Bound::Failed);
                    }
                };
                let text = value.to_text();
                match env.locals.find(&text) {
                    Some(Item::Table { rel, .. }) => Bound::Table(rel.clone()),
                    _ => self.in_database(true, &text, span, env),
                }
            }
            "database" | "workspace" | "cluster" | "app" | "resource" | "adx" | "arg" => {
                let mut ours = true;
                if let Some(first) = arguments.first() {
                    match self.constant(first, env) {
                        Some((value, _)) => ours = self.catalog.database(&value.to_text()),
                        None => return Some(Bound::Failed),
                    }
                }
                // What another cluster has is not known here, even if it is read as ours.
                self.absent |= function == "cluster" && ours;
                Bound::Database { ours }
            }
            "_GetWatchlist" => {
                let first = arguments.first()?;
                let (alias, _) = match self.constant(first, env) {
                    Some(constant) => constant,
                    None => return Some(Bound::Failed),
                };
                let alias = alias.to_text();
                let schema = self.catalog.watchlist(&alias)?;
                let name = format!("_GetWatchlist({alias})");
                Bound::Table(super::rel(Op::Table { name }, schema))
            }
            _ => return None,
        })
    }
}
