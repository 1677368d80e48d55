//! `pgkeep completion`.

use base::{ExitCode, Fault};
use clap_complete::Shell;

use super::output;

/// Arguments of `pgkeep completion`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct CompletionCommand {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(command: &CompletionCommand, mut cli: clap::Command) -> Result<ExitCode, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut cli, "pgkeep", &mut script);
    output::print(&String::from_utf8_lossy(&script)).map(|()| ExitCode::Ok)
}
