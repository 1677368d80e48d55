//! An object store in memory that fails: a call before or after it took effect, all calls, or a
//! put whose effect comes when nobody waits for it any more; or one whose puts hang.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::watch;

use crate::store_terms::Draw;

/// What becomes of the call whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and does nothing
    Before,
    /// It fails, and yet is done
    After,
}

#[derive(Debug, Default)]
struct Plan {
    n_calls: u64,
    fails: Option<(u64, Fault)>,
    /// Whether all that comes behind the call that fails does so too
    dies: bool,
    is_away: bool,
    /// Whether puts where nothing is are held back and fail
    holds: bool,
    held: Vec<(Path, PutPayload)>,
    /// Whether it puts where something is though it was asked not to
    overwrites: bool,
    n_reads: u64,
    /// One call in so many fails
    draws: Option<(Draw, usize)>,
}

/// Puts wait while it is shut.
#[derive(Debug)]
struct Gate {
    is_shut: watch::Sender<bool>,
    n_waiting: Mutex<usize>,
    came: Condvar,
}

impl Default for Gate {
    fn default() -> Self {
        let (n_waiting, came) = (Mutex::default(), Condvar::new());
        Self { is_shut: watch::Sender::new(false), n_waiting, came }
    }
}

/// The store, and what it is told to do; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faulty {
    inner: Arc<InMemory>,
    plan: Arc<Mutex<Plan>>,
    gate: Arc<Gate>,
}

fn away() -> Error {
    Error::Generic { store: "faulty", source: "nobody answers".into() }
}

impl Faulty {
    /// Lets one call fail, and with `dies` all behind it.
    pub(crate) fn fail_at(&self, n: u64, fault: Fault, dies: bool) {
        let mut plan = self.plan.lock().unwrap();
        (plan.fails, plan.dies) = (Some((n, fault)), dies);
    }

    /// Lets nothing fail any more; answers whether something did.
    pub(crate) fn heal(&self) -> bool {
        let mut plan = self.plan.lock().unwrap();
        let did = plan.fails.is_some_and(|(n, _)| plan.n_calls >= n);
        (plan.fails, plan.is_away) = (None, false);
        did
    }

    /// Lets one call in so many fail, before or after it took effect.
    pub(crate) fn fail_often(&self, draws: Option<(Draw, usize)>) {
        self.plan.lock().unwrap().draws = draws;
    }

    pub(crate) fn go_away(&self, on: bool) {
        self.plan.lock().unwrap().is_away = on;
    }

    /// Holds back puts where nothing is, from now on or no longer.
    pub(crate) fn hold(&self, on: bool) {
        self.plan.lock().unwrap().holds = on;
    }

    /// Lets what was held back take effect, where it still can.
    pub(crate) fn arrive(&self) -> usize {
        let held = std::mem::take(&mut self.plan.lock().unwrap().held);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let put = |(path, payload)| {
            let options = PutOptions::from(PutMode::Create);
            runtime.block_on(self.inner.put_opts(&path, payload, options)).is_ok()
        };
        held.into_iter().map(put).filter(|done| *done).count()
    }

    pub(crate) fn overwrite(&self) {
        self.plan.lock().unwrap().overwrites = true;
    }

    /// Lets puts hang, or go on.
    pub(crate) fn shut_gate(&self, on: bool) {
        self.gate.is_shut.send_replace(on);
    }

    /// Waits until a put hangs.
    pub(crate) fn wait_for_put(&self) {
        let n_waiting = self.gate.n_waiting.lock().unwrap();
        let deadline = std::time::Duration::from_secs(60);
        let waited = self.gate.came.wait_timeout_while(n_waiting, deadline, |n| *n == 0);
        assert!(!waited.unwrap().1.timed_out(), "nobody puts anything");
    }

    async fn pass_gate(&self) {
        let mut is_shut = self.gate.is_shut.subscribe();
        if *is_shut.borrow() {
            *self.gate.n_waiting.lock().unwrap() += 1;
            self.gate.came.notify_all();
            let _ = is_shut.wait_for(|is_shut| !is_shut).await;
        }
    }

    /// How often objects were read.
    pub(crate) fn n_reads(&self) -> u64 {
        self.plan.lock().unwrap().n_reads
    }

    fn call(&self) -> Result<bool> {
        let mut plan = self.plan.lock().unwrap();
        plan.n_calls += 1;
        let n = plan.n_calls;
        if let Some((draw, one_in)) = &mut plan.draws
            && draw.below(*one_in) == 0
        {
            return if draw.below(2) == 0 { Err(away()) } else { Ok(true) };
        }
        match plan.fails {
            _ if plan.is_away => Err(away()),
            Some((at, Fault::Before)) if n == at => Err(away()),
            Some((at, Fault::After)) if n == at => Ok(true),
            Some((at, _)) if n > at && plan.dies => Err(away()),
            _ => Ok(false),
        }
    }

    /// Does it and says that it failed, where that is what it should.
    fn after<T>(fails: bool, done: Result<T>) -> Result<T> {
        if fails { Err(away()) } else { done }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        self.pass_gate().await;
        let fails = self.call()?;
        {
            let mut plan = self.plan.lock().unwrap();
            let is_create = matches!(options.mode, PutMode::Create);
            if is_create && plan.holds {
                plan.held.push((path.clone(), payload));
                return Err(away());
            }
            if plan.overwrites {
                options.mode = PutMode::Overwrite;
            }
        }
        Self::after(fails, self.inner.put_opts(path, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let fails = self.call()?;
        Self::after(fails, self.inner.put_multipart_opts(path, options).await)
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.plan.lock().unwrap().n_reads += 1;
        let fails = self.call()?;
        Self::after(fails, self.inner.get_opts(path, options).await)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.call() {
            Err(e) => stream::once(async { Err(e) }).boxed(),
            Ok(false) => self.inner.delete_stream(paths),
            Ok(true) => self.inner.delete_stream(paths).map(|_| Err(away())).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.call() {
            Err(e) => stream::once(async { Err(e) }).boxed(),
            Ok(_) => self.inner.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let fails = self.call()?;
        Self::after(fails, self.inner.list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fails = self.call()?;
        Self::after(fails, self.inner.copy_opts(from, to, options).await)
    }
}
