//! Every recommendation of the benchmarks is some check's, or its reason stands in
//! `content/benchmarks`.

use std::collections::{BTreeMap, BTreeSet};

use baseline::Check;

use crate::content;

/// A benchmark: its file, how many identifiers it has, where a check names them.
type Benchmark = (&'static str, usize, fn(&Check) -> &[String]);

const BENCHMARKS: [Benchmark; 3] = [
    ("cis", 72, |check| &check.cis),
    ("stig", 111, |check| &check.stig),
    ("mcsb", 86, |check| &check.mcsb),
];

/// Identifier → why nothing covers it; empty where something must.
fn listed(name: &str) -> BTreeMap<String, String> {
    let path = content::folder().join("benchmarks").join(name).with_extension("tsv");
    let text = std::fs::read_to_string(path).expect("a list");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id\tnot_covered_because"), "{name}");
    let mut found = BTreeMap::new();
    for line in lines {
        let (id, reason) = line.split_once('\t').expect("two columns");
        assert!(found.insert(id.to_owned(), reason.to_owned()).is_none(), "{id} twice");
    }
    found
}

#[test]
fn every_recommendation_is_covered_or_says_why_not() {
    let library = content::library();
    let mut faults = Vec::new();
    for (name, n_ids, mapped) in BENCHMARKS {
        let listed = listed(name);
        assert_eq!(listed.len(), n_ids, "{name}");
        let covered: BTreeSet<&String> = library.checks().flat_map(mapped).collect();
        faults.extend(
            covered
                .iter()
                .filter(|id| !listed.contains_key(**id))
                .map(|id| format!("{name}: a check names {id}, which is none of its identifiers")),
        );
        for (id, reason) in &listed {
            match (covered.contains(id), reason.is_empty()) {
                (true, true) | (false, false) => {}
                (true, false) => faults.push(format!("{name} {id} is covered, and says why not")),
                (false, true) => faults.push(format!("{name} {id}: no check, and no reason")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
