//! Aggregates made ready for a step, and groups that collect them.

use std::collections::HashMap;

use crate::aggregates::{self, Accumulator, Make};
use crate::engine::env::Tally;
use crate::engine::eval::{Expr, compile_all};
use crate::engine::rows::{row_bytes, shell_bytes};
use crate::engine::{EngineError, Env, Key, Part, Result, Row};
use crate::functions::Context;
use crate::plan::Aggregate;
use crate::value::{Type, Value};

/// Groups are weighed after so many rows, or as many as there are groups.
const WEIGH_EVERY: usize = 4096;

/// The aggregates of one operator.
pub(in crate::engine) struct Calls {
    list: Vec<Call>,
    context: Context,
}

struct Call {
    make: Make,
    arguments: Vec<Expr>,
    argument_types: Vec<Type>,
    output_types: Vec<Type>,
}

/// What one group collects.
pub(in crate::engine) type Collected = Vec<Box<dyn Accumulator>>;

impl Calls {
    /// Makes aggregates ready for these rows.
    pub(in crate::engine) fn compile<'a>(
        aggregates: impl IntoIterator<Item = &'a Aggregate>,
        rows: &[Row],
        env: &Env<'_>,
    ) -> Result<Self> {
        let ready = |aggregate: &Aggregate| {
            let name = &*aggregate.function;
            let Some(make) = aggregates::aggregate(name) else {
                let name = name.to_owned();
                return Err(EngineError::Unsupported { kind: "aggregate", name });
            };
            let arguments = compile_all(&aggregate.arguments, rows, env)?;
            let argument_types = arguments.iter().map(Expr::ty).collect();
            let output_types = aggregate.outputs.iter().map(|column| column.ty).collect();
            Ok(Call { make, arguments, argument_types, output_types })
        };
        let list = aggregates.into_iter().map(ready).collect::<Result<_>>()?;
        Ok(Self { list, context: env.context })
    }

    /// A group without rows.
    pub(in crate::engine) fn fresh(&self) -> Collected {
        let make = |call: &Call| {
            (call.make)(&aggregates::Call {
                arguments: &call.argument_types,
                outputs: &call.output_types,
                context: self.context,
            })
        };
        self.list.iter().map(make).collect()
    }

    /// Takes a row into a group; `scratch` is there to be used again.
    pub(in crate::engine) fn update(
        &self,
        group: &mut Collected,
        row: &[Value],
        at: usize,
        scratch: &mut Row,
    ) {
        for (call, accumulator) in self.list.iter().zip(group) {
            scratch.clear();
            scratch.extend(call.arguments.iter().map(|a| a.eval(row, at, &self.context)));
            accumulator.update(scratch);
        }
    }

    /// The outputs of all aggregates of a group, in order.
    pub(in crate::engine) fn finish(&self, group: &Collected) -> Row {
        let mut row = Row::new();
        for (call, accumulator) in self.list.iter().zip(group) {
            let mut values = accumulator.finish().into_iter();
            for &ty in &call.output_types {
                row.push(values.next().unwrap_or(Value::Null).widen(ty));
            }
        }
        row
    }
}

/// Groups by key, in the order of first appearance.
pub(in crate::engine) struct Groups<'a> {
    calls: &'a Calls,
    index: HashMap<Key, usize>,
    /// The key of each group, as values
    pub(in crate::engine) keys: Vec<Row>,
    /// What each group collected
    pub(in crate::engine) collected: Vec<Collected>,
    scratch: Row,
    until_weighing: usize,
}

impl<'a> Groups<'a> {
    pub(in crate::engine) fn new(calls: &'a Calls) -> Self {
        Self {
            calls,
            index: HashMap::new(),
            keys: Vec::new(),
            collected: Vec::new(),
            scratch: Row::new(),
            until_weighing: WEIGH_EVERY,
        }
    }

    /// Takes a row into the group of a key.
    pub(in crate::engine) fn update(
        &mut self,
        key: Row,
        row: &[Value],
        at: usize,
        tally: &mut Tally<'_>,
    ) -> Result<()> {
        let parts = Part::key(&key);
        let group = match self.index.get(&parts) {
            Some(&group) => group,
            None => {
                let parts_bytes: usize = parts.iter().map(Part::heap_bytes).sum();
                let index_bytes = parts_bytes + shell_bytes(key.len()) + size_of::<usize>();
                tally.row(row_bytes(&key) + index_bytes)?;
                self.index.insert(parts, self.keys.len());
                self.keys.push(key);
                self.collected.push(self.calls.fresh());
                self.keys.len() - 1
            }
        };
        self.calls.update(&mut self.collected[group], row, at, &mut self.scratch);
        tally.work()?;
        self.until_weighing -= 1;
        if self.until_weighing == 0 {
            self.until_weighing = WEIGH_EVERY.max(self.keys.len());
            self.weigh(tally)?;
        }
        Ok(())
    }

    fn weigh(&self, tally: &Tally<'_>) -> Result<()> {
        let all = self.collected.iter().flatten();
        tally.fits(all.map(|accumulator| accumulator.bytes()).sum())
    }
}
