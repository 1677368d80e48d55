//! What `judge.py` said, as tables and as a verdict.

use crate::conform::Verdict;
use crate::failure::{Failure, Outcome};

/// One difference.
struct Difference {
    tool: String,
    side: String,
    rule: String,
    places: Vec<String>,
    why: String,
}

/// Everything that was said.
#[derive(Default)]
pub(super) struct Said {
    /// Cells of a line: name, version, rules, both, only they, only we.
    tools: Vec<[String; 6]>,
    differences: Vec<Difference>,
    /// Cells: tool, rule, how often, why.
    beside: Vec<[String; 4]>,
    /// Cells: tool, rule, check.
    waiting: Vec<[String; 3]>,
    /// How many checks fail, and those of which no tool says anything.
    alone: Option<(String, String)>,
    faults: Vec<String>,
}

impl Said {
    pub(super) fn read(text: &str) -> Outcome<Self> {
        let mut said = Self::default();
        for line in text.lines() {
            let cells: Vec<&str> = line.split('\t').collect();
            let own = |cell: &str| cell.replace('|', "\\|");
            match cells[..] {
                ["tool", a, b, c, d, e, f] => said.tools.push([a, b, c, d, e, f].map(own)),
                ["differs", tool, side, rule, place, why] => {
                    said.differ(&own(tool), side, &own(rule), own(place), own(why));
                }
                ["beside", a, b, c, d] => said.beside.push([a, b, c, d].map(own)),
                ["waiting", a, b, c] => said.waiting.push([a, b, c].map(own)),
                ["alone", n, ids] => said.alone = Some((own(n), own(ids))),
                ["fault", what] => said.faults.push(what.to_owned()),
                _ => return Err(Failure::new("the judge said something odd").detail(line)),
            }
        }
        if said.tools.is_empty() {
            return Err(Failure::new("no tool said anything").detail(said.faults.join("\n")));
        }
        Ok(said)
    }

    /// Places of the same rule with the same explanation become one line.
    fn differ(&mut self, tool: &str, side: &str, rule: &str, place: String, why: String) {
        let same = |one: &&mut Difference| {
            (one.tool.as_str(), one.side.as_str(), one.rule.as_str()) == (tool, side, rule)
                && one.why == why
        };
        match self.differences.iter_mut().find(same) {
            Some(one) => one.places.push(place),
            None => self.differences.push(Difference {
                tool: tool.to_owned(),
                side: side.to_owned(),
                rule: rule.to_owned(),
                places: vec![place],
                why,
            }),
        }
    }

    /// The generated part of the page.
    pub(super) fn section(&self) -> String {
        let mut text = String::from(
            "| tool | version | rules that spoke | both say so | only they | only we |\n\
             |---|---|---|---|---|---|\n",
        );
        for cells in &self.tools {
            text += &format!("| {} |\n", cells.join(" | "));
        }
        if let Some((n_failed, ids)) = &self.alone {
            let n_alone = ids.split(", ").filter(|id| !id.is_empty()).count();
            text += &format!(
                "\n{n_failed} checks fail on this cluster; of {n_alone} no other tool says \
                 anything: {ids}.\n"
            );
        }
        text += "\n### Where they differ\n\n| tool | who says it | rule or check | where | why |\n\
                 |---|---|---|---|---|\n";
        for Difference { tool, side, rule, places, why } in &self.differences {
            let why = if why.is_empty() { "**not explained**" } else { why };
            let places = places.join(", ");
            text += &format!("| {tool} | only {side} | {rule} | {places} | {why} |\n");
        }
        text += "\n### Rules that no check is about\n\n| tool | rule | findings | why |\n\
                 |---|---|---|---|\n";
        for cells in &self.beside {
            text += &format!("| {} |\n", cells.join(" | "));
        }
        if !self.waiting.is_empty() {
            text +=
                "\n### Checks that are not written yet\n\n| tool | rule | check |\n|---|---|---|\n";
            for cells in &self.waiting {
                text += &format!("| {} |\n", cells.join(" | "));
            }
        }
        text
    }

    pub(super) fn verdict(self) -> Verdict {
        let sum = |at: usize| -> u64 {
            self.tools.iter().filter_map(|cells| cells[at].parse::<u64>().ok()).sum()
        };
        let (n_both, n_they, n_we) = (sum(3), sum(4), sum(5));
        let bare: Vec<String> = self
            .differences
            .iter()
            .filter(|one| one.why.is_empty())
            .map(|one| {
                let places = one.places.join(", ");
                format!("{}, only {}: {} ({places}) is not explained", one.tool, one.side, one.rule)
            })
            .collect();
        let n_bare: u64 = self
            .differences
            .iter()
            .filter(|one| one.why.is_empty())
            .map(|one| one.places.len() as u64)
            .sum();
        let remark = format!(
            "{} tools on one cluster: {n_both} findings are theirs and ours, {n_they} only theirs, \
             {n_we} only ours; passed is what is the same or explained, skipped are checks that \
             are not written yet.",
            self.tools.len()
        );
        let failures: Vec<String> = bare.into_iter().chain(self.faults.iter().cloned()).collect();
        Verdict {
            suite: "Other tools on the same cluster".to_owned(),
            n_passed: n_both + n_they + n_we - n_bare,
            n_failed: n_bare + self.faults.len() as u64,
            n_skipped: self.waiting.len() as u64,
            failures,
            remark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    const SAID: &str = "tool\ta\t1\t2\t3\t1\t2\n\
        differs\ta\twe\tX-1\tp\tso\n\
        differs\ta\twe\tX-1\tq\tso\n\
        differs\ta\tthey\tr\tp\t\n\
        beside\ta\ts\t4\tno\n\
        alone\t3\tX-1, X-3\n\
        waiting\ta\tt\tX-2\n";

    #[test]
    fn what_is_not_explained_fails() {
        let said = Said::read(SAID).unwrap();
        let section = said.section();
        assert!(section.contains("| a | only we | X-1 | p, q | so |"), "{section}");
        assert!(section.contains("**not explained**"), "{section}");
        assert!(section.contains("3 checks fail on this cluster; of 2 no"), "{section}");
        let verdict = said.verdict();
        assert_eq!((verdict.n_passed, verdict.n_failed, verdict.n_skipped), (5, 1, 1));
        let faulty = Said::read(&format!("{SAID}fault\tit broke\n")).unwrap().verdict();
        assert_eq!(faulty.n_failed, 2);
        assert!(Said::read("").is_err() && Said::read("tool\ta\n").is_err());
    }
}
