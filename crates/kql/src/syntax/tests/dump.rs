//! A tree as compact text, without places: what tests compare.

use super::super::{
    Expr, Kind, Literal, Name, Parameter, Sign, Statement, StatementKind, Takes, Tree,
};
use super::dump_operator::operator;
use crate::value::{Type, Value};

pub(super) fn tree(tree: &Tree) -> String {
    statements(&tree.statements)
}

pub(super) fn statements(statements: &[Statement]) -> String {
    joined(statements, "; ", statement)
}

pub(super) fn joined<T>(items: &[T], between: &str, text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(between)
}

pub(super) fn list(exprs: &[Expr]) -> String {
    joined(exprs, ", ", expr)
}

pub(super) fn name(name: &Name) -> String {
    let plain = name.text.chars().all(|c| c.is_alphanumeric() || "_$-.".contains(c));
    if plain && !name.text.is_empty() { name.text.clone() } else { format!("`{}`", name.text) }
}

pub(super) fn ty(ty: Option<Type>) -> String {
    ty.map_or("?".to_owned(), |t| t.name().to_owned())
}

pub(super) fn options(options: &[(Name, Expr)]) -> String {
    joined(options, ", ", |(n, v)| format!("{}={}", name(n), expr(v)))
}

pub(super) fn columns(star: bool, columns: &[super::super::ColumnDeclaration]) -> String {
    let mut parts: Vec<String> =
        columns.iter().map(|c| format!("{}:{}", name(&c.name), c.ty)).collect();
    if star {
        parts.push("*".to_owned());
    }
    format!("({})", parts.join(", "))
}

pub(super) fn parameter(p: &Parameter) -> String {
    let takes = match &p.takes {
        Takes::Scalar(t) => ty(*t),
        Takes::Tabular { columns: c, any } => columns(*any, c),
    };
    let default = p.default.as_ref().map_or(String::new(), |d| format!("={}", expr(d)));
    format!("{}:{takes}{default}", name(&p.name))
}

fn statement(s: &Statement) -> String {
    match &s.kind {
        StatementKind::Let { name: n, value, view } => {
            format!("let{} {} = {}", if *view { " view" } else { "" }, name(n), expr(value))
        }
        StatementKind::Set { name: n, value } => {
            let value = value.as_ref().map_or(String::new(), |v| format!("={}", expr(v)));
            format!("set {}{value}", name(n))
        }
        StatementKind::QueryParameters(p) => {
            format!("parameters ({})", joined(p, ", ", parameter))
        }
        StatementKind::Pattern { name: n, parameters, has_path, cases } => {
            let cases = joined(cases, " ", |c| {
                let path = c.path.as_ref().map_or(String::new(), |p| format!(".[{}]", expr(p)));
                format!("({}){path} -> {{{}}}", list(&c.arguments), statements(&c.body))
            });
            let path = if *has_path { " path" } else { "" };
            format!("pattern {}({}){path} {cases}", name(n), joined(parameters, ", ", parameter))
        }
        StatementKind::Alias { name: n, value } => format!("alias {} = {}", name(n), expr(value)),
        StatementKind::Restrict(entities) => format!("restrict ({})", list(entities)),
        StatementKind::Query(e) => expr(e),
        StatementKind::Command(n) => format!("command {}", name(n)),
    }
}

pub(super) fn literal(l: &Literal) -> String {
    match l {
        Literal::Bool(b) => b.to_string(),
        Literal::Int(n) => format!("{n}i"),
        Literal::Long(n) => n.to_string(),
        Literal::Real(x) => format!("{x:?}"),
        Literal::Decimal(d) => format!("{d}m"),
        Literal::DateTime(t) => format!("@{}", Value::DateTime(*t).to_text()),
        Literal::TimeSpan(t) => format!("#{}", Value::TimeSpan(*t).to_text()),
        Literal::Guid(g) => format!("guid {}", Value::Guid(*g).to_text()),
        Literal::String { text, hidden } => format!("{}{text:?}", if *hidden { "h" } else { "" }),
        Literal::Dynamic(json) => format!("dynamic {json}"),
        Literal::Null(t) => format!("null {t}"),
    }
}

pub(super) fn expr(e: &Expr) -> String {
    match &*e.kind {
        Kind::Missing => "MISSING".to_owned(),
        Kind::Literal(l) => literal(l),
        Kind::Name(text) => name(&Name { text: text.clone(), span: e.span }),
        Kind::Wildcard(text) => format!("~{text}"),
        Kind::Member(of, n) => format!("{}.{}", expr(of), name(n)),
        Kind::Element(of, index) => format!("{}[{}]", expr(of), expr(index)),
        Kind::Call { name: n, arguments } => format!("{}({})", name(n), list(arguments)),
        Kind::Path(left, right) => format!("{}/{}", expr(left), expr(right)),
        Kind::Unary(Sign::Minus, value) => format!("-{}", expr(value)),
        Kind::Unary(Sign::Plus, value) => format!("+{}", expr(value)),
        Kind::Binary { op, left, right } => {
            format!("[{} {} {}]", expr(left), op.text(), expr(right))
        }
        Kind::List { op, left, items } => {
            format!("[{} {} ({})]", expr(left), op.text(), list(items))
        }
        Kind::Between { negated, value, low, high } => {
            let not = if *negated { "!" } else { "" };
            format!("[{} {not}between {}..{}]", expr(value), expr(low), expr(high))
        }
        Kind::Paren(inner) => format!("({})", expr(inner)),
        Kind::Named { names, tuple, value } => {
            let names = joined(names, ", ", name);
            let names = if *tuple { format!("({names})") } else { names };
            format!("{names}={}", expr(value))
        }
        Kind::Pipe { source, operators } => {
            let source = source.as_ref().map_or("<".to_owned(), expr);
            format!("{source} | {}", joined(operators, " | ", operator))
        }
        Kind::Function { parameters, body } => {
            format!("fn({}) {{{}}}", joined(parameters, ", ", parameter), statements(body))
        }
        Kind::Datatable { columns: c, cells } => {
            format!("datatable{}[{}]", columns(false, c), list(cells))
        }
        Kind::ExternalData { columns: c, addresses, properties } => {
            let with = if properties.is_empty() { "" } else { " with " };
            let (columns, addresses) = (columns(false, c), list(addresses));
            format!("external{columns}[{addresses}]{with}{}", options(properties))
        }
        Kind::ToScalar(q) => format!("toscalar({})", expr(q)),
        Kind::Materialize(q) => format!("materialize({})", expr(q)),
        Kind::TypeOf { star, columns: c } => format!("typeof{}", columns(*star, c)),
        Kind::Ordered { value, descending, nulls_first, .. } => {
            let order = descending.map_or("", |d| if d { " desc" } else { " asc" });
            let nulls = nulls_first.map_or("", |f| if f { " first" } else { " last" });
            format!("{}{order}{nulls}", expr(value))
        }
        Kind::WithSchema { value, star, columns: c } => {
            format!("{} : {}", expr(value), columns(*star, c))
        }
    }
}
