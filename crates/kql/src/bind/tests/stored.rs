//! Functions of the catalogue: bound at each use like those of the text, and never themselves.

use super::super::{Binding, Tables, compile};
use super::TABLES;
use crate::diagnostic::Severity;
use crate::functions::Context;

const FUNCTIONS: [(&str, &str); 11] = [
    (
        "Slow",
        "(least: long = 100, page: string = '*') {
            Visits
            | where Ms >= least
            | where page == '*' or Page == page
        }",
    ),
    ("Named", "(t: (Page: string)) { t | summarize n = count() by Page }"),
    ("Twice", "(x: long) { x * 2 }"),
    ("SlowTwice", "() { Slow(Twice(50)) | extend Twice_ = Twice(Ms) } // to be sure"),
    ("Inner", "() { let least = 7; let over = (n: long) { Visits | where Ms > n }; over(least) }"),
    ("Loop", "() { Loop }"),
    ("Ping", "(n: long = 0) { Pong(n) }"),
    ("Pong", "(n: long) { Ping(n) }"),
    ("Wrong", "() { Visits | where Nothing == 1 }"),
    ("Broken", "() { Visits | where }"),
    ("Default", "(x: long = Nothing) { print x }"),
];

fn bound(text: &str) -> Binding {
    let mut tables = Tables::from_json(TABLES).unwrap();
    for (name, function) in FUNCTIONS {
        tables.add_function(name, function);
    }
    compile(text, &tables, Context { now: 638_000_000_000_000_000 }, None)
}

fn columns(text: &str) -> String {
    let binding = bound(text);
    let Some(query) = binding.query else { panic!("{text}: {:?}", binding.diagnostics) };
    let all = query.rel.schema.iter().map(|c| format!("{}:{}", c.name, c.ty));
    all.collect::<Vec<_>>().join(" ")
}

/// Code, message and place of the errors.
fn errors(text: &str) -> Vec<(&'static str, String, &str)> {
    let found = bound(text).diagnostics.into_iter();
    let errors = found.filter(|found| found.severity == Severity::Error);
    errors.map(|found| (found.code, found.message, &text[found.start..found.end])).collect()
}

#[test]
fn a_stored_function_stands_where_a_table_or_scalar_may() {
    let visits = "Page:string Ms:long At:datetime Extra:dynamic Ok:bool Share:real Took:timespan \
                  Port:int";
    for (text, expected) in [
        ("Slow", visits.to_owned()),
        ("Slow()", visits.to_owned()),
        ("Slow(page = 'a', least = 5) | project Ms", "Ms:long".to_owned()),
        ("Slow(5) | join kind=inner Slow on Page | project Page1", "Page1:string".to_owned()),
        ("Visits | invoke Named()", "Page:string n:long".to_owned()),
        ("print a = Twice(4)", "a:long".to_owned()),
        ("Visits | project b = Twice(Ms)", "b:long".to_owned()),
        ("SlowTwice | project Twice_", "Twice_:long".to_owned()),
        ("Inner() | project Ms", "Ms:long".to_owned()),
        ("union isfuzzy=true Slow, Nowhere | project Ms", "Ms:long".to_owned()),
        ("workspace('x').Slow | project Ms", "Ms:long".to_owned()),
        ("table('Slow') | project Ms", "Ms:long".to_owned()),
        ("let f = () { Slow(1) }; f | project Ms", "Ms:long".to_owned()),
    ] {
        assert_eq!(columns(text), expected, "{text}");
    }
}

#[test]
fn names_of_the_query_come_first_and_are_not_seen_inside() {
    // A local function of the same name is meant.
    assert_eq!(columns("let Slow = () { print a = 1 }; Slow"), "a:long");
    // The body reads the table, not the query's variable.
    assert_eq!(columns("let Visits = Pages; Slow | project Ms"), "Ms:long");
}

#[test]
fn a_function_that_comes_to_itself_is_refused() {
    let found = errors("Loop");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "KQL237");
    assert_eq!(found[0].2, "Loop");
    assert!(found[0].1.contains("`Loop` calls itself"), "{found:?}");
    let found = errors("Visits | take 1 | union (Ping(3))");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("`Ping` → `Pong`"), "{found:?}");
    assert_eq!(found[0].2, "Ping(3)");
    // Beside each other is not inside each other.
    assert_eq!(columns("print a = Twice(Twice(Twice(1)))"), "a:long");
}

#[test]
fn what_is_wrong_inside_is_told_at_the_call() {
    for (text, code, part, place) in [
        ("Pages | union Wrong", "KQL202", "in `Wrong`: ", "Wrong"),
        ("Broken", "KQL230", "the stored function `Broken` cannot be read: ", "Broken"),
        ("Default()", "KQL202", "in `Default`: ", "Default()"),
        ("Slow(1, 'a', 3)", "KQL222", "`Slow` takes at most 2 arguments", "3"),
        ("Slow(nothing = 1)", "KQL221", "`Slow` has no parameter `nothing`", "nothing"),
        ("Twice()", "KQL223", "`Twice` needs its parameter `x`", "Twice()"),
        ("Slow(Nope)", "KQL202", "there is no", "Nope"),
    ] {
        let found = errors(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].0, code, "{text}: {found:?}");
        assert!(found[0].1.starts_with(part), "{text}: {found:?}");
        assert_eq!(found[0].2, place, "{text}: {found:?}");
    }
    let hint = bound("Slo | take 1").diagnostics.remove(0).hint;
    assert_eq!(hint.as_deref(), Some("did you mean `Slow`?"));
}
