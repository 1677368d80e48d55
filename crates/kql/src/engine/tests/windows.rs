//! Functions that see the rows around.

use super::check;

#[test]
fn neighbours_beyond_the_ends_are_the_default() {
    check(
        "range x from 1 to 3 step 1
            | extend p = prev(x), n = next(x, 2, -1), t = prev(tostring(x))",
        &["x, p, n, t", "1, , 3, ", "2, 1, -1, 1", "3, 2, -1, 2"],
    );
}

#[test]
fn counts_sums_and_ranks_begin_anew_where_told() {
    let rows = "datatable(k:string, v:long)['a', 2, 'a', 2, 'a', 5, 'b', 1, 'b', 7] | serialize";
    check(
        &format!(
            "{rows} n = row_number(10, k != prev(k)), s = row_cumsum(v, k != prev(k)),
             d = row_rank_dense(v, k != prev(k)), m = row_rank_min(v, k != prev(k))"
        ),
        &[
            "k, v, n, s, d, m",
            "a, 2, 10, 2, 1, 1",
            "a, 2, 11, 4, 1, 1",
            "a, 5, 12, 9, 2, 3",
            "b, 1, 10, 1, 1, 1",
            "b, 7, 11, 8, 2, 2",
        ],
    );
}

#[test]
fn sessions_end_by_gaps_and_by_length() {
    check(
        "datatable(m:long)[0, 3, 6, 20, 24, 28, 32] | extend t = datetime(2024-01-01) + m * 1m
         | sort by t asc
         | extend s = row_window_session(t, 10m, 5m)
         | project m, since = (s - datetime(2024-01-01)) / 1m",
        &["m, since", "0, 0.0", "3, 0.0", "6, 0.0", "20, 20.0", "24, 20.0", "28, 20.0", "32, 32.0"],
    );
}
