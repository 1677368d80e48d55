//! `parse`, `parse-where`, `parse-kv`.

use super::check;

#[test]
fn simple_patterns_stand_for_the_whole_text() {
    let rows = |text: &str| format!("datatable(s:string)['{text}']");
    for (text, pattern, expected) in [
        ("aXcYc", r#""a" v "c""#, "XcY"),
        ("aXcYc", r#""a" v "c" *"#, "X"),
        ("abcbd", r#""a" v "b""#, ""),
        ("y=1,x=2,x=9", r#"* "x=" v "," *"#, "2"),
        ("a.b-Z", r#""a.b-" v"#, "Z"),
        ("axb-Z", r#""a.b-" v"#, ""),
        ("head tail", r#"v " tail""#, "head"),
        ("no a=1", r#""a=" v"#, ""),
    ] {
        let query = format!("{} | parse s with {pattern} | project v", rows(text));
        check(&query, &["v", expected]);
    }
}

#[test]
fn expressions_match_anywhere_and_are_greedy() {
    for (flags, text, pattern, expected) in [
        ("", "aXcYc", r#""a" v "c""#, "XcY"),
        ("", "n: a1b", r#""a" v "b""#, "1"),
        ("flags=i", "A=5", r#""a=" v"#, "5"),
        ("flags=U", "y=1,x=2,x=9,", r#"* "x=" v ",""#, "9"),
        ("", "foo=9,bar", r#""(foo)=" v ",(bar)""#, "9"),
        ("", "a)b", r#"")" v"#, "b"),
    ] {
        let query = format!(
            "datatable(s:string)['{text}'] | parse kind=regex {flags} s with {pattern} | project v"
        );
        check(&query, &["v", expected]);
    }
    check("print s = 'n=27x' | parse kind=regex s with 'n=' n:long | project n", &["n", "27"]);
}

#[test]
fn one_failed_conversion_fails_the_row_unless_relaxed() {
    let rows = "datatable(s:string)['a=1,b=x,c=3', 'a=q,b=x,c=3', 'none']";
    let pattern = r#"s with "a=" a:long ",b=" b ",c=" c:long"#;
    check(
        &format!("{rows} | parse {pattern} | project a, b, c"),
        &["a, b, c", "1, x, 3", ", , ", ", , "],
    );
    check(
        &format!("{rows} | parse kind=relaxed {pattern} | project a, b, c"),
        &["a, b, c", "1, x, 3", ", x, 3", ", , "],
    );
    check(&format!("{rows} | parse-where {pattern} | project a"), &["a", "1"]);
}

#[test]
fn a_typed_capture_before_a_star_has_its_shape() {
    check(
        r#"datatable(s:string)['n=27 junk m=23', 'n=xx junk m=23']
           | parse s with "n=" n:long * "m=" m:long | project n, m"#,
        &["n, m", "27, 23", ", "],
    );
    check(
        r#"print s = 'at 2024-05-06 07:08:09, done'
           | parse s with "at " t:datetime * "done" | project t"#,
        &["t", "2024-05-06T07:08:09.0000000Z"],
    );
}

#[test]
fn a_capture_takes_the_place_of_a_column() {
    check("print s = 'a=1', a = 'old' | parse s with 'a=' a | project-away s", &["a", "1"]);
}

#[test]
fn pairs_are_found_with_and_without_delimiters() {
    let kv = |text: &str, with: &str| {
        format!(
            "print s = @'{text}' | parse-kv s as (name:string, ['the n']:long) {with}
                | project name, n = ['the n']"
        )
    };
    let given = "pair_delimiter=' ', kv_delimiter='='";
    check(&kv("x name=John Doe y=2", &format!("with ({given})")), &["name, n", "John, "]);
    check(
        &kv("name=John Doe y=2", &format!("with ({given}, greedy=true)")),
        &["name, n", "John Doe, "],
    );
    check(
        &kv(
            r#"("the n")=7 name="a \" b""#,
            &format!(r#"with ({given}, quote='"', quote='()', escape='\\')"#),
        ),
        &[r#"name, n"#, r#"a " b, "#],
    );
    check(
        &kv("(the n)=7 name=(x y)", &format!("with ({given}, quote='()')")),
        &["name, n", "x y, 7"],
    );
    check(&kv("[12:30] name:Ann, more", ""), &["name, n", "Ann, "]);
    check(&kv("<name:Ann><the n:5>", r"with (regex=@'<([\w ]+):(\w+)>')"), &["name, n", "Ann, 5"]);
}
