//! Precedence, names, paths, lists.

use super::check;

#[test]
fn precedence() {
    check(&[
        ("a or b and c", "[a or [b and c]]"),
        ("a and b or c and d", "[[a and b] or [c and d]]"),
        ("a == 1 and b != 2", "[[a == 1] and [b != 2]]"),
        ("a <> 2", "[a != 2]"),
        ("a + b * c - d", "[[a + [b * c]] - d]"),
        ("a - b - c", "[[a - b] - c]"),
        ("a / b * c % d", "[[[a / b] * c] % d]"),
        ("a + 1 < b * 2", "[[a + 1] < [b * 2]]"),
        ("a < b == c < d", "[[a < b] == [c < d]]"),
        ("a == b + 1 or c", "[[a == [b + 1]] or c]"),
        // Operators on text bind tighter than arithmetic.
        ("a has b + c", "[[a has b] + c]"),
        ("a =~ 'x' and b !~ 'y'", "[[a =~ \"x\"] and [b !~ \"y\"]]"),
        ("-a + b", "[-a + b]"),
        ("-a.b", "-a.b"),
        ("a - -1", "[a - -1]"),
        ("(a or b) and c", "[([a or b]) and c]"),
        ("not(a) and b", "[not(a) and b]"),
    ]);
}

#[test]
fn text_operators() {
    check(&[
        ("a contains 'x'", "[a contains \"x\"]"),
        ("a notcontains 'x'", "[a !contains \"x\"]"),
        ("a containscs 'x'", "[a contains_cs \"x\"]"),
        ("a notcontainscs 'x'", "[a !contains_cs \"x\"]"),
        ("a !contains_cs 'x'", "[a !contains_cs \"x\"]"),
        ("a !hasprefix_cs 'x'", "[a !hasprefix_cs \"x\"]"),
        ("a hassuffix 'x'", "[a hassuffix \"x\"]"),
        (
            "a startswith 'x' or a !endswith_cs 'y'",
            "[[a startswith \"x\"] or [a !endswith_cs \"y\"]]",
        ),
        ("a matches regex 'x+'", "[a matches regex \"x+\"]"),
        ("a like 'x%'", "[a like \"x%\"]"),
        ("a notlike 'x%'", "[a !like \"x%\"]"),
        ("a likecs 'x%'", "[a like_cs \"x%\"]"),
        ("a notlikecs 'x%'", "[a !like_cs \"x%\"]"),
        ("* has 'x'", "[~* has \"x\"]"),
        ("* == 'x'", "[~* == \"x\"]"),
        ("a : 'x'", "[a has \"x\"]"),
    ]);
}

#[test]
fn lists_and_ranges() {
    check(&[
        ("a in (1, 2)", "[a in (1, 2)]"),
        ("a !in (1)", "[a !in (1)]"),
        ("a in~ ('x')", "[a in~ (\"x\")]"),
        ("a !in~ (list)", "[a !in~ (list)]"),
        ("a in (T)", "[a in (T)]"),
        ("a in (T | project b)", "[a in (T | project b)]"),
        ("a in ((T | project b))", "[a in ((T | project b))]"),
        ("a has_any ('x', 'y') and b", "[[a has_any (\"x\", \"y\")] and b]"),
        ("a has_all (l)", "[a has_all (l)]"),
        ("a between (1 .. 2)", "[a between 1..2]"),
        ("a between(1..2) and b", "[[a between 1..2] and b]"),
        ("a !between (x - 1d .. now())", "[a !between [x - #1.00:00:00]..now()]"),
        ("a between (1.5 .. 2)", "[a between 1.5..2]"),
        ("a + 1 in (2) or b", "[[[a + 1] in (2)] or b]"),
    ]);
}

#[test]
fn paths() {
    check(&[
        ("a.b.c", "a.b.c"),
        ("a[0]", "a[0]"),
        ("a['b c'].d", "a[\"b c\"].d"),
        ("a.['b']", "a[\"b\"]"),
        ("a[-1]", "a[-1]"),
        ("a.b[i + 1].c", "a.b[[i + 1]].c"),
        ("f(x).y", "f(x).y"),
        ("f(a, b = 1, *)", "f(a, b=1, ~*)"),
        ("count(*)", "count(~*)"),
        ("f(g(), (h()))", "f(g(), (h()))"),
        ("database('d').T", "database(\"d\")/T"),
        ("cluster('c').database('d').T", "cluster(\"c\")/database(\"d\")/T"),
        ("cluster('c').database('d').f(1)", "cluster(\"c\")/database(\"d\")/f(1)"),
        ("cluster('c').database('d').['T x']", "cluster(\"c\")/database(\"d\")/`T x`"),
        ("workspace('w').T | take 1", "workspace(\"w\")/T | take 1"),
        ("table('T') | count", "table(\"T\") | count"),
        ("$left.a == $right.b", "[$left.a == $right.b]"),
        ("a.type.kind.by.where", "a.type.kind.by.where"),
    ]);
}

#[test]
fn names() {
    check(&[
        ("['a b']", "`a b`"),
        ("[\"a\"]", "a"),
        ("[@'a']", "a"),
        ("['a'](1)", "a(1)"),
        (
            "T | project kind, type, count, from, on, id, step, with, let, set, view",
            "T | project kind, type, count, from, on, id, step, with, let, set, view",
        ),
        (
            "T | extend title = 1, by = 2, to = 3, where = 4, in = 5, has = 6",
            "T | extend title=1, by=2, to=3, where=4, in=5, has=6",
        ),
        ("T | summarize count() by type, kind", "T | summarize count() by type, kind"),
        ("T | where default == range", "T | where [default == range]"),
        ("4624x | take 1", "4624x | take 1"),
        (
            "let top = limit + 1; f(top, (sort)) | take 1",
            "let top = [limit + 1]; f(top, (sort)) | take 1",
        ),
        ("T | where (count > 1 and order in (1))", "T | where ([[count > 1] and [order in (1)]])"),
        ("größe == 1", "[größe == 1]"),
        ("a // comment\n// another\n+ 1", "[a + 1]"),
        ("a\u{a0}+\u{feff}1", "[a + 1]"),
    ]);
}

#[test]
fn names_of_values() {
    check(&[
        ("T | extend a = b == c", "T | extend a=[b == c]"),
        ("T | extend (a, b) = f(c)", "T | extend (a, b)=f(c)"),
        ("T | extend ['a b'] = 1", "T | extend `a b`=1"),
        ("T | extend (a, ['b c']) = f(c)", "T | extend (a, `b c`)=f(c)"),
        ("T | extend (a) == 1", "T | extend [(a) == 1]"),
    ]);
}

#[test]
fn special_calls() {
    check(&[
        ("toscalar(T | count)", "toscalar(T | count)"),
        ("toscalar kind=nooptimization (T)", "toscalar(T)"),
        ("materialize(T | take 1)", "materialize(T | take 1)"),
        ("totable(T | take 1)", "totable(T | take 1)"),
        ("typeof(long)", "typeof(``:long)"),
        ("typeof(a: long, *)", "typeof(a:long, *)"),
        ("typeof(int32)", "typeof(``:int)"),
        (
            "datatable(a: long, b: string)[1, 'x', -2, '']",
            "datatable(a:long, b:string)[1, \"x\", -2, \"\"]",
        ),
        (
            "datatable (a: date) [,\n datetime(2020),\n]",
            "datatable(a:datetime)[@2020-01-01T00:00:00.0000000Z]",
        ),
        ("datatable(a: long)[] | count", "datatable(a:long)[] | count"),
        (
            "externaldata(a: string)[h'http://x', @'y'] with (format='csv', \
             ignoreFirstRecord=true)",
            "external(a:string)[h\"http://x\", \"y\"] with format=\"csv\", \
             ignoreFirstRecord=true",
        ),
        ("external_data(a: string)['x']", "external(a:string)[\"x\"]"),
        (
            "entity_group [cluster('a').database('b'), database('c')]",
            "entity_group(cluster(\"a\")/database(\"b\"), database(\"c\"))",
        ),
    ]);
}
