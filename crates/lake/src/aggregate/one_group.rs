//! An accumulator of groups as one of a single group.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use datafusion::arrow::array::ArrayRef;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

/// Collects groups, and makes those that no row went into.
pub(super) trait Collect: GroupsAccumulator {
    /// There are so many groups at least.
    fn grow(&mut self, n_groups: usize);
}

/// DataFusion shares it between threads, which those of groups need not know how to be: hence
/// the lock, which nobody ever waits for.
pub(super) struct OneGroup {
    groups: Mutex<Box<dyn Collect>>,
    zeros: Vec<usize>,
}

impl fmt::Debug for OneGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneGroup").finish_non_exhaustive()
    }
}

impl OneGroup {
    /// The one group is there even if no row is.
    pub(super) fn new(groups: Box<dyn Collect>) -> Self {
        Self { groups: Mutex::new(groups), zeros: Vec::new() }
    }

    fn groups(&mut self) -> &mut Box<dyn Collect> {
        self.groups.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn zeros(&mut self, n: usize) -> Vec<usize> {
        let mut zeros = std::mem::take(&mut self.zeros);
        zeros.resize(n, 0);
        zeros
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let zeros = self.zeros(values.first().map_or(0, |array| array.len()));
        self.groups().update_batch(values, &zeros, None, 1)?;
        self.zeros = zeros;
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.groups().grow(1);
        let all = self.groups().evaluate(EmitTo::All)?;
        ScalarValue::try_from_array(&all, 0)
    }

    fn size(&self) -> usize {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.size() + self.zeros.capacity() * size_of::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.groups().grow(1);
        let state = self.groups().state(EmitTo::All)?;
        state.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let zeros = self.zeros(states.first().map_or(0, |array| array.len()));
        self.groups().merge_batch(states, &zeros, 1)?;
        self.zeros = zeros;
        Ok(())
    }
}
