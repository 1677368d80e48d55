//! `arg_max()`, `arg_min()` and `take_any()`: one row of each group, as it stands in the arrays.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, StructArray, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{interleave, take};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kql::value::Type;

use super::one_group::Collect;
use super::{Argument, Call};
use crate::data::{arrow_type, scalar_of};
use crate::scalar::{fill, real_order};

/// Rows that may be kept beside those that are shown before they are thrown away.
const SPARE_ROWS: usize = 65_536;

/// Which row is the one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    /// With the largest key
    Largest,
    /// With the smallest
    Smallest,
    /// The first, or of one column the first that says something
    Any,
}

/// What collects such a call, if it is one.
pub(super) fn of(call: &Call) -> Option<Box<dyn Collect>> {
    let wanted = match &*call.function {
        "arg_max" | "argmax" => Wanted::Largest,
        "arg_min" | "argmin" => Wanted::Smallest,
        "take_any" | "any" => Wanted::Any,
        _ => return None,
    };
    let Argument::Column(key, ty) = call.arguments.first()? else { return None };
    let known = match ty {
        Type::Int | Type::Long | Type::DateTime | Type::TimeSpan | Type::Real => true,
        _ => wanted == Wanted::Any,
    };
    let same = call.arguments.iter().zip(&call.outputs).all(|(a, output)| a.ty() == *output);
    if !known || !same || call.arguments.len() < call.outputs.len() || call.outputs.is_empty() {
        return None;
    }
    let types = column_types(call)?;
    let nothing = types.iter().map(|ty| new_null_array(&arrow_type(*ty), 1)).collect();
    Some(Box::new(Rows {
        wanted,
        key: *key,
        single: call.outputs.len() == 1,
        outputs: call.arguments.iter().cloned().zip(call.outputs.iter().copied()).collect(),
        returns: call.returns(),
        types,
        classes: Vec::new(),
        keys: Vec::new(),
        places: Vec::new(),
        chunks: vec![nothing],
        kept: 0,
        bytes: 0,
    }))
}

/// The columns that vary, and whether there is a row.
pub(super) fn state_types(call: &Call) -> Vec<DataType> {
    let types = column_types(call).unwrap_or_default();
    types.into_iter().map(arrow_type).chain([DataType::Boolean]).collect()
}

/// Types of the columns that vary, by their places.
fn column_types(call: &Call) -> Option<Vec<Type>> {
    let mut types: Vec<Option<Type>> = Vec::new();
    for argument in &call.arguments {
        if let Argument::Column(at, ty) = argument {
            types.resize(types.len().max(at + 1), None);
            types[*at] = Some(*ty);
        }
    }
    types.into_iter().collect()
}

#[derive(Debug)]
struct Rows {
    wanted: Wanted,
    /// Place of the key among the columns
    key: usize,
    /// Whether one column comes out
    single: bool,
    outputs: Vec<(Argument, Type)>,
    returns: DataType,
    types: Vec<Type>,
    /// What is held of each group: nothing, null, NaN, a value
    classes: Vec<u8>,
    keys: Vec<i64>,
    /// Chunk and row; the first chunk has one row of nulls
    places: Vec<(u32, u32)>,
    chunks: Vec<Vec<ArrayRef>>,
    /// Rows in all chunks but the first
    kept: usize,
    bytes: usize,
}

/// Keys as whole numbers in their order, and what each is.
struct Ranks {
    keys: Vec<i64>,
    classes: Vec<u8>,
}

impl Rows {
    fn ranks(&self, values: &[ArrayRef]) -> Result<Ranks> {
        let array = &values[self.key];
        let n = array.len();
        if self.wanted == Wanted::Any {
            let says = |at: usize| match array.as_string_view_opt() {
                Some(texts) => array.is_valid(at) && !texts.value(at).is_empty(),
                None => array.is_valid(at),
            };
            let classes = (0..n).map(|at| if self.single && !says(at) { 1 } else { 3 });
            return Ok(Ranks { keys: vec![0; n], classes: classes.collect() });
        }
        let mut classes: Vec<u8> =
            (0..n).map(|at| if array.is_valid(at) { 3 } else { 1 }).collect();
        let keys = match array.data_type() {
            DataType::Int64 => array.as_primitive::<Int64Type>().values().to_vec(),
            DataType::Int32 => {
                let keys = array.as_primitive::<Int32Type>().values();
                keys.iter().map(|n| i64::from(*n)).collect()
            }
            DataType::Float64 => {
                let numbers = array.as_primitive::<Float64Type>();
                for (at, x) in numbers.values().iter().enumerate() {
                    if classes[at] == 3 && x.is_nan() {
                        classes[at] = 2;
                    }
                }
                real_order(array, true).as_primitive::<Int64Type>().values().to_vec()
            }
            other => return exec_err!("{other} is no key here"),
        };
        Ok(Ranks { keys, classes })
    }

    /// Whether a row takes the place of the one that is held.
    fn wins(&self, group: usize, key: i64, class: u8) -> bool {
        let held = self.classes[group];
        if class != held {
            return class > held;
        }
        class == 3
            && match self.wanted {
                Wanted::Largest => key > self.keys[group],
                Wanted::Smallest => key < self.keys[group],
                Wanted::Any => false,
            }
    }

    fn take_rows(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        wanted: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let ranks = self.ranks(values)?;
        let chunk = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        let mut touched: Vec<usize> = Vec::new();
        for (at, &group) in groups.iter().enumerate() {
            if wanted(at) && self.wins(group, ranks.keys[at], ranks.classes[at]) {
                if self.places[group].0 != chunk {
                    touched.push(group);
                }
                self.keys[group] = ranks.keys[at];
                self.classes[group] = ranks.classes[at];
                self.places[group] = (chunk, u32::try_from(at).unwrap_or(u32::MAX));
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        let rows: UInt32Array = touched.iter().map(|&group| Some(self.places[group].1)).collect();
        let arrays =
            values[..self.types.len()].iter().map(|array| compact(&take(array, &rows, None)?));
        self.keep(arrays.collect::<Result<_>>()?);
        for (row, group) in touched.into_iter().enumerate() {
            self.places[group].1 = u32::try_from(row).unwrap_or(u32::MAX);
        }
        if self.kept > 2 * self.places.len() + SPARE_ROWS {
            self.tidy()?;
        }
        Ok(())
    }

    fn keep(&mut self, chunk: Vec<ArrayRef>) {
        self.kept += chunk.first().map_or(0, |array| array.len());
        self.bytes += chunk.iter().map(|array| array.get_array_memory_size()).sum::<usize>();
        self.chunks.push(chunk);
    }

    /// Column `at` of the rows at places.
    fn column(&self, at: usize, places: &[(u32, u32)]) -> Result<ArrayRef> {
        let arrays: Vec<&dyn datafusion::arrow::array::Array> =
            self.chunks.iter().map(|chunk| chunk[at].as_ref()).collect();
        let places: Vec<(usize, usize)> =
            places.iter().map(|&(chunk, row)| (chunk as usize, row as usize)).collect();
        Ok(interleave(&arrays, &places)?)
    }

    /// Puts the rows that are shown together and throws the rest away.
    fn tidy(&mut self) -> Result<()> {
        let places = std::mem::take(&mut self.places);
        let columns = (0..self.types.len()).map(|at| compact(&self.column(at, &places)?));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.chunks.truncate(1);
        (self.kept, self.bytes) = (0, 0);
        self.keep(columns);
        let none = |(row, (chunk, _)): (usize, (u32, u32))| match chunk {
            0 => (0, 0),
            _ => (1, u32::try_from(row).unwrap_or(u32::MAX)),
        };
        self.places = places.into_iter().enumerate().map(none).collect();
        Ok(())
    }

    fn emit(&mut self, emit_to: EmitTo) -> Vec<(u32, u32)> {
        emit_to.take_needed(&mut self.classes);
        emit_to.take_needed(&mut self.keys);
        emit_to.take_needed(&mut self.places)
    }
}

/// Texts without the buffers that they came from.
fn compact(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()),
        None => Arc::clone(array),
    })
}

impl Collect for Rows {
    fn grow(&mut self, n_groups: usize) {
        if self.places.len() < n_groups {
            self.classes.resize(n_groups, 0);
            self.keys.resize(n_groups, 0);
            self.places.resize(n_groups, (0, 0));
        }
    }
}

impl GroupsAccumulator for Rows {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        let wanted = |at: usize| filter.is_none_or(|f| f.is_valid(at) && f.value(at));
        self.take_rows(values, groups, wanted)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let places = self.emit(emit_to);
        let mut arrays = Vec::with_capacity(self.outputs.len());
        for (argument, ty) in &self.outputs {
            let array = match argument {
                Argument::Column(at, _) => self.column(*at, &places)?,
                Argument::Constant(value, _) => {
                    scalar_of(&value.clone().widen(*ty), *ty).to_array_of_size(places.len())?
                }
            };
            arrays.push(if *ty == Type::String { fill(&array)? } else { array });
        }
        match &self.returns {
            DataType::Struct(fields) => {
                let (fields, n) = (fields.clone(), places.len());
                Ok(Arc::new(StructArray::try_new_with_length(fields, arrays, None, n)?))
            }
            _ => Ok(arrays.swap_remove(0)),
        }
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let places = self.emit(emit_to);
        let columns = (0..self.types.len()).map(|at| self.column(at, &places));
        let mut states = columns.collect::<Result<Vec<_>>>()?;
        let there: BooleanArray = places.iter().map(|(chunk, _)| Some(*chunk > 0)).collect();
        states.push(Arc::new(there));
        Ok(states)
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        let there = states[self.types.len()].as_boolean().clone();
        self.take_rows(states, groups, |at| there.value(at))
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let n = values[0].len();
        let there: BooleanArray =
            (0..n).map(|at| Some(filter.is_none_or(|f| f.is_valid(at) && f.value(at)))).collect();
        let mut states = values[..self.types.len()].to_vec();
        states.push(Arc::new(there));
        Ok(states)
    }

    fn size(&self) -> usize {
        self.bytes + self.places.capacity() * 17
    }
}
