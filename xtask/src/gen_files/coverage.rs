//! Which check answers which recommendation of the benchmarks: `content/benchmarks` against the
//! mappings in `content/checks`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::failure::{Doing, Failure, Outcome};

/// Key of a mapping in a check, which is also the name of the list; what it is called.
pub(crate) const BENCHMARKS: [(&str, &str); 3] = [
    ("cis", "CIS PostgreSQL 17 and 18"),
    ("stig", "DISA's guide for Crunchy Data PostgreSQL 16, V1R1"),
    ("mcsb", "Microsoft cloud security benchmark v1"),
];

/// One recommendation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// As the benchmark calls it.
    pub(crate) id: String,
    /// Why nothing can cover it; empty where something must.
    pub(crate) reason: String,
    /// Checks that are mapped to it, sorted.
    pub(crate) checks: Vec<String>,
}

/// Identifier of a benchmark → checks that name it.
type Mapped = BTreeMap<String, BTreeSet<String>>;

/// The recommendations of a benchmark, in its own order.
pub(crate) fn lines(root: &Path, benchmark: &str) -> Outcome<Vec<Line>> {
    let mut mapped = Mapped::new();
    visit(&root.join("content/checks"), &mut |text| note(text, benchmark, &mut mapped))?;
    let path = root.join("content/benchmarks").join(benchmark).with_extension("tsv");
    read(&text_of(&path)?, &mapped)
}

fn read(list: &str, mapped: &Mapped) -> Outcome<Vec<Line>> {
    let line = |line: &str| {
        let (id, reason) = line
            .split_once('\t')
            .ok_or_else(|| Failure::new("a line without two columns").detail(line))?;
        let checks = mapped.get(id).into_iter().flatten().cloned().collect();
        Ok(Line { id: id.to_owned(), reason: reason.to_owned(), checks })
    };
    list.lines().skip(1).map(line).collect()
}

/// Adds the identifiers of `benchmark` that a check names.
fn note(check: &str, benchmark: &str, mapped: &mut Mapped) -> Outcome {
    // What the rules say stands in tables below, and may look like anything.
    let top: Vec<&str> = check.lines().take_while(|line| !line.starts_with('[')).collect();
    let value = |key: &str| {
        let at = top.iter().position(|line| line.split('=').next().map(str::trim) == Some(key))?;
        let mut value = top[at].split_once('=').map_or("", |(_, value)| value).to_owned();
        for line in &top[at + 1..] {
            if !value.trim_start().starts_with('[') || value.contains(']') {
                break;
            }
            value += line;
        }
        Some(value.trim().to_owned())
    };
    let id = value("id").unwrap_or_default().trim_matches('"').to_owned();
    let Some(list) = value(benchmark) else { return Ok(()) };
    if id.is_empty() || !list.ends_with(']') {
        return Err(Failure::new(format!("the {benchmark} of check \"{id}\" is no list")));
    }
    for item in list.split('"').skip(1).step_by(2) {
        mapped.entry(item.to_owned()).or_default().insert(id.clone());
    }
    Ok(())
}

/// Hands each check to `seen`.
fn visit(folder: &Path, seen: &mut dyn FnMut(&str) -> Outcome) -> Outcome {
    let reading = || format!("read \"{}\"", folder.display());
    for entry in std::fs::read_dir(folder).doing(reading)? {
        let path = entry.doing(reading)?.path();
        if path.is_dir() {
            visit(&path, seen)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            seen(&text_of(&path)?)?;
        }
    }
    Ok(())
}

fn text_of(path: &Path) -> Outcome<String> {
    std::fs::read_to_string(path).doing(|| format!("read \"{}\"", path.display()))
}

/// The text of docs/baseline-coverage.md.
pub(super) fn document(root: &Path) -> Outcome<String> {
    let (mut summary, mut tables) = (String::new(), String::new());
    for (benchmark, name) in BENCHMARKS {
        let lines = lines(root, benchmark)?;
        summary += &counts(name, &lines);
        tables += &format!("\n## {name}\n\n| | checks |\n|---|---|\n");
        lines.iter().for_each(|line| tables += &row(line));
    }
    Ok(format!(
        "# What the baseline covers\n\n\
         Written by `cargo xtask gen` from `content/benchmarks` and the mappings of \
         `content/checks`. A check is named where it judges what the recommendation is about; \
         that is our reading, and no benchmark's word. CIS by number only.\n\n\
         | benchmark | recommendations | covered | cannot be | not yet |\n|---|---|---|---|---|\n\
         {summary}{tables}"
    ))
}

fn counts(name: &str, lines: &[Line]) -> String {
    let count = |of: fn(&Line) -> bool| lines.iter().filter(|line| of(line)).count();
    let covered = count(|line| !line.checks.is_empty());
    let not_coverable = count(|line| line.checks.is_empty() && !line.reason.is_empty());
    let not_yet = lines.len() - covered - not_coverable;
    format!("| {name} | {} | {covered} | {not_coverable} | {not_yet} |\n", lines.len())
}

fn row(Line { id, reason, checks }: &Line) -> String {
    match (checks.is_empty(), reason.is_empty()) {
        (false, _) => format!("| {id} | {} |\n", checks.join(", ")),
        (true, false) => format!("| {id} | cannot be: {reason} |\n"),
        (true, true) => format!("| {id} | not yet |\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Mapped, counts, note, read, row};

    const CHECK: &str =
        "id = \"A-1\"\ncis = [\n  \"1.1\",\n  \"1.2\",\n]\n[rules]\ncis = [\"9.9\"]\n";

    #[test]
    fn mappings_meet_the_list() {
        let mut mapped = Mapped::new();
        note(CHECK, "cis", &mut mapped).unwrap();
        note(&CHECK.replace("A-1", "A-2").replace("1.2", "1.3"), "cis", &mut mapped).unwrap();
        let lines = read("id\twhy\n1.1\t\n1.2\t\n1.4\tno server\n1.5\t\n", &mapped).unwrap();
        let rows: String = lines.iter().map(row).collect();
        let wanted = "| 1.1 | A-1, A-2 |\n| 1.2 | A-1 |\n| 1.4 | cannot be: no server |\n\
                      | 1.5 | not yet |\n";
        assert_eq!(rows, wanted);
        assert_eq!(counts("x", &lines), "| x | 4 | 2 | 1 | 1 |\n");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert!(note("id = \"A-1\"\ncis = [\n", "cis", &mut Mapped::new()).is_err());
        assert!(note("cis = [\"1\"]\n", "cis", &mut Mapped::new()).is_err());
        assert!(read("id\n1.1\n", &Mapped::new()).is_err());
    }
}
