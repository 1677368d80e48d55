//! `pgkeep fs unmount`: unmounts and waits until the store is closed.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{ExitCode, Fault};
use cryptfs::fuse::{Figures, Unmounter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::table;
use crate::cli::output::say;

/// Closing syncs everything that was written.
const CLOSED_WITHIN: Duration = Duration::from_secs(600);

/// Arguments of `pgkeep fs unmount`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct UnmountArgs {
    /// Where it is mounted
    mountpoint: PathBuf,
}

/// Returns when the process that served the mount has ended.
pub(super) fn run(args: &UnmountArgs) -> Result<ExitCode, Fault> {
    let place = std::path::absolute(&args.mountpoint)
        .map_err(|error| Fault::from_error("path", "cannot use the mountpoint", &error))?;
    if !table::is_mounted(&place)? {
        let message = format!("no store is mounted at {}", place.display());
        return Err(Fault::new("not_mounted", message).exit(ExitCode::NotFound));
    }
    let unmounter = Unmounter::new(&place);
    match Figures::of_mount(&place) {
        Ok(figures) => {
            let process = process(figures.pid);
            unmounter.unmount(false).map_err(|error| refused(&place, &error))?;
            wait(process.as_ref())?;
        }
        Err(cryptfs::Error::Io { source, .. })
            if Errno::from_io_error(&source) == Some(Errno::NOTCONN) =>
        {
            say("pgkeep: warning: the process of this mount had died; the next mount recovers");
            unmounter.unmount(true).map_err(|error| refused(&place, &error))?;
        }
        Err(error) => {
            let message = format!("could not ask the mount at {}", place.display());
            return Err(Fault::from_error("forbidden", message, &error)
                .hint("unmount as the user who mounted")
                .exit(ExitCode::Forbidden));
        }
    }
    Ok(ExitCode::Ok)
}

/// A descriptor of the process, taken while it surely lives.
fn process(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
}

fn wait(process: Option<&OwnedFd>) -> Result<(), Fault> {
    let Some(process) = process else {
        say("pgkeep: warning: unmounted, but could not wait for the store to be closed");
        return Ok(());
    };
    let timeout = Timespec { tv_sec: CLOSED_WITHIN.as_secs() as i64, tv_nsec: 0 };
    loop {
        match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => {
                return Err(Fault::new("timeout", "the store was not closed in time")
                    .exit(ExitCode::Timeout));
            }
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => {
                return Err(Fault::from_error("wait", "could not wait for the store", &errno));
            }
        }
    }
}

fn refused(place: &Path, error: &std::io::Error) -> Fault {
    let message = format!("could not unmount {}", place.display());
    let fault = Fault::from_error("unmount", message, error);
    match Errno::from_io_error(error) {
        Some(Errno::BUSY) => Fault::new("busy", format!("{} is in use", place.display()))
            .hint("stop what has files or its working directory in there, then try again")
            .exit(ExitCode::Conflict),
        Some(Errno::PERM | Errno::ACCESS) => fault.exit(ExitCode::Forbidden),
        _ => fault,
    }
}
