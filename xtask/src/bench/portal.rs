//! `cargo xtask bench portal`: the first page in a browser with a cold cache.
//!
//! A page can be used when its content stands, and the main thread is free: the later of the two
//! moments counts. Bytes are those of the network, headers included, as the browser counts them.

use std::collections::BTreeMap;

use super::machine;
use crate::args::{Accepts, Args};
use crate::cluster::{Account, WorkDir};
use crate::failure::{Failure, Outcome};
use crate::portal::{self, PortalHome};
use crate::stats::Spread;
use crate::{build, deps, document, repo, say};

const ACCEPTS: Accepts = Accepts {
    switches: &["--yes", "--no-write"],
    values: &["--runs", "--dir", "--binary"],
    n_words: 0,
};
const DOCUMENT: &str = "docs/benchmarks.md";
const FIGURES: [(&str, &str); 4] = [
    ("tti", "can be used after, ms"),
    ("fcp", "first contents painted after, ms"),
    ("kb", "transferred, kB"),
    ("requests", "requests"),
];

/// Page → figure → its values.
type Samples = BTreeMap<String, BTreeMap<&'static str, Vec<f64>>>;

pub(super) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    let n_runs = args.number("--runs", 7u32, 1..=100)?;
    deps::ensure(&[deps::PRODUCT, deps::TESTS].concat(), args.assume_yes())?;
    let binary = match args.path("--binary") {
        Some(path) => path,
        None => build::release()?,
    };
    let account = Account::unprivileged()?;
    let work = WorkDir::make(args.path("--dir"), "portal", &account)?;
    let home = PortalHome::start(&work.program(&binary)?, work.path())?;
    let said = portal::measure_first_page(&home, n_runs)?;
    home.stop()?;
    let samples = read(&said);
    if samples.is_empty() {
        return Err(Failure::new("the browser measured nothing").detail(said));
    }
    let section = format!(
        "{}\n`cargo xtask bench portal --runs {n_runs}`: medians of {n_runs} runs, with their \
         range; Chromium without a window, on the machine that serves, nothing cached. {}.\n",
        table(&samples)?,
        machine::describe(work.path())
    );
    say::line(&section);
    if args.has("--no-write") {
        return Ok(());
    }
    document::replace(&repo::root().join(DOCUMENT), "portal", &section)
}

/// Reads `page=… tti=… …` lines out of what Playwright said.
fn read(said: &str) -> Samples {
    let mut samples = Samples::new();
    for line in said.lines().filter_map(|line| line.trim().strip_prefix("page=")) {
        let mut words = line.split_whitespace();
        let page = samples.entry(words.next().unwrap_or_default().to_owned()).or_default();
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            let figure = FIGURES.iter().find(|(known, _)| *known == name);
            if let (Some((figure, _)), Ok(value)) = (figure, value.parse()) {
                page.entry(figure).or_default().push(value);
            }
        }
    }
    samples
}

fn table(samples: &Samples) -> Outcome<String> {
    let mut text = "| first page |".to_owned();
    for page in samples.keys() {
        text += &format!(" {page} |");
    }
    text += &format!("\n|---|{}\n", "---|".repeat(samples.len()));
    for (figure, title) in FIGURES {
        text += &format!("| {title} |");
        for (page, figures) in samples {
            let spread = figures.get(figure).and_then(|values| Spread::of(values));
            let Spread { median, min, max } =
                spread.ok_or_else(|| Failure::new(format!("{page}: no {figure} was measured")))?;
            text += &format!(" {median:.0} ({min:.0}–{max:.0}) |");
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{read, table};

    #[test]
    fn reads_and_shows() {
        let said = "Running 2 tests\n  page=home tti=300.4 fcp=100 kb=200 requests=12\n\
                    page=home tti=500 fcp=120 kb=200.2 requests=12\nok 1\n";
        let text = table(&read(said)).unwrap();
        assert!(text.contains("| can be used after, ms | 400 (300–500) |"), "{text}");
        assert!(table(&read("page=home tti=1")).is_err(), "a missing figure is no figure");
        assert!(read("nothing").is_empty());
    }
}
