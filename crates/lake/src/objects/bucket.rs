//! The place of tables that is a bucket of an object store, or a folder in it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use datafusion::execution::object_store::ObjectStoreUrl;
use futures_util::StreamExt as _;
use futures_util::stream;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

use super::access::{self, Access};
use super::address::Address;
use super::bridge::ReadOnly;
use super::upload::Growing;
use crate::error::{Error, Result};
use crate::store::{Away, Item, Parts, Place, Put, Reading, Upload, Where};

/// One call, with all that it sends again, takes no longer.
const LONGEST: Duration = Duration::from_secs(600);
/// A call that failed only after so long was one to a store that is away,
const SLOW: Duration = Duration::from_millis(500);
/// and for so long others are not made to wait for the same.
const PAUSE: Duration = Duration::from_secs(3);
/// Files that are read at the same time.
const AT_ONCE: usize = 16;
/// The longest file that is held whole to be read in parts.
const PARTS_MOST: u64 = 1 << 30;
/// More names of one folder are not listed.
const NAMES_MOST: usize = 2_000_000;
/// What a store says of an error can be a page; so much of it is handed on.
const SAID_CHARS: usize = 600;

type Said<T> = object_store::Result<T>;

/// Tables in an object store.
#[derive(Clone)]
pub struct Bucket(Arc<Inner>);

struct Inner {
    address: Address,
    store: Arc<dyn ObjectStore>,
    secrets: Vec<String>,
    /// When a call failed slowly, and why
    away: Mutex<Option<(Instant, String)>>,
    runtime: Option<Runtime>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which is not allowed inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.0.address.text)
    }
}

impl Bucket {
    /// Tables at `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or
    /// `abfss://container@account.dfs.core.windows.net/prefix`. Nothing is asked yet.
    ///
    /// # Errors
    /// A URL, an endpoint or credentials that are none, or the system gives no threads.
    pub fn open(url: &str, access: &Access) -> Result<Self> {
        let (address, runtime) = (Address::parse(url)?, runtime()?);
        let store = access::store(&address, access, runtime.handle().clone())?;
        let secrets = access.credentials.secrets();
        Ok(Self::new(address, store, secrets, runtime))
    }

    /// Tables in a store that is there already, which the URL stands for.
    ///
    /// # Errors
    /// A URL that is none, or the system gives no threads.
    pub fn over(url: &str, store: Arc<dyn ObjectStore>) -> Result<Self> {
        Ok(Self::new(Address::parse(url)?, store, Vec::new(), runtime()?))
    }

    fn new(
        address: Address,
        store: Arc<dyn ObjectStore>,
        secrets: Vec<String>,
        runtime: Runtime,
    ) -> Self {
        let (away, runtime) = (Mutex::default(), Some(runtime));
        Self(Arc::new(Inner { address, store, secrets, away, runtime }))
    }

    pub(super) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.0.store
    }

    pub(super) fn text(&self) -> &str {
        &self.0.address.text
    }

    pub(super) fn path(&self, path: &str) -> io::Result<Path> {
        let inside = self.0.address.inside(path);
        inside.map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e.to_string()))
    }

    /// What the store said, without secrets and not longer than needed.
    pub(super) fn away(&self, error: &object_store::Error) -> Away {
        let mut why = error.to_string();
        for secret in &self.0.secrets {
            why = why.replace(secret.as_str(), "…");
        }
        let one_line = why.split_whitespace().collect::<Vec<_>>().join(" ");
        let why = one_line.chars().take(SAID_CHARS).collect();
        Away { url: self.text().to_owned(), why }
    }

    fn io_error(&self, error: &object_store::Error) -> io::Error {
        use object_store::Error as Theirs;
        let kind = match error {
            Theirs::NotFound { .. } => io::ErrorKind::NotFound,
            Theirs::AlreadyExists { .. } | Theirs::Precondition { .. } => {
                io::ErrorKind::AlreadyExists
            }
            Theirs::PermissionDenied { .. } | Theirs::Unauthenticated { .. } => {
                io::ErrorKind::PermissionDenied
            }
            Theirs::NotImplemented { .. } | Theirs::NotSupported { .. } => {
                io::ErrorKind::Unsupported
            }
            _ => io::ErrorKind::NotConnected,
        };
        io::Error::new(kind, self.away(error))
    }

    fn not_there(&self, why: &str) -> io::Error {
        let away = Away { url: self.text().to_owned(), why: why.to_owned() };
        io::Error::new(io::ErrorKind::TimedOut, away)
    }

    /// Runs work on the store's own threads and waits for it; from any thread.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Said<T>> + Send + 'static,
    ) -> io::Result<T> {
        let known = self.0.away.lock().clone();
        if let Some((_, why)) = known.filter(|(since, _)| since.elapsed() < PAUSE) {
            return Err(self.not_there(&format!("it was away a moment ago: {why}")));
        }
        let started = Instant::now();
        let done = self.run(async { Ok(tokio::time::timeout(LONGEST, work).await) })?;
        let error = match done {
            Ok(Ok(value)) => {
                *self.0.away.lock() = None;
                return Ok(value);
            }
            Ok(Err(error)) => self.io_error(&error),
            Err(_) => self.not_there("it did not answer in time"),
        };
        let is_away = matches!(error.kind(), io::ErrorKind::NotConnected | io::ErrorKind::TimedOut);
        if is_away && started.elapsed() >= SLOW {
            *self.0.away.lock() = Some((Instant::now(), error.to_string()));
        }
        Err(error)
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let Some(runtime) = &self.0.runtime else { return Err(self.not_there("it is closed")) };
        let (sender, receiver) = mpsc::sync_channel(1);
        runtime.spawn(async move {
            // Whoever asked waits for it, or is gone with its thread.
            let _ = sender.send(work.await);
        });
        receiver.recv().unwrap_or_else(|_| Err(self.not_there("the request was broken off")))
    }

    async fn whole(store: Arc<dyn ObjectStore>, path: Path, most: u64) -> Said<Option<Bytes>> {
        let found = store.get(&path).await?;
        if found.meta.size > most {
            return Ok(None);
        }
        found.bytes().await.map(Some)
    }

    fn bytes_of(&self, found: Option<Bytes>, most: u64) -> io::Result<Bytes> {
        found.ok_or_else(|| {
            let what = format!("it is longer than the {most} bytes that are read");
            io::Error::new(io::ErrorKind::FileTooLarge, what)
        })
    }

    fn put_with(&self, path: &str, bytes: Vec<u8>, mode: PutMode) -> io::Result<()> {
        let (store, path) = (Arc::clone(self.store()), self.path(path)?);
        self.wait(async move {
            store.put_opts(&path, bytes.into(), PutOptions::from(mode)).await.map(drop)
        })
    }
}

fn runtime() -> Result<Runtime> {
    let made = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("lake objects")
        .enable_all()
        .build();
    made.map_err(|e| Error::Place(format!("no threads for the object store: {e}")))
}

fn item(path: &Path, found: Option<&ObjectMeta>) -> Option<Item> {
    let name = path.filename()?.to_owned();
    let put_at = found.map(|found| found.last_modified.timestamp_millis());
    Some(Item { name, is_folder: found.is_none(), put_at })
}

impl Place for Bucket {
    fn url(&self) -> Option<&str> {
        Some(self.text())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Item>> {
        let (store, path) = (Arc::clone(self.store()), self.path(folder)?);
        let found = self.wait(async move {
            let path = (!path.as_ref().is_empty()).then_some(&path);
            store.list_with_delimiter(path).await
        })?;
        if found.objects.len() + found.common_prefixes.len() > NAMES_MOST {
            let what = format!("{folder:?} has more than {NAMES_MOST} names");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        let folders = found.common_prefixes.iter().filter_map(|path| item(path, None));
        let files = found.objects.iter().filter_map(|meta| item(&meta.location, Some(meta)));
        let mut items: Vec<Item> = folders.chain(files).collect();
        items.sort();
        Ok(items)
    }

    fn read(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        let found = self.wait(Self::whole(Arc::clone(self.store()), self.path(path)?, most))?;
        self.bytes_of(found, most).map(Vec::from)
    }

    fn read_all(&self, paths: &[String], most: u64) -> Vec<io::Result<Vec<u8>>> {
        let asked: io::Result<Vec<Path>> = paths.iter().map(|path| self.path(path)).collect();
        let store = Arc::clone(self.store());
        let all = asked.and_then(|asked| {
            let each = move |path| Self::whole(Arc::clone(&store), path, most);
            self.wait(async move {
                Ok(stream::iter(asked).map(each).buffered(AT_ONCE).collect::<Vec<_>>().await)
            })
        });
        match all {
            Ok(all) => all
                .into_iter()
                .map(|found| match found {
                    Ok(found) => self.bytes_of(found, most).map(Vec::from),
                    Err(e) => Err(self.io_error(&e)),
                })
                .collect(),
            Err(e) => {
                let (kind, why) = (e.kind(), e.to_string());
                paths.iter().map(|_| Err(io::Error::new(kind, why.clone()))).collect()
            }
        }
    }

    fn parts(&self, path: &str, len: u64) -> io::Result<Arc<dyn Parts>> {
        let most = PARTS_MOST.min(len);
        let found = self.wait(Self::whole(Arc::clone(self.store()), self.path(path)?, most))?;
        let bytes = self.bytes_of(found, most)?;
        if bytes.len() as u64 != len {
            let what = format!("{path:?} has {} bytes, not {len}", bytes.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Arc::new(Whole(bytes)))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn Upload>> {
        Ok(Box::new(Growing::new(self.clone(), self.path(path)?)))
    }

    fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.put_with(path, bytes, PutMode::Overwrite)
    }

    fn put_if_absent(&self, path: &str, bytes: Vec<u8>) -> io::Result<Put> {
        match self.put_with(path, bytes.clone(), PutMode::Create) {
            Ok(()) => Ok(Put::Done),
            // A put that is sent again after its answer was lost meets itself.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                match self.read(path, bytes.len() as u64) {
                    Ok(found) if found == bytes => Ok(Put::Done),
                    Ok(_) => Ok(Put::Taken),
                    Err(e) if e.kind() == io::ErrorKind::FileTooLarge => Ok(Put::Taken),
                    Err(e) => Err(e),
                }
            }
            Err(e) => Err(e),
        }
    }

    fn replace(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.put(path, bytes)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let (store, path) = (Arc::clone(self.store()), self.path(path)?);
        match self.wait(async move { store.delete(&path).await }) {
            // Some stores tell, some do not.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    fn settle(&self, _folder: &str) -> io::Result<()> {
        Ok(())
    }

    fn lies(&self, path: &str) -> Where {
        let inside = self.0.address.inside(path);
        Where::Object(inside.map_or_else(|_| path.to_owned(), |inside| inside.to_string()))
    }

    fn engine(&self) -> Option<Reading> {
        let url = ObjectStoreUrl::parse(self.0.address.of_bucket()).ok()?;
        Some(Reading { url, store: Arc::new(ReadOnly(self.clone())) })
    }
}

/// A file that is held whole: one request for all of it.
#[derive(Debug)]
struct Whole(Bytes);

impl Parts for Whole {
    fn read_at(&self, at: u64, len: usize) -> io::Result<Bytes> {
        let end = self.0.len();
        let from = usize::try_from(at).unwrap_or(end).min(end);
        Ok(self.0.slice(from..from.saturating_add(len).min(end)))
    }
}
