//! `pgkeep kql fmt`.

use std::io::Write as _;
use std::path::PathBuf;

use base::{ExitCode, Fault};

use super::super::output::{self, Format};
use super::{files, spans};

/// Arguments of `pgkeep kql fmt`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FmtCommand {
    /// Change nothing; exit code 6 where a file is not in the usual layout
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Write the files instead of printing them
    #[arg(short, long)]
    write: bool,
    /// Queries (.kql), or - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(command: &FmtCommand, _format: Format) -> Result<ExitCode, Fault> {
    let mut worst = ExitCode::Ok;
    for path in &command.files {
        let text = files::text(path)?;
        let id = path.display().to_string();
        let formatted = match kql::syntax::format(&text) {
            Ok(formatted) => formatted,
            Err(diagnostics) => {
                output::say(spans::shown(&id, &text, &diagnostics).trim_end());
                worst = ExitCode::Gate;
                continue;
            }
        };
        if command.check {
            if formatted != text {
                output::say(&format!("{id} is not in the usual layout"));
                worst = ExitCode::Gate;
            }
        } else if command.write && id != "-" {
            if formatted != text {
                replace(path, &formatted)?;
            }
        } else {
            output::print(&formatted)?;
        }
    }
    Ok(worst)
}

/// Writes beside the file and renames, so that a crash loses nothing.
fn replace(path: &std::path::Path, text: &str) -> Result<(), Fault> {
    let cannot = |e: std::io::Error| {
        Fault::from_error("cannot_write", "could not write a file", &e)
            .detail(format!("{}: {e}", path.display()))
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".pgkeep-new");
    let beside = path.with_file_name(name);
    let permissions = std::fs::metadata(path).map_err(cannot)?.permissions();
    let mut file = std::fs::File::create(&beside).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    file.set_permissions(permissions).map_err(cannot)?;
    file.sync_all().map_err(cannot)?;
    std::fs::rename(&beside, path).map_err(cannot)
}
