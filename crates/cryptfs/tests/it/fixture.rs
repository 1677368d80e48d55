//! A store in a temporary folder, mounted by this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cryptfs::fuse::{Mount, MountOptions, Unmounter};
use cryptfs::{Error, Event, EventSink, Store, StoreOptions};
use parking_lot::{Condvar, Mutex};

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Keeps events and wakes those who wait for one.
#[derive(Default)]
pub(crate) struct Events {
    seen: Mutex<Vec<Event>>,
    changed: Condvar,
}

impl EventSink for Events {
    fn emit(&self, event: Event) {
        self.seen.lock().push(event);
        self.changed.notify_all();
    }
}

impl Events {
    /// Waits until an event is `wanted`.
    pub(crate) fn wait(&self, wanted: impl Fn(&Event) -> bool) -> Event {
        let until = Instant::now() + DEADLINE;
        let mut seen = self.seen.lock();
        loop {
            if let Some(event) = seen.iter().find(|event| wanted(event)) {
                return event.clone();
            }
            let timed_out = self.changed.wait_until(&mut seen, until).timed_out();
            assert!(!timed_out, "no such event; seen: {seen:?}");
        }
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<Event> {
        self.seen.lock().clone()
    }
}

/// Folders of a store and its mountpoint; removed at the end.
pub(crate) struct Folders {
    home: tempfile::TempDir,
}

impl Folders {
    pub(crate) fn new() -> Self {
        let folders = Self { home: tempfile::tempdir().unwrap() };
        std::fs::create_dir(folders.mountpoint()).unwrap();
        folders
    }

    pub(crate) fn backing(&self) -> PathBuf {
        self.home.path().join("backing")
    }

    pub(crate) fn mountpoint(&self) -> PathBuf {
        self.home.path().join("mnt")
    }

    pub(crate) fn mount(&self) -> Mounted {
        self.mount_with(&MountOptions::default())
    }

    pub(crate) fn mount_with(&self, options: &MountOptions) -> Mounted {
        let events = Arc::new(Events::default());
        let key = crypto::DataKey::from_hex(&"5a".repeat(32)).unwrap();
        let store_options = StoreOptions { create: true, clean_after: Duration::from_secs(1) };
        let store = Store::open(&self.backing(), &key, &store_options, events.clone()).unwrap();
        let mount = Mount::new(store.clone(), &self.mountpoint(), options, events.clone()).unwrap();
        let unmounter = mount.unmounter();
        let server = std::thread::spawn(move || mount.run());
        events.wait(|event| matches!(event, Event::Ready { .. }));
        let root = self.mountpoint();
        Mounted { root, store, events, unmounter, server: Some(server) }
    }
}

/// A mount that answers.
pub(crate) struct Mounted {
    root: PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) events: Arc<Events>,
    unmounter: Unmounter,
    server: Option<JoinHandle<Result<(), Error>>>,
}

impl Mounted {
    /// The mountpoint.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the mount.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Unmounts and closes the store, both without an error.
    pub(crate) fn stop(mut self) {
        self.unmounter.unmount(false).unwrap();
        self.server.take().unwrap().join().unwrap().unwrap();
        self.store.close().unwrap();
        let bad = |event: &&Event| matches!(event, Event::Tamper { .. } | Event::Poisoned { .. });
        assert_eq!(self.events.all().iter().find(bad), None);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // Only after a failed assertion; the first failure is the one to tell.
            if self.unmounter.unmount(true).is_ok() {
                drop(server.join());
            }
        }
    }
}

/// Bytes that differ from place to place: a small generator (xorshift64*) from a seed.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
