//! Tabular operators.

use super::check;

#[test]
fn rows() {
    check(&[
        ("T | where a | filter b", "T | where a | where b"),
        ("T | take 5 | limit 6 | take n + 1", "T | take 5 | take 6 | take [n + 1]"),
        ("T | count | count as N", "T | count | count<as=N>"),
        ("T | distinct a, b | distinct *", "T | distinct a, b | distinct ~*"),
        (
            "T | sort by a asc, b desc nulls first, c nulls last, d + 1",
            "T | sort a asc, b desc first, c last, [d + 1]",
        ),
        ("T | order by a", "T | sort a"),
        ("T | sort hint . strategy = x by a", "T | sort<hint.strategy=x> a"),
        ("T | top 5 by a desc nulls last", "T | top 5 by a desc last"),
        ("T | top-hitters 3 of a by b", "T | top-hitters 3 of a by b"),
        (
            "T | top-nested 2 of a with others='o' by count() desc, top-nested of b by s = \
             sum(c)",
            "T | top-nested 2 of a others \"o\" by count() desc, all of b by s=sum(c)",
        ),
        ("T | sample 5 | sample-distinct 3 of a", "T | sample 5 | sample-distinct 3 of a"),
        (
            "T | serialize | serialize r = row_number()",
            "T | serialize | serialize \
        r=row_number()",
        ),
        (
            "T | as hint.materialized=true X | consume decodeblocks=true",
            "T | as<hint.materialized=true> X | consume<decodeblocks=true>",
        ),
        ("T | getschema | getschema kind=csl", "T | getschema | getschema<kind=csl>"),
        ("T | assert-schema (a: long)", "T | assert-schema (a:long)"),
        (
            "T | reduce by a with threshold=0.2, characters='-'",
            "T | reduce a threshold=0.2, characters=\"-\"",
        ),
    ]);
}

#[test]
fn columns() {
    check(&[
        ("T | project a, b = c + 1, ['d e']", "T | project a, b=[c + 1], `d e`"),
        ("T | project", "T | project"),
        ("T | project-away a, b*, *_c, d*e", "T | project-away a, ~b*, ~*_c, ~d*e"),
        ("T | project-away", "T | project-away"),
        ("T | project-keep a*, ['b c']", "T | project-keep ~a*, `b c`"),
        ("T | project-rename a = b, c = d", "T | project-rename a=b, c=d"),
        (
            "T | project-reorder a, b* asc, * desc, c granny-asc",
            "T | project-reorder a, ~b* asc, ~* desc, c asc",
        ),
        ("T | project-by-names 'a', 'b*'", "T | project-by-names \"a\", \"b*\""),
        ("T | extend a = 1, f(b), c = d.e", "T | extend a=1, f(b), c=d.e"),
        ("print 1, a = 'x'", "< | print 1, a=\"x\""),
        ("range x from 1 to 10 step 2 | take 1", "< | range x 1..10 by 2 | take 1"),
    ]);
}

#[test]
fn aggregation() {
    check(&[
        ("T | summarize count()", "T | summarize count()"),
        ("T | summarize by a", "T | summarize  by a"),
        (
            "T | summarize a = sum(b), dcount(c) by d, bin(t, 1h), e = f",
            "T | summarize a=sum(b), dcount(c) by d, bin(t, #01:00:00), e=f",
        ),
        (
            "T | summarize hint.shufflekey = a hint.num_partitions=4 count() by a",
            "T | summarize<hint.shufflekey=a><hint.num_partitions=4> count() by a",
        ),
        (
            "T | summarize (a, b) = arg_max(t, x, y) by k",
            "T | summarize (a, b)=arg_max(t, x, y) by k",
        ),
        (
            "T | make-series n = count() default=0, avg(x) on t from a to b step 1h by k, l",
            "T | make-series n=count() default 0, avg(x) on t from a to b step #01:00:00 by k, l",
        ),
        (
            "T | make-series kind=nonempty count() on t step 1d",
            "T | make-series<kind=nonempty> count() on t step #1.00:00:00",
        ),
        (
            "T | make-series count() on t in range(a, b, 1d) by k",
            "T | make-series count() on t in-range from a to b step #1.00:00:00 by k",
        ),
        ("T | facet by a, b with (where c | take 5)", "T | facet a, b with < | where c | take 5"),
        ("T | facet by a with count", "T | facet a with < | count"),
    ]);
}

#[test]
fn joins() {
    check(&[
        ("T | join U on a", "T | join U on a"),
        (
            "T | join kind=inner hint.strategy=broadcast (U | take 1) on a, $left.b == $right.c",
            "T | join<kind=inner><hint.strategy=broadcast> (U | take 1) on a, [$left.b == \
             $right.c]",
        ),
        ("T | join (U) kind=leftouter on a", "T | join<kind=leftouter> (U) on a"),
        (
            "T | join kind = leftanti(U) on $left.a == $right.a and $left.b == $right.b",
            "T | join<kind=leftanti> (U) on [[$left.a == $right.a] and [$left.b == $right.b]]",
        ),
        ("T | lookup kind=leftouter (U) on a", "T | lookup<kind=leftouter> (U) on a"),
        ("T | lookup U on a", "T | lookup U on a"),
        ("union T, U", "< | union T, U"),
        (
            "union isfuzzy=true kind=outer withsource=S T*, (U | take 1), database('d').V*, f(1)",
            "< | union<isfuzzy=true><kind=outer><withsource=S> ~T*, (U | take 1), \
             database(\"d\")/~V*, f(1)",
        ),
        ("union *", "< | union ~*"),
        ("T | union (U), V withsource=S", "T | union<withsource=S> (U), V"),
        ("union withsource='a b' T", "< | union<withsource=\"a b\"> T"),
    ]);
}

#[test]
fn expansion() {
    check(&[
        ("T | mv-expand a", "T | mv-expand a"),
        (
            "T | mv-expand a, b = c to typeof(long), d limit 10",
            "T | mv-expand a, b=c to long, d limit 10",
        ),
        (
            "T | mvexpand bagexpansion=array with_itemindex=i a.b",
            "T | mvexpand<bagexpansion=array><with_itemindex=i> a.b",
        ),
        ("T | mv-expand kind=bag a to typeof(string)", "T | mv-expand<kind=bag> a to string"),
        (
            "T | mv-apply x = a to typeof(real), b on (where x > 1 | take 2)",
            "T | mv-apply x=a to real, b on (< | where [x > 1] | take 2)",
        ),
        (
            "T | mv-apply with_itemindex=i a limit 3 on (summarize sum(a) by b)",
            "T | mv-apply<with_itemindex=i> a limit 3 on (< | summarize sum(a) by b)",
        ),
        ("T | partition by a (top 1 by b)", "T | partition a (< | top 1 by b)"),
        (
            "T | partition hint.strategy=native by a.b (take 1 | count)",
            "T | partition<hint.strategy=native> a.b (< | take 1 | count)",
        ),
        ("T | partition by a { U | where b == a }", "T | partition a {U | where [b == a]}"),
        ("T | partition by a in (f()) (take 1)", "T | partition a in (f()) (< | take 1)"),
        (
            "T | fork (take 1) n = (where a | count)",
            "T | fork (< | take 1) n(< | where a | \
        count)",
        ),
    ]);
}

#[test]
fn parsing() {
    check(&[
        (
            "T | parse a with * 'x=' b:long ', ' c 'end' *",
            "T | parse a with * \"x=\" b:long \", \" c:? \"end\" *",
        ),
        (
            "T | parse kind=regex flags=Ui a.b with @'\\d+' c:string",
            "T | parse<kind=regex><flags=Ui> a.b with \"\\\\d+\" c:string",
        ),
        ("T | parse-where a with b '|' c", "T | parse-where a with b:? \"|\" c:?"),
        (
            "T | parse kind = relaxed tostring(a) with 'x' 'y' ['b c']: int",
            "T | parse<kind=relaxed> tostring(a) with \"xy\" `b c`:int",
        ),
        (
            "T | parse-kv a as (x: long, ['y z']: string) with (pair_delimiter=';', \
             kv_delimiter='=')",
            "T | parse-kv a as (x:long, `y z`:string) pair_delimiter=\";\", kv_delimiter=\"=\"",
        ),
        (
            "T | parse-kv a as (x: long) with (greedy=true, quote='\"')",
            "T | parse-kv a as (x:long) greedy=true, quote=\"\\\"\"",
        ),
    ]);
}

#[test]
fn looking() {
    check(&[
        ("search 'x'", "< | search () \"x\""),
        (
            "search kind=case_sensitive in (T, U*) 'x' and a == 1",
            "< | search<kind=case_sensitive> (T, ~U*) [\"x\" and [a == 1]]",
        ),
        ("search * | take 1", "< | search () ~* | take 1"),
        ("T | search a:'x' or 'y'", "T | search () [[a has \"x\"] or \"y\"]"),
        ("find a == 1", "< | find () [a == 1]"),
        (
            "find withsource=S in (T, database('d').U*) where a has 'x' project b, c: long, \
             pack(*)",
            "< | find<withsource=S> (T, database(\"d\")/~U*) [a has \"x\"] project b, \
             c=typeof(``:long), pack(~*)",
        ),
        ("find in (T) where a project-smart", "< | find (T) a smart"),
        ("find a project b project-away c", "< | find () a project b away c"),
    ]);
}

#[test]
fn calling() {
    check(&[
        ("T | invoke f(1)", "T | invoke f(1)"),
        ("T | invoke database('d').f()", "T | invoke database(\"d\")/f()"),
        ("T | evaluate bag_unpack(a)", "T | evaluate bag_unpack(a)"),
        (
            "T | evaluate hint.distribution=per_node pivot(a, sum(b)) : (c: long, *)",
            "T | evaluate<hint.distribution=per_node> pivot(a, sum(b)) : (c:long, *)",
        ),
        ("evaluate f() | take 1", "< | evaluate f() | take 1"),
        ("T | render timechart", "T | render timechart "),
        (
            "T | render piechart with (title='x', kind=stacked, ycolumns=a, b, legend=hidden)",
            "T | render piechart title=\"x\", kind=stacked, ycolumns=a, ycolumns=b, \
             legend=hidden",
        ),
        (
            "T | render barchart kind=stacked title='x'",
            "T | render barchart kind=stacked, title=\"x\"",
        ),
        ("T | render 3Dchart", "T | render 3Dchart "),
        (
            "macro-expand isfuzzy=true entity_group [database('a')] as X (let y = X.T; y | \
             take 1)",
            "< | macro-expand<isfuzzy=true> entity_group(database(\"a\")) as X (let y = X.T; y \
             | take 1)",
        ),
        ("T | execute-and-cache", "T | execute-and-cache"),
    ]);
}

#[test]
fn scanning() {
    check(&[
        (
            "T | scan declare (s: long = 0) with (step s1 output=none: a == 1; step s2 \
             optional: s1.a > 2 => s = s + 1, x = a;)",
            "T | scan  (s:long=0) s1!none: [a == 1] => ; s2?: [s1.a > 2] => s=[s + 1], x=a;",
        ),
        (
            "T | scan with_match_id=m order by a asc partition by b with (step x: true;)",
            "T | scan<with_match_id=m>  order a asc partition b () x: true => ;",
        ),
    ]);
}

#[test]
fn graphs() {
    check(&[
        ("E | make-graph a --> b with N on id, M on k", "E | make-graph a-->b N on id, M on k"),
        ("E | make-graph a --> b with_node_id=n", "E | make-graph a-->b  id n"),
        (
            "E | make-graph a --> b partitioned-by c (graph-match (x) project x.a)",
            "E | make-graph a-->b  by c (< | graph-match (x) project x.a)",
        ),
        (
            "G | graph-match (a)-[e]->(b)<-[f]-(c), (c)--(d)-->()<--(g) where a.x == 1 project \
             a.x, y = b.z",
            "G | graph-match (a)-[e]->(b)<-[f]-(c), (c)-[]-(d)-[]->()<-[]-(g) where [a.x == 1] \
             project a.x, y=b.z",
        ),
        (
            "G | graph-match cycles=none (a)-[e*1..3]->(b)",
            "G | graph-match<cycles=none> (a)-[e*1..3]->(b)",
        ),
        (
            "G | graph-shortest-paths output=all (a)-[e*1..5]-(b) where a.x project b.y",
            "G | graph-shortest-paths<output=all> (a)-[e*1..5]-(b) where a.x project b.y",
        ),
        (
            "G | graph-to-table nodes as N with_node_id=i, edges as E with_source_id=s \
             with_target_id=t",
            "G | graph-to-table nodes as N<with_node_id=i>, edges as \
             E<with_source_id=s><with_target_id=t>",
        ),
        ("G | graph-to-table edges", "G | graph-to-table edges"),
        (
            "G | graph-mark-components kind=weak with_component_id=c",
            "G | graph-mark-components<kind=weak><with_component_id=c>",
        ),
        (
            "G | graph-where-nodes a > 1 | graph-where-edges b",
            "G | graph-where-nodes [a > 1] | graph-where-edges b",
        ),
    ]);
}
