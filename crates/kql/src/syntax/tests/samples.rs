//! Queries that use the whole language; none is anybody's rule.

use super::super::parse;

pub(in crate::syntax) const SAMPLES: &[&str] = &[
    r####"let window = 1d;
let quiet = dynamic(["a.example", 'b.example']);
SigninLogs
| where TimeGenerated > ago(window) and ResultType !in ("0", "50140")
| where Host !in~ (quiet) // not ours
| summarize Failures = count(), Users = make_set(User, 100) by Address, bin(TimeGenerated, 1h)
| where Failures >= 10
| extend Score = iff(Failures > 100, "high", "low"), ['Last seen'] = now()
| sort by Failures desc, Address asc nulls last"####,
    r####"let f = (t: (a: long, b: string), limit_: int = int(5), since: timespan = -1d) {
    let inner_ = t | where a between (1 .. 10) | project a, b;
    inner_
    | take limit_
};
let v = view () { union isfuzzy=true withsource=Source A*, (B | where c == 'x'),
    database("d").C };
f(v, since = 2h) | count"####,
    r####"T
| join kind=leftouter hint.strategy=broadcast (
    U
    | where isnotempty(x) // only those
    | distinct x, y
  ) on $left.a == $right.x, b
| lookup kind=inner L on c
| project-away x1, tmp_*, *_raw
| project-rename New = Old
| project-reorder a*, b desc"####,
    r####"T
    | mv-expand bagexpansion=array with_itemindex=i p = parse_json(raw) to typeof(dynamic),
    q limit 100
  | mv-apply x = p to typeof(long) on (top 3 by x desc | summarize s = sum(x) by q)
  | parse kind=regex flags=i text with * @"user=(\w+)" user: string " id=" id: long *
  | parse-where msg with "from " src ":" port: int
  | parse-kv more as (a: long, ['b c']: string) with (pair_delimiter=";", kv_delimiter="=",
    quote='"')"####,
    r####"T
| make-series n = count() default=0, avg(v) default=real(null)
    on t from datetime(2020-01-01) to datetime(2020-02-01) step 1h by host
| extend (anomalies, score, baseline) = series_decompose_anomalies(n, 1.5, -1, 'linefit')
| render timechart with (title="events", ycolumns=n, baseline, legend=hidden)"####,
    r####"range x from 1 to 100 step 1
| extend y = x % 7, z = -x * 2.5 + 1e-3
| scan declare (total: long = 0) with (
    step s1: y == 0;
    step s2 optional output=all: y > s1.y and x - s1.x <= 3 => total = s2.total + x, last_ = x;
  )
| partition hint.strategy=native by y (top 1 by z | project x, y)
| top-nested 3 of x with others = -1 by max(z) desc, top-nested of y by n = count()"####,
    r####"print a = h'secret', b = @"c:\temp\x", c = ```many
lines``` , d = 'it''s' "joined", e = 'tab\tquote\'', f = ~~~raw~~~
| extend g = a has_any ("x", "y") or b !startswith_cs "c" and not(c matches regex @"^\d+$")
| extend h = dynamic({"k": [1, -2.5, true, null, "s"],
    'd': datetime(2020-01-01 10:00)}).k[0]"####,
    r####"find withsource=Source in (A, B*) where name has "x" and n == 1 project name, n: long,
    pack(*)"####,
    r####"search kind=case_sensitive in (A, B) "needle" and user: "x*" or * contains "y"
| summarize hint.shufflekey=user count() by user, $table"####,
    r####"E | make-graph src --> dst with N on id
  | graph-match cycles=none (a)-[e*1..3]->(b)<--(c),
    (c)-[f]-(d) where a.name == "x" and e.kind != 'y' project a.name, b = b.id"####,
    r####"declare query_parameters(start: datetime = datetime(2020-01-01), n: long = 10);
set query_now = datetime(2021-01-01);
datatable(when: datetime, what: string, how: real)
[
    datetime(2020-01-01), "a", 1.5, // first
    datetime(null),       "b", real(nan),
]
| where when >= start
| evaluate bag_unpack(todynamic(what)) : (x: long, *)
| invoke database("d").f(n)
| as hint.materialized=true Result
| getschema"####,
    r####"externaldata(a: string, b: long) [h@"https://host.example/data.csv"]
    with (format="csv", ignoreFirstRecord=true)
| facet by a with (take 5)
| fork (where b > 1 | count) named = (summarize by a)"####,
    r####"declare pattern app = (name: string)[scope: string] {
    ("a").["x"] = { T | where k == 1 };
    ("b").["y"] = { U };
};
alias database d = cluster("c").database("e");
restrict access to (T, U*, database("d").*);
macro-expand entity_group [cluster("a").database("b"), database("c")] as G (
    let z = G.T;
    z | count
)"####,
    r####"T
    | where a =~ "x"	and	(b <> 3 or c.d['e f'].g[-1] != guid(74be27de-1e4e-49d9-b579-fe0b331d3642))
  | reduce by text with threshold=0.3, characters="-" | sample-distinct 5 of pattern
    | top-hitters 2 of k by v
  | summarize a = arg_max(t, *), percentiles(v, 5, 50, 95), countif(x in ((Z | project x)))
    by bin(t, 5m)
  | extend kind = 1, type = 2, count_ = toscalar(T | summarize max(t)),
    typ = gettype(dynamic(null))"####,
];

#[test]
fn samples_parse() {
    for sample in SAMPLES {
        let (_, findings) = parse(sample);
        assert!(findings.is_empty(), "{sample}\n{findings:#?}");
    }
}
