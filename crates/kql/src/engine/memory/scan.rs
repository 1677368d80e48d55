//! `scan`: a machine of steps over serialized rows (Kusto page "scan operator").
//!
//! Each row is shown to the steps from the last to the first. A step takes it if the step before
//! it has a sequence, which then moves on to this step, or else if this step has a sequence of
//! its own (the first step begins one). The states that conditions see are those of the
//! sequence; what is not there yet has its default.

use std::collections::HashMap;
use std::sync::Arc;

use super::order::sorted;
use crate::engine::env::Tally;
use crate::engine::eval::{Expr, Frame, State, compile_all, compile_over, holds};
use crate::engine::rows::{absent_row, row_bytes};
use crate::engine::{EngineError, Env, Key, Part, Result, Row, Rows};
use crate::plan::{Op, ScanOutput, ScanStep, Schema};
use crate::value::Value;

struct Step {
    optional: bool,
    output: ScanOutput,
    condition: Expr,
    assignments: Vec<(usize, Expr)>,
}

/// A sequence: what each step up to the present one took last.
#[derive(Clone)]
struct Sequence {
    states: Vec<State>,
    match_id: i64,
}

/// The sequences of one partition, one a step, and rows that wait to be the last.
struct Machine {
    sequences: Vec<Option<Sequence>>,
    waiting: Vec<Option<Row>>,
}

struct Scan<'a> {
    steps: Vec<Step>,
    /// What a state without a match holds
    empty: State,
    defaults: Vec<Value>,
    match_id: bool,
    next_match: i64,
    env: &'a Env<'a>,
    tally: Tally<'a>,
    out: Vec<Row>,
}

/// Rows that steps took, with the declared columns.
pub(super) fn run(input: Rows, op: &Op, schema: Schema, env: &Env<'_>) -> Result<Rows> {
    let Op::Scan { order_by, partition_by, declared, steps, match_id, .. } = op else {
        return Err(EngineError::Plan("scan expected".to_owned()));
    };
    let n_input = input.schema.len();
    let defaults: Vec<Value> =
        declared.iter().map(|(column, value)| value.clone().widen(column.ty)).collect();
    let mut empty = absent_row(input.schema.iter().map(|column| column.ty));
    empty.extend(defaults.iter().cloned());
    let rows = if order_by.is_empty() { input.rows } else { sorted(input.rows, order_by, env)? };

    // Rows as steps see them: the input's columns, then the declared ones.
    let mut tally = env.meter().tally();
    let mut wide = Vec::with_capacity(rows.len());
    for mut row in rows {
        row.truncate(n_input);
        row.extend(defaults.iter().cloned());
        tally.row(crate::engine::rows::shell_bytes(row.len()))?;
        wide.push(row);
    }
    let step = |step: &ScanStep| {
        let assign = |(at, scalar): &(usize, _)| Ok((*at, compile_over(scalar, &wide, env)?));
        Ok(Step {
            optional: step.optional,
            output: step.output,
            condition: compile_over(&step.condition, &wide, env)?,
            assignments: step.assignments.iter().map(assign).collect::<Result<_>>()?,
        })
    };
    let mut scan = Scan {
        steps: steps.iter().map(step).collect::<Result<_>>()?,
        empty: Arc::new(empty),
        defaults,
        match_id: *match_id,
        next_match: 0,
        env,
        tally: env.meter().tally(),
        out: Vec::new(),
    };
    let keys = compile_all(partition_by, &wide, env)?;
    let mut machines: Vec<Machine> = Vec::new();
    let mut index: HashMap<Key, usize> = HashMap::new();
    for (at, row) in wide.iter().enumerate() {
        let key: Key = keys.iter().map(|key| Part::of(&key.eval(row, at, &env.context))).collect();
        let place = *index.entry(key).or_insert(machines.len());
        if place == machines.len() {
            machines.push(scan.machine());
        }
        scan.show(&mut machines[place], row, at)?;
    }
    for mut machine in machines {
        for step in 0..machine.waiting.len() {
            scan.release(&mut machine, step)?;
        }
    }
    Ok(Rows::new(schema, scan.out))
}

impl Scan<'_> {
    fn machine(&self) -> Machine {
        Machine { sequences: vec![None; self.steps.len()], waiting: vec![None; self.steps.len()] }
    }

    fn show(&mut self, machine: &mut Machine, row: &Row, at: usize) -> Result<()> {
        self.tally.work()?;
        for step in (0..self.steps.len()).rev() {
            if let Some(before) = self.step_before(machine, step)
                && let Some(sequence) = machine.sequences[before].clone()
                && let Some(taken) = self.take(step, row, at, &sequence.states)
            {
                // The sequence that this step had ends here, the other one moves on.
                self.release(machine, step)?;
                self.release(machine, before)?;
                machine.sequences[before] = None;
                self.advance(machine, step, sequence, taken)?;
                continue;
            }
            let own = machine.sequences[step].clone();
            let is_new = own.is_none();
            if is_new && !self.may_begin(step) {
                continue;
            }
            let sequence = own.unwrap_or_else(|| Sequence {
                states: vec![Arc::clone(&self.empty); self.steps.len()],
                match_id: self.next_match,
            });
            if let Some(taken) = self.take(step, row, at, &sequence.states) {
                self.next_match += i64::from(is_new);
                self.advance(machine, step, sequence, taken)?;
            }
        }
        Ok(())
    }

    /// The nearest step before this one that has a sequence; only optional ones are passed over.
    fn step_before(&self, machine: &Machine, step: usize) -> Option<usize> {
        for before in (0..step).rev() {
            if machine.sequences[before].is_some() {
                return Some(before);
            }
            if !self.steps[before].optional {
                return None;
            }
        }
        None
    }

    /// Whether a sequence may begin with this step: all before it are optional.
    fn may_begin(&self, step: usize) -> bool {
        self.steps[..step].iter().all(|step| step.optional)
    }

    /// The row with what the step assigns, if the step takes it.
    fn take(&self, step: usize, row: &Row, at: usize, states: &[State]) -> Option<Row> {
        let context = &self.env.context;
        let frame = Frame { row, at, states, elements: &[], context };
        let step = &self.steps[step];
        if !holds(&step.condition.over(&frame)) {
            return None;
        }
        let mut taken = row.clone();
        let first = taken.len() - self.defaults.len();
        for (column, value) in &step.assignments {
            if let Some(place) = taken.get_mut(first + column) {
                *place = value.over(&frame);
            }
        }
        Some(taken)
    }

    fn advance(
        &mut self,
        machine: &mut Machine,
        step: usize,
        mut sequence: Sequence,
        taken: Row,
    ) -> Result<()> {
        let mut row = taken.clone();
        if self.match_id {
            row.push(Value::Long(sequence.match_id));
        }
        sequence.states[step] = Arc::new(taken);
        machine.sequences[step] = Some(sequence);
        match self.steps[step].output {
            ScanOutput::All => self.put(row)?,
            ScanOutput::Last => machine.waiting[step] = Some(row),
            ScanOutput::None => {}
        }
        Ok(())
    }

    /// Puts out the row that was the last one its step took.
    fn release(&mut self, machine: &mut Machine, step: usize) -> Result<()> {
        match machine.waiting[step].take() {
            Some(row) => self.put(row),
            None => Ok(()),
        }
    }

    fn put(&mut self, row: Row) -> Result<()> {
        self.tally.row(row_bytes(&row))?;
        self.out.push(row);
        Ok(())
    }
}
