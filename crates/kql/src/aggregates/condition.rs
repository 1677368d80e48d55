//! The `…if` forms: an aggregate over the rows where a predicate is true.

use super::Accumulator;
use crate::value::Value;

/// Passes on the rows whose argument `at` is true; the inner aggregate knows to skip it.
#[derive(Debug)]
pub(super) struct If<A> {
    /// Position of the predicate
    pub(super) at: usize,
    /// What collects
    pub(super) inner: A,
}

impl<A: Accumulator> Accumulator for If<A> {
    fn update(&mut self, arguments: &[Value]) {
        if arguments.get(self.at) == Some(&Value::Bool(true)) {
            self.inner.update(arguments);
        }
    }

    fn state(&self) -> Vec<Value> {
        self.inner.state()
    }

    fn merge(&mut self, state: &[Value]) {
        self.inner.merge(state);
    }

    fn finish(&self) -> Vec<Value> {
        self.inner.finish()
    }

    fn bytes(&self) -> usize {
        self.inner.bytes()
    }
}
