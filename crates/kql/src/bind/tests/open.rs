//! Where columns are not sure: plugins whose columns depend on the data, and tables that are
//! absent.

use super::{TABLES, bound, check, columns, query};
use crate::bind::{Tables, compile};
use crate::diagnostic::Severity;
use crate::functions::Context;
use crate::plan::{Column, Op, Query, ScalarKind};
use crate::value::Type;

#[test]
fn columns_of_a_bag_are_taken_on_trust() {
    for text in [
        "Visits | evaluate bag_unpack(Extra) | where a == 'x' and b > 5 | project a, Page",
        "Visits | evaluate bag_unpack(Extra) | summarize count() by a",
        "Visits | evaluate bag_unpack(Extra) | project-away a* | project-rename b = c",
        "Visits | evaluate bag_unpack(Extra) | join Pages on $left.a == $right.Title",
        "Visits | evaluate pivot(Page, sum(Ms), Ok) | sort by a",
        "Visits | evaluate bag_unpack(Extra) | evaluate pivot(a, count(), b)",
        "Visits | evaluate bag_unpack(Extra) | where a > ago(1d) | summarize arg_max(a, *) by b",
        "Visits | evaluate bag_unpack(Extra) | where a between (ago(1d) .. now()) and not(b)",
        "Visits | evaluate bag_unpack(Extra) | extend coalesce(a, 'x'), case(Ok, a, 1)",
        "Visits | evaluate bag_unpack(Extra) | partition by a (take 1)",
        "Visits | evaluate bag_unpack(Extra) | sample-distinct 3 of a",
        "Visits | evaluate bag_unpack(Extra) | top-hitters 3 of a",
    ] {
        assert!(query(text).open, "{text}");
    }
    check(&[
        ("Pages | evaluate pivot(Page)", "Title:string Port:long"),
        ("Pages | evaluate pivot(Page, sum(Port))", "Title:string"),
        ("Pages | evaluate pivot(Page, sum(Port), Port)", "Port:long"),
        ("Visits | project Page, Extra | evaluate bag_unpack(Extra)", "Page:string"),
    ]);
}

#[test]
fn columns_that_are_found_are_judged() {
    let discover = |query: &Query| {
        let mut schema = query.rel.schema.clone();
        schema.push(Column::new("a", Type::Long));
        Some(schema)
    };
    let tables = Tables::from_json(TABLES).unwrap();
    let compile = |text| compile(text, &tables, Context { now: 0 }, Some(&discover));
    let found = compile("Visits | evaluate bag_unpack(Extra) | project a, Page");
    let query = found.query.unwrap();
    assert!(!query.open);
    assert_eq!(query.rel.schema[0], Column::new("a", Type::Long));
    assert!(compile("Visits | evaluate bag_unpack(Extra) | project b").query.is_none());
}

#[test]
fn fuzzy_unions_forgive_absent_tables() {
    let binding = bound("union isfuzzy=true Pages, (Nope | where x == 1 | project x)");
    let warned = binding.diagnostics.iter().any(|d| d.severity == Severity::Warning);
    assert!(warned && binding.query.is_some());
    check(&[
        ("union isfuzzy=true Pages, Nope", "Page:string Title:string Port:long"),
        ("union isfuzzy=true Nope(1), Owners", "Name:string Ms:string"),
        ("Nope | where x == 1 | union isfuzzy=true Owners", "Name:string Ms:string"),
        ("union isfuzzy=true Owners, (Pages | join Nope on Page)", "Name:string Ms:string"),
        ("union isfuzzy=true Owners, Nope* | project Name, Gone", "Name:string Gone:dynamic"),
    ]);
    assert!(bound("union isfuzzy=false Pages, Nope").query.is_none());
}

#[test]
fn a_union_of_one_table_is_that_table() {
    let query = query("union isfuzzy=true Pages, Nope");
    assert!(matches!(*query.rel.op, Op::Table { .. }), "{:?}", query.rel.op);
    assert_eq!(columns("(union Pages)"), columns("Pages"));
}

#[test]
fn a_column_if_it_exists_has_the_type_of_its_stand_in() {
    check(&[
        (
            "Visits | project column_ifexists('Extra', ''), x = column_ifexists('Nope', 1)",
            "Extra:string x:long",
        ),
        ("Visits | project round(Avg = Share, 2)", "Avg:real"),
    ]);
    let plan = query("Visits | project x = column_ifexists('Page', '')");
    let Op::Project { columns, .. } = *plan.rel.op else { panic!("no projection") };
    assert_eq!(columns[0].value.kind, ScalarKind::Column(0));
}

#[test]
fn columns_are_found_once_and_only_for_what_is_called() {
    let runs = std::cell::Cell::new(0);
    let discover = |query: &Query| {
        runs.set(runs.get() + 1);
        Some(query.rel.schema.clone())
    };
    let tables = Tables::from_json(TABLES).unwrap();
    let text = "let f = () { Visits | evaluate bag_unpack(Extra) };
                let a = Visits | evaluate bag_unpack(Extra);
                union a, a, (Visits | evaluate bag_unpack(Extra))";
    let binding = compile(text, &tables, Context { now: 0 }, Some(&discover));
    assert!(binding.query.is_some());
    assert_eq!(runs.get(), 1);
}

#[test]
fn a_union_without_tables_has_no_rows() {
    let plan = query("union isfuzzy=true withsource=From Nope, NopeToo");
    assert_eq!(plan.rel.schema, [Column::new("From", Type::String)]);
    assert!(matches!(&*plan.rel.op, Op::Rows(rows) if rows.is_empty()));
}

#[test]
fn tables_of_other_clusters_may_have_other_columns() {
    let binding = bound("cluster('x').database('y').Pages | where Zz == 1 | project Zz");
    assert!(binding.query.is_some(), "{:?}", binding.diagnostics);
    assert!(bound("database('y').Pages | where Zz == 1").query.is_none());
}
