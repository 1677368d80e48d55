//! Operators over rows: grouping, order, joins, series, steps, patterns of text.

use super::{Limits, check, try_ask};

#[test]
fn empty_input_has_one_group_without_keys_and_none_with_keys() {
    let none = "datatable(k:string, v:long)[] | summarize";
    check(
        &format!("{none} count(), sum(v), max(v), make_list(v)"),
        &["count_, sum_v, max_v, list_v", "0, 0, , []"],
    );
    check(&format!("{none} count() by k"), &["k, count_"]);
}

#[test]
fn nulls_form_a_group() {
    check(
        "datatable(k:long, v:long)[1, 2, long(null), 3, long(null), 4] | summarize sum(v) by k",
        &["k, sum_v", "1, 2", ", 7"],
    );
}

#[test]
fn nulls_and_nan_stand_at_the_end_that_is_asked() {
    let rows = "datatable(x:real)[1.0, real(null), real(nan), 2.0]";
    check(&format!("{rows} | sort by x"), &["x", "2.0", "1.0", "NaN", ""]);
    check(&format!("{rows} | sort by x asc"), &["x", "", "NaN", "1.0", "2.0"]);
    check(&format!("{rows} | sort by x asc nulls last"), &["x", "1.0", "2.0", "", "NaN"]);
}

#[test]
fn a_filter_tells_which_left_row_an_innerunique_join_keeps() {
    check(
        "let l = datatable(k:long, v:string)[1, 'a', 1, 'b', 2, 'c'];
         l | join (datatable(k:long, w:string)[1, 'x', 1, 'y']) on k | where v == 'b'",
        &["k, v, k1, w", "1, b, 1, x", "1, b, 1, y"],
    );
}

#[test]
fn what_has_no_partner_is_empty() {
    check(
        "datatable(k:long, v:string)[1, 'a', 2, 'b']
         | join kind=fullouter (datatable(k:long, w:string)[2, 'x', 3, 'y']) on k",
        &["k, v, k1, w", "1, a, , ", "2, b, 2, x", ", , 3, y"],
    );
}

#[test]
fn lookups_in_tables_fold_case_if_asked() {
    let rows = "datatable(s:string)['A', 'b', 'Cc dd']";
    let table = "(datatable(t:string)['a', 'b', 'dd'])";
    check(&format!("{rows} | where s in {table}"), &["s", "b"]);
    check(&format!("{rows} | where s in~ {table}"), &["s", "A", "b"]);
    check(&format!("{rows} | where s !in {table}"), &["s", "A", "Cc dd"]);
    check(&format!("{rows} | where s has_any {table}"), &["s", "A", "b", "Cc dd"]);
}

#[test]
fn long_lists_mean_what_short_ones_do() {
    let rows = "datatable(s:string, n:long)['A b', 1, 'x-y', 2, '', long(null), 'q', 9]";
    let texts = "'a', 'B', 'x-Y', 'r', 's', 't', 'u'";
    check(&format!("{rows} | where s in~ ({texts}) | project s"), &["s", "x-y"]);
    check(&format!("{rows} | where s has_any ({texts}) | project s"), &["s", "A b", "x-y"]);
    check(&format!("{rows} | where s !in ({texts}) | count"), &["Count", "4"]);
    let numbers = "dynamic([1, 2, 3, 4, 5, 6, 7])";
    check(&format!("{rows} | where n in ({numbers}) | project n"), &["n", "1", "2"]);
    check(&format!("{rows} | where n !in ({numbers}) | project n"), &["n", "", "9"]);
    check(
        "datatable(s:string)['f e d c b a', 'a b c'] \
         | where s has_all ('a', 'b', 'c', 'd', 'E', 'f')",
        &["s", "f e d c b a"],
    );
}

#[test]
fn expansion_converts_what_fits_only() {
    check(
        "print a = dynamic([1, 2.9, '3', true, null])
         | mv-expand with_itemindex=i l = a to typeof(long), b = a to typeof(bool)
         | project i, l, b",
        &["i, l, b", "0, 1, True", "1, 2, ", "2, , ", "3, , True", "4, , "],
    );
    check(
        "print b = dynamic({'x': 1, 'y': [2]}) | mv-expand kind=array b",
        &["b", r#"["x",1]"#, r#"["y",[2]]"#],
    );
}

#[test]
fn each_row_has_its_own_sub_query() {
    check(
        "datatable(k:string, v:dynamic)['a', dynamic([3, 1, 2]), 'b', dynamic([]), 'c',
            dynamic([9])]
         | mv-apply e = v to typeof(long) on (top 2 by e | summarize m = make_list(e))
         | project k, m",
        &["k, m", "a, [3,2]", "b, []", "c, [9]"],
    );
}

#[test]
fn partitions_know_their_rows_and_their_key() {
    let rows = "datatable(k:string, v:long)['a', 1, 'b', 5, 'a', 3]";
    check(&format!("{rows} | partition by k (top 1 by v)"), &["k, v", "a, 3", "b, 5"]);
    check(
        &format!(
            "{rows} | partition by k (as p | extend share = 100 * v / toscalar(p
                | summarize sum(v)))"
        ),
        &["k, v, share", "a, 1, 25", "a, 3, 75", "b, 5, 100"],
    );
    check(
        &format!(
            "let n = datatable(x:string)['a', 'b', 'b']; {rows} | partition by k {{ n
                | where x == toscalar(k) | count }}"
        ),
        &["Count", "1", "2"],
    );
}

#[test]
fn series_have_a_value_for_each_bin() {
    let rows = "datatable(t:datetime, k:string)[
        datetime(2024-01-01 05:00), 'a', datetime(2024-01-03), 'a', datetime(2024-01-02), 'b']";
    check(
        &format!(
            "{rows} | make-series n = count() default=long(null) on t from datetime(2024-01-01)
                to datetime(2024-01-03) step 1d by k | project k, n"
        ),
        &["k, n", "a, [1,null]", "b, [null,1]"],
    );
    check(
        &format!(
            "{rows} | make-series n = count() on t in range(datetime(2024-01-01),
                datetime(2024-01-03), 1d) by k | project k, n"
        ),
        &["k, n", "a, [1,0,1]", "b, [0,1,0]"],
    );
    check(
        "range x from 0 to 9 step 1 | make-series s = sum(x), m = round(avg(x), 1) on x step 5",
        &["s, m, x", "[10,35], [2.0,7.0], [0,5]"],
    );
    check(
        "range x from 1 to 0 step 1
            | make-series kind=nonempty c = count() on x from 0 to 4 step 2",
        &["c, x", "[0,0], [0,2]"],
    );
}

#[test]
fn the_rest_of_a_nested_top_is_one_row() {
    check(
        "datatable(s:string, v:long)['a', 1, 'b', 2, 'c', 3, 'a', 5, 'd', 0]
         | top-nested 2 of s with others='rest' by sum(v),
           top-nested 1 of v with others=-1 by count()",
        &[
            "s, aggregated_s, v, aggregated_v",
            "a, 6, 1, 1",
            "a, 6, -1, 1",
            "c, 3, 3, 1",
            "rest, 2, -1, 2",
        ],
    );
    check(
        "range x from 1 to 9 step 1 | top-hitters 1 of x % 2 | project-rename n = x",
        &["error: the name of a column is needed"],
    );
    check(
        "datatable(s:string, v:int)['a', 1, 'b', 5, 'a', 2] | top-hitters 1 of s by v",
        &["s, approximate_sum_v", "b, 5"],
    );
}

#[test]
fn steps_take_rows_and_hand_sequences_on() {
    let rows = "datatable(t:long, e:string)[0, 'x', 1, 'start', 2, 'b', 4, 'stop', 6, 'c', 8,
        'start', 9, 'start', 30, 'stop'] | sort by t asc";
    check(
        &format!(
            "{rows} | scan with_match_id=m declare (since:long) with (
                step s1: e == 'start';
                step s2: e !in ('start', 'stop') and t - s1.t <= 5 => since = s1.t;
                step s3: e == 'stop' and t - s1.t <= 5 => since = s1.t;)"
        ),
        &[
            "t, e, since, m",
            "1, start, , 0",
            "2, b, 1, 0",
            "4, stop, 1, 0",
            "8, start, , 1",
            "9, start, , 1",
        ],
    );
    check(
        "range x from 1 to 6 step 1 | scan declare (sum:long = 0) with (
            step s output=last: x <= 4 => sum = s.sum + x;)",
        &["x, sum", "4, 10"],
    );
    check(
        "datatable(k:string, x:long)['a', 1, 'b', 5, 'a', 2] | sort by k asc, x asc
         | scan partition by k declare (n:long = 0) with (step s: true => n = s.n + 1;)",
        &["k, x, n", "a, 1, 1", "a, 2, 2", "b, 5, 1"],
    );
}

#[test]
fn texts_are_reduced_to_patterns() {
    let texts = "datatable(t:string)['user ann in from 10.0.0.1', 'user bob in from 10.1.0.3',
        'disk full']";
    check(
        &format!("{texts} | reduce by t with threshold=0.4"),
        &[
            "Pattern, Count, Representative",
            "user * in from *, 2, user ann in from 10.0.0.1",
            "others, 1, ",
        ],
    );
    check(
        &format!("{texts} | reduce kind=source by t with threshold=0.4 | project Pattern"),
        &["Pattern", "user * in from *", "user * in from *", "others"],
    );
    check(
        "range x from 1 to 9 step 1 | project t = strcat('idx', x)
            | reduce by t with characters='x'",
        &["Pattern, Count, Representative", "id*, 9, idx1"],
    );
}

#[test]
fn data_from_outside_is_read_by_its_format() {
    let data = "externaldata(k:long, v:string)";
    check(
        &format!("{data}['https://example.org/a.csv'] with (ignoreFirstRecord=true)"),
        &["k, v", "1, a,b", "2, "],
    );
    check(
        &format!("{data}['https://example.org/a.json'] with (format='multijson')"),
        &["k, v", "1, x", ", y"],
    );
    check(
        &format!("{data}['https://example.org/secret']"),
        &["error: \"https://example.org/secret\" is not allowed here"],
    );
}

#[test]
fn hostile_queries_end_in_an_error() {
    let limits = Limits {
        working_rows: 100_000,
        bytes: 32 << 20,
        time: std::time::Duration::from_secs(20),
        ..Limits::default()
    };
    let all = "range a from 1 to 3000 step 1 | extend k = 1";
    for text in [
        "range x from 1 to 1000000000 step 1".to_owned(),
        "range x from 1 to 2 step 0".to_owned(),
        format!("{all} | join kind=inner ({all}) on k"),
        format!("{all} | extend r = range(1, 1000, 1) | mv-expand r"),
        format!("{all} | summarize make_list(strrep(strcat(a, '0123456789abcdefghij'), 1024))"),
        format!("{all} | make-series c = count() on a from 0 to 1000000000 step 1"),
        format!(
            "{all} | project a, b = a | make-graph a --> b | graph-match (x)-->(y), (z) project x"
        ),
        format!(
            "{all} | extend b = a % 30, c = a % 29 | make-graph b --> c with_node_id=n
                | graph-match (x)-[e*1..60]->(y) project x.n"
        ),
        "print take_any(1)".to_owned(),
        "range x from 1 to 3 step 1 | take -1".to_owned(),
    ] {
        assert!(try_ask(&text, &limits).is_err(), "{text}");
    }
}

#[test]
fn a_star_stands_for_any_column() {
    let rows = "datatable(n:long, s:string)[12, 'red fox', 7, 'owl 12', 3, 'elk']";
    check(&format!("{rows} | where * has '12' | project n"), &["n", "12", "7"]);
    check(
        &format!("{rows} | where * == 'elk' or * startswith 'red' | project n"),
        &["n", "12", "3"],
    );
}

#[test]
fn bodies_of_functions_name_what_they_compute_of_a_row() {
    check(
        "let last = (a: dynamic) { let n = array_length(a) - 1; tolong(a[n]) };
         datatable(a:dynamic)[dynamic([4, 9]), dynamic([6])] | project b = last(a)",
        &["b", "9", "6"],
    );
}

#[test]
fn views_of_a_union_are_labelled_by_their_names() {
    check(
        "let First = view () { print a = 1 };
         let Second = view () { print a = 2 };
         union withsource=t First, (Second)",
        &["t, a", "First, 1", "Second, 2"],
    );
}
