//! The lists in `content/benchmarks` and the mappings of the checks against the tables that lie
//! beside the project (`PGKEEP_POSTURE`, or `../shared/data`), not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::conform::{Bench, Verdict};
use crate::failure::{Doing, Failure, Outcome};
use crate::gen_files::coverage::{BENCHMARKS, Line, lines};
use crate::repo;

/// Column of `baseline-checks.csv` that holds a benchmark's identifiers.
const COLUMNS: [(&str, &str); 3] = [("cis", "cis_pg17"), ("stig", "stig_cd16"), ("mcsb", "mcsb")];

/// Rows of a table, each by the names of its columns.
type Rows = Vec<BTreeMap<String, String>>;

pub(in crate::conform) fn run(_bench: &Bench<'_>) -> Outcome<Verdict> {
    let checks = rows("baseline-checks.csv")?;
    let controls = rows("mcsb-flexible-server.csv")?;
    let mut verdict = Verdict {
        suite: "What the baseline covers".to_owned(),
        n_passed: 0,
        n_failed: 0,
        n_skipped: 0,
        failures: Vec::new(),
        remark: String::from("\n"),
    };
    let all = BENCHMARKS.map(|(benchmark, name)| {
        lines(&repo::root(), benchmark).map(|lines| (benchmark, name, lines))
    });
    let all = all.into_iter().collect::<Outcome<Vec<_>>>()?;
    let written: BTreeSet<&str> = all
        .iter()
        .flat_map(|(_, _, lines)| lines)
        .flat_map(|line| line.checks.iter().map(String::as_str))
        .collect();
    for (benchmark, name, lines) in &all {
        let column = COLUMNS.iter().find(|(of, _)| of == benchmark).map_or("", |(_, to)| to);
        let mut wanted = mapped(&checks, column);
        if *benchmark == "mcsb" {
            for row in &controls {
                wanted.entry(cell(row, "mcsb_id").to_owned()).or_default();
            }
        }
        let mut bare = Vec::new();
        for line in lines {
            let of_table = wanted.remove(&line.id).unwrap_or_default();
            if line.checks.is_empty() && line.reason.is_empty() {
                bare.push(line.id.as_str());
                continue;
            }
            match fault(line, &of_table, &written) {
                Some(what) => fail(&mut verdict, format!("{benchmark} {}: {what}", line.id)),
                None => verdict.n_passed += 1,
            }
        }
        if !bare.is_empty() {
            verdict.n_failed += bare.len() as u64;
            verdict.failures.push(format!("{benchmark}, not covered: {}", bare.join(", ")));
        }
        for id in wanted.into_keys() {
            fail(&mut verdict, format!("{benchmark} {id} is not in the list"));
        }
        let n_covered = lines.iter().filter(|line| !line.checks.is_empty()).count();
        let n_reasons = lines.iter().filter(|line| !line.reason.is_empty()).count();
        let n = lines.len();
        verdict.remark += &format!("\n- {name}: {n_covered} of {n} covered, {n_reasons} cannot be");
    }
    let n_checks = checks.len();
    verdict.remark += &format!("\n- {} of {n_checks} checks take part\n", written.len());
    Ok(verdict)
}

/// What is wrong with a line, given the checks that the table maps to it and those that there are.
fn fault(line: &Line, of_table: &BTreeSet<String>, written: &BTreeSet<&str>) -> Option<String> {
    let known: BTreeSet<&str> = line.checks.iter().map(String::as_str).collect();
    let there = of_table.iter().map(String::as_str).filter(|id| written.contains(id)).collect();
    let odd: Vec<&str> = known.symmetric_difference(&there).copied().collect();
    (!odd.is_empty()).then(|| format!("files and table differ in {}", odd.join(", ")))
}

fn fail(verdict: &mut Verdict, what: String) {
    verdict.n_failed += 1;
    verdict.failures.push(what);
}

/// Identifiers of a column → the checks that name them.
fn mapped(checks: &Rows, column: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in checks {
        let ids = cell(row, column).split(';').map(str::trim).filter(|id| !id.is_empty());
        for id in ids {
            found.entry(id.to_owned()).or_default().insert(cell(row, "id").to_owned());
        }
    }
    found
}

fn cell<'a>(row: &'a BTreeMap<String, String>, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

fn rows(name: &str) -> Outcome<Rows> {
    let folder = std::env::var_os("PGKEEP_POSTURE")
        .map_or_else(|| repo::root().join("../shared/data"), PathBuf::from);
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).doing(|| format!("read \"{}\"", path.display()))?;
    let mut records = records(&text).into_iter();
    let header = records.next().ok_or_else(|| Failure::new(format!("{name} is empty")))?;
    let row = |record: Vec<String>| header.iter().cloned().zip(record).collect();
    Ok(records.map(row).collect())
}

/// Reads CSV as RFC 4180 has it.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut record));
            }
            '\r' if !quoted => {}
            c => field.push(c),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        all.push(record);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Line, fault, records};

    #[test]
    fn a_line_is_held_to_the_table() {
        let line = |checks: &[&str], reason: &str| Line {
            id: "1.1".to_owned(),
            reason: reason.to_owned(),
            checks: checks.iter().map(|id| (*id).to_owned()).collect(),
        };
        let table = ["A", "B", "C"].map(str::to_owned).into();
        let written = BTreeSet::from(["A", "B", "X"]);
        assert_eq!(fault(&line(&["A", "B"], ""), &table, &written), None);
        assert!(fault(&line(&["A"], ""), &table, &written).is_some_and(|what| what.ends_with("B")));
        assert!(fault(&line(&["A", "B", "X"], ""), &table, &written).is_some());
        assert_eq!(fault(&line(&[], "no"), &BTreeSet::new(), &written), None);
    }

    #[test]
    fn quotes_hold_commas_and_lines() {
        let read = records("a,b\n\"x, \"\"y\"\"\nz\",2\r\n,last");
        assert_eq!(read, [vec!["a", "b"], vec!["x, \"y\"\nz", "2"], vec!["", "last"]]);
    }
}
