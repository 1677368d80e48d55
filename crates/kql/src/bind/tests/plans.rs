//! The plans that operators become.

use super::{bound, query};
use crate::plan::{JoinKind, Op, ScalarKind};
use crate::value::Value;

#[test]
fn aggregates_without_more_need_no_projection() {
    let plan = query("Visits | summarize n = count(), m = max(Ms) by Page");
    let Op::Summarize { keys, aggregates, .. } = *plan.rel.op else { panic!("no groups") };
    assert_eq!((keys.len(), aggregates.len()), (1, 2));
    assert_eq!(aggregates[1].outputs[0].name, "m");
}

#[test]
fn what_is_computed_from_aggregates_is_projected() {
    let plan = query("Visits | summarize x = max(Ms) - min(Ms) by Page");
    let Op::Project { input, columns } = *plan.rel.op else { panic!("no projection") };
    assert!(matches!(&*input.op, Op::Summarize { aggregates, .. } if aggregates.len() == 2));
    assert_eq!(columns[0].value.kind, ScalarKind::Column(0));
    let ScalarKind::Call { function, arguments } = &columns[1].value.kind else {
        panic!("no call")
    };
    assert_eq!(&**function, "-");
    assert_eq!(arguments[0].kind, ScalarKind::Column(1));
}

#[test]
fn sorting_is_descending_unless_told() {
    let plan = query("Visits | sort by Ms, Page asc, At desc nulls first");
    let Op::Sort { keys, .. } = *plan.rel.op else { panic!("no sort") };
    let flags: Vec<(bool, bool)> = keys.iter().map(|k| (k.descending, k.nulls_first)).collect();
    assert_eq!(flags, [(true, false), (false, true), (true, true)]);
}

#[test]
fn joins_reduce_their_left_side_unless_told() {
    let Op::Join { kind, on, .. } = *query("Visits | join Pages on Page").rel.op else {
        panic!("no join")
    };
    assert_eq!((kind, on.len()), (JoinKind::InnerUnique, 1));
    // `int` and `long` meet as `long`.
    let plan = query("Visits | join kind=inner Pages on $left.Port == $right.Port, Page");
    let Op::Join { kind, on, .. } = *plan.rel.op else { panic!("no join") };
    assert_eq!((kind, on.len()), (JoinKind::Inner, 2));
    assert!(matches!(&on[0].0.kind, ScalarKind::Call { function, .. } if &**function == "tolong"));
}

#[test]
fn legs_are_labelled_by_their_tables() {
    let text = "union withsource=t Pages, (Owners | take 1), (Owners | as Who)";
    let Op::Union { legs } = *query(text).rel.op else { panic!("no union") };
    let label = |at: usize| match &*legs[at].op {
        Op::Project { columns, .. } => columns[0].value.kind.clone(),
        _ => panic!("no projection"),
    };
    let text = |text: &str| ScalarKind::Literal(Value::text(text));
    assert_eq!(label(0), text("Pages"));
    assert_eq!(label(1), text("union_arg1"));
    assert_eq!(label(2), text("Who"));
}

#[test]
fn names_given_by_as_reach_later_statements() {
    let plan = query("Owners | as Kept | count; Kept | where Name == 'x'");
    assert!(matches!(*plan.rel.op, Op::Where { .. }));
}

#[test]
fn forks_keep_their_other_results() {
    let plan = query("Visits | fork (count) names = (distinct Page) (take 1)");
    assert_eq!(plan.shared.len(), 1);
    let names: Vec<&str> = plan.further.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["names", "Results_3"]);
}

#[test]
fn prev_wants_an_order_that_the_operators_between_keep() {
    let warned = |text| bound(text).diagnostics.iter().any(|d| d.code == "KQL312");
    assert!(!warned("Visits | sort by At asc | where Ok | extend x = prev(Ms)"));
    assert!(warned("Visits | extend x = prev(Ms)"));
    assert!(warned("Visits | sort by At asc | summarize by Ms | extend x = prev(Ms)"));
}

#[test]
fn a_text_alone_looks_into_all_columns() {
    let Op::Project { input, .. } = *query("Owners | search 'x'").rel.op else {
        panic!("no projection")
    };
    let Op::Where { predicate, .. } = *input.op else { panic!("no condition") };
    let ScalarKind::Call { function, arguments } = predicate.kind else { panic!("no call") };
    assert_eq!((&*function, arguments.len()), ("or", 2));
}

#[test]
fn questions_about_columns_are_answered() {
    for (text, expected) in [
        ("print a=1 | extend x = iscolumnexists('a')", Value::Bool(true)),
        ("print a=1 | extend x = iscolumnexists('b')", Value::Bool(false)),
    ] {
        let Op::Project { columns, .. } = *query(text).rel.op else { panic!("no projection") };
        assert_eq!(columns[1].value.kind, ScalarKind::Literal(expected), "{text}");
    }
    let Op::Project { columns, .. } = *query("print x = column_names_of(Owners)").rel.op else {
        panic!("no projection")
    };
    assert!(matches!(columns[0].value.kind, ScalarKind::Literal(Value::Dynamic(_))));
}

#[test]
fn the_older_rank_is_one_of_two() {
    for (call, expected) in [
        ("row_rank(Ms)", "row_rank_dense"),
        ("row_rank(Ms, true)", "row_rank_dense"),
        ("row_rank(Ms, false)", "row_rank_min"),
    ] {
        let plan = query(&format!("Visits | sort by Ms asc | project x = {call}"));
        let Op::Project { columns, .. } = *plan.rel.op else { panic!("no projection") };
        let ScalarKind::Window { function, arguments } = &columns[0].value.kind else {
            panic!("no window")
        };
        assert_eq!((&**function, arguments.len()), (expected, 1), "{call}");
    }
}
