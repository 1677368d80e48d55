//! Statements, functions, several of them in a text.

use super::check;

#[test]
fn lets() {
    check(&[
        ("let a = 1; a", "let a = 1; a"),
        ("let a=T | take 1;\na", "let a = T | take 1; a"),
        ("let ['a b'] = 1;", "let `a b` = 1"),
        ("let from = 1d; let to = 2;", "let from = #1.00:00:00; let to = 2"),
        ("let m = materialize(T | take 1); m", "let m = materialize(T | take 1); m"),
        ("let a = (T | take 1);", "let a = (T | take 1)"),
        ("let a = (b) + 1;", "let a = [(b) + 1]"),
        ("let a = datatable(x: long)[1];", "let a = datatable(x:long)[1]"),
        ("let a = range x from 1 to 2 step 1;", "let a = < | range x 1..2 by 1"),
        ("let a = union T, U;", "let a = < | union T, U"),
        ("let a = (union T, U);", "let a = (< | union T, U)"),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("let f = () { T };", "let f = fn() {T}"),
        (
            "let f = (a: long, b: string = 'x') { a + 1 }; f(1)",
            "let f = fn(a:long, b:string=\"x\") {[a + 1]}; f(1)",
        ),
        (
            "let f = (t: (a: long, b: string), n: int = int(5)) { t | take n; };",
            "let f = fn(t:(a:long, b:string), n:int=5i) {t | take n}",
        ),
        ("let f = (t: (*)) { t };", "let f = fn(t:(*)) {t}"),
        (
            "let f = (a: timespan = -1d, b: bool = False) { a };",
            "let f = fn(a:timespan=-#1.00:00:00, b:bool=false) {a}",
        ),
        (
            "let f = (x: long) { let y = x * 2; let z = y; z + 1 };",
            "let f = fn(x:long) {let y = [x * 2]; let z = y; [z + 1]}",
        ),
        ("let v = view () { T };", "let view v = fn() {T}"),
        ("let v = view (a: int) { T };", "let view v = fn(a:int) {T}"),
        (
            "let f = (s: string) { T | where x has s | count }; f('a') | take 1",
            "let f = fn(s:string) {T | where [x has s] | count}; f(\"a\") | take 1",
        ),
        ("let f = (['a b']: real) { 1 };", "let f = fn(`a b`:real) {1}"),
        ("let f = (by: double) { 1 };", "let f = fn(by:real) {1}"),
    ]);
}

#[test]
fn others() {
    check(&[
        ("set notruncation; T", "set notruncation; T"),
        ("set a = 'x'; set b = 10; T", "set a=\"x\"; set b=10; T"),
        (
            "declare query_parameters(a: long = 5, b: string); T",
            "parameters (a:long=5, b:string); T",
        ),
        (
            "alias database d = cluster('c').database('x'); database('d').T",
            "alias d = cluster(\"c\")/database(\"x\"); database(\"d\")/T",
        ),
        (
            "restrict access to (T, U*, database('d').*); T",
            "restrict (T, ~U*, database(\"d\")/~*); T",
        ),
        ("declare pattern p; T", "pattern p() ; T"),
        (
            "declare pattern p = (a: string)[b: string] {\n  ('x').['y'] = { T };\n  \
             ('z').['y'] = { U | take 1; };\n};\np('x').y",
            "pattern p(a:string, b:string) path (\"x\").[\"y\"] -> {T} (\"z\").[\"y\"] -> {U | \
             take 1}; p(\"x\").y",
        ),
        ("let a = 1;;\n; T;;", "let a = 1; T"),
        ("T;\nU\n", "T; U"),
        ("\u{feff}let a = 1;\r\nT\r\n| take a\r\n", "let a = 1; T | take a"),
        ("// only a comment", ""),
        ("", ""),
        ("#directive\nT", "T"),
    ]);
}
