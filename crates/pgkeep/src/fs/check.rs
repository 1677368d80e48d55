//! `pgkeep fs check`: every unit of a store against its authentication code.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base::{ExitCode, Fault};
use cryptfs::check::{Report, check};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{failure, key};
use crate::cli::output::{Format, print, say, show};

/// A check that is over sooner shows no bar.
const BAR_AFTER: Duration = Duration::from_secs(1);

/// Arguments of `pgkeep fs check`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Folder that holds the ciphertext; not mounted
    backing: PathBuf,
    /// File with the key: 64 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
}

/// Exit code 6 when anything does not match.
pub(super) fn run(args: &CheckArgs, format: Format) -> Result<ExitCode, Fault> {
    if !args.backing.is_dir() {
        let message = format!("there is no folder {}", args.backing.display());
        return Err(Fault::new("not_found", message).exit(ExitCode::NotFound));
    }
    let key = key::from_file(&args.key_file)?;
    let mut bar = Bar::new();
    let report = check(&args.backing, &key, &mut |done, total| bar.at(done, total));
    bar.finish();
    let report =
        report.map_err(|error| failure::fault("check the store", &args.backing, &error))?;
    tell(&report, format)?;
    Ok(if report.tampered.is_empty() { ExitCode::Ok } else { ExitCode::Gate })
}

fn tell(report: &Report, format: Format) -> Result<(), Fault> {
    if report.unclean {
        say("pgkeep: warning: the store was not stopped cleanly");
        say(&format!("DETAIL: {} units could not be assessed.", report.n_not_assessed));
        say("HINT: mount it once, which recovers it, then check again");
    }
    if format != Format::Table {
        let mut value = json!(report);
        value["ok"] = json!(report.tampered.is_empty());
        return show(format, &value, &[]);
    }
    for event in &report.tampered {
        if let cryptfs::Event::Tamper { file, unit, reason } = event {
            let unit = unit.map_or_else(String::new, |unit| format!(" unit {unit}"));
            print(&format!("{file}{unit}: {reason}\n"))?;
        }
    }
    print(&format!(
        "{} files, {} units, {} temporary files, {} units not assessed, {} do not match\n",
        report.n_files,
        report.n_units,
        report.n_temporary,
        report.n_not_assessed,
        report.tampered.len(),
    ))
}

/// A bar on standard error, if that is a terminal and the check takes its time.
struct Bar {
    began: Instant,
    bar: Option<ProgressBar>,
    is_terminal: bool,
}

impl Bar {
    fn new() -> Self {
        Self { began: Instant::now(), bar: None, is_terminal: std::io::stderr().is_terminal() }
    }

    fn at(&mut self, done: u64, total: u64) {
        if self.bar.is_none() && self.is_terminal && self.began.elapsed() > BAR_AFTER {
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(total), target);
            let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
            self.bar = Some(match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            });
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
