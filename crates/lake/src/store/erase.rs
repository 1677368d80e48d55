//! Rows taken out of a table for good: those of a person who wants to be forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use kql::bind::Catalog;
use kql::engine::{Expr, holds};
use kql::functions::Context;
use kql::plan::{Op, Scalar, ScalarKind, Schema};
use kql::value::Value;

use super::delta::{self, Rewritten};
use super::error::{Doing as _, StoreError, StoreResult};
use super::shape::Shape;
use super::tend::MERGE_LEVEL;
use super::{Core, Store, unix_ms};
use crate::data::Reader;
use crate::scalar::{compiled, is_volatile};

/// How often what is hot is committed until the write-ahead log has nothing of before any more.
const TRIES: usize = 8;

/// What was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Rows
    pub n_rows: usize,
    /// Files that had them
    pub n_files: usize,
}

impl Store {
    /// Takes out all rows of a table that a condition holds for (what stands behind `where`),
    /// among those that were acknowledged before: files that have them are written anew, and the
    /// write-ahead log of that time is gone when this answers. Rows that are appended meanwhile
    /// may stay.
    ///
    /// The old files stay for [`StoreLimits::file_retention`]; with `at_once` all that are no part
    /// of the table any more are removed now, and a query that is reading one fails.
    ///
    /// It can be done again: after an error rows may be left, of other files none.
    ///
    /// # Errors
    /// A condition that is none over the columns of one row, a file that somebody else wrote, and
    /// failures of the disk.
    ///
    /// [`StoreLimits::file_retention`]: super::StoreLimits::file_retention
    pub fn erase(&self, table: &str, condition: &str, at_once: bool) -> StoreResult<Erased> {
        self.writable()?;
        let (core, shape) = self.find(table)?;
        let test = Test::new(table, condition, &shape, self.doors.clock.now())?;
        let _tending = core.tending.lock();
        self.settle()?;
        let (files, objects) = {
            let log = core.log.lock();
            (log.files.values().cloned().collect::<Vec<_>>(), log.objects().clone())
        };
        let mut erased = Erased { n_rows: 0, n_files: 0 };
        for file in files {
            let random = self.doors.uuid().doing(|| "reading randomness".to_owned())?;
            let how = self.how(MERGE_LEVEL, delta::n_rows_of(&file).unwrap_or(0));
            let keep = |rows: &RecordBatch| test.fails(rows);
            match delta::rewrite(&objects, &shape, &file, how, random, &keep)? {
                Rewritten::Same => {}
                Rewritten::Foreign => {
                    let what = format!("somebody else wrote file {:?} of table {table}", file.path);
                    return Err(StoreError::Invalid(what));
                }
                Rewritten::Done { file: new, n_taken } => {
                    self.put_in_place(&core, &file, new)?;
                    erased.n_rows += n_taken;
                    erased.n_files += 1;
                }
            }
        }
        if at_once {
            let mut log = core.log.lock();
            log.vacuum(i64::MAX)?;
            self.show(&core, &log, None)?;
        }
        Ok(erased)
    }

    fn put_in_place(
        &self,
        core: &Core,
        old: &delta::Add,
        new: Option<delta::Named>,
    ) -> StoreResult<()> {
        let mut log = core.log.lock();
        let at = unix_ms(self.doors.clock.now());
        let is_put = log.rewritten(old, new.as_ref(), at)?;
        self.show(core, &log, None)?;
        let tended = log.tend(&self.limits, at);
        if !is_put {
            if let Some(new) = new.filter(|new| !log.knows(new.name())) {
                log.objects().remove_file(new.name())?;
            }
            let what = format!("somebody else changed table {} meanwhile", core.name);
            return Err(StoreError::Invalid(what));
        }
        tended
    }

    /// Commits until the write-ahead log has nothing of before.
    fn settle(&self) -> StoreResult<()> {
        let now = self.group.wal.lock().next_seq();
        for _ in 0..TRIES {
            self.flush()?;
            if self.group.wal.lock().first_seq().is_none_or(|first| first >= now) {
                return Ok(());
            }
        }
        Err(StoreError::Full("appends come faster than the log can be emptied".to_owned()))
    }
}

/// A condition made ready.
struct Test {
    expr: Expr,
    shape: Arc<Shape>,
    /// The columns that it reads
    used: BTreeSet<usize>,
    context: Context,
}

impl Test {
    fn new(table: &str, condition: &str, shape: &Arc<Shape>, now: i64) -> StoreResult<Self> {
        let invalid = |what: &str| StoreError::Invalid(format!("{what}: {condition}"));
        let catalog = One(table, &shape.schema);
        let context = Context { now };
        let text = format!("{table}\n| where {condition}\n");
        let query = kql::bind::compile(&text, &catalog, context, None).query;
        let query = query.ok_or_else(|| invalid("this is no condition"))?;
        let Op::Where { input, predicate } = &*query.rel.op else {
            return Err(invalid("this is more than a condition"));
        };
        let is_alone = query.shared.is_empty() && query.scalars.is_empty();
        if !matches!(&*input.op, Op::Table { name } if name == table) || !is_alone {
            return Err(invalid("this is more than a condition"));
        }
        let mut used = BTreeSet::new();
        if is_volatile(predicate) || !is_of_row(predicate, &mut used) {
            return Err(invalid("this looks at more than one row"));
        }
        // The binder may leave out columns that are not read.
        let place = |at: &usize| {
            let name = &input.schema.get(*at)?.name;
            shape.schema.iter().position(|column| column.name == *name).filter(|place| place == at)
        };
        if !used.iter().all(|at| place(at).is_some()) {
            return Err(invalid("its columns are not those of the table"));
        }
        let expr = compiled(predicate, now).map_err(|e| invalid(&e.to_string()))?;
        Ok(Self { expr, shape: Arc::clone(shape), used, context })
    }

    /// For each of these rows, in the form of the engine, whether the condition does not hold.
    fn fails(&self, rows: &RecordBatch) -> StoreResult<BooleanArray> {
        let mut readers = Vec::with_capacity(self.used.len());
        for at in &self.used {
            readers.push((*at, Reader::new(rows.column(*at), self.shape.schema[*at].ty)?));
        }
        let mut row = vec![Value::Null; self.shape.schema.len()];
        let fails = (0..rows.num_rows()).map(|n| {
            for (at, reader) in &readers {
                row[*at] = reader.value(n);
            }
            Some(!holds(&self.expr.eval(&row, n, &self.context)))
        });
        Ok(fails.collect())
    }
}

/// Whether an expression reads columns of one row and nothing else.
fn is_of_row(scalar: &Scalar, used: &mut BTreeSet<usize>) -> bool {
    match &scalar.kind {
        ScalarKind::Literal(_) => true,
        ScalarKind::Column(at) => {
            used.insert(*at);
            true
        }
        ScalarKind::Call { arguments, .. } => arguments.iter().all(|of| is_of_row(of, used)),
        _ => false,
    }
}

/// The one table that a condition may name columns of.
struct One<'a>(&'a str, &'a Schema);

impl Catalog for One<'_> {
    fn table(&self, name: &str) -> Option<Schema> {
        (name == self.0).then(|| self.1.clone())
    }

    fn tables(&self) -> Vec<String> {
        vec![self.0.to_owned()]
    }
}
