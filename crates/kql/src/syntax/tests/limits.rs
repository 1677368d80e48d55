//! Nesting, long chains, long texts, texts cut off anywhere.

use super::super::{Span, TEXT_MAX, parse, tokens};
use super::samples::SAMPLES;

fn codes(text: &str) -> Vec<&'static str> {
    parse(text).1.iter().map(|d| d.code).collect()
}

#[test]
fn nesting() {
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("f(", "1", ")"),
        ("a[", "1", "]"),
        ("a.[", "1", "]"),
        ("toscalar(", "T", ")"),
        ("T | join (", "T", ") on a"),
        ("T | where a in (", "T", ")"),
        ("print a | mv-apply a on (", "take 1", ")"),
        ("union (", "T", ")"),
        ("a between (", "1", " .. 2)"),
        ("dynamic([dynamic(", "1", ")])"),
        ("T | fork (", "T", ")"),
        ("-(", "1", ")"),
    ] {
        let deep = open.repeat(40) + middle + &close.repeat(40);
        assert_eq!(codes(&deep), [""; 0], "{deep}");
        let too_deep = open.repeat(5000) + middle + &close.repeat(5000);
        assert_eq!(codes(&too_deep), ["KQL107"], "{open}");
    }
    let body = "let f = () { ".repeat(5000);
    assert_eq!(codes(&body), ["KQL107"]);
    let json = format!("dynamic({}{})", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(codes(&json), ["KQL107"]);
    let brackets = "[".repeat(100_000);
    assert!(!codes(&brackets).is_empty());
    assert!(!codes(&")".repeat(100_000)).is_empty());
}

#[test]
fn chains() {
    for joint in [" and ", " or "] {
        let text = vec!["a == 1"; 20_000].join(joint);
        assert_eq!(codes(&text), [""; 0]);
    }
    assert_eq!(codes(&vec!["a"; 400].join(" + ")), [""; 0]);
    for joint in [" + ", " * ", "."] {
        assert_eq!(codes(&vec!["a"; 20_000].join(joint)), ["KQL107"], "{joint}");
    }
    // The height of nested chains adds up.
    let mut text = "a".to_owned();
    for _ in 0..100 {
        text = format!("({text}{})", " + a".repeat(50));
    }
    assert_eq!(codes(&text)[0], "KQL107");
    assert_eq!(codes(&format!("T{}", " | take 1".repeat(50_000))), [""; 0]);
    assert_eq!(codes(&"let a = 1;".repeat(20_000)), [""; 0]);
    assert_eq!(codes(&format!("print {}", vec!["1"; 100_000].join(", "))), [""; 0]);
    let cells = format!("datatable(a: long)[{}]", vec!["1"; 100_000].join(", "));
    assert_eq!(codes(&cells), [""; 0]);
    let bag: Vec<String> = (0..50_000).map(|i| format!("'k{i}': {i}")).collect();
    assert_eq!(codes(&format!("dynamic({{{}}})", bag.join(","))), [""; 0]);
}

#[test]
fn lengths() {
    assert_eq!(codes(&" ".repeat(TEXT_MAX + 1)), ["KQL108"]);
    assert_eq!(codes(&" ".repeat(TEXT_MAX)), [""; 0]);
    assert!(codes(&"| ".repeat(TEXT_MAX / 2)).len() <= 100);
    assert!(!codes(&"(a,".repeat(TEXT_MAX / 3)).is_empty());
    assert_eq!(codes(&"'".repeat(TEXT_MAX - 1)), ["KQL102"]);
}

#[test]
fn cut_anywhere() {
    for sample in SAMPLES {
        for token in tokens(sample) {
            parse(&sample[..token.span.start]);
            parse(&sample[..token.span.end]);
            parse(&sample[token.span.start..]);
            let without = sample[..token.span.start].to_owned() + &sample[token.span.end..];
            parse(&without);
        }
    }
}

/// Words that are no names, and signs: what stands where something else should must be read over.
const ODD: &[&str] =
    &["sample-distinct", "!in", "by", "with", "=", "(", "]", "{", ",", ".", "*", "-", "'a'", "1"];

#[test]
fn anything_anywhere() {
    for sample in SAMPLES {
        for token in tokens(sample) {
            let (before, after) = (&sample[..token.span.start], &sample[token.span.end..]);
            for odd in ODD {
                parse(&format!("{before} {odd} {after}"));
                parse(&format!("{before}{odd} {}{after}", token_text(sample, &token.span)));
                parse(&format!("{before}{odd}=0 {after}"));
            }
        }
    }
}

fn token_text<'t>(text: &'t str, span: &Span) -> &'t str {
    &text[span.start..span.end]
}

#[test]
fn tokens_cover_the_text() {
    for sample in SAMPLES {
        let mut end = 0;
        for token in tokens(sample) {
            assert!(sample[end..token.span.start].chars().all(|c| c.is_whitespace()), "{sample}");
            end = token.span.end;
        }
        assert_eq!(end, sample.len());
    }
}
