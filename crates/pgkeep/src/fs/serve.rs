//! `pgkeep fs serve`: one mount, from the key to the closed store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{ExitCode, Fault};
use cryptfs::fuse::{Mount, MountOptions};
use cryptfs::{EventSink, Store, StoreOptions};

use super::events::{Lines, Note};
use super::{failure, harden, key, stop, table};

/// More workers than any machine needs.
const MAX_THREADS: u16 = 256;

/// Arguments of `pgkeep fs serve`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Folder that holds the ciphertext; made on first use
    pub(super) backing: PathBuf,
    /// Where to mount
    pub(super) mountpoint: PathBuf,
    #[command(flatten)]
    pub(super) options: ServeOptions,
    /// Leave the session and terminal of the caller
    #[arg(long, hide = true)]
    own_session: bool,
}

/// What `fs mount` passes on to `fs serve`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServeOptions {
    /// Workers that answer requests [default: cores and one]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_THREADS)))]
    pub(super) threads: Option<u16>,
    /// Authenticate durably what was not written to for so long
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) clean_after: Option<u64>,
    /// Refuse all changes
    #[arg(long)]
    pub(super) read_only: bool,
    /// Append events to this file too
    #[arg(long, value_name = "FILE")]
    pub(super) event_log: Option<PathBuf>,
    /// Let other users in, for conformance tests
    #[arg(long, hide = true)]
    pub(super) allow_other: bool,
}

impl ServeOptions {
    fn mount_options(&self) -> MountOptions {
        let mut options = MountOptions {
            read_only: self.read_only,
            allow_other: self.allow_other,
            ..MountOptions::default()
        };
        if let Some(n) = self.threads {
            options.n_threads = usize::from(n);
        }
        options
    }

    fn store_options(&self) -> StoreOptions {
        let mut options = StoreOptions { create: !self.read_only, ..StoreOptions::default() };
        if let Some(seconds) = self.clean_after {
            options.clean_after = Duration::from_secs(seconds);
        }
        options
    }
}

/// Serves until unmounted. A failure is an event too: whoever started us reads those.
pub(super) fn run(args: &ServeArgs) -> Result<ExitCode, Fault> {
    let lines = Arc::new(Lines::start(args.options.event_log.as_deref())?);
    let outcome = serve(args, &lines);
    match &outcome {
        Ok(()) => lines.note(&Note::Closed),
        Err(fault) => lines.failed(fault),
    }
    lines.flush();
    outcome.map(|()| ExitCode::Ok).map_err(|fault| fault.exit(ExitCode::Error))
}

fn serve(args: &ServeArgs, lines: &Arc<Lines>) -> Result<(), Fault> {
    if args.own_session {
        rustix::process::setsid()
            .map_err(|errno| Fault::from_error("session", "could not start a session", &errno))?;
    }
    harden::harden()
        .map_err(|error| Fault::from_error("harden", "could not forbid core dumps", &error))?;
    let backing = &args.backing;
    let fault = |what: &str, error: &cryptfs::Error| failure::fault(what, backing, error);

    table::refuse_mounted(&args.mountpoint)?;

    let events: Arc<dyn EventSink> = lines.clone();
    let key = key::from_stdin()?;
    if !key.is_locked() {
        lines.note(&Note::Warning { message: "the key could not be locked in memory" });
    }
    let store = Store::open(backing, &key, &args.options.store_options(), events.clone())
        .map_err(|error| fault("open the store", &error))?;
    drop(key);

    let served = mount(args, &store, events, lines);
    // Also when serving failed: what was taken must become durable.
    let closed = store.close().map_err(|error| fault("close the store", &error));
    served.and(closed)
}

fn mount(
    args: &ServeArgs,
    store: &Arc<Store>,
    events: Arc<dyn EventSink>,
    lines: &Arc<Lines>,
) -> Result<(), Fault> {
    let fault = |what: &str, error: &cryptfs::Error| failure::fault(what, &args.backing, error);
    let options = args.options.mount_options();
    let mount = Mount::new(store.clone(), &args.mountpoint, &options, events)
        .map_err(|error| fault("mount", &error))?;
    stop::on_signal(mount.unmounter(), lines.clone())?;
    mount.run().map_err(|error| fault("serve the mount", &error))
}
