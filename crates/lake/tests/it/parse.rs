//! `parse` without a regular expression, held against the one with it.

use kql::engine::Rows;
use kql::value::{Type, Value};

use crate::plans::{Both, schema};

const TEXTS: &[&str] = &[
    "",
    "a=1 b=two c=3",
    "a=1 b=two c=x",
    "a= b= c=",
    "a=1 a=2 b=3 b=4 c=5 c=6",
    "prefix a=+17 b=-5 c= 9 suffix",
    "a=12x b=3",
    "a=x b=1 a=7 b=8 tail",
    "port=80 port=x port=443 end",
    "port= 80end",
    "port=٣ end",
    "ends with c=",
    "ab",
    "aab",
    "äa=1ü b=2",
    "line one\na=1 b=two\nc=3",
    "2020-01-02 INFO 1.5 true 00:01:00 x",
    "aaaa",
    "a=1 b=two c=3 d=4",
];

const PATTERNS: &[&str] = &[
    "'a=' x ' b=' y ' c=' z",
    "'a=' x: long ' b=' y ' c=' z: int",
    "* 'a=' x ' b=' y",
    "* 'a=' x: long * 'b=' y",
    "* 'a=' x: long * ' b=' y: int *",
    "* 'port=' x: long *",
    "* 'port=' x: int * ' end'",
    "* 'port=' x: long 'end'",
    "x 'a=' y",
    "x",
    "x: long",
    "'a' x 'b'",
    "'a' * 'a' x",
    "* 'c=' x",
    "* 'c=' *",
    "x ' ' y ' ' z: real ' ' u: bool ' ' v: timespan ' ' w",
    "x: datetime ' ' y ' ' *",
    "* 'a' 'a' x 'a'",
    "'ä' x 'ü' *",
];

#[test]
fn patterns_cut_as_their_expressions_do() {
    let rows = TEXTS.iter().map(|text| vec![Value::text(text)]).collect();
    let both = Both::new(vec![("T", Rows::new(schema(&[("s", Type::String)]), rows))]);
    let mut differences = Vec::new();
    for pattern in PATTERNS {
        for text in [
            format!("T | parse s with {pattern}"),
            format!("T | parse kind=relaxed s with {pattern}"),
            format!("T | parse-where s with {pattern}"),
        ] {
            differences.extend(both.difference(&text));
        }
    }
    differences.extend(both.difference("T | parse kind=regex s with 'a=' x ' b=' y"));
    differences.extend(both.difference("T | parse s with 'a=' s ' b=' y | where y != ''"));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
