//! Functions of text on values.

use crate::functions::{Context, scalar};
use crate::value::{Json, Value};

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap_or_else(|| panic!("no {name}"))(arguments, &Context { now: 0 })
}

fn t(text: &str) -> Value {
    Value::text(text)
}

fn n(n: i64) -> Value {
    Value::Long(n)
}

fn j(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap())
}

fn check(cases: &[(&str, &[Value], Value)]) {
    for (name, arguments, expected) in cases {
        assert_eq!(call(name, arguments), *expected, "{name} {arguments:?}");
    }
}

const N: Value = Value::Null;

#[test]
fn basic() {
    check(&[
        ("strcat", &[t("a"), n(1), N, Value::Bool(true)], t("a1True")),
        ("strcat_delim", &[t("-"), n(1), t("2"), t("A")], t("1-2-A")),
        ("strcat_array", &[j(r#"[1,"b",null]"#), t(",")], t("1,b,")),
        ("strrep", &[n(123), n(3), t(".")], t("123.123.123")),
        ("substring", &[t("123456"), n(1)], t("23456")),
        ("substring", &[t("123456"), n(2), n(2)], t("34")),
        ("substring", &[t("123456"), n(-2), n(2)], t("56")),
        ("substring", &[t("äöü"), n(1), n(1)], t("ö")),
        ("substring", &[t("abc"), n(7)], t("")),
        ("substring", &[t("abc"), n(i64::MIN), n(i64::MAX)], t("abc")),
        ("split", &[t("aa_bb"), t("_")], j(r#"["aa","bb"]"#)),
        ("split", &[t("aaa_bbb_ccc"), t("_"), n(1)], j(r#"["bbb"]"#)),
        ("split", &[t(""), t("_")], j(r#"[""]"#)),
        ("split", &[t("a__b"), t("_")], j(r#"["a","","b"]"#)),
        ("strcmp", &[t("abc"), t("ABC")], n(1)),
        ("strcmp", &[t("ABC"), t("abc")], n(-1)),
        ("strlen", &[t("⒦⒰⒮⒯⒪")], n(5)),
        ("string_size", &[t("⒦⒰⒮⒯⒪")], n(15)),
        ("reverse", &[n(12345)], t("54321")),
        ("toupper", &[t("straße")], t("STRASSE")),
        ("make_string", &[j("[75,117,115]"), n(116), n(111)], t("Kusto")),
        ("to_utf8", &[t("⒦a")], j("[9382,97]")),
        ("isascii", &[t("ä")], Value::Bool(false)),
    ]);
    let long = Value::text("x".repeat(1 << 20));
    assert_eq!(call("strrep", &[long, n(1000)]), t(""));
}

#[test]
fn searching() {
    let alphabet = t("abcdefg");
    let c = || t("cde");
    check(&[
        ("indexof", &[alphabet.clone(), c()], n(2)),
        ("indexof", &[alphabet.clone(), c(), n(1), n(4)], n(2)),
        ("indexof", &[alphabet.clone(), c(), n(1), n(2)], n(-1)),
        ("indexof", &[alphabet.clone(), c(), n(3), n(4)], n(-1)),
        ("indexof", &[alphabet.clone(), c(), n(-5)], n(2)),
        ("indexof", &[n(1_234_567), n(5), n(1), n(4)], n(4)),
        ("indexof", &[alphabet.clone(), c(), n(2), n(-1)], n(2)),
        ("indexof", &[alphabet, c(), n(0), n(-2)], N),
        ("indexof", &[t("abcdefgabcdefg"), c(), n(1), n(10), n(2)], n(9)),
        ("indexof", &[t("abcdefgabcdefg"), c(), n(1), n(-1), n(3)], n(-1)),
        ("indexof_regex", &[t("abcabc"), t("a.c")], n(0)),
        ("indexof_regex", &[t("abcabcdefg"), t("a.c"), n(0), n(9), n(2)], n(3)),
        ("indexof_regex", &[t("abcabc"), t("a.c"), n(1), n(-1), n(2)], n(-1)),
        ("indexof_regex", &[t("ababaa"), t("a.a"), n(0), n(-1), n(2)], n(-1)),
        ("indexof_regex", &[t("abcabc"), t("a|ab"), n(-1)], N),
        ("countof", &[t("aaaa"), t("aa")], n(3)),
        ("countof", &[t("ababa"), t("aba"), t("regex")], n(1)),
        ("countof", &[t("abc"), t("")], n(0)),
        ("has_any_index", &[t("this is an example"), j(r#"["not","example"]"#)], n(1)),
        ("has_any_index", &[t("Example number 2"), j("[1,2,3]")], n(1)),
        ("has_any_index", &[t("a"), j("[]")], n(-1)),
    ]);
}

#[test]
fn patterns() {
    let guid = || t("82b8be2d-dfa7");
    check(&[
        ("extract", &[t(r"-(\d{2})-"), n(1), t("15-12-2024"), t("int")], Value::Int(12)),
        ("extract", &[t("x(y)?"), n(1), t("x")], t("")),
        ("extract", &[t("z"), n(0), t("x"), t("long")], N),
        ("extract", &[t("("), n(0), t("x")], t("")),
        ("extract_all", &[t(r"([\da-f]{2})"), guid()], j(r#"["82","b8","be","2d","df","a7"]"#)),
        (
            "extract_all",
            &[t(r"(?P<first>\w)(\w+)(?P<last>\w)"), j(r#"["first",3]"#), guid()],
            j(r#"[["8","d"],["d","7"]]"#),
        ),
        ("extract_all", &[t("(z)"), guid()], N),
        ("replace_regex", &[t("Number is 1"), t(r"is (\d+)"), t(r"was: \1")], t("Number was: 1")),
        ("replace", &[t("(a)"), t(r"$1\0\\"), t("banana")], t(r"b$1a\n$1a\n$1a\")),
        ("replace_string", &[t("a.b.c"), t("."), t("")], t("abc")),
        (
            "replace_strings",
            &[t("This is it"), j(r#"["This","is"]"#), j(r#"[12345,"was"]"#)],
            t("This was it"),
        ),
        (
            "replace_strings",
            &[t("this hat"), j(r#"["at","th","t"]"#), j(r#"["is",5,""]"#)],
            t("this his"),
        ),
        ("translate", &[t("krasp"), t("otsku"), t("spark")], t("kusto")),
        ("translate", &[t("abc"), t("x"), t("abc")], t("xxx")),
        ("translate", &[t("abc"), t(""), t("ab")], t("")),
        ("trim", &[t("--"), t("--https://bing.com--")], t("https://bing.com")),
        ("trim", &[t("1"), t("11")], t("")),
        ("trim_start", &[t(r"[^\w]+"), t("-  Te st1// $")], t("Te st1// $")),
        ("trim_end", &[t(r"\s+"), t("  a  ")], t("  a")),
        ("regex_quote", &[t("(so$me.Te^xt)")], t(r"\(so\$me\.Te\^xt\)")),
    ]);
}

#[test]
fn encodings() {
    let packed = || t("H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==");
    let plain = || t("1234567890qwertyuiop");
    check(&[
        ("base64_decode_tostring", &[t("S3VzdG8=")], t("Kusto")),
        ("base64_decode_tostring", &[t("S3VzdG8")], t("Kusto")),
        ("base64_decode_tostring", &[t("U3RyaW5n0KHR0tGA0L7Rh9C60LA=")], t("")),
        ("base64_decode_toarray", &[t("S3VzdG8=")], j("[75,117,115,116,111]")),
        ("base64_encode_fromarray", &[j("[75,117,115,116,111]")], t("S3VzdG8=")),
        ("base64_encode_fromarray", &[j("[300]")], t("")),
        ("gzip_compress_to_base64_string", &[plain()], packed()),
        ("gzip_decompress_from_base64_string", &[packed()], plain()),
        (
            "zlib_decompress_from_base64_string",
            &[t("eJwLSS0uUSguKcrMS1cwNDIGACxqBQ4=")],
            t("Test string 123"),
        ),
        ("zlib_decompress_from_base64_string", &[t("x0x0x0")], t("")),
        ("url_encode", &[t("https://a.b/c d")], t("https%3a%2f%2fa.b%2fc+d")),
        ("url_encode_component", &[t("/c d")], t("%2fc%20d")),
        ("url_decode", &[t("a%3A+%zz%u00e4%")], t("a: %zzä%")),
        ("punycode_from_string", &[t("académie-française")], t("acadmie-franaise-npb1a")),
        ("punycode_to_string", &[t("acadmie-franaise-npb1a")], t("académie-française")),
        ("punycode_from_string", &[t("艺术")], t("cqv902d")),
        ("punycode_to_string", &[t("zzzzzzzzzzzzzz")], t("")),
        ("punycode_domain_from_string", &[t("xn--Ge-mia.Bulg.edu")], t("Gáe.Bulg.edu")),
        ("punycode_domain_to_string", &[t("Riðill｡org")], t("xn--Riill-jta.org")),
    ]);
    let repeated = Value::text("abc".repeat(10_000));
    let small = call("zlib_compress_to_base64_string", std::slice::from_ref(&repeated));
    assert!(small.to_text().len() < 400);
    assert_eq!(call("zlib_decompress_from_base64_string", &[small]), repeated);
    let guid = Value::Guid(0xae31_33f2_6e22_49ae_b06a_16e6_a9b2_12eb);
    let encoded = call("base64_encode_fromguid", std::slice::from_ref(&guid));
    assert_eq!(encoded, t("8jMxriJurkmwahbmqbIS6w=="));
    assert_eq!(call("base64_decode_toguid", &[encoded]), guid);
}

#[test]
fn urls() {
    let parsed =
        call("parse_url", &[t("scheme://user:word@host:1234/this/is/a/path?k1=v1&k2=v2#fragment")]);
    let expected = j(
        r#"{"Scheme":"scheme","Host":"host","Port":"1234","Path":"this/is/a/path","Username":"user",
        "Password":"word","Query Parameters":{"k1":"v1","k2":"v2"},"Fragment":"fragment"}"#,
    );
    assert_eq!(parsed, expected);
    let query = call("parse_urlquery", &[t("k1=v1&k2=v%202")]);
    assert_eq!(query, j(r#"{"Query Parameters":{"k1":"v1","k2":"v 2"}}"#));
    assert_eq!(call("parse_url", &[t("")]), N);
}
