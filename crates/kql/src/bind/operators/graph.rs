//! Graphs: `make-graph` and what is asked of a graph.

use super::{Binder, Env, Operator, Rel};

impl Binder<'_> {
    pub(super) fn graph(&mut self, input: Rel, operator: &Operator, env: &Env<'_>) -> Option<Rel> {
        let _ = (input, env);
        self.error("KQL260", operator.word, "graphs are not supported");
        None
    }
}
