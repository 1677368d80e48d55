//! The parser's tests: a query's text and its tree as compact text.

mod dump;
mod dump_operator;
mod errors;
mod expressions;
mod limits;
mod literals;
mod operators;
mod samples;
mod statements;

use super::{Tree, parse};
pub(in crate::syntax) use samples::SAMPLES;

/// A tree as compact text.
pub(in crate::syntax) fn dump_text(tree: &Tree) -> String {
    dump::tree(tree)
}

/// Each text parses without a finding to the tree beside it.
fn check(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let (tree, findings) = parse(text);
        let found = dump::tree(&tree);
        if !findings.is_empty() || found != *expected {
            wrong.push(format!("{text}\n  is  {found}\n  not {expected}\n  {findings:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Each text gives exactly these codes, in order.
fn refuse(cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (text, codes) in cases {
        let (_, findings) = parse(text);
        let found: Vec<&str> = findings.iter().map(|d| d.code).collect();
        if found != *codes {
            wrong.push(format!("{text}\n  gives {found:?}, not {codes:?}\n  {findings:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
