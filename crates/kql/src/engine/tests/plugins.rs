//! Plugins of `evaluate`.

use super::{Limits, check, try_ask};

const VISITS: &str = "let visits = datatable(id:string, day:long)[
    'a', 1, 'b', 1, 'b', 1, 'a', 2, 'c', 2, 'c', 3, 'd', 3, 'b', 4];
    let t = visits | extend at = datetime(2024-01-01) + (day - 1) * 1d;
    let first = datetime(2024-01-01); let last = datetime(2024-01-04); ";

#[track_caller]
fn visits(query: &str, expected: &[&str]) {
    let when = "at = dayofmonth(at)";
    check(&format!("{VISITS} t | evaluate {query} | extend {when}"), expected);
}

#[test]
fn users_are_counted_in_windows() {
    visits(
        "sliding_window_counts(id, at, first, last, 2d, 1d)",
        &["at, Count, Dcount", "1, 3, 2", "2, 5, 3", "3, 4, 3", "4, 3, 3"],
    );
    visits(
        "activity_counts_metrics(id, at, first, last, 1d)",
        &[
            "at, count, dcount, new_dcount, aggregated_dcount",
            "1, 3, 2, 2, 2",
            "2, 2, 2, 1, 3",
            "3, 2, 2, 1, 4",
            "4, 1, 1, 0, 4",
        ],
    );
    visits(
        "activity_engagement(id, at, first, last, 1d, 2d)",
        &[
            "at, dcount_activities_inner, dcount_activities_outer, activity_ratio",
            "1, 2, 2, 1.0",
            "2, 2, 3, 0.6666666666666666",
            "3, 2, 3, 0.6666666666666666",
            "4, 1, 3, 0.3333333333333333",
        ],
    );
    visits(
        "activity_metrics(id, at, first, last, 1d)",
        &[
            "at, dcount_values, dcount_newvalues, retention_rate, churn_rate",
            "1, 2, 2, NaN, NaN",
            "2, 2, 1, 0.5, 0.5",
            "3, 2, 1, 0.5, 0.5",
            "4, 1, 1, 0.0, 1.0",
        ],
    );
    visits(
        "active_users_count(id, at, first, last, 3d, 1d, 2, 2d)",
        &["at, dcount", "1, 1", "3, 1"],
    );
    visits("session_count(id, at, first, last, 2d, 1d)", &["at, count_sessions", "1, 3", "3, 3"]);
}

#[test]
fn new_users_are_followed() {
    check(
        &format!(
            "{VISITS} t | evaluate new_activity_metrics(
                id, at, first, last, 1d, datetime(2024-01-02))
             | project f = dayofmonth(from_at), t = dayofmonth(to_at), dcount_new_values,
                dcount_retained_values, churn_rate"
        ),
        &[
            "f, t, dcount_new_values, dcount_retained_values, churn_rate",
            "2, 2, 1, 1, 0.0",
            "2, 3, 1, 1, 0.0",
            "2, 4, 0, 0, 1.0",
        ],
    );
}

#[test]
fn percentiles_roll() {
    check(
        "range x from 0 to 5 step 1 | evaluate rolling_percentile(x, 50, x, 2, 2)",
        &["x, rolling_2_percentile_x_50", "0, 0", "2, 1", "4, 3"],
    );
}

#[test]
fn sequences_are_found() {
    let events = "datatable(id:long, m:long, s:string)[1, 0, 'A', 1, 9, 'B', 1, 50, 'C', 2, 0,
        'A', 2, 90, 'B']
        | extend t = datetime(2024-01-01) + m * 1m | evaluate";
    check(
        &format!(
            "{events} sequence_detect(t, 10m, 1h, a = (s == 'A'), b = (s == 'B'), id)
                | project id, Duration"
        ),
        &["id, Duration", "1, 00:09:00"],
    );
    check(
        &format!(
            "{events} funnel_sequence(id, t, datetime(2024-01-01), datetime(2024-01-02), 1h,
                365d, s, dynamic(['B'])) | project prev, next, dcount, samples"
        ),
        &["prev, next, dcount, samples", ", , 1, [2]", "A, C, 1, [1]"],
    );
    check(
        &format!(
            "{events} funnel_sequence_completion(id, t, datetime(2024-01-01),
                datetime(2024-01-02), 365d, s, dynamic(['A', 'B']), dynamic([10m, 2h]))
             | project-away t"
        ),
        &[
            "s, Period, dcount",
            "A, 00:10:00, 2",
            "B, 00:10:00, 1",
            "A, 02:00:00, 2",
            "B, 02:00:00, 2",
        ],
    );
}

#[test]
fn columns_are_found_in_the_rows() {
    let bags = "datatable(k:long, d:dynamic)[1, dynamic({'b': 2, 'a': 'x'}), 2, dynamic({'b':
        3.5, 'c': null})]";
    check(&format!("{bags} | evaluate bag_unpack(d)"), &["k, a, b, c", "1, x, 2, ", "2, , 3.5, "]);
    check(
        &format!("{bags} | evaluate bag_unpack(d, 'p_') | where p_a == 'x' | project p_b"),
        &["p_b", "2"],
    );
    check(&format!("{bags} | evaluate bag_unpack(d) : (*, b:long)"), &["k, b", "1, 2", "2, 3"]);
    check(
        &format!(
            "{bags} | extend b = 0 | evaluate bag_unpack(d, columnsConflict='keep_source')
                | project b"
        ),
        &["b", "0", "0"],
    );
    let message =
        try_ask(&format!("{bags} | extend b = 0 | evaluate bag_unpack(d)"), &Limits::default());
    assert!(message.unwrap_err().contains("named like columns (b)"));
    let rows = "datatable(k:string, c:string, v:long)['x', 'red', 1, 'x', 'blue', 2, 'y', 'red',
        3, 'x', 'red', 4]";
    check(&format!("{rows} | evaluate pivot(c, sum(v))"), &["k, blue, red", "x, 2, 5", "y, 0, 3"]);
    check(
        &format!("{rows} | project k, c | evaluate pivot(c) | project k, red"),
        &["k, red", "x, 2", "y, 1"],
    );
    check(
        &format!("{rows} | evaluate pivot(c, take_any(v), k) : (k:string, red:long, green:long)"),
        &["k, red, green", "x, 1, ", "y, 3, "],
    );
}

#[test]
fn addresses_are_looked_up_by_range() {
    let nets = "let nets = datatable(net:string, who:string)['10.0.0.0/8', 'all', '10.1.0.0/16',
        'one', 'bad', 'none']; ";
    check(
        &format!(
            "{nets} datatable(ip:string)['10.1.2.3', '10.9.9.9', '11.0.0.1', 'x']
                | evaluate ipv4_lookup(nets, ip, net)"
        ),
        &[
            "ip, net, who",
            "10.1.2.3, 10.1.0.0/16, one",
            "10.1.2.3, 10.0.0.0/8, all",
            "10.9.9.9, 10.0.0.0/8, all",
        ],
    );
    check(
        &format!(
            "{nets} datatable(ip:string, who:string)['10.1.2.3', 'all', '11.0.0.1', 'all']
                | evaluate ipv4_lookup(nets, ip, net, who, return_unmatched=true)"
        ),
        &["ip, who, net", "10.1.2.3, all, 10.0.0.0/8", "11.0.0.1, all, "],
    );
    check(
        "let nets = datatable(net:string)['2001:db8::/32', '10.0.0.0/8'];
         datatable(ip:string)['2001:db8::1', '::ffff:10.2.3.4', '2002::1']
         | evaluate ipv6_lookup(nets, ip, net)",
        &["ip, net", "2001:db8::1, 2001:db8::/32", "::ffff:10.2.3.4, 10.0.0.0/8"],
    );
}

#[test]
fn patterns_are_found() {
    let rows = "datatable(e:string, s:string, d:string)['hail', 'tx', 'no', 'hail', 'oh', 'no',
        'hail', 'tx', 'no', 'wind', 'oh', 'yes', 'wind', 'tx', 'yes']";
    check(
        &format!("{rows} | evaluate basket(0.5) | project-away SegmentId"),
        &["Count, Percent, e, s, d", "3, 60.0, hail, , no", "3, 60.0, , tx, "],
    );
    check(
        &format!("{rows} | evaluate autocluster(0.5, '~', '~', '*') | project-away SegmentId"),
        &["Count, Percent, e, s, d", "3, 60.0, hail, *, no", "2, 40.0, wind, *, yes"],
    );
    check(
        &format!(
            "{rows} | evaluate diffpatterns(d, 'yes', 'no')
                | project CountA, CountB, PercentDiffAB, e, s | take 2"
        ),
        &["CountA, CountB, PercentDiffAB, e, s", "0, 3, 100.0, hail, ", "2, 0, 100.0, wind, "],
    );
}

#[test]
fn small_ones_work_and_others_are_refused() {
    check(
        "range x from 1 to 9 step 1 | evaluate rows_near(x == 3 or x == 8, 1, 2)",
        &["x", "2", "3", "4", "5", "7", "8", "9"],
    );
    check(
        "datatable(a:string, b:long)['x', 1] | evaluate narrow()",
        &["Row, Column, Value", "0, a, x", "0, b, 1"],
    );
    check(
        "range x from 1 to 9 step 1 | evaluate estimate_rows_count()",
        &["EstimatedRowsCount", "9"],
    );
    check("range x from 1 to 9 step 1 | evaluate preview(1)", &["x", "1"]);
    let refused = try_ask("print x = 1 | evaluate python(typeof(*), 'code')", &Limits::default());
    assert_eq!(refused.unwrap_err(), "the plugin \"python\" is not allowed here");
}

#[test]
fn a_column_like_a_member_stands_among_the_members() {
    let rows = "datatable(z:string, k:string, d:dynamic)
         ['n', 'own', dynamic({\"k\":\"new\",\"b\":1})]";
    let unpack = |conflict: &str| {
        format!("{rows} | evaluate bag_unpack(d, columnsConflict='{conflict}_source')")
    };
    check(&unpack("keep"), &["z, b, k", "n, 1, own"]);
    check(&unpack("replace"), &["z, b, k", "n, 1, new"]);
}
