//! Parts of JSON text found without a tree, held against those of the tree.

use kql::engine::Rows;
use kql::value::{Type, Value};

use crate::plans::{Both, schema};

/// What may stand in a string at any place: what is plain, what ends it, what is refused.
const ODD: &[&str] = &["", "\\\"", "\\\\", "\\n", "\\u00fc", "\\ud83d\\ude00", "\\ud83d", "\\x"];
const ODDER: &[&str] = &["ü", "😀", "\u{7f}", "\u{80}", "\u{1f}", "\t", "\0", "\"", "\\", " ", "!"];

#[test]
fn strings_end_where_they_end() {
    let mut texts = Vec::new();
    for n in 0..19 {
        for m in [0, 1, 7, 8, 9] {
            let (before, after) = ("a".repeat(n), "b".repeat(m));
            for odd in ODD.iter().chain(ODDER) {
                texts.push(format!("{{\"k\":\"{before}{odd}{after}\",\"l\":7}}"));
                texts.push(format!("{{\"{before}{odd}{after}\":1,\"k\":\"v\",\"l\":8}}"));
            }
            texts.push(format!("{{\"k\":\"{before}"));
        }
    }
    let rows = texts.iter().map(|text| vec![Value::text(text)]).collect();
    let both = Both::new(vec![("T", Rows::new(schema(&[("s", Type::String)]), rows))]);
    let mut differences = Vec::new();
    for text in [
        "T | extend x = tostring(parse_json(s).k), y = tolong(parse_json(s).l)",
        "T | extend x = parse_json(s).k",
        "T | extend d = parse_json(s) | extend n = array_length(bag_keys(d)), x = d.k",
        "T | where tostring(parse_json(s).k) has 'b' | count",
    ] {
        differences.extend(both.difference(text));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
