//! Any aggregate of the language, fed row by row.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BinaryViewBuilder, BooleanArray, StructArray,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kql::aggregates::{self, Make};
use kql::functions::Context;
use kql::value::{Type, Value};

use super::one_group::Collect;
use super::{Argument, Call};
use crate::data::{Reader, Writer};

/// What all groups collected.
pub(super) struct Groups {
    call: Arc<Call>,
    make: Make,
    argument_types: Vec<Type>,
    groups: Vec<Box<dyn aggregates::Accumulator>>,
    /// Bytes of each group when it was last weighed
    bytes: Vec<usize>,
    all_bytes: usize,
    /// Groups that changed since
    touched: Vec<usize>,
    marks: Vec<bool>,
    /// The arguments of one row; constants stay in their places
    row: Vec<Value>,
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("call", &self.call).finish_non_exhaustive()
    }
}

impl Groups {
    pub(super) fn new(call: Arc<Call>) -> Result<Self> {
        let Some(make) = aggregates::aggregate(&call.function) else {
            return internal_err!("no aggregate {}", call.function);
        };
        let row = call
            .arguments
            .iter()
            .map(|argument| match argument {
                Argument::Constant(value, ty) => value.clone().widen(*ty),
                Argument::Column(..) => Value::Null,
            })
            .collect();
        Ok(Self {
            make,
            argument_types: call.arguments.iter().map(Argument::ty).collect(),
            groups: Vec::new(),
            bytes: Vec::new(),
            all_bytes: 0,
            touched: Vec::new(),
            marks: Vec::new(),
            row,
            call,
        })
    }

    fn make(&mut self, n: usize) {
        while self.groups.len() < n {
            let call = aggregates::Call {
                arguments: &self.argument_types,
                outputs: &self.call.outputs,
                context: Context { now: self.call.now },
            };
            self.groups.push((self.make)(&call));
            self.bytes.push(0);
            self.marks.push(false);
        }
    }

    fn touch(&mut self, group: usize) {
        if !self.marks[group] {
            self.marks[group] = true;
            self.touched.push(group);
        }
    }

    /// Weighs the groups that changed.
    fn weigh(&mut self) {
        for group in self.touched.drain(..) {
            self.marks[group] = false;
            let bytes = self.groups[group].bytes() + 2 * size_of::<usize>();
            self.all_bytes = self.all_bytes + bytes - self.bytes[group];
            self.bytes[group] = bytes;
        }
    }

    fn emit(&mut self, emit_to: EmitTo) -> Vec<Box<dyn aggregates::Accumulator>> {
        self.weigh();
        let groups = emit_to.take_needed(&mut self.groups);
        let bytes = emit_to.take_needed(&mut self.bytes);
        self.all_bytes -= bytes.iter().sum::<usize>();
        self.marks.truncate(self.groups.len());
        groups
    }

    fn update(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        let mut readers = Vec::with_capacity(values.len());
        for (place, argument) in self.call.arguments.iter().enumerate() {
            if let Argument::Column(at, ty) = argument {
                let Some(array) = values.get(*at) else {
                    return internal_err!("an argument of {} is missing", self.call.function);
                };
                readers.push((place, Reader::new(array, *ty)?));
            }
        }
        for (at, &group) in groups.iter().enumerate() {
            if filter.is_some_and(|f| !(f.is_valid(at) && f.value(at))) {
                continue;
            }
            for (place, reader) in &readers {
                self.row[*place] = reader.value(at);
            }
            self.groups[group].update(&self.row);
            if !self.marks[group] {
                self.marks[group] = true;
                self.touched.push(group);
            }
        }
        self.weigh();
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, groups: &[usize]) -> Result<()> {
        for (at, bytes) in states.as_binary_view().iter().enumerate() {
            let Some(bytes) = bytes else { continue };
            let state: Vec<Value> = serde_json::from_slice(bytes)
                .map_err(|e| DataFusionError::External(Box::new(e)))?;
            self.groups[groups[at]].merge(&state);
            self.touch(groups[at]);
        }
        self.weigh();
        Ok(())
    }

    fn results(&self, groups: &[Box<dyn aggregates::Accumulator>]) -> Result<ArrayRef> {
        let outputs = &self.call.outputs;
        let mut writers: Vec<Writer> =
            outputs.iter().map(|ty| Writer::new(*ty, groups.len())).collect();
        for group in groups {
            let mut values = group.finish().into_iter();
            for (writer, ty) in writers.iter_mut().zip(outputs) {
                writer.push(&values.next().unwrap_or(Value::Null).widen(*ty));
            }
        }
        let mut arrays: Vec<ArrayRef> = writers.into_iter().map(Writer::finish).collect();
        match self.call.returns() {
            DataType::Struct(fields) => {
                let n_groups = groups.len();
                Ok(Arc::new(StructArray::try_new_with_length(fields, arrays, None, n_groups)?))
            }
            _ => Ok(arrays.swap_remove(0)),
        }
    }

    fn states(groups: &[Box<dyn aggregates::Accumulator>]) -> Result<ArrayRef> {
        let mut states = BinaryViewBuilder::with_capacity(groups.len());
        for group in groups {
            states.append_value(state_text(&**group)?);
        }
        Ok(Arc::new(states.finish()))
    }
}

fn state_text(group: &dyn aggregates::Accumulator) -> Result<Vec<u8>> {
    serde_json::to_vec(&group.state()).map_err(|e| DataFusionError::External(Box::new(e)))
}

impl Collect for Groups {
    fn grow(&mut self, n_groups: usize) {
        self.make(n_groups);
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        self.update(values, group_indices, filter)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.emit(emit_to);
        self.results(&groups)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.emit(emit_to);
        Ok(vec![Self::states(&groups)?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        self.merge(&values[0], group_indices)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let n_rows = values.first().map_or(0, |array| array.len());
        let mut each = Self::new(Arc::clone(&self.call))?;
        each.grow(n_rows);
        let groups: Vec<usize> = (0..n_rows).collect();
        each.update(values, &groups, filter)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.all_bytes + self.groups.capacity() * 3 * size_of::<usize>()
    }
}
