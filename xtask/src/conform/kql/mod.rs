//! Public queries of the field, judged by `judge.py`: which are planned, which columns come out,
//! and whether documented examples give the tables that their pages print.
//!
//! The queries lie beside the project (`PGKEEP_CORPUS`, or `../shared/corpus`), not in it: where
//! they are absent this suite says so and fails.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use super::{Bench, Verdict};
use crate::failure::{Failure, Outcome};
use crate::{proc, repo};

/// What must be reached, in percent: share of the first count in the second.
const BARS: [(&str, &str, &str, f64); 4] = [
    ("planned", "n_planned", "n_sound", 97.0),
    ("columns and types equal", "n_columns_equal", "n_columns", 95.0),
    ("documented examples equal, without geo-* and graph-*", "n_plain_equal", "n_plain", 93.0),
    ("documented examples equal, geo-*", "n_geo_equal", "n_geo", 40.0),
];

pub(super) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let program = bench.program.as_deref().ok_or_else(|| {
        Failure::usage("the queries are judged on pgkeep: there is no plain engine for them")
    })?;
    let corpus = corpus()?;
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    for what in ["rules", "docs"] {
        let mut command = Command::new("python3");
        command.arg(repo::root().join("xtask/src/conform/kql/judge.py"));
        command.arg(what).arg(program).arg(&corpus).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = proc::output(&mut command)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::new("the judge of the queries failed").detail(said));
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            match line.split('\t').collect::<Vec<_>>()[..] {
                ["count", name, n] => {
                    counts.insert(name.to_owned(), n.parse::<u64>().unwrap_or(0));
                }
                ["differs", id, why] => failures.push(format!("{id}: {why}")),
                _ => {}
            }
        }
    }
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    let mut n_failed = 0;
    let mut remark = String::from("\n");
    for (what, part, whole, bar) in BARS {
        let (part, whole) = (count(part), count(whole));
        let percent = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
        if percent < bar {
            n_failed += 1;
        }
        remark += &format!("\n- {what}: {part} of {whole} ({percent:.1} %; must {bar:.0} %)");
    }
    remark += &format!(
        "\n- documented examples equal, graph-*: {} of {}\n- refused as Microsoft's binder \
         refuses them: {} of {}\n",
        count("n_graph_equal"),
        count("n_graph"),
        count("n_refused_too"),
        count("n_refused"),
    );
    Ok(Verdict {
        suite: "Kusto queries".to_owned(),
        n_passed: BARS.len() as u64 - n_failed,
        n_failed,
        n_skipped: 0,
        failures,
        remark,
    })
}

/// The folder of public queries.
pub(crate) fn corpus() -> Outcome<PathBuf> {
    let folder = std::env::var_os("PGKEEP_CORPUS")
        .map_or_else(|| repo::root().join("../shared/corpus"), PathBuf::from)
        .join("kql");
    if folder.join("rules-dev.jsonl").is_file() {
        return Ok(folder);
    }
    Err(Failure::new("the public queries are not here")
        .hint("PGKEEP_CORPUS names the folder that holds kql/rules-dev.jsonl"))
}
