//! `make_set()` and `make_list()` of texts, whole numbers and times, without values in between.
//!
//! Each value is kept once for all groups; a group holds the numbers of its values.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, ListBuilder, StringViewBuilder, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Int64Type, UInt64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kql::value::{Json, Type, Value};

use super::mix::Mix;
use super::one_group::Collect;
use super::{Argument, Call};

/// Most elements, and the default.
const SIZE_MAX: usize = 1_048_576;
/// The default of the functions that are no longer recommended.
const SIZE_LEGACY: usize = 128;

/// What collects such a call, if it is one.
pub(super) fn of(call: &Call) -> Option<Box<dyn Collect>> {
    let (set, conditional, default) = match &*call.function {
        "make_set" => (true, false, SIZE_MAX),
        "make_set_if" => (true, true, SIZE_MAX),
        "makeset" => (true, false, SIZE_LEGACY),
        "make_list" => (false, false, SIZE_MAX),
        "make_list_if" => (false, true, SIZE_MAX),
        "makelist" => (false, false, SIZE_LEGACY),
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
    let most = match rest {
        [] => default,
        [Argument::Constant(value, _)] => {
            usize::try_from(value.as_integer()?).unwrap_or(0).min(SIZE_MAX)
        }
        _ => return None,
    };
    Some(Box::new(Lists { ty: *ty, set, most, condition, ..Lists::default() }))
}

/// The elements of each group as JSON text, and how many they may be.
pub(super) fn state_types() -> Vec<DataType> {
    let element = Field::new_list_field(DataType::Utf8View, true);
    vec![DataType::List(Arc::new(element)), DataType::UInt64]
}

#[derive(Debug)]
struct Lists {
    ty: Type,
    set: bool,
    most: usize,
    condition: Option<usize>,
    /// Elements as JSON text, each once, and their numbers
    known: HashMap<Arc<str>, u32>,
    elements: Vec<Arc<str>>,
    /// Numbers of whole numbers, so that these need no text to be known
    whole: HashMap<i64, u32, Mix>,
    groups: Vec<Vec<u32>>,
    /// Which of the first elements a group has: a bit each, since many sets have few elements
    first: Vec<u64>,
    /// Which group has which of the other elements
    members: HashSet<u64, Mix>,
    bytes: usize,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            ty: Type::Long,
            set: false,
            most: SIZE_MAX,
            condition: None,
            known: HashMap::new(),
            elements: Vec::new(),
            whole: HashMap::default(),
            groups: Vec::new(),
            first: Vec::new(),
            members: HashSet::default(),
            bytes: 0,
        }
    }
}

impl Lists {
    /// The number of an element.
    fn number(&mut self, json: &str) -> u32 {
        if let Some(&number) = self.known.get(json) {
            return number;
        }
        let element: Arc<str> = json.into();
        let number = u32::try_from(self.elements.len()).unwrap_or(u32::MAX);
        self.bytes += 2 * json.len() + 64;
        self.elements.push(Arc::clone(&element));
        self.known.insert(element, number);
        number
    }

    fn number_of_text(&mut self, text: &str, scratch: &mut String) -> u32 {
        scratch.clear();
        write_json(text, scratch);
        self.number(scratch)
    }

    fn number_of_whole(&mut self, n: i64) -> u32 {
        if let Some(&number) = self.whole.get(&n) {
            return number;
        }
        let value = match self.ty {
            Type::DateTime => Value::DateTime(n),
            Type::TimeSpan => Value::TimeSpan(n),
            _ => Value::Long(n),
        };
        let number = self.number(&value.to_json().to_string());
        self.bytes += 24;
        self.whole.insert(n, number);
        number
    }

    fn push(&mut self, group: usize, number: u32) {
        if self.groups[group].len() >= self.most {
            return;
        }
        if self.set && !self.is_new(group, number) {
            return;
        }
        self.bytes += 4;
        self.groups[group].push(number);
    }

    /// Whether a set has not had an element before; from now on it has.
    fn is_new(&mut self, group: usize, number: u32) -> bool {
        if number < u64::BITS {
            let bit = 1 << number;
            let is_new = self.first[group] & bit == 0;
            self.first[group] |= bit;
            return is_new;
        }
        let is_new = self.members.insert((group as u64) << 32 | u64::from(number));
        self.bytes += if is_new { 16 } else { 0 };
        is_new
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<u32>> {
        let groups = emit_to.take_needed(&mut self.groups);
        emit_to.take_needed(&mut self.first);
        match emit_to {
            EmitTo::All => {
                self.members.clear();
                self.bytes = 0;
            }
            EmitTo::First(n) => {
                // The groups that stay have new numbers.
                let n = n as u64;
                let members = std::mem::take(&mut self.members);
                let stay = members.into_iter().filter(|member| member >> 32 >= n);
                self.members = stay.map(|member| member - (n << 32)).collect();
            }
        }
        groups
    }
}

/// A text as JSON.
fn write_json(text: &str, out: &mut String) {
    let plain = !text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\' || b == 0x7f);
    if plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Json::String(text.into()).to_string());
    }
}

impl Collect for Lists {
    fn grow(&mut self, n_groups: usize) {
        if self.groups.len() < n_groups {
            let n_new = n_groups - self.groups.len();
            self.bytes += n_new * (size_of::<Vec<u32>>() + size_of::<u64>());
            self.groups.resize_with(n_groups, Vec::new);
            self.first.resize(n_groups, 0);
        }
    }
}

impl GroupsAccumulator for Lists {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        let condition = self.condition.and_then(|at| values.get(at)).map(|a| a.as_boolean());
        let holds = |test: Option<&BooleanArray>, at: usize| {
            test.is_none_or(|test| test.is_valid(at) && test.value(at))
        };
        let wanted = |at: usize| holds(filter, at) && holds(condition, at);
        let array = &values[0];
        let mut scratch = String::new();
        match array.data_type() {
            DataType::Utf8View => {
                for (at, (&group, text)) in groups.iter().zip(array.as_string_view()).enumerate() {
                    if wanted(at) && self.groups[group].len() < self.most {
                        let number = self.number_of_text(text.unwrap_or(""), &mut scratch);
                        self.push(group, number);
                    }
                }
            }
            DataType::Int64 => {
                let numbers = array.as_primitive::<Int64Type>();
                for (at, (&group, n)) in groups.iter().zip(numbers).enumerate() {
                    if let (Some(n), true) = (n, wanted(at)) {
                        let number = self.number_of_whole(n);
                        self.push(group, number);
                    }
                }
            }
            DataType::Int32 => {
                let numbers = array.as_primitive::<Int32Type>();
                for (at, (&group, n)) in groups.iter().zip(numbers).enumerate() {
                    if let (Some(n), true) = (n, wanted(at)) {
                        let number = self.number_of_whole(n.into());
                        self.push(group, number);
                    }
                }
            }
            other => return exec_err!("{other} is not collected here"),
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.take(emit_to);
        let mut out = StringViewBuilder::with_capacity(groups.len());
        let mut json = String::new();
        for group in &groups {
            json.clear();
            json.push('[');
            for (n, element) in group.iter().enumerate() {
                if n > 0 {
                    json.push(',');
                }
                json.push_str(&self.elements[*element as usize]);
            }
            json.push(']');
            out.append_value(&json);
        }
        Ok(Arc::new(out.finish()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        let mut lists = ListBuilder::new(StringViewBuilder::new());
        for group in &groups {
            for element in group {
                lists.values().append_value(&self.elements[*element as usize]);
            }
            lists.append(true);
        }
        let sizes = UInt64Array::from(vec![self.most as u64; groups.len()]);
        Ok(vec![Arc::new(lists.finish()), Arc::new(sizes)])
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        let sizes = states[1].as_primitive::<UInt64Type>();
        if let Some(size) = sizes.iter().flatten().next() {
            self.most = usize::try_from(size).unwrap_or(SIZE_MAX).min(SIZE_MAX);
        }
        for (&group, list) in groups.iter().zip(states[0].as_list::<i32>().iter()) {
            let Some(list) = list else { continue };
            for element in list.as_string_view().iter().flatten() {
                let number = self.number(element);
                self.push(group, number);
            }
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let (ty, set, most, condition) = (self.ty, self.set, self.most, self.condition);
        let mut each = Self { ty, set, most, condition, ..Self::default() };
        let groups: Vec<usize> = (0..values[0].len()).collect();
        each.update_batch(values, &groups, filter, groups.len())?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.bytes
    }
}
