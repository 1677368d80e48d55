//! One mount: from the store to the last answered request.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fuser::{Config, Session, SessionACL};
use rustix::io::Errno;
use rustix::process::Resource;

use super::adapter::Adapter;
use super::face::Face;
use super::mountpoint::{self, Unmounter};
use super::tune;
use crate::{Error, Event, EventSink, Store};

/// Descriptors to count on where the limit cannot be read.
const DEFAULT_LIMIT: u64 = 1024;
/// A limit above this is not used up.
const MAX_DESCRIPTORS: u64 = 500_000;

/// How a store is mounted.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// Workers that answer requests. One more than cores, because a checkpoint's sync blocks one;
    /// with more, commits get slower: each request wakes another sleeping worker.
    pub n_threads: usize,
    /// No changes.
    pub read_only: bool,
    /// Lets other users enter, as file modes allow. For conformance tests only: a mount of
    /// PostgreSQL's files is for its owner alone.
    pub allow_other: bool,
    /// Idle files to keep open; by default three eighths of the descriptors that the process may
    /// have, because a file can take two.
    pub n_descriptors: Option<usize>,
}

impl Default for MountOptions {
    fn default() -> Self {
        let n_cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { n_threads: n_cores + 1, read_only: false, allow_other: false, n_descriptors: None }
    }
}

/// A mounted store. Dropped without [`Mount::run`] it is unmounted.
pub struct Mount {
    session: Option<Session<Adapter>>,
    mountpoint: PathBuf,
    events: Arc<dyn EventSink>,
}

impl Mount {
    /// Mounts `store` at `mountpoint`, an existing folder outside the store.
    ///
    /// Nothing is answered before [`Mount::run`]. Close the store after that, not before.
    pub fn new(
        store: Arc<Store>,
        mountpoint: &Path,
        options: &MountOptions,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, Error> {
        let io = |doing| move |source| Error::Io { doing, source };
        let mountpoint = mountpoint.canonicalize().map_err(io("find the mountpoint"))?;
        mountpoint::refuse_overlap(store.tree(), &mountpoint)?;
        let n_descriptors = options.n_descriptors.unwrap_or_else(descriptor_budget);
        let face = Face::new(store, n_descriptors)
            .map_err(|errno| io("open the backing tree")(errno.into()))?;
        let adapter = Adapter::new(face, events.clone());

        let device = mountpoint::mount(&mountpoint, options)?;
        let mut config = Config::default();
        config.n_threads = Some(options.n_threads.max(1));
        // A device of its own for each worker, where this process may open it.
        config.clone_fd = rustix::fs::access("/dev/fuse", rustix::fs::Access::READ_OK).is_ok();
        let session = Session::from_fd(adapter, device, SessionACL::All, config);
        let session = session.map_err(|source| {
            if let Err(error) = Unmounter::new(&mountpoint).unmount(true) {
                tracing::error!(%error, "could not unmount after a failed start");
            }
            io("start the FUSE session")(source)
        })?;
        Ok(Self { session: Some(session), mountpoint, events })
    }

    /// Ends the mount from another thread.
    pub fn unmounter(&self) -> Unmounter {
        Unmounter::new(&self.mountpoint)
    }

    /// Answers requests until the mount is gone. Emits [`Event::Ready`] when it answers.
    pub fn run(mut self) -> Result<(), Error> {
        let session = self.session.take().expect("because only run takes it, and consumes self");
        let (mountpoint, events) = (self.mountpoint.clone(), self.events.clone());
        let io = |doing| move |source| Error::Io { doing, source };
        std::thread::Builder::new()
            .name("ready".to_owned())
            .spawn(move || announce(&mountpoint, &*events))
            .map_err(io("start a thread"))?;
        match session.run() {
            // The last unmount can meet a worker in the middle of a request.
            Err(error) if is(&error, Errno::CONNABORTED) && !is_broken(&self.mountpoint) => Ok(()),
            answer => answer.map_err(io("serve the mount")),
        }
    }
}

fn is(error: &std::io::Error, errno: Errno) -> bool {
    Errno::from_io_error(error) == Some(errno)
}

/// Whether the mount is still there with nobody who answers, as after an abort by force.
fn is_broken(mountpoint: &Path) -> bool {
    std::fs::metadata(mountpoint).is_err_and(|error| is(&error, Errno::NOTCONN))
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.session.is_some()
            && let Err(error) = self.unmounter().unmount(true)
        {
            tracing::error!(%error, "could not unmount");
        }
    }
}

impl std::fmt::Debug for Mount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mount").field("mountpoint", &self.mountpoint).finish_non_exhaustive()
    }
}

/// Asks the mount for its root, as any program would, and says so when the answer is there.
fn announce(mountpoint: &Path, events: &dyn EventSink) {
    match std::fs::metadata(mountpoint) {
        Ok(meta) => {
            let device = meta.dev();
            let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
            let device = format!("{major}:{minor}");
            for (setting, answer) in tune(&device) {
                if let Err(error) = answer {
                    tracing::info!(setting, %error, "could not raise a limit of the mount");
                }
            }
            let mountpoint = mountpoint.display().to_string();
            events.emit(Event::Ready { mountpoint, device });
        }
        Err(error) => tracing::error!(%error, "the mount does not answer"),
    }
}

fn descriptor_budget() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(MAX_DESCRIPTORS);
    let limit = if limit == 0 { DEFAULT_LIMIT } else { limit.min(MAX_DESCRIPTORS) };
    usize::try_from(limit * 3 / 8).expect("because it is at most MAX_DESCRIPTORS")
}
