//! Operators as compact text.

use super::super::{GraphElement, Operator, OperatorKind as K, ParsePart, TopNestedClause};
use super::dump::{columns, expr, joined, list, name, options, parameter, statements, ty};
use crate::syntax::{Expr, MvColumn, Name};

pub(super) fn operator(o: &Operator) -> String {
    let properties =
        joined(&o.properties, "", |p| format!("<{}={}>", name(&p.name), expr(&p.value)));
    let (word, rest) = parts(&o.kind);
    let space = if rest.is_empty() { "" } else { " " };
    format!("{word}{properties}{space}{rest}")
}

fn after(word: &str, e: Option<&Expr>) -> String {
    e.map_or(String::new(), |e| format!(" {word} {}", expr(e)))
}

fn after_list(word: &str, exprs: &[Expr]) -> String {
    if exprs.is_empty() { String::new() } else { format!(" {word} {}", list(exprs)) }
}

fn parts(kind: &K) -> (&'static str, String) {
    match kind {
        K::As(n) => ("as", name(n)),
        K::AssertSchema(c) => ("assert-schema", columns(false, c)),
        K::Consume => ("consume", String::new()),
        K::Count => ("count", String::new()),
        K::Distinct(e) => ("distinct", list(e)),
        K::Evaluate(e) => ("evaluate", expr(e)),
        K::ExecuteAndCache => ("execute-and-cache", String::new()),
        K::Extend(e) => ("extend", list(e)),
        K::Facet { by, with } => ("facet", list(by) + &after("with", with.as_ref())),
        K::Find { tables, predicate, project, smart, away } => {
            let project = project.as_ref().map_or(String::new(), |p| after_list("project", p));
            let smart = if *smart { " smart" } else { "" };
            let away = after_list("away", away);
            ("find", format!("({}) {}{project}{smart}{away}", list(tables), expr(predicate)))
        }
        K::Fork(branches) => (
            "fork",
            joined(branches, " ", |(n, e)| {
                format!("{}({})", n.as_ref().map_or(String::new(), name), expr(e))
            }),
        ),
        K::GetSchema => ("getschema", String::new()),
        K::Invoke(e) => ("invoke", expr(e)),
        K::Join { right, on, condition } => {
            let rest = after_list("on", on) + &after("where", condition.as_ref());
            ("join", expr(right) + &rest)
        }
        K::Lookup { right, on } => ("lookup", expr(right) + &after_list("on", on)),
        K::MacroExpand { group, scope, body } => {
            let scope = scope.as_ref().map_or(String::new(), name);
            ("macro-expand", format!("{} as {scope} ({})", expr(group), statements(body)))
        }
        K::MakeSeries { aggregates, on, from, to, step, in_range, by } => {
            let aggregates =
                joined(aggregates, ", ", |(a, d)| expr(a) + &after("default", d.as_ref()));
            let range = after("from", from.as_ref()) + &after("to", to.as_ref());
            let range = format!("{range} step {}", expr(step));
            let word = if *in_range { " in-range" } else { "" };
            let by = after_list("by", by);
            ("make-series", format!("{aggregates} on {}{word}{range}{by}", expr(on)))
        }
        K::MvExpand { columns, limit, legacy } => (
            if *legacy { "mvexpand" } else { "mv-expand" },
            mv_columns(columns) + &after("limit", limit.as_ref()),
        ),
        K::MvApply { columns, limit, context_id, on } => {
            let rest = after("limit", limit.as_ref()) + &after("id", context_id.as_ref());
            ("mv-apply", format!("{}{rest} on ({})", mv_columns(columns), expr(on)))
        }
        K::Parse { value, pattern, only_matching } => (
            if *only_matching { "parse-where" } else { "parse" },
            format!("{} with {}", expr(value), joined(pattern, " ", parse_part)),
        ),
        K::ParseKv { value, columns: c, options: o } => {
            ("parse-kv", format!("{} as {} {}", expr(value), columns(false, c), options(o)))
        }
        K::Partition { by, scope, body, legacy } => {
            let scope = after("in", scope.as_ref());
            let (open, close) = if *legacy { ('{', '}') } else { ('(', ')') };
            ("partition", format!("{}{scope} {open}{}{close}", expr(by), expr(body)))
        }
        K::Print(e) => ("print", list(e)),
        K::Project(e) => ("project", list(e)),
        K::ProjectAway(e) => ("project-away", list(e)),
        K::ProjectByNames(e) => ("project-by-names", list(e)),
        K::ProjectKeep(e) => ("project-keep", list(e)),
        K::ProjectRename(e) => ("project-rename", list(e)),
        K::ProjectReorder(e) => ("project-reorder", list(e)),
        K::Range { name: n, from, to, step } => {
            ("range", format!("{} {}..{} by {}", name(n), expr(from), expr(to), expr(step)))
        }
        K::Reduce { by, options: o } => ("reduce", format!("{} {}", expr(by), options(o))),
        K::Render { visualisation, options: o } => {
            ("render", format!("{} {}", name(visualisation), options(o)))
        }
        K::Sample(e) => ("sample", expr(e)),
        K::SampleDistinct { count, of } => {
            ("sample-distinct", format!("{} of {}", expr(count), expr(of)))
        }
        K::Search { tables, predicate } => {
            ("search", format!("({}) {}", list(tables), expr(predicate)))
        }
        K::Serialize(e) => ("serialize", list(e)),
        K::Sort(e) => ("sort", list(e)),
        K::Summarize { aggregates, by } => ("summarize", list(aggregates) + &after_list("by", by)),
        K::Take(e) => ("take", expr(e)),
        K::Top { count, by } => ("top", expr(count) + &after_list("by", by)),
        K::TopHitters { count, of, by } => {
            let by = after("by", by.as_ref());
            ("top-hitters", format!("{} of {}{by}", expr(count), expr(of)))
        }
        K::TopNested(clauses) => ("top-nested", joined(clauses, ", ", top_nested)),
        K::Union(e) => ("union", list(e)),
        K::Where(e) => ("where", expr(e)),
        K::Unknown => ("UNKNOWN", String::new()),
        other => rare(other),
    }
}

/// Graphs and `scan`.
fn rare(kind: &K) -> (&'static str, String) {
    match kind {
        K::GraphMatch { patterns, predicate, project, shortest } => {
            let patterns = joined(patterns, ", ", |p| joined(p, "", graph));
            let project = project.as_ref().map_or(String::new(), |p| after_list("project", p));
            let rest = format!("{patterns}{}{project}", after("where", predicate.as_ref()));
            (if *shortest { "graph-shortest-paths" } else { "graph-match" }, rest)
        }
        K::GraphMarkComponents => ("graph-mark-components", String::new()),
        K::GraphToTable(outputs) => (
            "graph-to-table",
            joined(outputs, ", ", |o| {
                let word = if o.edges { "edges" } else { "nodes" };
                let alias = o.name.as_ref().map_or(String::new(), |n| format!(" as {}", name(n)));
                let properties =
                    joined(&o.properties, "", |(a, b)| format!("<{}={}>", name(a), name(b)));
                format!("{word}{alias}{properties}")
            }),
        ),
        K::GraphWhere { edges, predicate } => {
            let word = if *edges { "graph-where-edges" } else { "graph-where-nodes" };
            (word, expr(predicate))
        }
        K::MakeGraph { source, target, nodes, node_id, partitioned_by } => {
            let nodes = joined(nodes, ", ", |(t, k)| format!("{} on {}", expr(t), name(k)));
            let id = node_id.as_ref().map_or(String::new(), |n| format!(" id {}", name(n)));
            let by = partitioned_by
                .as_ref()
                .map_or(String::new(), |(c, q)| format!(" by {} ({})", name(c), expr(q)));
            ("make-graph", format!("{}-->{} {nodes}{id}{by}", name(source), name(target)))
        }
        K::Scan { order_by, partition_by, declare, steps } => {
            let head = after_list("order", order_by) + &after_list("partition", partition_by);
            let declare = joined(declare, ", ", parameter);
            let steps = joined(steps, " ", |s| {
                let optional = if s.optional { "?" } else { "" };
                let output = s.output.as_ref().map_or(String::new(), |o| format!("!{}", name(o)));
                let set = |(n, e): &(Name, Expr)| format!("{}={}", name(n), expr(e));
                let sets = joined(&s.assignments, ", ", set);
                format!("{}{optional}{output}: {} => {sets};", name(&s.name), expr(&s.condition))
            });
            ("scan", format!("{head} ({declare}) {steps}"))
        }
        other => ("OTHER", format!("{other:?}")),
    }
}

fn mv_columns(columns: &[MvColumn]) -> String {
    joined(columns, ", ", |c| expr(&c.value) + &c.to.map_or(String::new(), |t| format!(" to {t}")))
}

fn parse_part(part: &ParsePart) -> String {
    match part {
        ParsePart::Star(_) => "*".to_owned(),
        ParsePart::Text(e) => expr(e),
        ParsePart::Column { name: n, ty: t } => format!("{}:{}", name(n), ty(*t)),
    }
}

fn top_nested(c: &TopNestedClause) -> String {
    let count = c.count.as_ref().map_or("all".to_owned(), expr);
    let order = c.descending.map_or("", |d| if d { " desc" } else { " asc" });
    let others = after("others", c.others.as_ref());
    format!("{count} of {}{others} by {}{order}", expr(&c.of), expr(&c.by))
}

fn graph(e: &GraphElement) -> String {
    match e {
        GraphElement::Node(n) => format!("({})", n.as_ref().map_or(String::new(), name)),
        GraphElement::Edge { name: n, forward, hops } => {
            let name = n.as_ref().map_or(String::new(), name);
            let hops =
                hops.as_ref().map_or(String::new(), |(a, b)| format!("*{}..{}", expr(a), expr(b)));
            match forward {
                Some(true) => format!("-[{name}{hops}]->"),
                Some(false) => format!("<-[{name}{hops}]-"),
                None => format!("-[{name}{hops}]-"),
            }
        }
    }
}
