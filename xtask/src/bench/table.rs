//! The table of a measurement, in Markdown.

use super::at_rest::Samples;
use super::pgbench::Workload;
use crate::cluster::EngineKind;
use crate::stats::Spread;

/// One line a workload: the figures of each engine, then ratios paired run by run.
pub(super) fn render(samples: &Samples) -> String {
    let kinds = samples.kinds();
    let mut head = "| workload |".to_owned();
    for kind in &kinds {
        head += &format!(" {} |", kind.name());
    }
    let others: Vec<EngineKind> =
        kinds.iter().copied().filter(|kind| *kind != EngineKind::Pgkeep).collect();
    let ours = kinds.contains(&EngineKind::Pgkeep);
    if ours {
        for other in &others {
            head += &format!(" pgkeep to {} |", other.name());
        }
    }
    let n_columns = head.matches('|').count() - 1;
    let mut text = format!("{head}\n|{}\n", "---|".repeat(n_columns));
    for workload in Workload::ALL.iter().copied() {
        text += &format!("| {} |", workload.name());
        for kind in &kinds {
            let spread = Spread::of(&samples.of(*kind, workload));
            let figure = spread.map_or_else(|| "-".to_owned(), Spread::figure);
            text += &format!(" {figure} {} |", workload.unit());
        }
        if ours {
            for other in &others {
                let pairs = samples.ratios(EngineKind::Pgkeep, *other, workload);
                let ratio = Spread::of(&pairs).map_or_else(|| "-".to_owned(), Spread::ratio);
                text += &format!(" {ratio} |");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::at_rest::Samples;
    use super::render;
    use crate::bench::pgbench::Workload;
    use crate::cluster::EngineKind;

    #[test]
    fn shows_figures_and_paired_ratios() {
        let mut samples = Samples::default();
        for (plain, pgkeep) in [(100.0, 90.0), (200.0, 190.0), (100.0, 80.0)] {
            samples.add(EngineKind::Plain, Workload::TpcB, plain);
            samples.add(EngineKind::Pgkeep, Workload::TpcB, pgkeep);
        }
        let table = render(&samples);
        assert!(table.starts_with("| workload | plain | pgkeep | pgkeep to plain |\n|---|---|"));
        assert!(table.contains("| TPC-B | 100 tps | 90.00 tps | 0.90 (0.80–0.95) |"), "{table}");
    }
}
