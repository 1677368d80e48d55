//! `dcount()` of texts, whole numbers and times, without values in between.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BinaryViewBuilder, BooleanArray, Int64Array,
};
use datafusion::arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kql::sketch::hll::{Hll, hash_text, hash_whole};
use kql::value::Type;

use super::one_group::Collect;
use super::{Argument, Call};

/// What collects such a call, if it is one.
pub(super) fn of(call: &Call) -> Option<Box<dyn Collect>> {
    let conditional = match &*call.function {
        "dcount" => false,
        "dcountif" => true,
        _ => return None,
    };
    let (Argument::Column(0, ty), rest) = call.arguments.split_first()? else { return None };
    if !matches!(ty, Type::String | Type::Int | Type::Long | Type::DateTime | Type::TimeSpan) {
        return None;
    }
    let (condition, rest) = match (conditional, rest) {
        (false, rest) => (None, rest),
        (true, [Argument::Column(at, Type::Bool), rest @ ..]) => (Some(*at), rest),
        (true, _) => return None,
    };
    let accuracy = match rest {
        [] => None,
        [Argument::Constant(value, _)] => value.as_integer(),
        _ => return None,
    };
    let (groups, bytes) = (Vec::new(), 0);
    Some(Box::new(Counts { accuracy, condition, groups, bytes, hashes: Vec::new() }))
}

/// What is counted of each group; a group without values has nothing.
struct Counts {
    accuracy: Option<i64>,
    condition: Option<usize>,
    groups: Vec<Option<Box<Hll>>>,
    bytes: usize,
    hashes: Vec<Option<u64>>,
}

impl Counts {
    /// The hash of each value; none for null.
    fn hash(&mut self, values: &ArrayRef) -> Result<()> {
        self.hashes.clear();
        match values.data_type() {
            // A string that is null is "".
            DataType::Utf8View => {
                let texts = values.as_string_view().iter();
                self.hashes.extend(texts.map(|text| Some(hash_text(text.unwrap_or("")))));
            }
            DataType::Int64 => {
                let numbers = values.as_primitive::<Int64Type>().iter();
                self.hashes.extend(numbers.map(|n| n.map(hash_whole)));
            }
            DataType::Int32 => {
                let numbers = values.as_primitive::<Int32Type>().iter();
                self.hashes.extend(numbers.map(|n| n.map(|n| hash_whole(n.into()))));
            }
            other => return exec_err!("{other} is not counted here"),
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Option<Box<Hll>>> {
        let groups = emit_to.take_needed(&mut self.groups);
        let held: usize = groups.iter().flatten().map(|hll| hll.bytes()).sum();
        self.bytes = self.bytes.saturating_sub(held);
        groups
    }
}

impl Collect for Counts {
    fn grow(&mut self, n_groups: usize) {
        if self.groups.len() < n_groups {
            self.groups.resize_with(n_groups, || None);
        }
    }
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        self.hash(&values[0])?;
        let condition = self.condition.and_then(|at| values.get(at)).map(|a| a.as_boolean());
        let holds = |test: Option<&BooleanArray>, at: usize| {
            test.is_none_or(|test| test.is_valid(at) && test.value(at))
        };
        let hashes = std::mem::take(&mut self.hashes);
        for (at, (&group, hash)) in groups.iter().zip(&hashes).enumerate() {
            let Some(hash) = hash else { continue };
            if !holds(filter, at) || !holds(condition, at) {
                continue;
            }
            let accuracy = self.accuracy;
            let hll = self.groups[group].get_or_insert_with(|| Box::new(Hll::new(accuracy)));
            let before = hll.bytes();
            hll.add_hash(*hash);
            self.bytes = (self.bytes + hll.bytes()).saturating_sub(before);
        }
        self.hashes = hashes;
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.take(emit_to);
        let counts: Int64Array =
            groups.iter().map(|hll| Some(hll.as_ref().map_or(0, |hll| hll.count()))).collect();
        Ok(Arc::new(counts))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        let mut states = BinaryViewBuilder::with_capacity(groups.len());
        for hll in &groups {
            states.append_option(hll.as_ref().map(|hll| hll.to_bytes()));
        }
        Ok(vec![Arc::new(states.finish())])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        for (&group, state) in groups.iter().zip(states[0].as_binary_view().iter()) {
            let Some(other) = state.and_then(Hll::of_bytes) else { continue };
            let place = &mut self.groups[group];
            let before = place.as_ref().map_or(0, |hll| hll.bytes());
            match place {
                Some(hll) => hll.merge(&other),
                None => *place = Some(Box::new(other)),
            }
            let after = place.as_ref().map_or(0, |hll| hll.bytes());
            self.bytes = (self.bytes + after).saturating_sub(before);
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let mut each = Self {
            accuracy: self.accuracy,
            condition: self.condition,
            groups: Vec::new(),
            bytes: 0,
            hashes: Vec::new(),
        };
        let groups: Vec<usize> = (0..values[0].len()).collect();
        each.update_batch(values, &groups, filter, groups.len())?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<usize>()
    }
}
