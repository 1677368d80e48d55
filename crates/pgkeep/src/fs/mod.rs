//! `pgkeep fs`: the encrypting file system's commands, usable with nothing else running.

mod check;
mod events;
mod failure;
mod harden;
mod key;
mod mount;
mod serve;
mod stat;
mod stop;
mod table;
mod unmount;

pub(crate) use table::unescape;

use base::{ExitCode, Fault};

use crate::cli::output::Format;

/// The bare file system.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum FsCommand {
    /// Serve a mount in the foreground; the key comes as the first line of standard input
    Serve(serve::ServeArgs),
    /// Mount a store, made on first use, and leave it to a process in the background
    Mount(mount::MountArgs),
    /// Unmount and wait until the store is closed
    Unmount(unmount::UnmountArgs),
    /// Verify every unit of a store that is not mounted
    Check(check::CheckArgs),
    /// Show the figures of a mount
    Stat(stat::StatArgs),
}

/// Runs one command.
pub(crate) fn run(command: FsCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        FsCommand::Serve(args) => serve::run(&args),
        FsCommand::Mount(args) => mount::run(&args),
        FsCommand::Unmount(args) => unmount::run(&args),
        FsCommand::Check(args) => check::run(&args, format),
        FsCommand::Stat(args) => stat::run(&args, format),
    }
}
