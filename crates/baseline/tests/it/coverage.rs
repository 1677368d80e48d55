//! Every recommendation of the benchmarks is some check's, or its reason stands in
//! `content/benchmarks`.

use std::collections::{BTreeMap, BTreeSet};

use baseline::Check;

use crate::content;

/// What is coverable and whose check is not written yet. It may only become shorter.
const NOT_YET: &str = "\
    1.1 1.2 1.3 1.6 1.7 2.1 2.2 2.3 2.4 3.1.6 4.1 4.2 5.1 6.1 8.1 8.2 SV-261873 SV-261875 \
    SV-261877 SV-261879 SV-261880 SV-261881 SV-261882 SV-261883 SV-261894 SV-261896 SV-261902 \
    SV-261904 SV-261918 SV-261919 SV-261920 SV-261922 SV-261929 SV-261931 SV-261966 BR-2 DS-2 \
    ES-1 ES-2 NS-9 PV-4";

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
    let (mut faults, mut not_yet) = (Vec::new(), Vec::new());
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
                (false, true) => not_yet.push(id.clone()),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let waited_for: Vec<&str> = NOT_YET.split_whitespace().collect();
    assert_eq!(not_yet, waited_for, "no check covers these, and no reason is given");
}
