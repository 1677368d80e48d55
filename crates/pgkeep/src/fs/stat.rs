//! `pgkeep fs stat`: what a mount counts.

use std::path::PathBuf;

use base::{ExitCode, Fault};
use cryptfs::fuse::Figures;
use serde_json::json;

use crate::cli::output::{Format, show};

/// Arguments of `pgkeep fs stat`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StatArgs {
    /// Where it is mounted
    mountpoint: PathBuf,
}

/// Prints the figures.
pub(super) fn run(args: &StatArgs, format: Format) -> Result<ExitCode, Fault> {
    let place = args.mountpoint.display();
    let figures = Figures::of_mount(&args.mountpoint).map_err(|error| {
        let is_absent = matches!(&error, cryptfs::Error::Io { source, .. }
            if source.kind() == std::io::ErrorKind::NotFound);
        let exit = if is_absent { ExitCode::NotFound } else { ExitCode::Error };
        let message = format!("could not read the figures of a mount at {place}");
        Fault::from_error("stat", message, &error)
            .hint("name the mountpoint of a store that is mounted")
            .exit(exit)
    })?;
    show(format, &json!(figures), &[])?;
    Ok(ExitCode::Ok)
}
