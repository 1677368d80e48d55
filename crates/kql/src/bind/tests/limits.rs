//! Texts that would blow up: they are refused, in a bounded time, on a small stack.

use super::bound;

/// What finds that a query is too large or too deep.
fn refused(text: &str, codes: &[&str]) {
    let binding = bound(text);
    assert!(binding.query.is_none(), "planned: {}", &text[..text.len().min(80)]);
    let found: Vec<&str> = binding.diagnostics.iter().map(|d| d.code).collect();
    assert!(found.iter().any(|code| codes.contains(code)), "{found:?}");
}

#[test]
fn tables_that_double() {
    let mut text = "let a0 = Pages;".to_owned();
    for n in 1..40 {
        text += &format!("let a{n} = union a{0}, a{0};", n - 1);
    }
    refused(&(text + "a39"), &["KQL401"]);
}

#[test]
fn functions_that_double() {
    let mut text = "let f0 = () { Pages };".to_owned();
    for n in 1..40 {
        text += &format!("let f{n} = () {{ union f{0}(), f{0}() }};", n - 1);
    }
    refused(&(text + "f39()"), &["KQL401", "KQL402"]);
}

#[test]
fn pipes_without_end() {
    let long = format!("Pages{}", " | where Port > 1".repeat(20_000));
    refused(&long, &["KQL402"]);
    let mut text = "let a0 = Pages;".to_owned();
    for n in 1..2_000 {
        text += &format!("let a{n} = a{} | where Port > 1 | extend x = 1;", n - 1);
    }
    refused(&(text + "a1999"), &["KQL402", "KQL401"]);
}

#[test]
fn deep_nesting_fits_the_stack() {
    for depth in [10, 60, 400] {
        let text = format!(
            "{}Pages{}",
            "Pages | join kind=inner (".repeat(depth),
            ") on Page".repeat(depth)
        );
        let _ = bound(&text);
        let text = format!(
            "Visits {}{}",
            "| mv-apply Extra on (where true ".repeat(depth),
            ")".repeat(depth)
        );
        let _ = bound(&text);
    }
}

#[test]
fn searches_of_many_words() {
    let words: Vec<String> = (0..3_000).map(|n| format!("'w{n}'")).collect();
    let text = format!("Visits | search {}", words.join(" or "));
    let binding = bound(&text);
    assert!(binding.query.is_some() || binding.diagnostics.iter().any(|d| d.code == "KQL401"));
    let text = format!("search in (Visits, Pages, Owners) {}", words.join(" and "));
    let _ = bound(&text);
}
