//! What is refused, by which code, and where.

use super::bound;
use crate::diagnostic::Severity;

/// Each query with the code that is found and the text it points at.
const CASES: &[(&str, &str, &str)] = &[
    ("Visits | project Page, Page", "KQL240", "Page"),
    ("Visits | project x = 1, x = 2", "KQL240", "x"),
    ("Visits | extend (a, b) = Ms", "KQL241", "b"),
    ("Visits | project-away Zz*", "KQL242", "Zz*"),
    ("Visits | project-rename Page", "KQL244", "Page"),
    ("Visits | project-rename Ms = Page", "KQL240", "Ms"),
    ("Visits | parse Page with * x", "KQL247", "*"),
    ("Visits | parse Page with 'a' x *", "KQL247", "*"),
    ("Visits | parse Page with 'a' x 'b' x", "KQL240", "x"),
    ("Visits | print 1", "KQL250", "print"),
    ("where true", "KQL112", "where"),
    ("datatable (a: long, b: long) [1, 2, 3]", "KQL252", "3"),
    ("Visits | join Pages on Zz", "KQL264", "Zz"),
    ("Visits | join Pages on $left.Page == $right.Zz", "KQL264", "Zz"),
    ("Visits | join Pages on Page == Page", "KQL263", "Page"),
    ("Visits | join Owners on Ms", "KQL327", "Ms"),
    ("Visits | join Owners on $left.Extra == $right.Name", "KQL328", ""),
    ("Visits | join Owners on $left.Page == $right.Name, $left.Ms == $right.Ms", "KQL327", ""),
    ("Visits | join kind=sideways Pages on Page", "KQL262", "sideways"),
    ("Visits | lookup kind=leftanti Pages on Page", "KQL262", "leftanti"),
    ("Visits | summarize count() by Extra", "KQL322", "Extra"),
    ("Visits | summarize Ms by Page", "KQL236", "Ms"),
    ("Visits | summarize count() / Ms by Page", "KQL236", "Ms"),
    ("Visits | sample-distinct 2 of x = Ms", "KQL243", "x = Ms"),
    ("let f = (T: (*)) { T | where Ms == 1 }; Pages", "KQL202", "Ms"),
    ("let f = (n: long) { Visits | where Nope == n }; Pages", "KQL202", "Nope"),
    ("let f = (T: (Zz: long)) { T }; Visits | invoke f()", "KQL225", "f()"),
    ("let f = (n: long) { print n }; union isfuzzy=true Pages, f(nope)", "KQL202", "nope"),
    ("Visits | distinct Extra", "KQL322", "Extra"),
    ("Visits | distinct *", "KQL322", "*"),
    ("Visits | sort by Extra.a", "KQL322", "Extra.a"),
    ("Visits | partition by Extra (count)", "KQL322", "Extra"),
    ("Visits | where Ms", "KQL320", "Ms"),
    ("Visits | where Extra.a", "KQL320", "Extra.a"),
    ("Visits | take 'x'", "KQL321", "'x'"),
    ("Visits | mv-expand Page", "KQL329", "Page"),
    ("Visits | make-series count() on Page step 1", "KQL324", "Page"),
    ("Visits | make-series count() on At from 1 to 2 step 1h", "KQL326", "1"),
    ("Visits | evaluate nothing_such()", "KQL234", "nothing_such"),
    ("evaluate narrow()", "KQL251", "narrow"),
    ("Visits | evaluate bag_unpack(Nope)", "KQL202", "Nope"),
    ("range x from 1 to 2 step 0", "KQL334", "0"),
    ("range x from 'a' to 'b' step 1", "KQL333", "'a'"),
    ("Visits | render nochart", "KQL249", "nochart"),
    ("Visits | assert-schema (Zz: long)", "KQL202", "Zz"),
    ("union Nope, Pages", "KQL201", "Nope"),
    ("union Nope*", "KQL201", "Nope*"),
    ("union isfuzzy=true Pages, (Visits | where Nope == 1)", "KQL202", "Nope"),
    ("Visits | invoke nope()", "KQL231", "nope"),
    ("Visits | scan declare (x: long) with (step s: true => y = 1;)", "KQL202", "y"),
];

#[test]
fn refused() {
    let mut wrong = Vec::new();
    for (text, code, place) in CASES {
        let binding = bound(text);
        if binding.query.is_some() {
            wrong.push(format!("{text} was planned"));
            continue;
        }
        let found: Vec<(&str, &str)> = binding
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| (d.code, &text[d.start..d.end]))
            .collect();
        let there = found.iter().any(|(c, p)| c == code && (place.is_empty() || p == place));
        if !there {
            wrong.push(format!("{text}: {found:?}, not {code} at {place}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hints() {
    for (text, hint) in [
        ("Visits | where Pagee == 'x'", "did you mean `Page`?"),
        ("Visits | join Pages on Pge", "did you mean `Page`?"),
        ("Visits | evaluate bag_unpak(Extra)", "did you mean `bag_unpack`?"),
        ("Visits | summarize count() by Extra", "convert it: tostring(…)"),
    ] {
        let hints: Vec<Option<String>> =
            bound(text).diagnostics.into_iter().map(|d| d.hint).collect();
        assert!(hints.iter().any(|h| h.as_deref() == Some(hint)), "{text}: {hints:?}");
    }
}
