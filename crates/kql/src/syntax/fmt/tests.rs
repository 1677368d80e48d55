//! What the formatter does to layouts, and that it does no harm.

use super::super::tests::{SAMPLES, dump_text};
use super::super::{TokenKind, parse, tokens};
use super::format;

fn check(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        let expected = expected.trim_start_matches('\n');
        let found = format(text).expect("because the case is a good query");
        if found != expected {
            wrong.push(format!("{text}\n--- is\n{found}--- not\n{expected}"));
        }
        harmless(text);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The tree and the comments stay, and a second time changes nothing.
fn harmless(text: &str) {
    let once = format(text).unwrap_or_else(|f| panic!("{text}\n{f:?}"));
    let (tree, findings) = parse(&once);
    assert!(findings.is_empty(), "{text}\n---\n{once}\n{findings:?}");
    assert_eq!(dump_text(&tree), dump_text(&parse(text).0), "{text}\n---\n{once}");
    assert_eq!(words(text), words(&once), "{text}\n---\n{once}");
    assert_eq!(format(&once).as_deref(), Ok(once.as_str()), "not stable: {text}");
}

fn words(text: &str) -> Vec<(TokenKind, &str)> {
    let words = tokens(text);
    words.iter().map(|t| (t.kind, text[t.span.start..t.span.end].trim_end())).collect()
}

#[test]
fn pipes() {
    check(&[
        ("T|where a==1|take 5", "T\n| where a == 1\n| take 5\n"),
        (
            "T | join kind = inner(U|where x)\n on a",
            "
T
| join kind=inner (
    U
    | where x
) on a
",
        ),
        ("let x=T|where a;x", "let x = T\n    | where a;\nx\n"),
        ("let x=\n\n T|where a;\n\n\nx|count", "let x =\n    T\n    | where a;\n\nx\n| count\n"),
        (
            "let f=(a:long,b:string='x'){let y=a+1;T|where z==y};f(1)",
            "
let f = (a: long, b: string = 'x') {
    let y = a + 1;
    T
    | where z == y
};
f(1)
",
        ),
        ("let f = (a: long){a+1};", "let f = (a: long) { a + 1 };\n"),
        (
            "T | where a in ((U|project b)) and c",
            "
T
| where a in ((
    U
    | project b
)) and c
",
        ),
        (
            "T\n| where a\n  and (b\n or c)\n| extend d = 1,\n e = f(\n 1,\n 2\n)",
            "
T
| where a
    and (b
        or c)
| extend d = 1,
    e = f(
        1,
        2
    )
",
        ),
        (
            "union (T|take 1),(U|take 2)",
            "
union (
    T
    | take 1
), (
    U
    | take 2
)
",
        ),
        (
            "T|mv-apply x=a to typeof(long) on(top 1 by x)",
            "
T
| mv-apply x = a to typeof(long) on (top 1 by x)
",
        ),
        (
            "T | scan declare(a:long=0) with(step s:x==1=>a=a+1;step t:y;)",
            "
T
| scan declare (a: long = 0) with (
    step s: x == 1 => a = a + 1;
    step t: y;
)
",
        ),
    ]);
}

#[test]
fn blanks() {
    check(&[
        (
            "print a=1+2*-3,b= - 4-5,c=x [ 0 ] . y ,d=f( a,b )",
            "print a = 1 + 2 * -3, b = -4 - 5, c = x[0].y, d = f(a, b)\n",
        ),
        (
            "T|where a between(1..2)and b!between( - 1 .. 2 )",
            "T\n| where a between (1 .. 2) and b !between (-1 .. 2)\n",
        ),
        ("T|where a!in~('x')or b has_any('y')", "T\n| where a !in~ ('x') or b has_any ('y')\n"),
        (
            "T|extend a=dynamic({'a':[1,{'b':-2}]})",
            "T\n| extend a = dynamic({'a': [1, {'b': -2}]})\n",
        ),
        ("T|where ['a b']==1 and d['e']>2", "T\n| where ['a b'] == 1 and d['e'] > 2\n"),
        (
            "T|summarize hint.shufflekey = a n=count() by a,bin(t,1h)",
            "T\n| summarize hint.shufflekey=a n = count() by a, bin(t, 1h)\n",
        ),
        (
            "union isfuzzy = true withsource=S T*,database('d').U*,V",
            "union isfuzzy=true withsource=S T*, database('d').U*, V\n",
        ),
        ("T|extend kind = 1,x=a*b", "T\n| extend kind = 1, x = a * b\n"),
        ("T|project-away a*,*b", "T\n| project-away a*, *b\n"),
        (
            "T|render timechart with(title='x',kind = stacked)",
            "T\n| render timechart with (title='x', kind=stacked)\n",
        ),
        (
            "T|parse kind = regex a with*'x='b:long *",
            "T\n| parse kind=regex a with * 'x=' b: long *\n",
        ),
        (
            "G|make-graph a-->b with N on id|graph-match(a)-[e*1..3]->(b)<--(c) where a.x-1>2",
            "
G
| make-graph a-->b with N on id
| graph-match (a)-[e*1..3]->(b)<--(c) where a.x-1>2
",
        ),
        (
            "datatable(a:long,b:string)[1,'x',\n2,'y']|take 1",
            "
datatable(a: long, b: string) [1, 'x',
    2, 'y']
| take 1
",
        ),
        (
            "find in(T*,U)where a project b:long,pack(*)",
            "find in (T*, U) where a project b: long, pack(*)\n",
        ),
    ]);
}

#[test]
fn comments() {
    check(&[
        (
            "// head\n\n\nT // source\n  // next\n|take 1 //end",
            "
// head

T // source
// next
| take 1 //end
",
        ),
        (
            "T|where a in(1, // one\n2 // two\n)",
            "
T
| where a in (1, // one
    2 // two
)
",
        ),
        (
            "let a=1; // first\n// second\nlet b=2;\n\n// third\nT",
            "
let a = 1; // first
// second
let b = 2;

// third
T
",
        ),
        (
            "let f = () { // why\n T };\nf",
            "
let f = () { // why
    T
};
f
",
        ),
    ]);
}

#[test]
fn refuses_errors() {
    assert!(format("T | wher a").is_err());
    assert_eq!(format("").as_deref(), Ok(""));
    assert_eq!(format("  \n").as_deref(), Ok(""));
    assert_eq!(format("// x").as_deref(), Ok("// x\n"));
}

#[test]
fn patterns_stay_in_one_piece() {
    for text in [
        "union i**II$II*i",
        "union T*1a*",
        "union i***1**",
        "find in (a*b$c) where x == 1",
        "union database('d').a*b*1*, database('d') . T*b",
        "restrict access to (database('d').a*b*c**1*);\nT",
    ] {
        harmless(text);
    }
}

#[test]
fn long_texts() {
    for (part, n) in [("//\n", 100_000), ("T | take 1 // x\n;", 20_000), ("\n", 100_000)] {
        let text = part.repeat(n);
        let once = format(&text).expect("because each part is a good query");
        assert_eq!(format(&once).as_ref(), Ok(&once));
    }
}

#[test]
fn samples() {
    for sample in SAMPLES {
        harmless(sample);
        // The same with as few and as many line ends as can be.
        for between in [" ", "\n", "\n\n\n  "] {
            let mut text = String::new();
            for token in tokens(sample) {
                if !token.glued {
                    text.push_str(between);
                }
                text.push_str(&sample[token.span.start..token.span.end]);
                if token.kind == TokenKind::Comment {
                    text.push('\n');
                }
            }
            harmless(&text);
        }
    }
}
