//! What a running query has at hand: limits, tables, and what is evaluated once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::eval::Needles;
use super::memory;
use super::{Cancel, EngineError, Limits, Result, Rows, Source};
use crate::functions::Context;
use crate::plan::{Op, Query, Rel};
use crate::value::{Type, Value};

/// So deep may joins, unions and sub-queries be nested.
const DEPTH_MAX: usize = 100;

/// Iterations between two looks at the clock.
const TICK: usize = 1024;

/// A running query.
pub struct Env<'a> {
    /// What is fixed once a query
    pub context: Context,
    core: Arc<Core<'a>>,
    /// What flows into the sub-query that is running
    inner: Option<&'a Rows>,
}

/// What all sub-queries have in common.
struct Core<'a> {
    query: &'a Query,
    source: &'a dyn Source,
    meter: Meter<'a>,
    shared: Vec<Once<Arc<Rows>>>,
    scalars: Vec<Once<Value>>,
    /// Tables of `in (table)`, by the address of their plan, which outlives this
    needles: Mutex<HashMap<usize, Arc<Needles>>>,
    depth: AtomicUsize,
}

/// A part of the query that is evaluated once, unless it reads what flows into a sub-query.
struct Once<T> {
    value: OnceLock<T>,
    reads_inner: bool,
}

impl<T: Clone> Once<T> {
    fn of(rel: &Rel) -> Self {
        Self { value: OnceLock::new(), reads_inner: reads_inner(rel) }
    }

    fn get_or_make(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.reads_inner {
            return make();
        }
        if let Some(value) = self.value.get() {
            return Ok(value.clone());
        }
        let made = make()?;
        Ok(self.value.get_or_init(|| made).clone())
    }
}

/// Whether a relation reads what flows into the sub-query that it is a part of.
fn reads_inner(rel: &Rel) -> bool {
    let mut open = vec![rel];
    while let Some(rel) = open.pop() {
        if matches!(*rel.op, Op::Inner) {
            return true;
        }
        open.extend(memory::inputs(&rel.op));
    }
    false
}

impl std::fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").field("context", &self.context).finish_non_exhaustive()
    }
}

impl<'a> Env<'a> {
    /// Starts the clock of a query.
    pub fn new(
        query: &'a Query,
        source: &'a dyn Source,
        context: Context,
        limits: &Limits,
        cancel: &'a Cancel,
    ) -> Self {
        let core = Core {
            query,
            source,
            meter: Meter::new(limits, cancel),
            shared: query.shared.iter().map(Once::of).collect(),
            scalars: query.scalars.iter().map(Once::of).collect(),
            needles: Mutex::default(),
            depth: AtomicUsize::new(0),
        };
        Self { context, core: Arc::new(core), inner: None }
    }

    /// The same query inside a sub-query that these rows flow into.
    pub(super) fn within<'b>(&'b self, rows: &'b Rows) -> Env<'b> {
        Env { context: self.context, core: self.core.clone(), inner: Some(rows) }
    }

    /// What flows into the sub-query that is running.
    pub(super) fn inner(&self) -> Option<&'a Rows> {
        self.inner
    }

    /// Where tables come from.
    pub fn source(&self) -> &'a dyn Source {
        self.core.source
    }

    /// Limits and what is left of them.
    pub fn meter(&self) -> &Meter<'a> {
        &self.core.meter
    }

    /// Hands in `Query::shared[n]`, where another engine has it already.
    pub fn give_shared(&self, n: usize, rows: Arc<Rows>) {
        if let Some(place) = self.core.shared.get(n) {
            let _ = place.value.set(rows);
        }
    }

    /// Hands in `Query::scalars[n]`, where another engine has it already.
    pub fn give_scalar(&self, n: usize, value: Value) {
        if let Some(place) = self.core.scalars.get(n) {
            let _ = place.value.set(value);
        }
    }

    /// `Query::shared[n]`, run at its first use.
    pub fn shared(&self, n: usize) -> Result<Arc<Rows>> {
        let core = &self.core;
        let (Some(place), Some(rel)) = (core.shared.get(n), core.query.shared.get(n)) else {
            return Err(EngineError::Plan(format!("there is no shared table {n}")));
        };
        place.get_or_make(|| {
            let rows = Arc::new(self.relation(rel)?);
            // Held to the end of the query, so never given back.
            if !place.reads_inner {
                core.meter.held.fetch_add(rows.bytes(), Ordering::Relaxed);
            }
            Ok(rows)
        })
    }

    /// `Query::scalars[n]`, run at its first use: first row, first column.
    pub fn scalar(&self, n: usize, ty: Type) -> Result<Value> {
        let core = &self.core;
        let (Some(place), Some(rel)) = (core.scalars.get(n), core.query.scalars.get(n)) else {
            return Err(EngineError::Plan(format!("there is no scalar {n}")));
        };
        place.get_or_make(|| {
            let rows = self.relation(rel)?;
            let first = rows.rows.into_iter().next().and_then(|row| row.into_iter().next());
            Ok(first.unwrap_or_else(|| Value::absent(ty)))
        })
    }

    /// The first column of a table that values are looked up in, read once.
    pub(super) fn needles(&self, rel: &Rel) -> Result<Arc<Needles>> {
        let address = std::ptr::from_ref(rel).addr();
        let core = &self.core;
        let kept = || core.needles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(needles) = kept().get(&address) {
            return Ok(Arc::clone(needles));
        }
        let needles = Arc::new(Needles::new(self.relation(rel)?));
        if !reads_inner(rel) {
            core.meter.held.fetch_add(needles.bytes(), Ordering::Relaxed);
            kept().insert(address, Arc::clone(&needles));
        }
        Ok(needles)
    }

    /// Runs a part of the plan that stands by itself: by the source's engine if it wants to.
    pub(super) fn relation(&self, rel: &Rel) -> Result<Rows> {
        match self.core.source.relation(rel, self)? {
            Some(rows) => Ok(rows),
            None => memory::run(rel, self),
        }
    }

    /// Goes one level deeper into the plan, as long as the result lives.
    pub(super) fn deeper(&self) -> Result<Depth<'_>> {
        let depth = self.core.depth.fetch_add(1, Ordering::Relaxed);
        let guard = Depth(&self.core.depth);
        if depth >= DEPTH_MAX {
            let limit = DEPTH_MAX as u64;
            return Err(EngineError::Limit { what: "levels of nested queries", limit });
        }
        Ok(guard)
    }
}

/// A level of the plan that is being run.
pub(super) struct Depth<'a>(&'a AtomicUsize);

impl Drop for Depth<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The limits of a query, and what is held by steps that are not finished.
#[derive(Debug)]
pub struct Meter<'a> {
    limits: Limits,
    cancel: &'a Cancel,
    started: Instant,
    held: AtomicUsize,
}

impl<'a> Meter<'a> {
    /// Starts the clock.
    pub fn new(limits: &Limits, cancel: &'a Cancel) -> Self {
        Self { limits: *limits, cancel, started: Instant::now(), held: AtomicUsize::new(0) }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// An error where the time is over or the caller wants no more.
    pub fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        if self.started.elapsed() > self.limits.time {
            return Err(EngineError::Time { seconds: self.limits.time.as_secs() });
        }
        Ok(())
    }

    /// Counts the rows of one step.
    pub fn tally(&self) -> Tally<'_> {
        Tally { meter: self, rows: 0, bytes: self.held.load(Ordering::Relaxed), since: 0 }
    }

    /// Sets bytes aside for as long as the result lives.
    pub(super) fn hold(&self, bytes: usize) -> Hold<'_> {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Hold { held: &self.held, bytes }
    }
}

/// Bytes that wait for another step.
pub(super) struct Hold<'a> {
    held: &'a AtomicUsize,
    bytes: usize,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The count of one step.
#[derive(Debug)]
pub struct Tally<'m> {
    meter: &'m Meter<'m>,
    rows: usize,
    bytes: usize,
    since: usize,
}

impl Tally<'_> {
    /// One more row of so many bytes.
    pub fn row(&mut self, bytes: usize) -> Result<()> {
        self.rows += 1;
        if self.rows > self.meter.limits.working_rows {
            let limit = self.meter.limits.working_rows as u64;
            return Err(EngineError::Limit { what: "rows at one step", limit });
        }
        self.grow(bytes)?;
        self.work()
    }

    /// So many bytes more.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.fits(0)
    }

    /// Whether so many bytes on top, counted elsewhere, are within the limit.
    pub fn fits(&self, on_top: usize) -> Result<()> {
        if self.bytes.saturating_add(on_top) > self.meter.limits.bytes {
            let limit = self.meter.limits.bytes as u64;
            return Err(EngineError::Limit { what: "bytes", limit });
        }
        Ok(())
    }

    /// One more turn of a loop.
    pub fn work(&mut self) -> Result<()> {
        self.since += 1;
        if self.since < TICK {
            return Ok(());
        }
        self.since = 0;
        self.meter.check()
    }
}
