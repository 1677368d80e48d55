//! What a running query has at hand: limits, tables, and what is evaluated once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::eval::Needles;
use super::memory;
use super::{Cancel, EngineError, Limits, Result, Rows, Source};
use crate::functions::Context;
use crate::plan::{Query, Rel};
use crate::value::{Type, Value};

/// So deep may joins, unions and sub-queries be nested.
const DEPTH_MAX: usize = 100;

/// Iterations between two looks at the clock.
const TICK: usize = 1024;

/// A running query.
pub struct Env<'a> {
    /// What is fixed once a query
    pub context: Context,
    query: &'a Query,
    source: &'a dyn Source,
    meter: Meter<'a>,
    shared: Vec<OnceLock<Arc<Rows>>>,
    scalars: Vec<OnceLock<Value>>,
    /// Tables of `in (table)`, by the address of their plan, which outlives this
    needles: Mutex<HashMap<usize, Arc<Needles>>>,
    depth: AtomicUsize,
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
        Self {
            context,
            query,
            source,
            meter: Meter::new(limits, cancel),
            shared: query.shared.iter().map(|_| OnceLock::new()).collect(),
            scalars: query.scalars.iter().map(|_| OnceLock::new()).collect(),
            needles: Mutex::default(),
            depth: AtomicUsize::new(0),
        }
    }

    /// Where tables come from.
    pub fn source(&self) -> &'a dyn Source {
        self.source
    }

    /// Limits and what is left of them.
    pub fn meter(&self) -> &Meter<'a> {
        &self.meter
    }

    /// Hands in `Query::shared[n]`, where another engine has it already.
    pub fn give_shared(&self, n: usize, rows: Arc<Rows>) {
        if let Some(place) = self.shared.get(n) {
            let _ = place.set(rows);
        }
    }

    /// Hands in `Query::scalars[n]`, where another engine has it already.
    pub fn give_scalar(&self, n: usize, value: Value) {
        if let Some(place) = self.scalars.get(n) {
            let _ = place.set(value);
        }
    }

    /// `Query::shared[n]`, run at its first use.
    pub fn shared(&self, n: usize) -> Result<Arc<Rows>> {
        let (Some(place), Some(rel)) = (self.shared.get(n), self.query.shared.get(n)) else {
            return Err(EngineError::Plan(format!("there is no shared table {n}")));
        };
        if let Some(rows) = place.get() {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(self.relation(rel)?);
        // Held to the end of the query, so never given back.
        self.meter.held.fetch_add(rows.bytes(), Ordering::Relaxed);
        Ok(Arc::clone(place.get_or_init(|| rows)))
    }

    /// `Query::scalars[n]`, run at its first use: first row, first column.
    pub fn scalar(&self, n: usize, ty: Type) -> Result<Value> {
        let (Some(place), Some(rel)) = (self.scalars.get(n), self.query.scalars.get(n)) else {
            return Err(EngineError::Plan(format!("there is no scalar {n}")));
        };
        if let Some(value) = place.get() {
            return Ok(value.clone());
        }
        let rows = self.relation(rel)?;
        let first = rows.rows.into_iter().next().and_then(|row| row.into_iter().next());
        let value = first.unwrap_or_else(|| Value::absent(ty));
        Ok(place.get_or_init(|| value).clone())
    }

    /// The first column of a table that values are looked up in, read once.
    pub(super) fn needles(&self, rel: &Rel) -> Result<Arc<Needles>> {
        let address = std::ptr::from_ref(rel).addr();
        let known = |env: &Self| {
            let map = env.needles.lock().unwrap_or_else(PoisonError::into_inner);
            map.get(&address).cloned()
        };
        if let Some(needles) = known(self) {
            return Ok(needles);
        }
        let rows = self.relation(rel)?;
        let needles = Arc::new(Needles::new(rows));
        self.meter.held.fetch_add(needles.bytes(), Ordering::Relaxed);
        let mut map = self.needles.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(address, Arc::clone(&needles));
        Ok(needles)
    }

    /// Runs a part of the plan that stands by itself: by the source's engine if it wants to.
    pub(super) fn relation(&self, rel: &Rel) -> Result<Rows> {
        match self.source.relation(rel, self)? {
            Some(rows) => Ok(rows),
            None => memory::run(rel, None, self),
        }
    }

    /// Goes one level deeper into the plan, as long as the result lives.
    pub(super) fn deeper(&self) -> Result<Depth<'_>> {
        let depth = self.depth.fetch_add(1, Ordering::Relaxed);
        let guard = Depth(&self.depth);
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
