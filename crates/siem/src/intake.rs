//! Records in, rows and dead letters out.

use std::fmt::Write as _;
use std::sync::Arc;

use kql::value::{Json, Type, Value};

use crate::compile::{ColumnPlan, From, Otherwise};
use crate::event::{Cell, Event};
use crate::formats::Reading;
use crate::read::{self, Context, Last};
use crate::record::Fault;
use crate::spec::RestSpec;
use crate::typed;
use crate::{DeadLetter, Defect, Parser, Position, Raw, Reason, Record, RowBatch};

/// What the caller says of a source.
#[derive(Debug, Clone)]
pub struct Origin {
    /// A stable name of the source; with a position it names an event for ever.
    pub source: Arc<str>,
    /// Name → value of what no log prints: `server_name`, `location`, `tenant_id`, `resource_id` …
    pub given: Vec<(String, Value)>,
}

/// Rows of a source so far, one batch a table, and what gave none.
#[derive(Debug, Default)]
pub struct Output {
    /// Batches with at least one row.
    pub batches: Vec<RowBatch>,
    /// What gave no row.
    pub dead: Vec<DeadLetter>,
}

/// Parses the records of one source.
#[derive(Debug)]
pub struct Intake {
    parser: Arc<Parser>,
    origin: Origin,
    batches: Vec<RowBatch>,
    dead: Vec<DeadLetter>,
    /// Last text of each column of each kind of row.
    last: Vec<Vec<Last>>,
    fixed: Fixed,
}

impl Intake {
    /// Begins with a source.
    pub fn new(parser: Arc<Parser>, origin: Origin) -> Self {
        let last = parser.rows.iter().map(|row| vec![Last::new(); row.columns.len()]).collect();
        let batches = batches_of(&parser, &origin);
        let fixed = Fixed::new(&parser, &origin);
        Self { parser, origin, batches, dead: Vec::new(), last, fixed }
    }

    /// How many rows wait to be taken.
    pub fn n_rows(&self) -> usize {
        self.batches.iter().map(RowBatch::n_rows).sum()
    }

    /// Takes the rows and dead letters so far.
    pub fn take(&mut self) -> Output {
        let fresh = batches_of(&self.parser, &self.origin);
        let mut batches = std::mem::replace(&mut self.batches, fresh);
        for (batch, values) in batches.iter_mut().zip(&self.fixed.values) {
            for (column, value) in batch.columns.iter_mut().zip(values) {
                column.extend(value.clone());
            }
        }
        batches.retain(|batch| batch.n_rows() > 0);
        Output { batches, dead: std::mem::take(&mut self.dead) }
    }

    /// Parses one record, received at `received_at` (ticks).
    pub fn parse(&mut self, record: &Record<'_>, received_at: i64) {
        let defect = match record.defect {
            Some(Defect::TooLong) => Some((Reason::TooLong, "the record is too long")),
            Some(Defect::Nul) => Some((Reason::Nul, "a run of NUL bytes")),
            Some(Defect::Structure) => Some((Reason::Structure, "quotes do not fit together")),
            Some(Defect::Incomplete) | None => None,
        };
        let at = Position { offset: record.offset, part: 0 };
        if let Some((reason, detail)) = defect {
            return self.bury(record, at, received_at, Fault::new(reason, detail));
        }
        let Ok(text) = std::str::from_utf8(record.bytes) else {
            let fault = Fault::new(Reason::Encoding, "the record is not UTF-8");
            return self.bury(record, at, received_at, fault);
        };
        let parser = Arc::clone(&self.parser);
        let reading = Reading { names: &parser.names, rest: parser.rest };
        let mut events = Vec::new();
        if let Err(mut fault) = parser.format.read(text, reading, &mut events) {
            if record.defect == Some(Defect::Incomplete) {
                fault.reason = Reason::Incomplete;
            }
            return self.bury(record, at, received_at, fault);
        }
        for (part, mut event) in events.into_iter().enumerate() {
            let part = u32::try_from(part).unwrap_or(u32::MAX);
            let at = Position { offset: record.offset, part };
            for stage in &parser.stages {
                if let Err(fault) = stage.run(&mut event) {
                    self.bury(record, at, received_at, fault);
                }
            }
            if let Err(fault) = self.rows(&parser, &event, at, received_at) {
                self.bury(record, at, received_at, fault);
            }
        }
    }

    /// Writes the rows of an event: the first that fits for each table.
    fn rows(
        &mut self,
        parser: &Parser,
        event: &Event<'_>,
        at: Position,
        received_at: i64,
    ) -> Result<(), Fault> {
        let context = Context { received_at, zones: &parser.zones };
        let mut written: u64 = 0;
        let rows = parser.rows.iter().zip(&mut self.last).zip(&self.fixed.others);
        for ((row, last), live) in rows {
            let bit = 1u64 << row.table.min(63);
            if written & bit != 0 || !row.when.iter().all(|when| when.holds(event)) {
                continue;
            }
            let batch = &mut self.batches[row.table];
            let n_rows = batch.n_rows();
            let mut fields = row.others.as_deref().map(|others| typed::typed(event, others));
            let mut left_at = None;
            for &i in live {
                let (plan, last) = (&row.columns[i], &mut last[i]);
                let value = match &mut fields {
                    Some(_) if matches!(plan.from, From::Rest(_)) => {
                        left_at = Some(i);
                        None
                    }
                    Some(fields) if plan.unwritten => typed::take(fields, &batch.table.columns[i]),
                    _ => column(plan, event, &context, &self.origin, last),
                };
                if value.is_none() && plan.required {
                    // Takes back what the row has so far.
                    batch.columns.iter_mut().for_each(|column| column.truncate(n_rows));
                    let name = &batch.table.columns[i].name;
                    let why = format!("column {name} is absent or not understood");
                    return Err(Fault::new(Reason::Required, why));
                }
                batch.columns[i].push(value.unwrap_or_else(|| match &plan.otherwise {
                    Otherwise::Received => Value::DateTime(received_at),
                    Otherwise::Value(value) => value.clone(),
                }));
            }
            // What no column took.
            if let (Some(i), Some(left)) = (left_at, fields.and_then(typed::bag)) {
                batch.columns[i][n_rows] = left;
            }
            batch.positions.push(at);
            written |= bit;
        }
        match written {
            0 => Err(Fault::new(Reason::NoRow, "the parser has no row for this event")),
            _ => Ok(()),
        }
    }

    fn bury(&mut self, record: &Record<'_>, at: Position, received_at: i64, fault: Fault) {
        self.dead.push(DeadLetter {
            reason: fault.reason,
            detail: fault.detail,
            parser: Arc::clone(&self.parser.name),
            raw: Raw::of(record.bytes),
            n_bytes: record.bytes.len(),
            source: Arc::clone(&self.origin.source),
            at,
            received_at,
        });
    }
}

fn batches_of(parser: &Parser, origin: &Origin) -> Vec<RowBatch> {
    let new = |table| RowBatch::new(Arc::clone(table), Arc::clone(&origin.source));
    parser.tables.iter().map(new).collect()
}

fn column(
    plan: &ColumnPlan,
    event: &Event<'_>,
    context: &Context<'_>,
    origin: &Origin,
    last: &mut Last,
) -> Option<Value> {
    let slots = match &plan.from {
        From::Constant(value) => return Some(value.clone()),
        From::Received => return Some(Value::DateTime(context.received_at)),
        From::Given(name) => return given(name, plan, origin),
        From::Rest(rest) => return rest_of(event, *rest),
        From::Fields(slots) => slots,
    };
    let is_none =
        |cell: &Cell<'_>| cell.text().is_some_and(|text| plan.none.iter().any(|none| none == text));
    let cells = slots.iter().map(|slot| event.cell(*slot));
    let cell = cells.into_iter().find(|cell| !cell.is_empty() && !is_none(cell))?;
    if !plan.map.is_empty() {
        let number = match cell {
            Cell::Long(n) => n.to_string(),
            _ => String::new(),
        };
        if let Some(text) = plan.map.get(cell.text().unwrap_or(&number)) {
            return Some(last.value(text));
        }
    }
    if !plan.list.is_empty() {
        let Some(Value::Long(n)) = read::value(cell, Type::Long, None, context, last) else {
            return None;
        };
        return plan.list.get(usize::try_from(n).ok()?).map(|text| last.value(text));
    }
    read::value(cell, plan.kind, plan.read, context, last)
}

fn given(name: &str, plan: &ColumnPlan, origin: &Origin) -> Option<Value> {
    let (_, value) = origin.given.iter().find(|(known, _)| known == name)?;
    Some(value.convert(plan.kind)).filter(|value| !value.is_null())
}

/// Columns whose value is the same in all rows of a table, whatever the events are: most of them.
/// They are filled once, when the rows are taken.
#[derive(Debug)]
struct Fixed {
    /// For each table of the parser, the value of each of its columns, where it is one.
    values: Vec<Vec<Option<Value>>>,
    /// For each kind of row, the columns that are filled by its events.
    others: Vec<Vec<usize>>,
}

impl Fixed {
    fn new(parser: &Parser, origin: &Origin) -> Self {
        let values: Vec<Vec<Option<Value>>> = (0..parser.tables.len())
            .map(|table| {
                let rows: Vec<_> = parser.rows.iter().filter(|row| row.table == table).collect();
                let columns = parser.tables[table].columns.iter().enumerate();
                let value = |(i, column): (usize, &crate::Column)| {
                    let mut each = rows.iter().map(|row| {
                        let typed = row.others.is_some();
                        if typed { None } else { fixed(&row.columns[i], origin) }
                    });
                    let first = each.next()??;
                    // One column must say how many rows there are.
                    let is_time = &*column.name == "TimeGenerated";
                    (!is_time && each.all(|other| other.as_ref() == Some(&first))).then_some(first)
                };
                columns.map(value).collect()
            })
            .collect();
        let others = parser.rows.iter().map(|row| {
            let values = &values[row.table];
            (0..row.columns.len()).filter(|i| values[*i].is_none()).collect()
        });
        Self { others: others.collect(), values }
    }
}

/// The value of a column that no event changes.
fn fixed(plan: &ColumnPlan, origin: &Origin) -> Option<Value> {
    let value = match &plan.from {
        From::Constant(value) => return Some(value.clone()),
        From::Given(name) => given(name, plan, origin),
        From::Fields(_) | From::Received | From::Rest(_) => return None,
    };
    match (value, &plan.otherwise) {
        (Some(value), _) => Some(value),
        (None, Otherwise::Value(value)) if !plan.required => Some(value.clone()),
        (None, _) => None,
    }
}

/// Fields that the parser's file does not mention.
fn rest_of(event: &Event<'_>, rest: RestSpec) -> Option<Value> {
    if event.rest.is_empty() {
        return None;
    }
    if rest == RestSpec::Pairs {
        let mut text = String::new();
        for (name, cell) in &event.rest {
            let value = Value::of_json(&cell.to_json()).to_text();
            let _ = write!(text, "{}{name}={value}", if text.is_empty() { "" } else { ";" });
        }
        return Some(Value::text(text));
    }
    let mut members = Vec::new();
    for (name, cell) in &event.rest {
        Json::put(&mut members, (&**name).into(), cell.to_json());
    }
    Some(Value::json(Json::Bag(members)))
}
