//! Operators on small tables, as text.

use kql::engine::Rows;
use kql::value::{Json, Type, Value};

use crate::plans::{Both, schema};

fn both() -> Both {
    let events = (0..60_i64)
        .map(|at| {
            let name = ["ann", "Bob", "", "cid", "Dörte"][at as usize % 5];
            vec![
                Value::DateTime(637_000_000_000_000_000 + at * 7_300_000_000),
                Value::text(name),
                if at % 6 == 0 { Value::Null } else { Value::Long(at % 9) },
                Value::Real([0.5, -1.25, f64::NAN, 3.0][at as usize % 4]),
                Value::json(
                    Json::parse(&format!(r#"{{"k":[{at},"{name}"],"m":{{"x":{at}}}}}"#)).unwrap(),
                ),
                Value::text(format!("user={name} code={} end", at % 4)),
            ]
        })
        .collect();
    let columns = &[
        ("T", Type::DateTime),
        ("Name", Type::String),
        ("N", Type::Long),
        ("X", Type::Real),
        ("D", Type::Dynamic),
        ("Text", Type::String),
    ];
    let people = ["ann", "Bob", "eve", "ann"]
        .into_iter()
        .enumerate()
        .map(|(at, name)| vec![Value::text(name), Value::Long(at as i64), Value::Null])
        .collect();
    let people_columns = &[("Name", Type::String), ("Id", Type::Long), ("Age", Type::Int)];
    Both::new(vec![
        ("Events", Rows::new(schema(columns), events)),
        ("People", Rows::new(schema(people_columns), people)),
    ])
}

#[test]
fn rows_in_any_order() {
    let both = both();
    for text in [
        "Events | where N > 3 and Name has 'ann' | project Name, N",
        "Events | extend U = toupper(Name), L = strlen(Text) | where L > 10",
        "Events | summarize count(), dcount(Name), sum(N), avg(X), max(T) by Name",
        "Events | summarize make_set(N) by Name | extend S = array_sort_asc(set_N)",
        "Events | summarize by bin(T, 1h), Name",
        "Events | distinct Name, N",
        "Events | summarize arg_max(T, *) by Name",
        "Events | summarize arg_min(N, Name, X)",
        "Events | summarize percentiles(N, 5, 50, 95) by Name",
        "Events | where N in (1, 2, 3) | count",
        "Events | where Name in ((People | project Name)) | count",
        "Events | where Name !in~ ((People | project Name)) | count",
        "Events | where N != 4 | count",
        "Events | where not(N == 4) | count",
        "Events | where isnull(N) or X > 1 | project N, X",
        "Events | join kind=inner People on Name",
        "Events | join kind=leftouter People on Name",
        "Events | join kind=rightouter People on Name",
        "Events | join kind=fullouter People on Name",
        "Events | join kind=leftanti People on Name",
        "Events | join kind=leftsemi People on Name",
        "Events | join kind=rightanti People on Name",
        "Events | join kind=rightsemi People on Name",
        "Events | lookup People on Name",
        "Events | join kind=inner People on $left.N == $right.Id",
        "Events | summarize take_any(Name) by N | join (People | summarize count() by Id) \
         on $left.N == $right.Id",
        "People | join (Events | where N == 1) on Name | count",
        "union Events, People | summarize count() by Name",
        "union withsource=W Events, (People | where Id > 1) | project W, Name, N, Id",
        "Events | mv-expand K = D.k | project K, N",
        "Events | mv-expand D.k to typeof(long) | summarize sum(N)",
        "Events | mv-apply K = D.k on (where K != '' | summarize c = count()) | project c, Name",
        "Events | parse Text with 'user=' User ' code=' Code:long ' end' | project User, Code",
        "Events | parse-where Text with * 'code=' Code:int ' ' * | where Code > 1",
        "Events | extend k0 = D.k[0], x = tolong(D.m.x), s = tostring(D.k[1])",
        "Events | project a = tostring(D['m']['x']), b = D.nothing.there, c = tostring(D.k)",
        "Events | make-series n = count() default=0 on T step 1h by Name",
        "Events | make-series s = sum(N) on T from datetime(2019-07-25) to datetime(2019-07-26) \
         step 2h",
        "Events | extend P = case(N > 5, 'high', N > 2, 'mid', 'low') | summarize count() by P",
        "Events | extend Q = iff(X > 0, N, 0), C = coalesce(N, 7)",
        "Events | summarize countif(N > 3), sumif(N, X > 0), dcountif(Name, N > 2) by Name",
        "let m = toscalar(Events | summarize max(N)); Events | where N == m | count",
        "let t = materialize(Events | summarize c = count() by Name); \
         t | join kind=inner (t | summarize s = sum(c)) on $left.c == $right.s | count",
        "Events | summarize make_list(N) by Name | project Name, n = array_length(list_N)",
        "range x from 1 to 1000 step 3 | summarize count(), sum(x)",
        "range t from datetime(2020-01-01) to datetime(2020-01-02) step 1h | count",
        "print x = 1, y = 'a', z = dynamic([1,2])",
        "datatable(a: long, b: string)[1, 'x', 2, ''] | extend c = strcat(b, a)",
        "Events | evaluate bag_unpack(D)",
        "Events | extend W = Name | evaluate pivot(W, count(), N)",
        "Events | top-nested 2 of Name by count()",
        "Events | summarize hll = hll(Name) | project dcount_hll(hll)",
        "Events | where T between (datetime(2019-07-25 04:00) .. 3h) | count",
        "Events | where T > datetime(2019-07-25 04:00) and T <= datetime(2019-07-25 12:00) | count",
        "Events | extend h = hourofday(T), d = startofday(T), w = dayofweek(T)",
        "Events | extend r = X / 2 + N, m = N % 3, q = N / 2, neg = -N",
        "Events | summarize avg(N), avg(X), sum(X), min(X), max(X), stdev(N), variance(N) by Name",
    ] {
        both.kql(text);
    }
}

#[test]
fn rows_in_their_order() {
    let both = both();
    for text in [
        "Events | sort by T desc | project T, N | take 9",
        "Events | sort by T asc | extend p = prev(N), r = row_number(), s = row_cumsum(N)",
        "Events | sort by T asc | extend p = prev(N) | where p > 2 | project p, T",
        "Events | sort by N asc nulls last, T desc | project N, T",
        "Events | sort by X asc, T asc | project X, T",
        "Events | sort by X desc, T asc | project X, T",
        "Events | top 5 by T",
        "Events | sort by T asc | summarize make_list(N)",
        "Events | sort by Name asc, T asc | summarize make_list(N) by Name | sort by Name asc",
        "Events | sort by T asc | scan declare (c: long = 0) with (step s: true => c = s.c + 1;)",
        "Events | sort by T asc | serialize n = row_number() | where n % 2 == 0 | project n",
        "Events | summarize c = count() by Name | sort by c desc, Name asc",
        "Events | partition hint.strategy=native by Name (top 1 by T) | sort by T asc",
        "range x from 1 to 20000 step 1 | sort by x desc | extend y = prev(x) | take 3",
    ] {
        both.sorted(text);
    }
}
