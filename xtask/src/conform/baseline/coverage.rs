//! The lists in `content/benchmarks` and the mappings of the checks against the tables that lie
//! beside the project (`PGKEEP_POSTURE`, or `../shared/data`), not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::conform::{Bench, Verdict};
use crate::failure::{Doing, Failure, Outcome};
use crate::gen_files::coverage::{BENCHMARKS, lines};
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
        let benchmark = *benchmark;
        let column = COLUMNS.iter().find(|(of, _)| *of == benchmark).map_or("", |(_, to)| to);
        let mut wanted = mapped(&checks, column);
        if benchmark == "mcsb" {
            for row in &controls {
                wanted.entry(cell(row, "mcsb_id").to_owned()).or_default();
            }
        }
        let (mut n_covered, mut n_reasons) = (0, 0);
        for line in lines {
            let mapped = wanted.remove(&line.id).unwrap_or_default();
            let known: BTreeSet<&str> = line.checks.iter().map(String::as_str).collect();
            let there = mapped.iter().map(String::as_str).filter(|id| written.contains(id));
            let odd: Vec<&str> =
                known.symmetric_difference(&there.collect::<BTreeSet<_>>()).copied().collect();
            n_covered += usize::from(!known.is_empty());
            n_reasons += usize::from(!line.reason.is_empty());
            match (known.is_empty() && line.reason.is_empty(), odd.is_empty()) {
                (false, true) => verdict.n_passed += 1,
                (true, _) => fail(&mut verdict, format!("{benchmark} {} is not covered", line.id)),
                (_, false) => {
                    let odd = odd.join(", ");
                    let what = format!("{benchmark} {}: file and table differ in {odd}", line.id);
                    fail(&mut verdict, what);
                }
            }
        }
        for id in wanted.into_keys() {
            fail(&mut verdict, format!("{benchmark} {id} is not in the list"));
        }
        let n = lines.len();
        verdict.remark += &format!("\n- {name}: {n_covered} of {n} covered, {n_reasons} cannot be");
    }
    let missing: Vec<&str> =
        checks.iter().map(|row| cell(row, "id")).filter(|id| !written.contains(*id)).collect();
    let n_written = checks.len() - missing.len();
    verdict.remark += &format!("\n- {n_written} of {} checks take part\n", checks.len());
    Ok(verdict)
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
    use super::records;

    #[test]
    fn quotes_hold_commas_and_lines() {
        let read = records("a,b\n\"x, \"\"y\"\"\nz\",2\r\n,last");
        assert_eq!(read, [vec!["a", "b"], vec!["x, \"y\"\nz", "2"], vec!["", "last"]]);
    }
}
