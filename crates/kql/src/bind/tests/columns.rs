//! The names, types and order of the columns that come out of each operator.

use super::{check, columns};

const V: &str = "Page:string Ms:long At:datetime Extra:dynamic Ok:bool Share:real Took:timespan \
                 Port:int";

#[test]
fn projections() {
    check(&[
        (
            "Visits | project Page, Ms + 1, strlen(Page), Extra.a.b, Extra['c d'], bin(Ms, 10)",
            "Page:string Column1:long strlen_Page:long Extra_a_b:dynamic Extra_c d:dynamic Ms:long",
        ),
        (
            "Visits | project Ms + 1, Column1 = 5, strlen(Page), strlen_Page = 2",
            "Column1:long Column11:long strlen_Page:long strlen_Page1:long",
        ),
        (
            "Visits | project Ms + 1 | extend Ms2 = 1, Column1 + 1",
            "Column1:long Ms2:long Column2:long",
        ),
        ("let Column1 = 3; Visits | project Ms + 1", "Column2:long"),
        (
            "Visits | project Page, Ms | extend tostring(Ms), tostring(Page)",
            "Page:string Ms:string",
        ),
        (
            "Visits | project Page, Ms | extend Page = Ms, Was = Page",
            "Page:long Ms:long Was:string",
        ),
        ("Visits | project Page, Ms | serialize Ms = 5", "Page:string Ms:long Ms1:long"),
        ("Visits | project Name = (Page)", "Name:string"),
        ("Visits | project-away P*, Extra, Took, S*", "Ms:long At:datetime Ok:bool"),
        ("Visits | project-keep Took, P*", "Page:string Took:timespan Port:int"),
        ("Visits | project Page, Ms | project-rename Url = Page", "Url:string Ms:long"),
        ("Visits | project Page, Ms, At | project-reorder At", "At:datetime Page:string Ms:long"),
        (
            "print b = 1, a10 = 2, A3 = 3, a2 = 4, a2z = 5 | project-reorder * granny-asc",
            "a2:long a2z:long A3:long a10:long b:long",
        ),
        (
            "print b = 1, a10 = 2, A3 = 3, a2 = 4 | project-reorder * desc",
            "b:long A3:long a2:long a10:long",
        ),
        ("Pages | where * has 'x' | project y = * == 'a'", "y:bool"),
        (
            "let f = (x: dynamic) { let n = array_length(x); x[n - 1] }; Visits | project f(Extra)",
            "Column1:dynamic",
        ),
        ("set query_bin_auto_size = 2; print a = bin_auto(5)", "a:long"),
        (
            "Visits | project Page, Ms, At | project-reorder Ms, * asc",
            "Ms:long At:datetime Page:string",
        ),
        ("Visits | project-by-names 'Ms', dynamic(['Pa*'])", "Ms:long Page:string"),
        ("print 1, 'a', x = 2, now()", "print_0:long print_1:string x:long print_3:datetime"),
        ("print (low, at) = series_stats(dynamic([1]))", "low:real at:long"),
        (
            "Visits | project x = series_fit_line(Extra), y = 1",
            "x:real series_fit_line_Extra_slope:real series_fit_line_Extra_variance:real \
             series_fit_line_Extra_rvariance:real series_fit_line_Extra_interception:real \
             series_fit_line_Extra_line_fit:dynamic y:long",
        ),
    ]);
}

#[test]
fn groups() {
    check(&[
        (
            "Visits | summarize count() by Page, bin(At, 1h), tostring(Extra.a)",
            "Page:string At:datetime Extra_a:string count_:long",
        ),
        (
            "Visits | summarize count() + 1, sum(Ms), sum(Ms), avg(Ms) by x = Page",
            "x:string Column1:long sum_Ms:long sum_Ms1:long avg_Ms:real",
        ),
        (
            "Visits | project Page, Ms, At, Ok | summarize arg_max(At, *) by Page",
            "Page:string At:datetime Ms:long Ok:bool",
        ),
        (
            "Visits | project Page, Ms, At | summarize arg_max(At, *) by Page, bin(At, 1d)",
            "Page:string At:datetime At1:datetime Ms:long",
        ),
        (
            "Visits | project Page, Ms, At | summarize arg_max(At, *) by Who = Page",
            "Who:string At:datetime Ms:long",
        ),
        (
            "Visits | project Page, Ms, At | summarize arg_max(At, Page) by Page",
            "Page:string At:datetime Page1:string",
        ),
        (
            "Visits | summarize (a, b) = percentiles(Ms, 5, 50, 95)",
            "a:long b:long percentile_Ms_95:long",
        ),
        (
            "Visits | summarize round(avg(Ms), 2), toint(max(Ms)), iff(count() > 1, 'a', 'b')",
            "avg_Ms:real max_Ms:int Column1:string",
        ),
        ("Visits | summarize by Page, Ok", "Page:string Ok:bool"),
        ("Visits | summarize by bin(Ms, 10), Ms", "Ms:long Ms1:long"),
        ("Visits | distinct Page, Ms + 1, x = Ok", "Page:string Column1:long x:bool"),
        ("Pages | distinct *", "Page:string Title:string Port:long"),
        ("Visits | count", "Count:long"),
        ("Visits | count as n", "n:long"),
        ("Visits | sample-distinct 3 of Page", "Page:string"),
        ("Visits | top-hitters 3 of Page", "Page:string approximate_count_Page:long"),
        ("Visits | top-hitters 3 of Page by Share", "Page:string approximate_sum_Share:real"),
        (
            "Visits | top-nested 2 of Page by count(), top-nested of p = Port by s = sum(Share)",
            "Page:string aggregated_Page:long p:int s:real",
        ),
        (
            "Visits | make-series n = count() default = 0, avg(Share) on At from ago(1d) to now() \
          step 1h by Page, b = bin(Ms, 10)",
            "Page:string b:long n:dynamic avg_Share:dynamic At:dynamic",
        ),
        (
            "Visits | make-series round(avg(Ms), 1), sum(Ms) + 1 on Ms step 5",
            "avg_Ms:dynamic Column1:dynamic Ms:dynamic",
        ),
    ]);
}

#[test]
fn tables_brought_together() {
    check(&[
        (
            "Pages | join Pages on Page",
            "Page:string Title:string Port:long Page1:string \
          Title1:string Port1:long",
        ),
        (
            "Pages | extend Page1 = 1 | join (Pages | project Page) on Page",
            "Page:string Title:string Port:long Page1:long Page2:string",
        ),
        (
            "Pages | join kind=leftanti Owners on $left.Page == $right.Name",
            "Page:string Title:string Port:long",
        ),
        (
            "Pages | join kind=rightsemi Owners on $left.Page == $right.Name",
            "Name:string Ms:string",
        ),
        (
            "Pages | lookup (Visits | project Page, Ms) on Page",
            "Page:string Title:string Port:long Ms:long",
        ),
        (
            "Pages | lookup (Visits | project Page, Port, Title = 'x') \
             on $left.Port == $right.Port",
            "Page:string Title:string Port:long Page1:string Title1:string",
        ),
        ("union (Visits | project Ms), Owners", "Ms_long:long Ms_string:string Name:string"),
        (
            "union withsource=From Owners, Pages",
            "From:string Name:string Ms:string Page:string Title:string Port:long",
        ),
        ("union kind=inner Pages, (Visits | project Page, Port)", "Page:string"),
        ("union P*, O*", "Page:string Title:string Port:long Name:string Ms:string"),
        (
            "print a = 1, a_long = 2 | union (print a = 'x')",
            "a_long:long a_string:string a_long1:long",
        ),
        // Where the first tables agree, a later one is brought to their type.
        ("union (print a = 1), (print a = 2), (print a = 'x')", "a:long"),
        ("let Q = view () { print q = 1 }; union Q*, Owners", "q:long Name:string Ms:string"),
        ("Owners | as O | union O", "Name:string Ms:string"),
        (
            "search in (Owners, Pages) 'x'",
            "$table:string Name:string Ms:string Page:string Title:string Port:long",
        ),
        ("Owners | search Name == 'x' and 'y'", "$table:string Name:string Ms:string"),
        ("find in (Owners, Pages) where Name == 'x'", "source_:string Name:string Ms:string"),
        (
            "find in (Visits, Pages) where Page has 'x'",
            "source_:string Page:string Port:long pack_:dynamic",
        ),
        (
            "find withsource=T in (Visits, Pages) where Page == 'x' project Title, Port:string",
            "T:string Title:string Port:string",
        ),
    ]);
}

#[test]
fn expansion_and_parsing() {
    check(&[
        ("Visits | project Page, Extra | mv-expand Extra", "Page:string Extra:dynamic"),
        (
            "Visits | project Page, Extra | mv-expand with_itemindex=i x = Extra to typeof(long)",
            "Page:string Extra:dynamic x:long i:long",
        ),
        (
            "Visits | project Page, Extra | mv-expand split(Page, '/'), Extra.a",
            "Page:dynamic Extra:dynamic Extra_a:dynamic",
        ),
        (
            "Visits | project Page, Extra | mv-apply Extra on (where Extra > 1)",
            "Page:string Extra:dynamic",
        ),
        (
            "Visits | project Page, Extra \
             | mv-apply x = Extra to typeof(long) on (summarize sum(x))",
            "Page:string Extra:dynamic sum_x:long",
        ),
        (
            "Visits | project Page, Extra, Ms | mv-apply Extra on (project Page = Extra.a, y = 1)",
            "Page:dynamic Ms:long y:long",
        ),
        (
            "Visits | project Page | parse Page with 'a' x 'b' y:long *",
            "Page:string x:string y:long",
        ),
        ("Visits | project Page, Ms | parse Page with 'a' Ms:real 'b'", "Page:string Ms:real"),
        (
            "Visits | project Page \
             | parse-kv Page as (a: long, b: string) with (pair_delimiter = ';')",
            "Page:string a:long b:string",
        ),
        ("Pages | reduce by Title", "Pattern:string Count:long Representative:string"),
    ]);
}

#[test]
fn shapes_that_stay() {
    for query in [
        "Visits | where Ok",
        "Visits | where Ms > 1 and Page has 'x' | sort by Ms, Page asc nulls last",
        "Visits | top 3 by Extra.a",
        "Visits | take 3 | sample 2",
        "Visits | serialize",
        "Visits | as X",
        "Visits | partition by Page (top 1 by Ms)",
        "Visits | render timechart with (title = 'x')",
        "Visits | fork (where Ok) (count)",
        "Visits | assert-schema (Page: string)",
        "let f = (T: (Page: string)) { T | where Page == 'x' }; Visits | invoke f()",
    ] {
        assert_eq!(columns(query), V, "{query}");
    }
}

#[test]
fn sources() {
    check(&[
        ("range x from 1 to 10 step 1", "x:long"),
        ("range x from int(1) to int(10) step int(1)", "x:int"),
        ("range x from 1 to 10 step 0.5", "x:real"),
        ("range x from datetime(2020-01-01) to now() step 1d", "x:datetime"),
        ("range x from 1h to 1d step 1h", "x:timespan"),
        ("datatable (a: long, b: string) [1, 'x', 2, 'y']", "a:long b:string"),
        ("externaldata (a: long) ['https://example.com/a.csv'] with (format = 'csv')", "a:long"),
        (
            "Owners | getschema",
            "ColumnName:string ColumnOrdinal:long DataType:string ColumnType:string",
        ),
        ("Owners | getschema kind=csl", "Schema:string"),
        ("1 + 1", "print_0:long"),
    ]);
}

#[test]
fn patterns() {
    let text = "declare pattern p = (a: string)[b: string] {
        ('x').['one two'] = { print n = 1 };
        ('x').['three'] = { print m = b };
    };";
    check(&[
        (&format!("{text} p('x').three"), "m:string"),
        (&format!("{text} p('x').['one two']"), "n:long"),
    ]);
}

#[test]
fn plugins() {
    check(&[
        ("Owners | evaluate narrow()", "Row:long Column:string Value:string"),
        (
            "Owners | evaluate autocluster()",
            "SegmentId:long Count:long Percent:real Name:string Ms:string",
        ),
        (
            "Pages | evaluate ipv4_lookup(Owners, Page, Name)",
            "Page:string Title:string Port:long Name:string Ms:string",
        ),
        (
            "Pages | evaluate \
             ipv4_lookup((Visits | project Port = long(1), Page), Page, Page, Port)",
            "Page:string Title:string Port:long Page1:string",
        ),
        (
            "Visits | evaluate activity_metrics(Page, At, ago(7d), now(), 1d, Ok)",
            "At:datetime Ok:bool dcount_values:long dcount_newvalues:long retention_rate:real \
             churn_rate:real",
        ),
        (
            "Visits | evaluate sequence_detect(At, 1m, 1h, a = (Ms > 1), b = (Ms > 2), Page)",
            "Page:string a_At:datetime b_At:datetime Duration:timespan",
        ),
        (
            "Visits | evaluate rolling_percentile(Share, 50, At, 1d, 3)",
            "At:datetime rolling_3_percentile_Share_50:real",
        ),
        ("Visits | evaluate bag_unpack(Extra) : (a: long, b: string)", "a:long b:string"),
        (
            "Visits | project Page, Extra | evaluate bag_unpack(Extra) : (*, a: long)",
            "Page:string a:long",
        ),
    ]);
}

#[test]
fn scans() {
    check(&[
        (
            "Visits | project At, Ms | sort by At asc \
          | scan declare (total: long = 0) with (step s: true => total = Ms + s.total;)",
            "At:datetime Ms:long total:long",
        ),
        (
            "Visits | project At, Ms | sort by At asc \
          | scan with_match_id=m with (step a: Ms == 1; step b output=last: Ms > a.Ms;)",
            "At:datetime Ms:long m:long",
        ),
    ]);
}
